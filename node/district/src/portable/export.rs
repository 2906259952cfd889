//! A vault's records, and what the caller has of the ledger, into a folder.
//!
//! Flow: each handle in order → its whole record, whose read the vault lists first → lines of every file → rows that name several
//! students → the log, which has all of that → the manifest. Invariant: one student is in memory at a time. Absent: asking a node.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use aula_ledger::codec::Canonical;
use aula_ledger::names::Name;
use aula_ledger::twin::TwinVersion;
use aula_ledger::types::{Hash, Height};
use aula_twin_runtime::event::EventError;
use aula_vault::access::{ReadError, Whole};
use aula_vault::versions::KeptVersion;
use aula_vault::{Vault, VaultError};
use serde_json::{Value, json};

use super::form::{
    ANCHORS, AnchorLine, EVENTS, FIELDS, FieldLine, Manifest, PARAMETERS, STUDENTS, StudentLine, VERSION,
    VERSIONS, VersionLine, YEARS, YearLine,
};
use super::out::{Folder, Out};
use super::said::{line, value};
use crate::twin_record::AnchoredState;
use aula_ledger::types::Handle;

/// How many rows are opened at once.
const ROWS: usize = 5_000;
/// Under which name rows are read.
const READER: &str = "aula-export";

/// Why an export is not made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The vault refuses.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A read was refused, or cannot be listed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event in the vault is not valid.
    #[error("an event in the vault is damaged")]
    Event(#[from] EventError),
    /// Something in the vault is not of its form.
    #[error("{0} in the vault is damaged")]
    Damaged(&'static str),
    /// The folder cannot be written.
    #[error("cannot write into {path}")]
    Io {
        /// The file or folder that was written to.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What the ledger has of the district, as a node told it; empty without one.
#[derive(Debug, Clone, Default)]
pub struct OfLedger {
    /// Every version of the twins' parameters.
    pub parameters: Vec<TwinVersion>,
    /// Files of models that are not built in, by their digests.
    pub models: Vec<(Hash, Vec<u8>)>,
    /// The genesis file.
    pub genesis: Option<Vec<u8>>,
    /// The students' newest states; nothing where the node was not asked.
    pub anchored: Option<(Vec<YearLine>, Vec<AnchorLine>)>,
    /// The district's requests and decisions, one a line.
    pub decisions: Vec<Value>,
    /// The district's schools, one a line.
    pub schools: Vec<Value>,
}

/// The lines that are a student's.
struct Outs {
    students: Out,
    fields: Out,
    events: Out,
    versions: Out,
    consents: Out,
    readers: Out,
    corrections: Out,
}

/// Writes everything into an empty folder.
///
/// # Errors
/// [`ExportError`]; what was written stays without a manifest, which no reader takes.
pub fn export(vault: &Vault, folder: &Path, ledger: &OfLedger, now_ms: u64) -> Result<Manifest, ExportError> {
    let unwritable = |source| ExportError::Io { path: folder.to_owned(), source };
    let mut out = Folder::new(folder);
    let mut outs = Outs::open(&out).map_err(unwritable)?;
    let anchored = ledger.anchored.iter().flat_map(|(_, anchors)| anchors);
    let heights: BTreeMap<(Handle, u32), Height> =
        anchored.map(|line| ((line.handle, line.version), line.height)).collect();
    let mut numbers = BTreeMap::new();
    let handles = vault.keystore().all_handles();
    for (handle, school_year) in handles {
        if vault.is_erased(&handle)? {
            continue;
        }
        let Some((_, student)) = vault.keystore().student(&handle) else { continue };
        let next = numbers.len() as u64 + 1;
        let number = *numbers.entry(student).or_insert(next);
        let whole = vault.take_out(&handle, now_ms)?;
        let secret = hex::encode(vault.student_secret(&handle)?.as_bytes());
        let place = whole.roster.as_ref();
        let student = StudentLine {
            handle,
            school_year,
            student: number,
            secret,
            local_id: place.map(|place| place.local_id.clone()),
            school: place.and_then(|place| place.school),
            local_school: place.map(|place| place.local_school.clone()),
            enrolled: place.map(|place| place.enrolled),
            modified_ms: place.map(|place| place.modified_ms),
        };
        outs.students.line(&student).map_err(unwritable)?;
        outs.record(handle, &whole).map_err(|error| error.into_export(folder))?;
        for kept in vault.versions(&handle)? {
            let height = kept.height.or_else(|| heights.get(&(handle, kept.version)).copied());
            outs.versions.line(&version(handle, &kept, height)?).map_err(unwritable)?;
        }
    }
    outs.close(&mut out).map_err(unwritable)?;
    rows(vault, &mut out, now_ms).map_err(|error| error.into_export(folder))?;
    beside(vault, &mut out, ledger).map_err(|error| error.into_export(folder))?;
    let identity = vault.identity()?;
    let manifest = Manifest {
        version: VERSION,
        district: identity.district,
        chain_id: identity.chain_id.clone(),
        genesis: identity.genesis,
        account: identity.account,
        made_ms: now_ms,
        files: Vec::new(),
    };
    out.finish(manifest).map_err(unwritable)
}

fn version(handle: Handle, kept: &KeptVersion, height: Option<Height>) -> Result<VersionLine, ExportError> {
    let anchored = AnchoredState::from_canonical(&kept.anchored);
    let anchored = anchored.map_err(|_| ExportError::Damaged("the note of a version"))?;
    Ok(VersionLine {
        handle,
        version: kept.version,
        height,
        parameters: anchored.parameters,
        model_digest: anchored.model_digest,
        state_hash: anchored.state.state_hash,
        added: kept.added().iter().map(hex::encode).collect(),
        anchored: hex::encode(&kept.anchored),
    })
}

/// A failure on the way, before it is known in which folder.
enum Halted {
    Io(io::Error),
    Other(ExportError),
}

impl From<io::Error> for Halted {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ExportError> for Halted {
    fn from(error: ExportError) -> Self {
        Self::Other(error)
    }
}

impl From<VaultError> for Halted {
    fn from(error: VaultError) -> Self {
        Self::Other(error.into())
    }
}

impl From<EventError> for Halted {
    fn from(error: EventError) -> Self {
        Self::Other(error.into())
    }
}

impl Halted {
    fn into_export(self, folder: &Path) -> ExportError {
        match self {
            Self::Io(source) => ExportError::Io { path: folder.to_owned(), source },
            Self::Other(error) => error,
        }
    }
}

impl Outs {
    fn open(folder: &Folder) -> io::Result<Self> {
        Ok(Self {
            students: folder.file(STUDENTS)?,
            fields: folder.file(FIELDS)?,
            events: folder.file(EVENTS)?,
            versions: folder.file(VERSIONS)?,
            consents: folder.file("consents.jsonl")?,
            readers: folder.file("readers.jsonl")?,
            corrections: folder.file("corrections.jsonl")?,
        })
    }

    fn record(&mut self, handle: Handle, whole: &Whole) -> Result<(), Halted> {
        for (field, bytes) in &whole.fields {
            self.fields.line(&FieldLine { handle, field: field.clone(), value: value(bytes) })?;
        }
        for kept in &whole.events {
            self.events.line(&line(handle, kept)?)?;
        }
        for (purpose, choice) in &whole.consents {
            self.consents.line(&json!({ "handle": handle, "purpose": purpose, "choice": choice }))?;
        }
        for (reader, relations) in &whole.relations {
            self.readers.line(&json!({ "handle": handle, "reader": reader, "relations": relations }))?;
        }
        for one in &whole.corrections {
            self.corrections.line(&json!({ "handle": handle, "correction": one }))?;
        }
        Ok(())
    }

    fn close(self, folder: &mut Folder) -> io::Result<()> {
        let Self { students, fields, events, versions, consents, readers, corrections } = self;
        for out in [students, fields, events, versions, consents, readers, corrections] {
            folder.close(out)?;
        }
        Ok(())
    }
}

/// What names several students or nobody: a record store's statements and documents.
fn rows(vault: &Vault, folder: &mut Folder, now_ms: u64) -> Result<(), Halted> {
    let mut out = folder.file("rows.jsonl")?;
    let reader = Name::new(READER).map_err(|_| ExportError::Damaged("a name"))?;
    let (mut from, last) = (Vec::new(), [u8::MAX; 64]);
    loop {
        let keys = vault.row_keys(None, (&from, &last), false, ROWS)?;
        let Some(newest) = keys.last() else { break };
        // The next key after this one is the same with a zero behind it.
        from = [newest.as_slice(), &[0]].concat();
        let is_last = keys.len() < ROWS;
        for row in vault.open_rows(Some(&reader), &keys, now_ms)? {
            let own: Vec<Value> = row.own.iter().map(|part| value(part)).collect();
            let whole = row.whole.as_ref().map(|part| value(part));
            let common = value(&row.common);
            out.line(&json!({ "key": hex::encode(&row.key), "common": common, "own": own, "whole": whole }))?;
        }
        if is_last {
            break;
        }
    }
    Ok(folder.close(out)?)
}

/// The log, imports and schools of the vault, and what the ledger has.
fn beside(vault: &Vault, folder: &mut Folder, ledger: &OfLedger) -> Result<(), Halted> {
    let mut out = folder.file("access-log.jsonl")?;
    for entry in vault.entries()? {
        out.line(&json!({ "entry": entry, "bytes": hex::encode(entry.to_canonical()) }))?;
    }
    folder.close(out)?;
    let mut out = folder.file("imports.jsonl")?;
    for note in vault.imports()? {
        out.line(&note)?;
    }
    folder.close(out)?;
    let mut out = folder.file("schools.jsonl")?;
    for (local_school, school) in vault.local_schools()? {
        out.line(&json!({ "local_school": local_school, "school": school }))?;
    }
    for school in &ledger.schools {
        out.line(school)?;
    }
    folder.close(out)?;
    if ledger.parameters.is_empty() {
        return Ok(());
    }
    let text = serde_json::to_vec_pretty(&ledger.parameters).map_err(io::Error::from)?;
    folder.whole(PARAMETERS, &text)?;
    for (digest, bytes) in &ledger.models {
        folder.whole(&format!("model-{digest}"), bytes)?;
    }
    if let Some(genesis) = &ledger.genesis {
        folder.whole("genesis.json", genesis)?;
    }
    let mut out = folder.file("decisions.jsonl")?;
    for decision in &ledger.decisions {
        out.line(decision)?;
    }
    folder.close(out)?;
    let Some((years, anchors)) = &ledger.anchored else { return Ok(()) };
    let mut out = folder.file(ANCHORS)?;
    for anchor in anchors {
        out.line(anchor)?;
    }
    folder.close(out)?;
    let mut out = folder.file(YEARS)?;
    for year in years {
        out.line(year)?;
    }
    Ok(folder.close(out)?)
}
