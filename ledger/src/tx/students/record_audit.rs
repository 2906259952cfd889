//! RecordAudit: what an auditor found when it replayed a drawn student's events.
//!
//! Flow: a round is decided → [`audit_sample`] draws a student in a hundred of each district, and of its mandated ones, from
//! its seed → an auditor asks the district for those students' events, replays them, and compares the state's hash and the
//! opened commitments with the leaf that the request spoke of, whatever was anchored since; and holds the district's own
//! records against what the request says: that the student exists, is enrolled at the home school, has the mandate or none,
//! and that the events are what happened → this record, signed by the auditor's account. The [`Finding`] follows from what
//! was replayed and from each of the four claims; the ledger derives it. One result a student and round; it never changes.
//! That nothing was given can always be recorded; of a student whose erasure the ledger knows it writes down that instead,
//! by itself and apart, so that erasing is no way out. Absent: the events, which stay with district and auditor, and what
//! follows from a result.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::rounds::sample::{Asked, Sample, asked, audit_sample};
use crate::state::StoreError;
use crate::state::schema::{self, AuditResult, Erasure, RequestRow};
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::tx::{Claims, Event, Finding, Replay};
use crate::types::{DistrictId, Handle, Hash, RoundId};

/// An auditor's result on one drawn student.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordAudit {
    /// The decided round whose seed drew the student.
    pub round: RoundId,
    /// The district that requested for the student.
    pub district: DistrictId,
    /// The drawn student's pseudonym.
    pub handle: Handle,
    /// SHA-256 of the leaf that was audited; the one the student's request spoke of.
    pub state_row: Hash,
    /// What the disclosed events gave.
    pub replay: Replay,
    /// What the district's records say of each claim.
    pub claims: Claims,
    /// Hash of the auditor's report, which stays with the auditor.
    pub report: Hash,
}

impl Handler for RecordAudit {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let (round, district, handle) = (self.round, self.district, &self.handle);
        let decision = schema::decision(context.overlay, round)?.ok_or(Code::NotDecided)?;
        let sample = sample(context, round, &decision.seed)?;
        ensure(sample.contains_key(&(district, *handle)), Code::NotDrawn)?;
        let row =
            context.overlay.row(&schema::requests_tree(round), &schema::round_row_key(district, handle))?;
        let row: RequestRow = row.as_deref().map(schema::decode).transpose()?.ok_or(Code::NotDrawn)?;
        ensure(row.state_row == self.state_row, Code::OtherState)?;
        let key = schema::audit_key(round, district, handle);
        ensure(context.overlay.get(&key)?.is_none(), Code::AuditRecorded)?;
        let finding = match Finding::of(self.replay, self.claims) {
            Finding::Withheld => given_nothing(context, round, district, handle)?,
            finding => finding,
        };
        let result = AuditResult {
            round,
            handle: *handle,
            district,
            state_row: self.state_row,
            finding,
            replay: self.replay,
            claims: self.claims,
            report: self.report,
            auditor: context.sender.account,
            recorded: context.facts.height,
        };
        schema::write(context.overlay, key, &result);
        Ok(vec![Event::AuditRecorded { round, district, handle: *handle, finding }])
    }
}

/// Why nothing was given: withheld, unless the ledger knows that the student was erased. The draw follows from shares that
/// are fixed once requests are, so what counts is whether the erasure came after these.
fn given_nothing(
    context: &Context<'_, '_>,
    round: RoundId,
    district: DistrictId,
    handle: &Handle,
) -> Result<Finding, Refusal> {
    let round = schema::round(context.overlay, round)?.ok_or(Code::NotDecided)?;
    let erasures = schema::erasures_tree(district, round.school_year);
    let erased: Option<Erasure> =
        context.overlay.row(&erasures, handle)?.as_deref().map(schema::decode).transpose()?;
    Ok(match erased {
        None => Finding::Withheld,
        Some(erased) if round.requests_until.is_some_and(|last| erased.recorded > last) => {
            Finding::ErasedAfterDraw
        }
        Some(_) => Finding::ErasedBeforeDraw,
    })
}

/// The round's draw, made once a block: it reads every row.
fn sample(context: &mut Context<'_, '_>, round: RoundId, seed: &Hash) -> Result<Arc<Sample>, Refusal> {
    if let Some(known) = context.memory.audit_samples.get(&round) {
        return Ok(Arc::clone(known));
    }
    let rows = context.overlay.rows(&schema::requests_tree(round))?;
    let student = |row: &[u8]| schema::decode::<RequestRow>(row).map(|row| asked(&row));
    let students: Result<Vec<Asked>, StoreError> = rows.iter().map(|(_, row)| student(row)).collect();
    let sample = Arc::new(audit_sample(seed, students?));
    context.memory.audit_samples.insert(round, Arc::clone(&sample));
    Ok(sample)
}
