//! A district's open vault, and what the commands of a district do with it, one call each.
//!
//! Flow: [`Office::create`] → for each school year [`Office::import`], [`Office::record`], [`Office::events`] to fold,
//! [`Office::keep`] before anything is anchored, [`Office::agreed`] once families' consents are final. Invariant: a row that is not
//! taken ends the call with nothing written. Absent: reading for people, which is `aula_vault::access`'s alone; what an operator is
//! told row by row, which is the command's; sending.

use aula_home::Home;
use aula_ingest::date::Date;
use aula_ingest::plan::{LedgerSchool, Schools};
use aula_ingest::{Format, ReadError, read};
use aula_ledger::access::{ConsentChoice, Purpose};
use aula_ledger::types::{AccountId, ChainId, DistrictId, Handle, Hash, SchoolId, SchoolYear};
use aula_twin_runtime::event::{Event, SkillId};
use aula_vault::imports::ImportNote;
use aula_vault::{Folders, Identity, LocalId, Vault, VaultError};
use aula_zk::StudentSecret;

use crate::import::events::{EventRules, Subject};
use crate::import::{ImportError, compare, write};
use crate::inputs::{self, InputsError};
use crate::keep::{KeepError, Kept, keep};
use crate::live::{LiveError, events_of};
use crate::parameters::InForce;

pub use aula_ingest::Input;

#[cfg(test)]
mod tests;

/// Why an office cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// The vault refuses.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The vault does not keep what a year gave.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// The export cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The export cannot be brought in.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The inputs of the need rule cannot be read.
    #[error(transparent)]
    Inputs(#[from] InputsError),
    /// Events cannot be folded.
    #[error(transparent)]
    Fold(#[from] LiveError),
    /// Rows that cannot be taken.
    #[error("{0} rows of district {1} cannot be taken; `aula district import --dry-run` names them")]
    Rows(usize, DistrictId),
    /// The clock is beyond what dates hold.
    #[error("this machine's clock is past the year 2100")]
    Clock,
}

/// A district's open vault. Dropping it closes the vault, so that `aula vault` can open it.
#[derive(Debug)]
pub struct Office {
    /// Its number on the ledger.
    pub district: DistrictId,
    vault: Vault,
}

impl Office {
    /// Makes the empty vault of a district on a chain, in its home.
    ///
    /// # Errors
    /// When there is one, or the disk refuses.
    pub fn create(
        district: DistrictId,
        (home, account): (&Home, AccountId),
        (chain_id, genesis): &(ChainId, Hash),
        now_ms: u64,
    ) -> Result<Self, OfficeError> {
        let folders = Folders { data: home.vault_dir(), keystore: home.keystore_dir() };
        let identity = Identity { district, chain_id: chain_id.to_string(), genesis: *genesis, account };
        let vault = Vault::create(&folders, &identity, now_ms)?;
        Ok(Self { district, vault })
    }

    /// Imports a set of OneRoster files into a school year, as `aula district import` does. Schools are the district's own on the
    /// ledger, and every row has to be taken.
    ///
    /// # Errors
    /// Files that are not valid, a row that is not taken, a vault that refuses.
    pub fn import(
        &self,
        files: Vec<Input>,
        schools: impl IntoIterator<Item = SchoolId>,
        (year, subjects): (SchoolYear, &[(&str, u16)]),
        in_force: &InForce,
        now_ms: u64,
    ) -> Result<(), OfficeError> {
        let today = Date::of_ms(now_ms).ok_or(OfficeError::Clock)?;
        let (format, reading) = read(files, Some(Format::OneRoster), None, today)?;
        let of_ledger = |school: SchoolId| LedgerSchool { number: school.0, name: String::new() };
        let own = schools.into_iter().map(of_ledger).collect();
        let schools = Schools::new(Default::default(), self.vault.local_schools()?, own);
        let plan = compare(&self.vault, year, &reading, &schools, false, |_| ())?;
        let rejected = plan.counts().rejected;
        if rejected > 0 {
            return Err(OfficeError::Rows(rejected, self.district));
        }
        let subject =
            |(word, skill): &(&str, u16)| Subject { word: (*word).to_owned(), skill: SkillId(*skill) };
        let rules = EventRules::new(Some(&in_force.params), subjects.iter().map(subject).collect());
        let note = ImportNote {
            import: 0,
            at_ms: now_ms,
            school_year: year,
            format: format.name().to_owned(),
            rows: reading.rows.len() as u64,
            students: 0,
            undone_ms: None,
        };
        write(&self.vault, &plan, &note, &rules, |_| ())?;
        Ok(())
    }

    /// Records what the need rule reads, as `aula district need --record` does. `source` numbers the system that it comes from.
    ///
    /// # Errors
    /// A table of other columns, a row that is not taken, a vault that refuses.
    pub fn record(
        &self,
        table: &str,
        (year, source): (SchoolYear, u64),
        in_force: &InForce,
        now_ms: u64,
    ) -> Result<(), OfficeError> {
        let (rows, refused) = inputs::read(table.as_bytes(), &in_force.voted.parameters.need)?;
        let all = rows.len() + refused.len();
        let mut known = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(handle) = self.handle(&row.local_id, year)? {
                known.push((handle, row));
            }
        }
        if known.len() < all {
            return Err(OfficeError::Rows(all - known.len(), self.district));
        }
        Ok(inputs::keep(&self.vault, source, now_ms, &known)?)
    }

    /// The pseudonym of a student in a school year.
    ///
    /// # Errors
    /// A damaged keystore.
    pub fn handle(&self, local_id: &str, year: SchoolYear) -> Result<Option<Handle>, OfficeError> {
        let id = LocalId::new(local_id);
        Ok(id.map(|id| self.vault.find_in(&id, year)).transpose()?.flatten())
    }

    /// A student's events, for the district's own fold.
    ///
    /// # Errors
    /// An unknown student, damaged data.
    pub fn events(&self, handle: &Handle) -> Result<Vec<Event>, OfficeError> {
        Ok(events_of(&self.vault, handle)?)
    }

    /// The student's random secret, for salts and blindings.
    ///
    /// # Errors
    /// When the vault has no such student.
    pub fn secret(&self, handle: &Handle) -> Result<StudentSecret, OfficeError> {
        Ok(StudentSecret::new(*self.vault.student_secret(handle)?.as_bytes()))
    }

    /// Seals records and events: on disk on return.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep(&self, records: &[Kept]) -> Result<(), OfficeError> {
        Ok(keep(&self.vault, records)?)
    }

    /// Keeps these families' consents to educational necessity, once they are final on the ledger.
    ///
    /// # Errors
    /// An unknown handle, a disk that refuses.
    pub fn agreed(&self, handles: &[Handle]) -> Result<(), OfficeError> {
        Ok(self.vault.keep_consent(handles, Purpose::EducationalNecessity, ConsentChoice::Given)?)
    }
}
