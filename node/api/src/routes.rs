//! Every route of the API, with its class: which credential opens it. Where they are stands in [`crate::paths`], pages stand in the registry of `aula-web`.

use aula_ledger::credential::Scope;

use crate::paths;

/// What a route gives, and so which credentials open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteClass {
    /// What anybody may see. A credential shown there opens nothing more.
    Public,
    /// What a family's link opens; the route checks it.
    Family,
    /// What a dashboard's link, or the session that it was exchanged for, opens; the route checks it.
    Dashboard,
    /// Records of the district's vault: scope `vault-ROLE-READER`.
    Vault,
    /// Rows of a district's own: scope `district`.
    District,
    /// All rows of a round: scope `round-N`.
    Round,
    /// Rows of one student: scope `district` for its own, `round-N` for an auditor of the round that has them.
    Student,
    /// Statements about a funder's money: scope `money`.
    Money,
}

use RouteClass::{District, Family, Money, Public, Round, Student, Vault};

/// Every route of the API with its class.
pub const ROUTES: &[(&str, RouteClass)] = &[
    (paths::VAULT, Vault),
    (paths::HEATMAP, Vault),
    (paths::CONSENTS, District),
    (paths::OWN_ROWS, District),
    (paths::OWN_STUDENTS, District),
    (paths::OWN_WHY, District),
    (paths::EVIDENCE_MILESTONE, District),
    (paths::EVIDENCE_ROUND, Round),
    (paths::EVIDENCE_ALLOCATION, Student),
    (paths::EVIDENCE_STUDENT, Student),
    (paths::EVIDENCE_BUDGET, Money),
    (paths::FAMILY_READS, Family),
    (paths::ACCESS_LOGS, Public),
    (paths::ACCOUNT, Public),
    (paths::BLOCKS, Public),
    (paths::BLOCK, Public),
    (paths::BUDGETS, Public),
    (paths::CLASSES, Public),
    (paths::DISTRICTS, Public),
    (paths::DISTRICT, Public),
    (paths::EVIDENCE_ACCESS, Public),
    (paths::EVIDENCE_ESTATE, Public),
    (paths::EVIDENCE_FIGURES, Public),
    (paths::EVIDENCE_REGISTER, Public),
    (paths::EVIDENCE_ONE, Public),
    (paths::EXPORT, Public),
    (paths::GENESIS, Public),
    (paths::HOURS, Public),
    (paths::MEMBERS, Public),
    (paths::MILESTONES, Public),
    (paths::MODEL, Public),
    (paths::PARAMETERS, Public),
    (paths::PARAMETERS_BY_THEIR_EARLIER_NAME, Public),
    (paths::POOLS, Public),
    (paths::POOL, Public),
    (paths::PROPOSALS, Public),
    (paths::ROUNDS, Public),
    (paths::ROUND, Public),
    (paths::ROUND_AUDITS, Public),
    (paths::ROUND_FIGURES, Public),
    (paths::ROUND_REPORT, Public),
    (paths::SCHOOLS, Public),
    (paths::SCHOOL, Public),
    (paths::SCHOOL_HOURS, Public),
    (paths::SEARCH, Public),
    (paths::STATUS, Public),
    (paths::STREAM, Public),
    (paths::TRAIL, Public),
    (paths::TWIN_PARAMETERS, Public),
    (paths::TRANSACTIONS, Public),
    (paths::TRANSACTION, Public),
    (paths::VALIDATORS, Public),
    (paths::ACTING, Public),
    (paths::HEALTHZ, Public),
    (paths::READYZ, Public),
    (paths::METRICS, Public),
    (paths::DESCRIPTION, Public),
];

/// The class of a route; none of one that nobody put into the table.
pub fn class_of(route: &str) -> Option<RouteClass> {
    ROUTES.iter().find(|(path, _)| *path == route).map(|(_, class)| *class)
}

impl RouteClass {
    /// True when a credential of this scope may open a route of this class.
    pub const fn takes(self, scope: &Scope) -> bool {
        match self {
            Self::Public | Self::Family | Self::Dashboard => false,
            Self::Vault => matches!(scope, Scope::Vault { .. }),
            Self::District => matches!(scope, Scope::District),
            Self::Round => matches!(scope, Scope::Round(_)),
            Self::Student => matches!(scope, Scope::District | Scope::Round(_)),
            Self::Money => matches!(scope, Scope::Money),
        }
    }

    /// Which credential to show, in words.
    pub const fn wanted(self) -> &'static str {
        match self {
            Self::Public | Self::Family | Self::Dashboard => "none",
            Self::Vault => "a reader's, which the district makes with `aula vault credential`",
            Self::District => "the district's own, of scope district",
            Self::Round => "an auditor's for this round, of scope round-N",
            Self::Student => "the district's own, of scope district, or an auditor's of scope round-N",
            Self::Money => "the funder's own, of scope money",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_path_has_one_class() {
        let classed: BTreeSet<&str> = ROUTES.iter().map(|(path, _)| *path).collect();
        assert_eq!(classed, paths::ALL.iter().copied().collect::<BTreeSet<_>>());
        assert_eq!((ROUTES.len(), paths::ALL.len()), (classed.len(), classed.len()), "a path stands once");
    }
}
