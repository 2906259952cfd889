//! Every route of the API, with its class: which credential opens it. Pages stand in the registry of `aula-web`.

use aula_ledger::credential::Scope;

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
    ("/v1/vault/{handle}", Vault),
    ("/v1/classrooms/{section}/heatmap", Vault),
    ("/v1/consents/{district}/{school_year}", District),
    ("/v1/districts/{district}/rounds/{round}", District),
    ("/v1/districts/{district}/students/{school_year}", District),
    ("/v1/districts/{district}/rounds/{round}/why/{handle}", District),
    ("/v1/evidence/milestone/{district}/{handle}/{number}", District),
    ("/v1/evidence/round/{round}", Round),
    ("/v1/evidence/allocation/{round}/{handle}", Student),
    ("/v1/evidence/student/{district}/{school_year}/{handle}", Student),
    ("/v1/evidence/budget/{funder}/{school_year}", Money),
    ("/v1/family/reads", Family),
    ("/v1/access-logs", Public),
    ("/v1/accounts/{id}", Public),
    ("/v1/blocks", Public),
    ("/v1/blocks/{height}", Public),
    ("/v1/budgets", Public),
    ("/v1/classes", Public),
    ("/v1/districts", Public),
    ("/v1/districts/{id}", Public),
    ("/v1/evidence/access/{district}", Public),
    ("/v1/evidence/estate/{district}", Public),
    ("/v1/evidence/figures", Public),
    ("/v1/evidence/figures/{register}", Public),
    ("/v1/evidence/figures/{what}/{id}", Public),
    ("/v1/export/{file}", Public),
    ("/v1/genesis", Public),
    ("/v1/hours/{file}", Public),
    ("/v1/members", Public),
    ("/v1/milestones", Public),
    ("/v1/models/{digest}", Public),
    ("/v1/parameters", Public),
    ("/v1/params", Public),
    ("/v1/pools", Public),
    ("/v1/pools/{id}", Public),
    ("/v1/proposals", Public),
    ("/v1/rounds", Public),
    ("/v1/rounds/{id}", Public),
    ("/v1/rounds/{id}/audits", Public),
    ("/v1/rounds/{id}/figures", Public),
    ("/v1/rounds/{id}/report", Public),
    ("/v1/schools", Public),
    ("/v1/schools/{id}", Public),
    ("/v1/schools/{id}/hours", Public),
    ("/v1/search", Public),
    ("/v1/status", Public),
    ("/v1/stream", Public),
    ("/v1/trail", Public),
    ("/v1/twin-parameters", Public),
    ("/v1/transactions", Public),
    ("/v1/transactions/{id}", Public),
    ("/v1/validators", Public),
    ("/acting", Public),
    ("/healthz", Public),
    ("/readyz", Public),
    ("/metrics", Public),
    ("/openapi.json", Public),
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
