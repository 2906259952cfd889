//! The ledger's registers: each answer names the height it is of and how many rows it has.

use aula_ledger::state::schema::{Budget, Class, District, Member, PoolRecord, Proposal};
use aula_ledger::tx::Choice;
use aula_ledger::types::Height;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::places::SchoolLine;
use crate::records;
use crate::rounds::RoundView;

/// A register whose rows are `$row`, under the name `$field`.
macro_rules! register {
    ($(#[doc = $doc:literal] $name:ident { $field:ident: $row:ty as $schema:ty })*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
        pub struct $name {
            /// How many rows.
            pub count: usize,
            /// The final block whose state this is.
            #[schema(value_type = u64)]
            pub height: Height,
            /// All of them, in one answer; empty when the ledger has none.
            #[schema(value_type = $schema)]
            pub $field: Vec<$row>,
        }

        impl $name {
            /// All rows of a height.
            pub const fn of(height: Height, $field: Vec<$row>) -> Self {
                Self { count: $field.len(), height, $field }
            }
        }
    )*};
}

/// A whole register as `/v1/export/REGISTER.json` gives it: what its CSV has, in the same order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExportedRegister {
    /// How many rows; the header `Aula-Rows` says the same.
    pub count: u64,
    /// The final block whose state this is.
    #[schema(value_type = u64)]
    pub height: Height,
    /// By the name in its address, for example `pools` or `schools-of-round-3`.
    pub register: String,
    /// An object a row. Open: its members are the columns that the first line of the register's CSV (RFC 4180) names; what is
    /// withheld or unknown is `null`.
    #[schema(value_type = Vec<std::collections::BTreeMap<String, Value>>)]
    pub rows: Vec<Value>,
}

register! {
    /// All rounds, oldest first.
    Rounds { rounds: RoundView as Vec<RoundView> }
    /// Pools of places, by class and number.
    Pools { pools: PoolRecord as Vec<records::PoolRecord> }
    /// Classes of resources, by number: what kinds of places each has, and the terms of its rounds.
    Classes { classes: Class as Vec<records::Class> }
    /// Budgets by funder and school year.
    Budgets { budgets: BudgetView as Vec<BudgetView> }
    /// Districts of the consortium, by number, closed ones too.
    Districts { districts: District as Vec<records::District> }
    /// Schools of all districts, by number, each with what people call it now and where it is.
    Schools { schools: SchoolLine as Vec<SchoolLine> }
    /// Members: candidates, admitted ones, and those that a vote removed.
    Members { members: Member as Vec<records::Member> }
    /// Proposed changes in words, with their votes and what is needed.
    Proposals { proposals: ProposalLine as Vec<ProposalLine> }
}

/// Whether a funder has proved how the money was spent, and whether that still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Statement {
    /// The funder has stated nothing.
    NotStated,
    /// The newest statement is of the money as it is now.
    Stands,
    /// Another was made since, pools or funds changed, or a decision that it is about does not stand.
    Superseded,
}

impl Statement {
    /// Of a statement that is superseded or not; none where there is none.
    pub const fn of(superseded: Option<bool>) -> Self {
        match superseded {
            None => Self::NotStated,
            Some(true) => Self::Superseded,
            Some(false) => Self::Stands,
        }
    }

    /// The word in JSON and CSV.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotStated => "not_stated",
            Self::Stands => "stands",
            Self::Superseded => "superseded",
        }
    }

    /// In words, behind what it is a statement of.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::NotStated => "not stated",
            Self::Stands => "proved",
            Self::Superseded => {
                "superseded: pools, funds or the statement changed since, or a decision on this money does not stand"
            }
        }
    }
}

/// A budget with what its funder stated of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BudgetView {
    /// The ledger's record: funder, school year, what was funded and what is charged, in cents.
    #[serde(flatten)]
    #[schema(value_type = records::Budget)]
    pub budget: Budget,
    /// Amounts by school that sum to it.
    pub statement: Statement,
    /// A floor per weighted pupil of these amounts; from protocol 3 on taken only where they are what was charged (else code 226).
    pub floor: Statement,
}

/// A member's vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Voter {
    /// The member's name.
    pub name: String,
    /// How it voted; never changed.
    #[schema(value_type = records::Choice)]
    pub choice: Choice,
}

/// A proposal, with the votes of those who may vote now and what is still needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProposalLine {
    /// The ledger's record: the change itself, when it was proposed, and until which height it is open.
    #[serde(flatten)]
    #[schema(value_type = records::Proposal)]
    pub record: Proposal,
    /// What would change, in words.
    pub what: String,
    /// Votes for it of those who may vote now.
    #[serde(rename = "for")]
    pub approvals: u32,
    /// Votes against it of those.
    pub against: u32,
    /// Votes for it that apply it: more than two thirds of those who may vote now; none once it is decided.
    pub needed: Option<u32>,
    /// `open`, `applied`, `refused`, or `lapsed`: not decided by its last height.
    pub standing: String,
    /// The member who proposed it, by name.
    pub proposer_name: String,
    /// Everybody who voted on it, and how; votes of members who have left are not in `for` and `against`.
    pub voters: Vec<Voter>,
}
