//! RecordConsent: what families said about a purpose, or that they take it back.
//!
//! A row of the district's consents of that school year, one a handle. The vault asks it before a read that needs
//! consent; the newest word counts, and every change stands in a block. The signed form stays with the district.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::access::{ConsentChoice, Purpose};
use crate::code::Code;
use crate::codec::Canonical;
use crate::state::schema::{self, Consent};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, Rows, ascends, ensure, require};
use crate::types::{Handle, Hash, SchoolYear};

/// One family's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentEntry {
    /// About which student.
    pub handle: Handle,
    /// SHA-256 of the signed form.
    pub evidence: Hash,
}

/// A batch of the same word on the same purpose, of one school year.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordConsent {
    /// The school year of the handles.
    pub school_year: SchoolYear,
    /// For which purpose; one that needs consent.
    pub purpose: Purpose,
    /// Given or withdrawn.
    pub choice: ConsentChoice,
    /// Strictly ascending by handle; at least one.
    pub entries: Vec<ConsentEntry>,
}

impl Handler for RecordConsent {
    fn check(&self) -> Result<(), Code> {
        require(!self.entries.is_empty() && self.purpose.needs_consent())?;
        require(ascends(self.entries.iter().map(|entry| &entry.handle)))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let district = context.district()?;
        context.check_batch(self.entries.len())?;
        let students =
            Rows::of(context.overlay, schema::students_tree(district, self.school_year), self.entries.len())?;
        let erasures =
            Rows::of(context.overlay, schema::erasures_tree(district, self.school_year), self.entries.len())?;
        let consents =
            Rows::of(context.overlay, schema::consents_tree(district, self.school_year), self.entries.len())?;
        for (position, entry) in self.entries.iter().enumerate() {
            let at = |code: Code| Refusal::from(code).at(position);
            let known = students.get(context.overlay, &entry.handle)?.is_some();
            ensure(known, Code::UnknownHandle).map_err(at)?;
            let erased = erasures.get(context.overlay, &entry.handle)?.is_some();
            ensure(!erased, Code::HandleErased).map_err(at)?;
            let before = consents.get(context.overlay, &entry.handle)?;
            let before: Option<Consent> = before.as_deref().map(schema::decode).transpose()?;
            let mut consent = before.unwrap_or_default();
            let said = consent.say(self.purpose, self.choice, entry.evidence, context.facts.height);
            ensure(said, Code::ConsentUnchanged).map_err(at)?;
            context.overlay.put_row(consents.label(), entry.handle, consent.to_canonical());
        }
        let entries = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let (school_year, purpose, choice) = (self.school_year, self.purpose, self.choice);
        Ok(vec![Event::ConsentRecorded { district, school_year, purpose, choice, entries }])
    }
}
