//! FundBudget: a funder adds money to its budget of a school year. Pools are charged to it when defined.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::chain::Code;
use crate::params::MAX_AMOUNT_CENTS;
use crate::tx::handler::{Handler, require};
use crate::types::{Cents, SchoolYear};

/// Money for a school year, in the sender's budget.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FundBudget {
    /// For which school year.
    pub school_year: SchoolYear,
    /// How much is added; more than 0.
    pub amount_cents: Cents,
}

impl Handler for FundBudget {
    fn check(&self) -> Result<(), Code> {
        require((1..=MAX_AMOUNT_CENTS).contains(&self.amount_cents.0))
    }
}
