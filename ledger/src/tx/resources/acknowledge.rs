//! Acknowledge: a school says that the places of a pool reached it; its district or the consortium records that it
//! did not in time.
//!
//! Flow: RunRound writes one [`Acknowledgement`] a used pool when the class's terms ask for it, due a fixed block
//! time later (four hours for special-education aids) → the school sends `Received`, or after the deadline somebody
//! above it sends `Missed`. A late `Received` is taken too and escalates by itself. Nothing is ever erased.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::roles::Role;
use crate::state::schema::{self, Acknowledgement, Moment};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::types::{DistrictId, PoolId, RoundId};

/// What is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Arrival {
    /// The school has what it was given.
    Received = 1,
    /// The deadline passed without a word of the school.
    Missed = 2,
}

/// An acknowledgement of one pool's places in one round.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    /// Which round; its decision stands.
    pub round: RoundId,
    /// The pool at the school that owes it.
    pub pool: PoolId,
    /// What is recorded.
    pub arrival: Arrival,
}

impl Handler for Acknowledge {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let decision = schema::decision(context.overlay, self.round)?.ok_or(Code::NotDecided)?;
        let class = schema::class(context.overlay, decision.class)?.ok_or(Code::UnknownClass)?;
        ensure(class.standing_round == Some(self.round), Code::NotStanding)?;
        let asked = schema::acknowledgement(context.overlay, self.round, self.pool)?;
        let mut record = asked.ok_or(Code::NothingToAcknowledge)?;
        let now = Moment { height: context.facts.height, time_ms: context.facts.time_ms };
        let late = now.time_ms > record.due_ms;
        match self.arrival {
            Arrival::Received => {
                may_receive(context, &record)?;
                ensure(record.received.is_none(), Code::AlreadyAcknowledged)?;
                record.received = Some(now);
                record.escalated = record.escalated.or(late.then_some(now));
            }
            Arrival::Missed => {
                may_escalate(context, &record)?;
                ensure(record.received.is_none(), Code::AlreadyAcknowledged)?;
                ensure(record.escalated.is_none(), Code::AlreadyEscalated)?;
                ensure(late, Code::WindowOpen)?;
                record.escalated = Some(now);
            }
        }
        schema::write(context.overlay, schema::acknowledgement_key(self.round, self.pool), &record);
        let escalated = if record.escalated == Some(now) { Escalation::Now } else { Escalation::NotNow };
        Ok(vec![Event::Acknowledged { round: self.round, pool: self.pool, arrival: self.arrival, escalated }])
    }
}

/// Whether a transaction escalated an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Escalation {
    /// In time, or escalated before.
    NotNow = 0,
    /// The deadline is past, and this transaction recorded it.
    Now = 1,
}

/// The school itself; of a closed district, its successor.
fn may_receive(context: &Context<'_, '_>, record: &Acknowledgement) -> Result<(), Refusal> {
    let (home, heir) = owing(context, record)?;
    let own = home == heir && context.sender.school == Some(record.school);
    Ok(ensure(own || (home != heir && acts_for(context, heir)), Code::ForeignPool)?)
}

/// The school's district or its successor, or the consortium.
fn may_escalate(context: &Context<'_, '_>, record: &Acknowledgement) -> Result<(), Refusal> {
    let (_, heir) = owing(context, record)?;
    let may = acts_for(context, heir) || context.sender.roles.has(Role::Consortium);
    Ok(ensure(may, Code::ForeignPool)?)
}

/// The school's district, and who has its business now. Where nobody has, the acknowledgement stays as 'closed'.
fn owing(context: &Context<'_, '_>, record: &Acknowledgement) -> Result<(DistrictId, DistrictId), Refusal> {
    let school = schema::school(context.overlay, record.school)?.ok_or(Code::UnknownSchool)?;
    let heir = schema::heir(context.overlay, school.district)?.ok_or(Code::DistrictClosed)?;
    Ok((school.district, heir))
}

fn acts_for(context: &Context<'_, '_>, district: DistrictId) -> bool {
    context.sender.roles.has(Role::District) && context.sender.district == Some(district)
}
