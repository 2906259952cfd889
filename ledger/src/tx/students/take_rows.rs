//! TakeRows: an auditor says that it takes the rows of a decided round.
//!
//! A round's rows are pseudonymous, not public: band, mandate, wishes and place of every student who asked. A node gives
//! them to an auditor whom the ledger lists as having taken them ([`RowsTaken::is_open`]), so that everybody sees who has
//! them. Absent: the reading itself, which no ledger can see; that an auditor passes rows on.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::state::schema::{self, Moment, RowsTaken};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal};
use crate::types::RoundId;

/// An auditor takes a round's rows; again after a day, when it needs them again.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeRows {
    /// The decided round.
    pub round: RoundId,
}

impl Handler for TakeRows {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let (round, auditor) = (self.round, context.sender.account);
        schema::decision(context.overlay, round)?.ok_or(Code::NotDecided)?;
        let now = Moment { height: context.facts.height, time_ms: context.facts.time_ms };
        let before = schema::rows_taken(context.overlay, round, &auditor)?;
        let record = RowsTaken {
            round,
            auditor,
            first: before.as_ref().map_or(now, |before| before.first),
            newest: now,
            times: before.map_or(0, |before| before.times).saturating_add(1),
        };
        schema::write(context.overlay, schema::rows_taken_key(round, &auditor), &record);
        Ok(vec![Event::RowsTaken { round, times: record.times }])
    }
}
