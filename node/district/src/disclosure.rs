//! A disclosure: what a district hands over of one student and one anchored version, and how it is read.
//!
//! One JSON object: `{"version":2,"params":HEX,"events":[HEX,…],"salts":{FIELD:HEX,…},"blindings":{FIELD:HEX,…},"leaf":HEX}`: the
//! canonical bytes of the twin's parameters, the canonical bytes of every event up to the anchor, in any order, and the
//! salt of each field of the state under that version, and what blinds the commitments to those of its numbers that a
//! leaf may commit to. Salts and blindings are those of one version: they open nothing else.
//! Invariants: every reader decodes it here, with one set of errors; the student's secret never leaves. Absent: any
//! judgement, which is the commands'.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use aula_home::NextStep;
use aula_ledger::proof::committed::{CommittedField, FieldCommitment, opens};
use aula_ledger::proof::need::input_field;
use aula_ledger::proof::student_state::SaltedField;
use aula_ledger::state::schema::StudentLeaf;
use aula_twin_runtime::event::Event;
use aula_twin_runtime::merge::History;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::{TwinState, leaves};
use aula_zk::{Field, StudentSecret, commitment};
use serde::{Deserialize, Serialize};

use crate::twin_state;

/// Largest file, bytes: 100,000 events of 256 bytes in hex.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Why a disclosure cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum DisclosureError {
    /// The file cannot be read, or is of another form.
    #[error("cannot use {path}")]
    Unusable {
        /// The disclosure's file.
        path: PathBuf,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file is larger than any disclosure may be.
    #[error("{path} has {bytes} bytes, more than {MAX_FILE_BYTES}")]
    TooLarge {
        /// The disclosure's file.
        path: PathBuf,
        /// What it has.
        bytes: u64,
    },
    /// The file is of another version of this form.
    #[error("{path} has version {version}, not 2")]
    Version {
        /// The disclosure's file.
        path: PathBuf,
        /// The version that it says.
        version: u8,
    },
    /// A part of it is not what it should be.
    #[error("{what}")]
    Malformed {
        /// Which part, and what it is not.
        what: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The events give a field whose salt is not disclosed.
    #[error("the file has no salt for {0}, which the events give")]
    NoSalt(String),
    /// A salt that is not valid.
    #[error("the salt for {0} is not 64 hex digits")]
    BadSalt(String),
}

impl NextStep for DisclosureError {
    fn code(&self) -> &str {
        match self {
            Self::Unusable { .. } | Self::Malformed { .. } => "failed",
            Self::TooLarge { .. } => "too_large",
            Self::Version { .. } => "version",
            Self::NoSalt(_) => "no_salt",
            Self::BadSalt(_) => "bad_hash",
        }
    }

    fn next_step(&self) -> String {
        let step = match self {
            Self::Version { .. } => "use a program of the version that wrote the file",
            _ => "ask the district for the disclosure of this student and this anchor again",
        };
        step.to_owned()
    }
}

/// A part that is not what `what` says.
fn malformed<E: Into<Box<dyn Error + Send + Sync>>>(
    what: impl Into<String>,
) -> impl FnOnce(E) -> DisclosureError {
    let what = what.into();
    move |source| DisclosureError::Malformed { what, source: source.into() }
}

/// What the district discloses to an authorised auditor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// Always 2; a file of another version is refused.
    pub version: u8,
    /// Canonical bytes of [`Params`], hex.
    pub params: String,
    /// Canonical bytes of each event, hex.
    pub events: Vec<String>,
    /// Salt of each field of the anchored state, hex.
    pub salts: BTreeMap<String, String>,
    /// What blinds the commitment to each field that a leaf may commit to, hex: for an audit, which opens them all.
    pub blindings: BTreeMap<String, String>,
    /// Canonical bytes of the anchored leaf that this is of, hex: for an audit, which compares its hash with the one that
    /// the student's request spoke of. The ledger's tree may hold a later one.
    #[serde(default)]
    pub leaf: Option<String>,
}

