//! A district's office in the demo: its folder with the account key, and its vault, which students' records never
//! leave.
//!
//! Folder `D/district-NN`: `keys/account.json` signs the district's transactions; `vault/` and `keystore/` are the
//! district's vault, the same that `aula vault` opens, since it is `aula-vault` that makes and fills it here too.
//!
//! Flow: [`MemberHome::create`] → genesis → [`Office::create`] → for each year [`Office::import`], [`Office::record`],
//! [`Office::events`] to fold, [`Office::keep`] before anything is anchored, [`Office::agreed`] once families' consents are final: what
//! `aula district import`, `aula district need --record` and `aula district run` call. Absent: reading for people, which is
//! `aula_vault::access`'s alone.

use std::path::{Path, PathBuf};

use aula_district::import::events::{EventRules, Subject};
use aula_district::import::{ImportError, compare, write};
use aula_district::inputs::{self, InputsError};
use aula_district::keep::{KeepError, Kept, keep};
use aula_district::live::{LiveError, events_of};
use aula_district::parameters::InForce;
use aula_home::Home;
use aula_home::keys::{KeyError, KeyKind, NodeKey};
use aula_home::whole_file;
use aula_ingest::date::Date;
use aula_ingest::plan::{LedgerSchool, Schools};
use aula_ingest::{Format, Input, ReadError, read};
use aula_ledger::access::{ConsentChoice, Purpose};
use aula_ledger::keys::account_of;
use aula_ledger::types::{AccountId, ChainId, DistrictId, Handle, Hash, SchoolId, SchoolYear};
use aula_twin_runtime::event::{Event, SkillId};
use aula_vault::imports::ImportNote;
use aula_vault::{Folders, Identity, LocalId, Vault, VaultError};
use aula_zk::StudentSecret;
use ed25519_dalek::SigningKey;

#[cfg(test)]
mod tests;

/// Why an office cannot be set up or cannot keep its records.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The account key cannot be made.
    #[error(transparent)]
    Key(#[from] KeyError),
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
    /// A row was not taken, which the study gives no reason for.
    #[error("{0} rows of district {1} were not taken")]
    Rows(usize, DistrictId),
    /// The clock is beyond what dates hold.
    #[error("this machine's clock is past the year 2100")]
    Clock,
    /// A thread that made vaults stopped.
    #[error("making the vaults stopped")]
    Stopped,
}

/// A member's folder with its account key: a district, the funder, an auditor.
#[derive(Debug)]
pub struct MemberHome {
    /// The folder.
    pub home: Home,
    key: NodeKey,
}

impl MemberHome {
    /// Makes the folder and the account key.
    ///
    /// # Errors
    /// When the folder cannot be written or holds a key already.
    pub fn create(folder: &Path) -> Result<Self, OfficeError> {
        let failed = |source| OfficeError::Write { path: folder.to_owned(), source };
        whole_file::private_folder(folder).map_err(failed)?;
        let home = Home::resolve(Some(folder)).map_err(|why| failed(std::io::Error::other(why)))?;
        let key = NodeKey::generate(KeyKind::Account);
        key.save(&NodeKey::path(&home, KeyKind::Account))?;
        Ok(Self { home, key })
    }

    /// The public half of the account key.
    pub fn public_key(&self) -> aula_ledger::keys::PublicKey {
        self.key.public()
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        account_of(&self.key.public())
    }

    /// The key that signs its transactions.
    pub fn signing_key(&self) -> &SigningKey {
        self.key.signing_key()
    }
}

/// A district's office: its open vault. Dropping it closes the vault, so that `aula vault` can open it.
#[derive(Debug)]
pub struct Office {
    /// Which district.
    pub district: DistrictId,
    /// Folder and account.
    pub member: MemberHome,
    vault: Vault,
}

/// `district-07`: the member's name and the folder's.
pub fn district_name(district: DistrictId) -> String {
    format!("district-{:02}", district.0)
}

impl Office {
    /// Makes the empty vault of a district on a chain.
    ///
    /// # Errors
    /// When there is one, or the disk refuses.
    pub fn create(
        district: DistrictId,
        member: MemberHome,
        (chain_id, genesis): &(ChainId, Hash),
        now_ms: u64,
    ) -> Result<Self, OfficeError> {
        let folders = Folders { data: member.home.vault_dir(), keystore: member.home.keystore_dir() };
        let identity = Identity {
            district,
            chain_id: chain_id.to_string(),
            genesis: *genesis,
            account: member.account(),
        };
        let vault = Vault::create(&folders, &identity, now_ms)?;
        Ok(Self { district, member, vault })
    }

    /// Imports a set of OneRoster files into a school year, as `aula district import` does. Schools are the district's own on the
    /// ledger, and every row has to be taken.
    ///
    /// # Errors
    /// Files that are none, a row that is not taken, a vault that refuses.
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
