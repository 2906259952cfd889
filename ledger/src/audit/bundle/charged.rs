//! A stated budget that is bound to what pools were charged, and these pools.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{BudgetEvidence, MAX_RECORDS, Proved};
use crate::codec::at_most;
use crate::types::{ClassId, PoolId};

/// A stated budget with the pools that it is about.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChargedEvidence {
    /// The budget, its statement and floor.
    pub budget: BudgetEvidence,
    /// The classes that have pools of it, ascending.
    #[borsh(deserialize_with = "at_most::<MAX_RECORDS, _, _>")]
    pub classes: Vec<ChargedClass>,
}

/// A class and its pools that are charged to a budget.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChargedClass {
    /// The class's number, under which its record and its pools are looked up.
    pub class: ClassId,
    /// Its record: of which school year it is.
    pub record: Proved,
    /// Its pools that are or were charged to the budget, ascending by number.
    #[borsh(deserialize_with = "at_most::<MAX_RECORDS, _, _>")]
    pub pools: Vec<(PoolId, Proved)>,
}
