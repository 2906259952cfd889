//! RecordMilestone: something a student reached, for good. A record never changes; a correction is another
//! record that supersedes the first, which stays. An erased student gets neither: nobody could check one any more.
//!
//! A mastered unit is not taken on trust: it comes with a range proof that the mastery committed to in the anchored
//! leaf lies above 0.85 and at most at 1, bound to chain, handle, skill and the leaf's height. The record keeps the
//! commitment, so that the proof in the block can be checked again after the leaf was replaced.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::proof::committed::{CommittedField, ProofBytes, commitment_to, mastery_statement};
use crate::state::Overlay;
use crate::state::schema::{self, Mastered, Milestone, MilestonesRecorded, MilestonesShown, StudentLeaf};
use crate::tx::handler::{Context, Handler, Refusal, Rows, ensure, require};
use crate::tx::{Event, MilestoneKind};
use crate::types::{CommitmentBytes, Handle, Hash, SchoolYear};

/// A milestone of a student of the sender's district.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordMilestone {
    /// The school year of the handle.
    pub school_year: SchoolYear,
    /// The student's pseudonym of the school year.
    pub handle: Handle,
    /// The record's number among the handle's, from 0 without gaps.
    pub number: u16,
    /// What was reached.
    pub kind: MilestoneKind,
    /// Hash of the evidence, which stays in the district's vault.
    pub evidence: Hash,
    /// The number of the record that this one corrects.
    pub supersedes: Option<u16>,
    /// That the unit's skill is mastered; there exactly for [`MilestoneKind::UnitMastered`].
    #[serde(default)]
    pub mastery: Option<MasteryProof>,
}

/// That a student's mastery of a skill lies above the threshold.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MasteryProof {
    /// The skill's number in the skill graph.
    pub skill: u16,
    /// Of the statement [`mastery_statement`] about the anchored leaf.
    pub proof: ProofBytes,
}

impl MasteryProof {
    /// Range-proved values it carries.
    pub const VALUES: usize = 2;

    /// Verifies it against the leaf; gives what the record keeps.
    fn verify(
        &self,
        context: &Context<'_, '_>,
        handle: &Handle,
        leaf: &StudentLeaf,
    ) -> Result<Mastered, Refusal> {
        let field = CommittedField::Mastery(self.skill);
        let commitment = commitment_to(&leaf.commitments, field).ok_or(Code::NotCommitted)?;
        let chain = &context.facts.genesis;
        let statement = mastery_statement(chain, leaf.anchored, handle, self.skill, commitment)
            .map_err(|_| Code::ProofRejected)?;
        statement.verify(&self.proof.0).map_err(|_| Code::ProofRejected)?;
        let commitment = CommitmentBytes(*commitment.as_bytes());
        Ok(Mastered { skill: self.skill, commitment, anchored: leaf.anchored })
    }
}

impl RecordMilestone {
    /// One more of its kind and school year. The published count moves by whole steps of `min_cell_students`, so that
    /// it points at nobody; with its first milestone it stands at 0.
    fn count(&self, context: &mut Context<'_, '_>) -> Result<(), Refusal> {
        let (school_year, kind) = (self.school_year, self.kind);
        let key = schema::milestones_recorded_key(school_year, kind);
        let before: Option<MilestonesRecorded> = schema::read(context.overlay, &key)?;
        let recorded = before.map_or(0, |count| count.recorded).saturating_add(1);
        schema::write(context.overlay, key, &MilestonesRecorded { school_year, kind, recorded });
        let step = context.facts.params.min_cell_students.max(1);
        let now = MilestonesShown { school_year, kind, at_least: recorded / step * step };
        let key = schema::milestones_shown_key(school_year, kind);
        if schema::read(context.overlay, &key)? != Some(now) {
            schema::write(context.overlay, key, &now);
        }
        Ok(())
    }
}

/// One proved mastery makes one milestone; only the record that corrects that milestone may show it again.
fn claim_proof(
    overlay: &mut Overlay<'_>,
    key: Vec<u8>,
    number: u16,
    corrected: Option<u16>,
) -> Result<(), Refusal> {
    let backs = overlay.get(&key)?;
    let corrected = corrected.map(|earlier| earlier.to_be_bytes().to_vec());
    ensure(backs.is_none() || backs == corrected, Code::MasteryUsed)?;
    overlay.put(key, number.to_be_bytes().to_vec());
    Ok(())
}

impl Handler for RecordMilestone {
    fn check(&self) -> Result<(), Code> {
        require(self.supersedes.is_none_or(|earlier| earlier < self.number))?;
        require(self.mastery.is_some() == (self.kind == MilestoneKind::UnitMastered))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let district = context.open_district()?;
        let (handle, number) = (&self.handle, self.number);
        let label = schema::students_tree(district, self.school_year);
        let leaf = context.overlay.row(&label, handle)?.ok_or(Code::UnknownHandle)?;
        let erasures = Rows::of(context.overlay, schema::erasures_tree(district, self.school_year), 1)?;
        ensure(erasures.get(context.overlay, handle)?.is_none(), Code::HandleErased)?;
        let leaf: StudentLeaf = schema::decode(&leaf)?;
        let mastered = self.mastery.as_ref().map(|proof| proof.verify(context, handle, &leaf)).transpose()?;
        let overlay = &mut *context.overlay;
        let key = schema::milestone_key(district, handle, number);
        ensure(overlay.get(&key)?.is_none(), Code::MilestoneImmutable)?;
        if let Some(before) = number.checked_sub(1) {
            let last = overlay.get(&schema::milestone_key(district, handle, before))?;
            ensure(last.is_some(), Code::MilestoneGap)?;
        }
        if let Some(earlier) = self.supersedes {
            // It exists: numbers have no gaps, and it is below this one.
            let mark = schema::superseded_key(district, handle, earlier);
            ensure(overlay.get(&mark)?.is_none(), Code::MilestoneSuperseded)?;
            overlay.put(mark, number.to_be_bytes().to_vec());
        }
        if let Some(mastered) = &mastered {
            let corrected = self.supersedes;
            claim_proof(
                overlay,
                schema::mastery_key(district, handle, &mastered.commitment),
                number,
                corrected,
            )?;
        }
        let record = Milestone {
            handle: *handle,
            number,
            district,
            school_year: self.school_year,
            kind: self.kind,
            evidence: self.evidence,
            supersedes: self.supersedes,
            mastered,
            recorded_by: context.sender.account,
            recorded: context.facts.height,
        };
        schema::write(overlay, key, &record);
        if self.supersedes.is_none() {
            self.count(context)?;
        }
        Ok(vec![Event::MilestoneRecorded { handle: *handle, number }])
    }
}
