//! A district's imports: what `aula-ingest` read, against what the vault has, into the vault.
//!
//! Flow: [`compare`] → [`Plan`], which is shown → [`write()`] enrols who is new and writes everything in one synced batch → [`undo`].
//! Invariants: nothing changes while it is only compared; a crash leaves the old state, or the new one whole; the same files twice
//! write nothing. Absent: reading files, which is `aula-ingest`'s and the command's.

use std::collections::BTreeMap;

use aula_ingest::Reading;
use aula_ingest::plan::{Plan, Schools, plan};
use aula_ledger::names::FieldName;
use aula_ledger::types::SchoolYear;
use aula_vault::imports::{ImportNote, StudentWrite};
use aula_vault::roster::RosterEntry;
use aula_vault::{LocalId, Vault, VaultError};

mod kept;
#[cfg(test)]
mod tests;

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
    #[error("a name is none that a vault takes")]
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
    progress: impl FnMut(usize),
) -> Result<Plan, ImportError> {
    plan(reading, schools, &InVault::new(vault, year), confirmed, progress)
}

/// Writes a plan; gives the import's number, none when there is nothing to write.
///
/// # Errors
/// A vault that refuses: nothing has changed then but that students may have a handle more.
pub fn write(
    vault: &Vault,
    plan: &Plan,
    note: &ImportNote,
    mut progress: impl FnMut(usize),
) -> Result<Option<u64>, ImportError> {
    if plan.is_empty() {
        return Ok(None);
    }
    let id = |text: &str| LocalId::new(text).ok_or(ImportError::Name);
    let asked = plan.changes.keys().map(|(student, year)| Ok((id(student)?, SchoolYear(*year))));
    let asked = asked.collect::<Result<Vec<_>, ImportError>>()?;
    let handles = vault.enrol(&asked)?;
    let mut writes = Vec::with_capacity(handles.len());
    for (at, (((student, _), change), handle)) in plan.changes.iter().zip(handles).enumerate() {
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
        writes.push(StudentWrite { handle, roster, fields });
        if at % STEP == 0 {
            progress(at);
        }
    }
    let note = ImportNote { students: writes.len() as u64, ..note.clone() };
    let schools: BTreeMap<String, u32> = plan.new_schools.clone();
    Ok(Some(vault.import(&note, &schools, &writes)?))
}

/// Undoes an import; gives how many students it had touched.
///
/// # Errors
/// [`UndoError`], with the students' own names: nothing has changed then.
pub fn undo(vault: &Vault, import: u64, now_ms: u64) -> Result<usize, UndoError> {
    vault.undo_import(import, now_ms)
}
