//! A folder of exported files, folded again: every version of every student against what was anchored of it.
//!
//! Flow: the manifest and every file's hash → students, versions, parameters → events, one student after another → the state of each
//! version, its salted fields and commitments → compared with the bytes that were anchored, with the ledger's row of the newest, and
//! with the root of the ledger's tree of the year. Memory: one student's events, and a row a student. Invariant: nothing is
//! taken from a vault or a network. Absent: whether the roots in the folder are the ledger's, which a bundle of a student proves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use aula_files::read_at_most;
use aula_ledger::codec::Canonical;
use aula_ledger::proof::bulk_tree::{BulkTree, row_hash};
use aula_ledger::twin::TwinVersion;
use aula_ledger::types::{Handle, Hash, SchoolYear};
use aula_twin_runtime::event::Event;
use aula_twin_runtime::merge::History;
use aula_twin_runtime::model::Model;
use aula_zk::StudentSecret;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::form::{
    ANCHORS, AnchorLine, EVENTS, EventLine, FileLine, MANIFEST, Manifest, PARAMETERS, STUDENTS, StudentLine,
    VERSION, VERSIONS, VersionLine, YEARS, YearLine,
};
use crate::parameters::InForce;
use crate::twin_record::AnchoredState;
use crate::twin_state::{self, Standing};

/// The longest line of a file, bytes: an event is 256, a version names its events.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// Why a folder cannot be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Io {
        /// The file that was opened or read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file has other bytes than the manifest says.
    #[error("{0} is not the file that the manifest names: it was changed or cut")]
    Changed(PathBuf),
    /// The manifest names no such file.
    #[error("the folder has no {0}; export it again with the node at hand")]
    Missing(&'static str),
    /// A line, or the whole file, is not of its form.
    #[error("{path}, line {line}, is not of its form: {why}")]
    Form {
        /// The file, within the folder or without.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// What the parser says of it.
        why: String,
    },
    /// It is of another version.
    #[error("the folder has version {0} of the form, not {VERSION}")]
    Version(u8),
    /// Parameters that cannot be folded with.
    #[error("version {version} of the twins' parameters cannot be folded with: {why}")]
    Parameters {
        /// The ledger's number of them, from 1.
        version: u32,
        /// What of them is missing or refused.
        why: String,
    },
}

/// A state that is not the one that was anchored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Differs {
    /// The student, by the pseudonym in the folder's files.
    pub handle: Handle,
    /// Of the student's states, from 1, over all years.
    pub version: u32,
    /// What is not the same.
    pub what: &'static str,
}

/// A school year against the ledger's tree.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct YearRebuilt {
    /// The calendar year in which it starts.
    pub school_year: SchoolYear,
    /// Students that the ledger's tree has.
    pub anchored: u64,
    /// Of how many the ledger's row was rebuilt, byte for byte.
    pub rebuilt: u64,
    /// Of how many nothing is in the folder: they were erased.
    pub absent: u64,
    /// The tree's root over the rebuilt rows; none while one is absent.
    pub root: Option<Hash>,
    /// The ledger's root of that tree, as the folder has it.
    pub ledger_root: Option<Hash>,
}

/// What was rebuilt.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// Students, each counted in each year.
    pub students: u64,
    /// Events folded.
    pub events: u64,
    /// Versions whose state is the one that was anchored.
    pub versions: u64,
    /// Those whose state is not.
    pub differ: Vec<Differs>,
    /// Years against the ledger.
    pub years: Vec<YearRebuilt>,
}

impl Rebuilt {
    /// True when nothing differs from what was anchored.
    pub fn agrees(&self) -> bool {
        let whole = |year: &YearRebuilt| {
            year.rebuilt.saturating_add(year.absent) == year.anchored
                && (year.root.is_none() || year.root == year.ledger_root)
        };
        self.differ.is_empty() && self.years.iter().all(whole)
    }
}

/// The files of a folder, each as the manifest has it.
struct Files {
    folder: PathBuf,
    named: Vec<FileLine>,
}

/// Rebuilds a folder. `model` gives a model that is not built in, by its digest.
///
/// # Errors
/// [`RebuildError`]; a state that differs is in the answer.
pub fn rebuild(
    folder: &Path,
    model: &dyn Fn(&Hash) -> Result<Model, String>,
) -> Result<(Manifest, Rebuilt), RebuildError> {
    let (manifest, files) = Files::open(folder)?;
    let parameters = parameters(&files, model)?;
    let mut rows = BTreeMap::new();
    let mut told = fold_all(&files, &parameters, &mut rows)?;
    if files.has(YEARS) {
        let mut anchors: BTreeMap<SchoolYear, Vec<AnchorLine>> = BTreeMap::new();
        files.each(ANCHORS, |line: AnchorLine| {
            anchors.entry(line.school_year).or_default().push(line);
            Ok(())
        })?;
        files.each(YEARS, |year: YearLine| {
            let own = anchors.remove(&year.school_year).unwrap_or_default();
            let (checked, differ) = against(&year, &own, &rows);
            told.years.push(checked);
            told.differ.extend(differ);
            Ok(())
        })?;
    }
    Ok((manifest, told))
}

