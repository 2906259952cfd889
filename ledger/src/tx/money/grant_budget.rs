//! GrantBudget: a funder lets a class's steward charge pools of that class to its budget of the class's school year, up to a
//! sum. Nobody else charges it.
//!
//! A later grant of the same class and steward replaces the sum. What is spent stays spent, so a lower sum takes back what
//! is not, 0 all of it; a pool that is retired gives its cost back to the budget and to the grant. A grant does not put
//! money aside: the budget must have it when a pool is defined. It is of one steward: who is voted in his place needs his own.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::params::MAX_AMOUNT_CENTS;
use crate::state::schema::{self, Grant};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::{AccountId, Cents, ClassId};

/// What a steward may charge to the sender's budget.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantBudget {
    /// For pools of which class.
    pub class: ClassId,
    /// Its steward; or an earlier one, whose grant is changed.
    pub steward: AccountId,
    /// Cents in all, what is spent already included.
    pub granted_cents: Cents,
}

impl Handler for GrantBudget {
    fn check(&self) -> Result<(), Code> {
        require(self.granted_cents.0 <= MAX_AMOUNT_CENTS)
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let (funder, overlay) = (context.sender.account, &mut *context.overlay);
        let class = schema::class(overlay, self.class)?.ok_or(Code::UnknownClass)?;
        let earlier = schema::grant(overlay, &funder, self.class, &self.steward)?;
        ensure(class.steward == self.steward || earlier.is_some(), Code::OtherSteward)?;
        let budget = schema::budget(overlay, &funder, class.definition.school_year)?;
        ensure(budget.is_some(), Code::UnknownBudget)?;
        let spent_cents = earlier.map_or(Cents(0), |grant| grant.spent_cents);
        let granted_cents = self.granted_cents.max(spent_cents);
        let (class, steward) = (self.class, self.steward);
        let grant = Grant { funder, class, steward, granted_cents, spent_cents };
        schema::write(overlay, schema::grant_key(&funder, class, &steward), &grant);
        Ok(vec![Event::BudgetGranted { funder, class, steward, granted_cents, spent_cents }])
    }
}
