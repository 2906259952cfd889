//! The ledger's registers: each answer names the height it is of and how many rows it has.

use aula_ledger::state::schema::{Budget, Class, District, Member, PoolRecord, Proposal, School};
use aula_ledger::types::Height;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rounds::RoundView;

/// A register whose rows are `$row`, under the name `$field`.
macro_rules! register {
    ($(#[doc = $doc:literal] $name:ident { $field:ident: $row:ty as $schema:ty })*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
        pub struct $name {
            /// How many.
            pub count: usize,
            /// Of which height.
            #[schema(value_type = u64)]
            pub height: Height,
            /// The rows.
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

register! {
    /// All rounds, oldest first.
    Rounds { rounds: RoundView as Vec<RoundView> }
    /// Pools of places, by class and number.
    Pools { pools: PoolRecord as Vec<Object> }
    /// Classes of resources.
    Classes { classes: Class as Vec<Object> }
    /// Budgets by funder and school year.
    Budgets { budgets: Budget as Vec<Object> }
    /// Districts.
    Districts { districts: District as Vec<Object> }
    /// Schools.
    Schools { schools: School as Vec<Object> }
    /// Members, admitted or not.
    Members { members: Member as Vec<Object> }
    /// Proposed changes with their votes.
    Proposals { proposals: Proposal as Vec<Object> }
}
