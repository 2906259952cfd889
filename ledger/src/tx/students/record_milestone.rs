//! RecordMilestone: something a student reached, for good. A record never changes; a correction is another
//! record that supersedes the first, which stays.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::chain::Code;
use crate::state::schema::{self, Milestone};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::{Handle, Hash, SchoolYear};

/// What was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum MilestoneKind {
    /// A unit or course was mastered.
    UnitMastered = 0,
    /// A grade was completed.
    GradeCompleted = 1,
    /// A credential was awarded.
    CredentialAwarded = 2,
    /// An intervention began.
    InterventionBegun = 3,
    /// An intervention ended.
    InterventionEnded = 4,
}

/// A milestone of a student of the sender's district.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordMilestone {
    /// The school year of the handle.
    pub school_year: SchoolYear,
    /// Whose.
    pub handle: Handle,
    /// The record's number among the handle's, from 0 without gaps.
    pub number: u16,
    /// What was reached.
    pub kind: MilestoneKind,
    /// Hash of the evidence, which stays in the district's vault.
    pub evidence: Hash,
    /// The number of the record that this one corrects.
    pub supersedes: Option<u16>,
}

impl Handler for RecordMilestone {
    fn check(&self) -> Result<(), Code> {
        require(self.supersedes.is_none_or(|earlier| earlier < self.number))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let district = context.district()?;
        let (handle, number) = (&self.handle, self.number);
        let label = schema::students_tree(district, self.school_year);
        ensure(context.overlay.row(&label, handle)?.is_some(), Code::UnknownHandle)?;
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
        let record = Milestone {
            handle: *handle,
            number,
            district,
            school_year: self.school_year,
            kind: self.kind,
            evidence: self.evidence,
            supersedes: self.supersedes,
            recorded_by: context.sender.account,
            recorded: context.facts.height,
        };
        schema::write(overlay, key, &record);
        Ok(vec![Event::MilestoneRecorded { handle: *handle, number }])
    }
}