fn parameters(
    files: &Files,
    model: &dyn Fn(&Hash) -> Result<Model, String>,
) -> Result<BTreeMap<u32, InForce>, RebuildError> {
    let path = files.path(PARAMETERS)?;
    let bytes = read(&path)?;
    let voted: Vec<TwinVersion> = serde_json::from_slice(&bytes).map_err(|error| form(&path, 1, error))?;
    let one = |voted: TwinVersion| -> Result<(u32, InForce), RebuildError> {
        let version = voted.version;
        let unusable = |why: String| RebuildError::Parameters { version, why };
        let unfitted = Model::unfitted();
        let model = match voted.parameters.model.0 == unfitted.digest() {
            true => unfitted,
            false => model(&voted.parameters.model).map_err(unusable)?,
        };
        Ok((version, InForce::of(voted, model).map_err(|error| unusable(error.to_string()))?))
    };
    voted.into_iter().map(one).collect()
}

/// Folds every student; gives each one's states as they were anchored, by version.
fn fold_all(
    files: &Files,
    parameters: &BTreeMap<u32, InForce>,
    rows: &mut BTreeMap<Handle, BTreeMap<u32, AnchoredState>>,
) -> Result<Rebuilt, RebuildError> {
    let mut told = Rebuilt::default();
    let mut secrets = BTreeMap::new();
    let path = files.path(STUDENTS)?;
    files.each(STUDENTS, |line: StudentLine| {
        let bytes = hex::decode(&line.secret).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let secret = bytes.ok_or_else(|| form(&path, 0, "a secret is not 64 hex digits"))?;
        secrets.insert(line.handle, StudentSecret::new(secret));
        Ok(())
    })?;
    told.students = secrets.len() as u64;
    let mut versions: BTreeMap<Handle, Vec<VersionLine>> = BTreeMap::new();
    files.each(VERSIONS, |line: VersionLine| {
        versions.entry(line.handle).or_default().push(line);
        Ok(())
    })?;
    let mut of_one: (Option<Handle>, BTreeMap<String, Event>) = (None, BTreeMap::new());
    let mut finish =
        |handle: Handle, events: BTreeMap<String, Event>, told: &mut Rebuilt| -> Result<(), RebuildError> {
            let (Some(own), Some(secret)) = (versions.remove(&handle), secrets.get(&handle)) else {
                return Ok(());
            };
            let states = fold_one((handle, secret), own, &events, parameters, told)?;
            rows.insert(handle, states);
            Ok(())
        };
    let path = files.path(EVENTS)?;
    files.each(EVENTS, |line: EventLine| {
        let bytes = hex::decode(&line.event).map_err(|error| form(&path, 0, error))?;
        let event = Event::decode(&bytes).map_err(|error| form(&path, 0, error))?;
        told.events = told.events.saturating_add(1);
        if of_one.0 != Some(line.handle) {
            let (last, events) = std::mem::replace(&mut of_one, (Some(line.handle), BTreeMap::new()));
            if let Some(last) = last {
                finish(last, events, &mut told)?;
            }
        }
        of_one.1.insert(line.place, event);
        Ok(())
    })?;
    if let (Some(last), events) = of_one {
        finish(last, events, &mut told)?;
    }
    // Whoever has versions and no event is folded from none.
    let rest: Vec<Handle> = versions.keys().copied().collect();
    for handle in rest {
        let (Some(own), Some(secret)) = (versions.remove(&handle), secrets.get(&handle)) else { continue };
        let states = fold_one((handle, secret), own, &BTreeMap::new(), parameters, &mut told)?;
        rows.insert(handle, states);
    }
    Ok(told)
}

fn fold_one(
    (handle, secret): (Handle, &StudentSecret),
    versions: Vec<VersionLine>,
    events: &BTreeMap<String, Event>,
    parameters: &BTreeMap<u32, InForce>,
    told: &mut Rebuilt,
) -> Result<BTreeMap<u32, AnchoredState>, RebuildError> {
    let (mut states, mut places) = (BTreeMap::new(), BTreeSet::new());
    for line in versions {
        places.extend(line.added.iter().cloned());
        let why = || format!("the folder has no version {} of them", line.parameters);
        let in_force = parameters
            .get(&line.parameters)
            .ok_or_else(|| RebuildError::Parameters { version: line.parameters, why: why() })?;
        let params = &in_force.params;
        let mut history = History::new(params);
        history.add(places.iter().filter_map(|place| events.get(place)).cloned(), params);
        let anchored = hex::decode(&line.anchored).ok();
        let anchored = anchored.and_then(|bytes| AnchoredState::from_canonical(&bytes).ok());
        let differs = |what| Differs { handle, version: line.version, what };
        let Some(anchored) = anchored else {
            told.differ.push(differs("the anchored bytes are not a valid state"));
            continue;
        };
        let standing = Standing { handle, home_school: anchored.state.home_school, version: line.version };
        let made = twin_state::leaf(&standing, history.state(), secret, params);
        match made {
            Ok((state, _)) if state.state_hash != anchored.state.state_hash => {
                told.differ.push(differs("the hash of the state"));
            }
            Ok((state, _)) if state != anchored.state => {
                told.differ.push(differs("the commitments"));
            }
            Ok((state, _)) => {
                told.versions = told.versions.saturating_add(1);
                let (parameters, model_digest) = (in_force.voted.version, in_force.voted.digest);
                states.insert(line.version, AnchoredState { state, parameters, model_digest });
            }
            Err(_) => told.differ.push(differs("a number that cannot be committed to")),
        }
    }
    Ok(states)
}