impl Disclosure {
    /// What a district hands to an authorised auditor: parameters, events, and the salts of the fields under one
    /// version of the student's states. The secret itself stays: it would open every version.
    ///
    /// # Errors
    /// When a field's name is not valid, which a bug alone could cause.
    pub fn of(
        secret: &StudentSecret,
        version: u32,
        params: &Params,
        events: &[Event],
    ) -> Result<Self, DisclosureError> {
        let mut history = History::new(params);
        history.add(events.iter().cloned(), params);
        let (mut salts, mut blindings) = (BTreeMap::new(), BTreeMap::new());
        for leaf in leaves(history.state(), params) {
            let name = Field::new(&leaf.field).map_err(malformed("a field has no name"))?;
            let salt = commitment::leaf_salt(secret, &name, u64::from(version));
            salts.insert(leaf.field, hex::encode(*salt));
        }
        for (field, _) in twin_state::numbers(history.state(), params) {
            let blinding = twin_state::blinding(secret, field, u64::from(version));
            blindings.insert(field.to_string(), hex::encode(blinding));
        }
        let params =
            hex::encode(borsh::to_vec(params).map_err(malformed("the parameters cannot be written"))?);
        let events = events.iter().map(|event| hex::encode(event.encode())).collect();
        Ok(Self { version: 2, params, events, salts, blindings, leaf: None })
    }

    /// The parameters and the events, in the file's order.
    ///
    /// # Errors
    /// What is not hex or not canonical bytes, or is refused by its own rules; events are counted from 0.
    pub fn decode(&self) -> Result<(Params, Vec<Event>), DisclosureError> {
        let bytes = hex::decode(&self.params).map_err(malformed("the parameters are not hex"))?;
        let params: Params =
            borsh::from_slice(&bytes).map_err(malformed("the parameters are not canonical bytes"))?;
        params.check().map_err(malformed("the parameters are refused"))?;
        let mut events = Vec::with_capacity(self.events.len());
        for (n, text) in self.events.iter().enumerate() {
            let bytes = hex::decode(text).map_err(malformed(format!("event {n} is not hex")))?;
            events.push(Event::decode(&bytes).map_err(malformed(format!("event {n} is refused")))?);
        }
        Ok((params, events))
    }

    /// Whether every commitment of a leaf opens, under the disclosed blindings, to these numbers of the state.
    pub fn opens(&self, leaf: &StudentLeaf, numbers: &[(CommittedField, u64)]) -> bool {
        let one = |one: &FieldCommitment| -> Option<bool> {
            let (_, number) = numbers.iter().find(|(field, _)| *field == one.field)?;
            let blinding = hex::decode(self.blindings.get(&one.field.to_string())?).ok()?;
            Some(opens(&one.commitment, *number, &<[u8; 32]>::try_from(blinding).ok()?))
        };
        let inputs = leaf.inputs.iter().enumerate();
        let inputs = inputs
            .map(|(at, commitment)| FieldCommitment { field: input_field(at), commitment: *commitment });
        let same_count =
            numbers.iter().filter(|(field, _)| matches!(field, CommittedField::Input(_))).count();
        same_count == leaf.inputs.len()
            && inputs.chain(leaf.commitments.iter().copied()).all(|commitment| one(&commitment) == Some(true))
    }

    /// The fields of a state with the disclosed salts: the leaves under the anchored hash.
    ///
    /// # Errors
    /// `no_salt` for a field that the file has no salt of, `bad_hash` for a salt that is not valid.
    pub fn salted(&self, state: &TwinState, params: &Params) -> Result<Vec<SaltedField>, DisclosureError> {
        let salted = |leaf: aula_twin_runtime::twin::Leaf| {
            let no_salt = || DisclosureError::NoSalt(leaf.field.clone());
            let salt = self.salts.get(&leaf.field).ok_or_else(no_salt)?;
            let salt = hex::decode(salt).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let salt = salt.ok_or_else(|| DisclosureError::BadSalt(leaf.field.clone()))?;
            Ok(SaltedField { field: leaf.field, value: leaf.value, salt })
        };
        leaves(state, params).into_iter().map(salted).collect()
    }
}

/// Reads a disclosure's file.
///
/// # Errors
/// When it cannot be read or is not valid.
pub fn read(path: &Path) -> Result<Disclosure, DisclosureError> {
    fn unusable<E: Into<Box<dyn Error + Send + Sync>>>(path: &Path) -> impl FnOnce(E) -> DisclosureError {
        move |source| DisclosureError::Unusable { path: path.to_owned(), source: source.into() }
    }
    let bytes = std::fs::metadata(path).map_err(unusable(path))?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(DisclosureError::TooLarge { path: path.to_owned(), bytes });
    }
    let bytes = std::fs::read(path).map_err(unusable(path))?;
    let disclosure: Disclosure = serde_json::from_slice(&bytes).map_err(unusable(path))?;
    if disclosure.version != 2 {
        return Err(DisclosureError::Version { path: path.to_owned(), version: disclosure.version });
    }
    Ok(disclosure)
}
