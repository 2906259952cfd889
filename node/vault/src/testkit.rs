//! A small vault in a temporary folder, for tests.

use std::path::{Path, PathBuf};

use aula_ledger::access::{ConsentChoice, Purpose, Relation};
use aula_ledger::credential::{Claim, Credential, Scope};
use aula_ledger::keys::{PublicKey, account_of, public_key};
use aula_ledger::names::{FieldName, Name, Term};
use aula_ledger::types::{DistrictId, Handle, SchoolId, SchoolYear};
use ed25519_dalek::SigningKey;

use crate::access::{Given, ReadError, ReadRequest, RosterLine};
use crate::vault::{Folders, Identity, Vault, VaultError};
use crate::{LocalId, vault};

pub type Tested = Result<(), Box<dyn std::error::Error>>;

/// A day on which tests begin, in milliseconds since 1970.
pub const NOW_MS: u64 = 1_780_000_000_000;
pub const YEAR: SchoolYear = SchoolYear(2025);

pub fn district_key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

pub fn key() -> PublicKey {
    public_key(&district_key())
}

pub fn identity() -> Identity {
    let account = account_of(&key());
    Identity {
        district: DistrictId(7),
        chain_id: "test-00c0ffee".into(),
        genesis: aula_ledger::types::Hash([0xc0; 32]),
        account,
    }
}

pub fn field(text: &str) -> FieldName {
    FieldName::new(text).expect("a field")
}

pub fn term(text: &str) -> Term {
    Term::new(text).expect("a term")
}

pub fn local(number: u32) -> LocalId {
    LocalId::new(&format!("S-{number}")).expect("an identifier")
}

/// A vault with two students in two years each, every one with a name, a need and two events.
pub struct World {
    pub root: tempfile::TempDir,
    pub vault: Vault,
    /// Students 1 and 2, this year and the next.
    pub handles: [[Handle; 2]; 2],
}

/// The tests' reader teaches all of them, and counsels at their school.
pub fn roster(handles: &[Handle]) -> Vec<RosterLine> {
    let line = |handle: &Handle, relation| RosterLine {
        reader: Name::new("t-1042").expect("a name"),
        handle: *handle,
        relation,
    };
    let both =
        |handle| [line(handle, Relation::Section(term("4-b"))), line(handle, Relation::School(SchoolId(11)))];
    handles.iter().flat_map(both).collect()
}

/// What is secret about a student in a year; long enough not to be found by chance.
pub fn name_of(student: usize, year: usize) -> String {
    format!("Ada {student} of year {year}, whose name nobody else should ever read")
}

impl World {
    pub fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        let vault = Vault::create(&Folders::below(root.path()), &identity(), NOW_MS)?;
        let mut handles = [[Handle([0; 32]); 2]; 2];
        for (student, own) in (0u32..).zip(&mut handles) {
            let asked = [(local(student), YEAR), (local(student), SchoolYear(YEAR.0 + 1))];
            own.copy_from_slice(&vault.enrol(&asked)?);
        }
        for (student, own) in handles.iter().enumerate() {
            for (year, handle) in own.iter().enumerate() {
                fill(&vault, *handle, &name_of(student, year))?;
            }
        }
        let all: Vec<Handle> = handles.iter().flatten().copied().collect();
        vault.keep_consent(&all, Purpose::EducationalNecessity, ConsentChoice::Given)?;
        vault.replace_roster(&roster(&all))?;
        Ok(Self { root, vault, handles })
    }

    /// Closes the vault and opens it again.
    pub fn reopened(self) -> Result<Self, Box<dyn std::error::Error>> {
        let Self { root, vault, handles } = self;
        drop(vault);
        let vault = Vault::open(&Folders::below(root.path()))?;
        Ok(Self { root, vault, handles })
    }

    pub fn folder(&self) -> PathBuf {
        self.root.path().to_owned()
    }
}

pub fn fill(vault: &Vault, handle: Handle, name: &str) -> Result<(), VaultError> {
    vault.put_records(&[
        (handle, field("name"), name.as_bytes()),
        (handle, field("need"), b"1200"),
        (handle, field("band"), b"4"),
    ])?;
    let event = |key: &'static [u8], event| vault::EventIn { handle, key, event };
    vault.put_events(&[event(&[0, 1], b"first event"), event(&[0, 2], b"second event")])
}

pub fn credential(role: &str, expires_ms: u64) -> Credential {
    let claim = Claim {
        genesis: identity().genesis,
        account: identity().account,
        expires_ms,
        scope: Scope::vault(role, "t-1042").expect("a scope"),
    };
    Credential::sign(&claim, &district_key())
}

/// A read of personal fields for educational necessity.
pub fn request(role: &str, handle: Handle, fields: &[&str]) -> ReadRequest {
    ReadRequest {
        credential: Some(credential(role, NOW_MS + 60_000)),
        handle,
        class: term("FERPA_PII"),
        purpose: term("educational_necessity"),
        fields: fields.iter().map(|text| field(text)).collect(),
    }
}

pub fn read(vault: &Vault, request: &ReadRequest) -> Result<Given, ReadError> {
    vault.read(request, &key(), NOW_MS)
}

/// Every file under a folder with its bytes.
pub fn files(folder: &Path) -> std::io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            let bytes = std::fs::read(&path)?;
            found.push((path, bytes));
        }
    }
    Ok(found)
}