/// A year's rebuilt rows against the ledger's.
fn against(
    year: &YearLine,
    anchors: &[AnchorLine],
    rows: &BTreeMap<Handle, BTreeMap<u32, AnchoredState>>,
) -> (YearRebuilt, Vec<Differs>) {
    let (mut rebuilt, mut absent, mut differ) = (Vec::new(), 0u64, Vec::new());
    for anchor in anchors {
        let Some(states) = rows.get(&anchor.handle) else {
            absent = absent.saturating_add(1);
            continue;
        };
        let row = states.get(&anchor.version).map(|state| state.leaf(anchor.height).to_canonical());
        match row {
            Some(row) if row_hash(&row) == anchor.row => rebuilt.push((anchor.handle, row)),
            _ => differ.push(Differs {
                handle: anchor.handle,
                version: anchor.version,
                what: "the row of the ledger",
            }),
        }
    }
    let whole = rebuilt.len() as u64 == year.count;
    let tree = whole
        .then(|| BulkTree::from_rows(rebuilt.iter().map(|(handle, row)| (handle, row.as_slice()))).ok())
        .flatten();
    let root = tree.filter(|tree| !tree.is_empty()).map(|tree| tree.head().root);
    let checked = YearRebuilt {
        school_year: year.school_year,
        anchored: year.count,
        rebuilt: rebuilt.len() as u64,
        absent,
        root,
        ledger_root: year.root,
    };
    (checked, differ)
}

/// What says what the other files are: no larger than a line of them may be.
fn read(path: &Path) -> Result<Vec<u8>, RebuildError> {
    read_at_most(path, MAX_LINE_BYTES).map_err(|source| RebuildError::Io { path: path.to_owned(), source })
}

fn form(path: &Path, line: u64, why: impl ToString) -> RebuildError {
    RebuildError::Form { path: path.to_owned(), line, why: why.to_string() }
}

impl Files {
    /// Reads the manifest and compares every file with it.
    fn open(folder: &Path) -> Result<(Manifest, Self), RebuildError> {
        let path = folder.join(MANIFEST);
        let bytes = read(&path)?;
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| form(&path, 1, error))?;
        if manifest.version != VERSION {
            return Err(RebuildError::Version(manifest.version));
        }
        for file in &manifest.files {
            if file.name.contains(['/', '\\']) || file.name.starts_with('.') {
                return Err(form(&path, 1, format!("{:?} is not a name within the folder", file.name)));
            }
            let path = folder.join(&file.name);
            let (bytes, sha256) =
                hash_of(&path).map_err(|source| RebuildError::Io { path: path.clone(), source })?;
            if bytes != file.bytes || sha256 != file.sha256 {
                return Err(RebuildError::Changed(path));
            }
        }
        let files = Self { folder: folder.to_owned(), named: manifest.files.clone() };
        Ok((manifest, files))
    }

    fn has(&self, name: &str) -> bool {
        self.named.iter().any(|file| file.name == name)
    }

    fn path(&self, name: &'static str) -> Result<PathBuf, RebuildError> {
        if self.has(name) { Ok(self.folder.join(name)) } else { Err(RebuildError::Missing(name)) }
    }

    /// Every line of a file.
    fn each<T: DeserializeOwned>(
        &self,
        name: &'static str,
        mut take: impl FnMut(T) -> Result<(), RebuildError>,
    ) -> Result<(), RebuildError> {
        let path = self.path(name)?;
        let unreadable = |source| RebuildError::Io { path: path.clone(), source };
        let mut reader = BufReader::with_capacity(1 << 20, File::open(&path).map_err(unreadable)?);
        let (mut text, mut number) = (String::new(), 0u64);
        loop {
            text.clear();
            let read = (&mut reader).take(MAX_LINE_BYTES).read_line(&mut text).map_err(unreadable)?;
            if read == 0 {
                return Ok(());
            }
            number = number.saturating_add(1);
            let line = serde_json::from_str(&text).map_err(|error| form(&path, number, error))?;
            take(line).map_err(|error| match error {
                RebuildError::Form { path, why, .. } => RebuildError::Form { path, line: number, why },
                error => error,
            })?;
        }
    }
}

fn hash_of(path: &Path) -> io::Result<(u64, String)> {
    let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0u64);
    let mut part = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut part)?;
        if read == 0 {
            return Ok((bytes, hex::encode(hash.finalize())));
        }
        bytes = bytes.saturating_add(read as u64);
        hash.update(part.get(..read).unwrap_or_default());
    }
}
