//! FundBudget: a funder adds money to its budget of a school year. Pools are charged to it when defined.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::params::MAX_AMOUNT_CENTS;
use crate::state::schema::{self, Budget};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, require};
use crate::types::{Cents, SchoolYear};

/// Money for a school year, in the sender's budget.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundBudget {
    /// The year whose classes' pools may be charged to it.
    pub school_year: SchoolYear,
    /// How much is added; more than 0.
    pub amount_cents: Cents,
}

impl Handler for FundBudget {
    fn check(&self) -> Result<(), Code> {
        require((1..=MAX_AMOUNT_CENTS).contains(&self.amount_cents.0))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let funder = context.sender.account;
        let year = self.school_year;
        let budget = schema::budget(context.overlay, &funder, year)?;
        let mut budget = budget.unwrap_or(Budget {
            funder,
            school_year: year,
            funded_cents: Cents(0),
            charged_cents: Cents(0),
        });
        let funded = budget.funded_cents.0.checked_add(self.amount_cents.0);
        let funded = funded.filter(|sum| *sum <= MAX_AMOUNT_CENTS).ok_or(Code::BudgetOverflow)?;
        budget.funded_cents = Cents(funded);
        schema::write(context.overlay, schema::budget_key(&funder, year), &budget);
        Ok(vec![Event::BudgetFunded { funder, school_year: year, funded_cents: budget.funded_cents }])
    }
}
