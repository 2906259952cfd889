//! A district's imports: what `aula-ingest` read, against what the vault has, into the vault.
//!
//! Flow: [`compare`] → [`Plan`], which is shown → [`write()`] enrols who is new and writes everything in one synced batch → [`undo`].
//! Invariants: nothing changes while it is only compared; a crash leaves the old state, or the new one whole; the same files twice
//! write nothing. Absent: reading files, which is `aula-ingest`'s and the command's.

use std::collections::BTreeMap;

use aula_ingest::Reading;
use aula_ingest::plan::{Change, Plan, Schools, Tie, plan};
use aula_ledger::access::Relation;
use aula_ledger::names::{FieldName, Name, Term};
use aula_ledger::types::{SchoolId, SchoolYear};
use aula_vault::imports::{ImportNote, ImportedEvent, StudentWrite};
use aula_vault::roster::RosterEntry;
use aula_vault::{LocalId, Vault, VaultError};

pub mod events;
mod kept;
#[cfg(test)]
mod tests;

use crate::event_place::place;
use crate::origin;
use events::{EventRules, Grades, Told};

pub use aula_vault::imports::UndoError;
pub use kept::InVault;

/// Students that are made ready for the one batch between two words about how far it is.
const STEP: usize = 1_000;

/// Why an import cannot be compared or written.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The vault refuses.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A name that no vault takes; readers make none.
    #[error("a name is not one that a vault takes")]
    Name,
}

/// Compares a reading with what the vault has in a school year.
///
/// # Errors
/// A vault that cannot be read.
pub fn compare(
    vault: &Vault,
    year: SchoolYear,
    reading: &Reading,
    schools: &Schools,
    confirmed: bool,
    mut progress: impl FnMut(usize),
) -> Result<Plan, ImportError> {
    compared(vault, year, reading, schools, confirmed, &mut progress)
}

/// The same, compiled with this crate: with whoever is told it would be as quick as that one is optimized (decision 0123).
fn compared(
    vault: &Vault,
    year: SchoolYear,
    reading: &Reading,
    schools: &Schools,
    confirmed: bool,
    progress: &mut dyn FnMut(usize),
) -> Result<Plan, ImportError> {
    plan(reading, schools, &InVault::new(vault, year), confirmed, progress)
}

/// What became of a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// The import's number; none when there was nothing to write.
    pub import: Option<u64>,
    /// Events of twins that were written with it.
    pub events: usize,
}

/// Writes a plan, and the events that its results and marks are by these rules.
///
/// # Errors
/// A vault that refuses: nothing has changed then but that students may have a handle more.
pub fn write(
    vault: &Vault,
    plan: &Plan,
    note: &ImportNote,
    rules: &EventRules,
    mut progress: impl FnMut(usize),
) -> Result<Written, ImportError> {
    if plan.is_empty() {
        return Ok(Written::default());
    }
    let id = |text: &str| LocalId::new(text).ok_or(ImportError::Name);
    let asked = plan.changes.keys().map(|(student, year)| Ok((id(student)?, SchoolYear(*year))));
    let asked = asked.collect::<Result<Vec<_>, ImportError>>()?;
    let handles = vault.enrol(&asked)?;
    let (mut writes, mut count) = (Vec::with_capacity(handles.len()), 0);
    let grades = Grades::new(vault, plan);
    for (at, (((student, year), change), handle)) in plan.changes.iter().zip(handles).enumerate() {
        let roster = change.roster.as_ref().map(|kept| RosterEntry {
            local_id: student.clone(),
            school: kept.school,
            local_school: kept.local_school.clone(),
            enrolled: kept.enrolled,
            modified_ms: kept.modified_ms,
        });
        let fields = change.fields.iter().map(|(name, json)| {
            let name = FieldName::new(name).map_err(|_| ImportError::Name)?;
            Ok((name, json.as_ref().map(|json| json.as_bytes().to_vec())))
        });
        let fields = fields.collect::<Result<Vec<_>, ImportError>>()?;
        let ties = change.ties.iter().map(|(reader, ties)| {
            let name = Name::new(reader).map_err(|_| ImportError::Name)?;
            Ok((name, ties.iter().map(relation).collect::<Result<_, _>>()?))
        });
        let ties = ties.collect::<Result<Vec<_>, ImportError>>()?;
        let told = Told { year: *year, grade: grades.of(student, *year, &handle)?, at_ms: note.at_ms };
        let known = if rules.concern(change) { vault.event_keys(&handle)? } else { Vec::new() };
        let events = rules.events(change, &told, &known);
        let events: Vec<_> = events
            .iter()
            .map(|(field, event)| ImportedEvent {
                key: place(&event.key).to_vec(),
                event: event.encode(),
                origin: origin_of(plan, change, field, note),
            })
            .collect();
        count += events.len();
        writes.push(StudentWrite { handle, roster, fields, ties, events });
        if at % STEP == 0 {
            progress(at);
        }
    }
    let note = ImportNote { students: writes.len() as u64, ..note.clone() };
    let schools: BTreeMap<String, u32> = plan.new_schools.clone();
    Ok(Written { import: Some(vault.import(&note, &schools, &writes)?), events: count })
}

/// Where a field's row stands: its file and line.
fn origin_of(plan: &Plan, change: &Change, field: &str, note: &ImportNote) -> Vec<u8> {
    let at = change.from.get(field);
    let file: String = at
        .and_then(|at| plan.files.get(at.file))
        .into_iter()
        .flat_map(|name| name.chars())
        .take(512)
        .collect();
    let line = at.map_or(0, |at| u32::try_from(at.line).unwrap_or(u32::MAX));
    origin::encode(field, note.at_ms, &note.format, &file, line)
}

fn relation(tie: &Tie) -> Result<Relation, ImportError> {
    Ok(match tie {
        Tie::Section(section) => Relation::Section(Term::new(section).map_err(|_| ImportError::Name)?),
        Tie::School(school) => Relation::School(SchoolId(*school)),
    })
}

/// Undoes an import; gives how many students it had touched.
///
/// # Errors
/// [`UndoError`], with the students' own names: nothing has changed then.
pub fn undo(vault: &Vault, import: u64, now_ms: u64) -> Result<usize, UndoError> {
    vault.undo_import(import, now_ms)
}
