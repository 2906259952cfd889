//! RevertDecision: a decision no longer stands. Its rows, prices, certificate and report stay for good; its places
//! are free, and the decision that it had replaced, if any, stands again.
//!
//! Only the standing decision can be reverted, so the chain of replaced decisions never holds a reverted one.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::chain::Code;
use crate::state::schema::{self, Moment, Reversion};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::types::{Hash, RoundId};

/// Takes a decision back.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevertDecision {
    /// Which round's; it stands.
    pub round: RoundId,
    /// SHA-256 of the document that says why; the document stays with its author.
    pub reason: Hash,
}

impl Handler for RevertDecision {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let decision = schema::decision(context.overlay, self.round)?.ok_or(Code::NotDecided)?;
        let mut class = schema::class(context.overlay, decision.class)?.ok_or(Code::UnknownClass)?;
        ensure(class.standing_round == Some(self.round), Code::NotStanding)?;
        // Requests of an open round were made knowing which decision stands.
        ensure(class.open_round.is_none(), Code::RoundOpen)?;
        let freed = decision.report.placed;
        let standing = decision.replaces;
        class.standing_round = standing;
        // Freed places may be given again without waiting for the next period.
        class.opened_ms = None;
        let record = Reversion {
            round: self.round,
            by: context.sender.account,
            at: Moment { height: context.facts.height, time_ms: context.facts.time_ms },
            reason: self.reason,
            freed,
            standing,
        };
        let overlay = &mut *context.overlay;
        schema::write(overlay, schema::class_key(decision.class), &class);
        schema::write(overlay, schema::reversion_key(self.round), &record);
        Ok(vec![Event::DecisionReverted { round: self.round, freed, standing }])
    }
}
