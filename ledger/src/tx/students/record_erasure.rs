//! RecordErasure: the district destroyed what could open these students' records. Their leaves, milestones and
//! decisions stay, so that everything ever proved still verifies; the handles take no new state, consent, milestone or
//! request.
//!
//! One transaction a school year, so that the ledger does not say which handles of different years were one student.
//! That the keys are gone is the district's word, like an anchored need: a ledger cannot see a disk.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::codec::Canonical;
use crate::state::schema::{self, Erasure};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, Rows, ascends, ensure, require};
use crate::types::{Handle, Hash, SchoolYear};

/// A batch of erased handles of one school year.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordErasure {
    /// The school year of the handles.
    pub school_year: SchoolYear,
    /// Strictly ascending; at least one.
    pub handles: Vec<Handle>,
    /// Name of the keystore that was destroyed: the labelled hash of its public description.
    pub destroyed_keystore: Hash,
}

impl Handler for RecordErasure {
    fn check(&self) -> Result<(), Code> {
        require(!self.handles.is_empty() && ascends(self.handles.iter()))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let district = context.district()?;
        context.check_batch(self.handles.len())?;
        let students =
            Rows::of(context.overlay, schema::students_tree(district, self.school_year), self.handles.len())?;
        let erasures =
            Rows::of(context.overlay, schema::erasures_tree(district, self.school_year), self.handles.len())?;
        let row = Erasure { destroyed_keystore: self.destroyed_keystore, recorded: context.facts.height };
        for (position, handle) in self.handles.iter().enumerate() {
            let at = |code: Code| Refusal::from(code).at(position);
            let known = students.get(context.overlay, handle)?.is_some();
            ensure(known, Code::UnknownHandle).map_err(at)?;
            let erased = erasures.get(context.overlay, handle)?.is_some();
            ensure(!erased, Code::HandleErased).map_err(at)?;
            context.overlay.put_row(erasures.label(), *handle, row.to_canonical());
        }
        let handles = u32::try_from(self.handles.len()).unwrap_or(u32::MAX);
        Ok(vec![Event::ErasureRecorded { district, school_year: self.school_year, handles }])
    }
}
