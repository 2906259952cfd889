//! RecordAudit: what an auditor found when it replayed a drawn student's events.
//!
//! Flow: a round is decided → [`audit_sample`] draws one handle in a hundred from its seed → an auditor asks the
//! district for those students' events, replays them, and compares the state's hash and the opened commitments with
//! the leaf that the request spoke of → this record, signed by the auditor's account. One result a student and round;
//! it never changes. Absent: the events, which stay with district and auditor, and what follows from a result.

use std::collections::BTreeSet;
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::chain::Code;
use crate::proof::sample::audit_sample;
use crate::state::schema::{self, AuditResult, RequestRow};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::types::{Handle, Hash, RoundId};

/// What the auditor found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Finding {
    /// The replayed events give the anchored state, and the events are borne out by the district's records.
    Confirmed = 0,
    /// The replayed events give another state, or a record contradicts them.
    Contradicted = 1,
    /// The district did not give what was asked for.
    Withheld = 2,
}

/// An auditor's result on one drawn student.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordAudit {
    /// The decided round whose seed drew the student.
    pub round: RoundId,
    /// Whom.
    pub handle: Handle,
    /// SHA-256 of the leaf that was audited; the one the student's request spoke of.
    pub state_row: Hash,
    /// What was found.
    pub finding: Finding,
    /// Hash of the auditor's report, which stays with the auditor.
    pub report: Hash,
}

impl Handler for RecordAudit {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let (round, handle) = (self.round, &self.handle);
        let decision = schema::decision(context.overlay, round)?.ok_or(Code::NotDecided)?;
        let sample = sample(context, round, &decision.seed)?;
        ensure(sample.contains(handle), Code::NotDrawn)?;
        let row = context.overlay.row(&schema::requests_tree(round), handle)?;
        let row: RequestRow = row.as_deref().map(schema::decode).transpose()?.ok_or(Code::NotDrawn)?;
        ensure(row.state_row == self.state_row, Code::OtherState)?;
        let key = schema::audit_key(round, handle);
        ensure(context.overlay.get(&key)?.is_none(), Code::AuditRecorded)?;
        let result = AuditResult {
            round,
            handle: *handle,
            district: row.district,
            state_row: self.state_row,
            finding: self.finding,
            report: self.report,
            auditor: context.sender.account,
            recorded: context.facts.height,
        };
        schema::write(context.overlay, key, &result);
        Ok(vec![Event::AuditRecorded { round, handle: *handle, finding: self.finding }])
    }
}

/// The round's draw, made once a block: it reads every handle.
fn sample(
    context: &mut Context<'_, '_>,
    round: RoundId,
    seed: &Hash,
) -> Result<Arc<BTreeSet<Handle>>, Refusal> {
    if let Some(known) = context.memory.audit_samples.get(&round) {
        return Ok(Arc::clone(known));
    }
    let tree = context.overlay.tree(&schema::requests_tree(round))?;
    let sample = Arc::new(audit_sample(seed, &tree.handles()));
    context.memory.audit_samples.insert(round, Arc::clone(&sample));
    Ok(sample)
}
