//! ReportMisbehaviour: evidence that a validator signed two things where one is allowed, recorded once a height.
//!
//! A node that saw both sends it by itself; any member may. Nothing follows of it by rule: what becomes of the validator, the members
//! vote on, and its record stands beside their proposal.
//!
//! Refused are evidence of another chain, of a height too far back (a key that was in use long ago may have been stolen
//! since) or not reached, what the key did not sign, a key that was no validator's at that height, and what is recorded.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::chain::misbehaviour::Equivocation;
use crate::code::Code;
use crate::state::schema::{self, MAX_OFFENCES, Misbehaviour, Moment, Offence};
use crate::state::{Overlay, StoreError};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::{Height, ValidatorAddress};

/// How many heights back evidence may lie: more than a day, at a block a second.
pub const WITHIN_HEIGHTS: u64 = 100_000;

/// Evidence against a validator.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportMisbehaviour {
    /// Both statements.
    pub evidence: Equivocation,
}

impl Handler for ReportMisbehaviour {
    fn check(&self) -> Result<(), Code> {
        require(self.evidence.contradicts())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let (facts, evidence) = (context.facts, &self.evidence);
        ensure(evidence.genesis == facts.genesis, Code::ForeignEvidence)?;
        check_timely(evidence.height, facts.height)?;
        let validator = evidence.validator();
        let known = schema::misbehaviour(context.overlay, &validator)?;
        let mut record = known.unwrap_or(Misbehaviour { validator, offences: Vec::new() });
        ensure(!record.has(evidence.height), Code::EvidenceRecorded)?;
        ensure(record.offences.len() < MAX_OFFENCES, Code::EvidenceEnough)?;
        ensure(evidence.is_signed(), Code::EvidenceForged)?;
        ensure(voted(context.overlay, &validator, evidence.height)?, Code::UnknownValidator)?;
        let at = Moment { height: facts.height, time_ms: facts.time_ms };
        let place = record.offences.partition_point(|one| one.evidence.height < evidence.height);
        record.offences.insert(place, Offence { evidence: evidence.clone(), by: context.sender.account, at });
        schema::write(context.overlay, schema::misbehaviour_key(&validator), &record);
        Ok(vec![Event::MisbehaviourRecorded { validator, height: evidence.height, round: evidence.round }])
    }
}

/// Refuses evidence of a height that is not below a block's, or too far below it.
///
/// # Errors
/// [`Code::EvidenceStale`].
pub(in crate::tx) fn check_timely(of: Height, now: Height) -> Result<(), Code> {
    let ago = now.0.checked_sub(of.0);
    ensure(ago.is_some_and(|ago| (1..=WITHIN_HEIGHTS).contains(&ago)), Code::EvidenceStale)
}

/// Whether a validator decided a height, or is one now. Where the first change of the set was made by protocol 1 or 2, no record
/// holds the genesis file's: one of those counts as long as it is in the set.
fn voted(overlay: &Overlay<'_>, validator: &ValidatorAddress, height: Height) -> Result<bool, StoreError> {
    let schedule = schema::validator_schedule(overlay)?;
    if [&schedule.now, &schedule.next].into_iter().any(|set| set.get(validator).is_some()) {
        return Ok(true);
    }
    let decided = schema::set_announced_below(overlay, height)?;
    Ok(decided.is_some_and(|set| set.get(validator).is_some()))
}
