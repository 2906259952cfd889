//! An export judged: built again from the chain, and compared byte for byte as it is built, so that no file is held.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use aula_ledger::types::Height;
use serde::Serialize;

use super::folder::{FileLine, Filling, Out, Passing};
use super::past::Chain;
use super::state::{self, MANIFEST, Manifest};
use aula_home::{Advise, Failure};

/// Most bytes of a manifest.
const MAX_MANIFEST: u64 = 4 << 20;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Whether all is the same.
    pub verified: bool,
    /// After which block the export is.
    pub height: u64,
    /// The chain's own state root after it.
    pub state_root: String,
    /// How many files were compared.
    pub files: usize,
    /// Rows of students that were erased since: an aggregate export has none.
    pub rows_erased_since: u64,
    /// What differs, in words; empty when all is the same.
    pub differs: Vec<String>,
}

/// Judges an export by its manifest, one of its files, or its folder. A single file is judged alone.
///
/// # Errors
/// When a file cannot be read, the manifest is not valid, or the chain has no such height.
pub fn judge(chain: &Chain, file: &Path) -> Result<Judged, Failure> {
    let (folder, one) = place(file);
    let manifest = read_manifest(&folder.join(MANIFEST))?;
    let mut compared = Comparing {
        folder: &folder,
        one: one.as_deref(),
        said: &manifest,
        names: Vec::new(),
        differs: Vec::new(),
    };
    let own = state::make(chain, Height(manifest.height), &mut compared)?;
    let Comparing { names, differs: of_files, .. } = compared;
    let mut differs = facts(&manifest, &own);
    let files = names.iter().filter(|name| one.as_ref().is_none_or(|one| one == *name)).count();
    if let Some(name) = one.as_deref().filter(|_| files == 0) {
        differs.push(format!("{name} is not a file of such an export"));
    }
    if one.is_none() {
        let extra = manifest.files.iter().filter(|line| !names.contains(&line.name));
        differs.extend(extra.map(|line| format!("{} is not a file of such an export", line.name)));
    }
    differs.extend(of_files);
    let (height, state_root) = (own.height, own.state_root);
    Ok(Judged { verified: differs.is_empty(), height, state_root, files, rows_erased_since: 0, differs })
}

/// The folder of an export and, where a single file was named, its name.
fn place(file: &Path) -> (PathBuf, Option<String>) {
    if file.is_dir() {
        return (file.to_owned(), None);
    }
    let folder = file.parent().map(Path::to_owned).unwrap_or_default();
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    (folder, name.filter(|name| name != MANIFEST))
}

fn read_manifest(path: &Path) -> Result<Manifest, Failure> {
    let hint = "name a file of an export beside its manifest.json, or its folder";
    let read = || format!("cannot read {}", path.display());
    if std::fs::metadata(path).advise(read(), hint)?.len() > MAX_MANIFEST {
        return Err(Failure::new("no_manifest", format!("{} is too large to be one", path.display()), hint));
    }
    let bytes = std::fs::read(path).advise(read(), hint)?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| {
        Failure::new("no_manifest", format!("{} is not a manifest: {error}", path.display()), hint)
    })?;
    if manifest.report != "state" || manifest.version != state::VERSION {
        let message = format!(
            "{} is of a {:?} export, version {}; this program judges version {} of \"state\"",
            path.display(),
            manifest.report,
            manifest.version,
            state::VERSION
        );
        return Err(Failure::new("other_version", message, "use the program that made it"));
    }
    Ok(manifest)
}

/// What the manifest says against the chain.
fn facts(said: &Manifest, own: &Manifest) -> Vec<String> {
    let pairs = [
        ("genesis", said.genesis == own.genesis),
        ("state_root", said.state_root == own.state_root),
        ("time_ms", said.time_ms == own.time_ms),
        ("min_cell_students", said.min_cell_students == own.min_cell_students),
    ];
    let wrong = pairs.iter().filter(|(_, same)| !same);
    wrong.map(|(name, _)| format!("manifest.json: {name} is not the chain's")).collect()
}

/// Files that are made and held against those of a folder.
struct Comparing<'a> {
    folder: &'a Path,
    /// The one that is wanted; all where there is none.
    one: Option<&'a str>,
    said: &'a Manifest,
    /// Of all that were made.
    names: Vec<String>,
    differs: Vec<String>,
}

impl Out for Comparing<'_> {
    fn file(&mut self, name: &str, fill: Filling<'_>) -> Result<FileLine, Failure> {
        self.names.push(name.to_owned());
        if self.one.is_some_and(|one| one != name) {
            return Ok(FileLine { name: name.to_owned(), bytes: 0, sha256: String::new() });
        }
        let path = self.folder.join(name);
        let file = match File::open(&path) {
            Ok(file) => Some(BufReader::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&path, &error)),
        };
        let there = file.is_some();
        let mut passing = Passing::new(Beside { file, own: vec![0; 64 << 10] });
        let filled = fill(&mut passing);
        let (mut beside, made, why) = passing.ended(name);
        match why {
            Some(error) => return Err(unreadable(&path, &error)),
            None => filled?,
        }
        match self.said.files.iter().find(|line| line.name == name) {
            Some(said) if *said == made => {}
            Some(_) => {
                self.differs.push(format!("manifest.json: {name} has another SHA-256 than the chain gives"));
            }
            None => self.differs.push(format!("manifest.json: {name} is missing")),
        }
        if !there {
            self.differs.push(format!("{name} is missing"));
        } else if !beside.ended().map_err(|error| unreadable(&path, &error))? {
            self.differs.push(format!("{name} is not what the chain gives"));
        }
        Ok(made)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::because(format!("cannot read {}: {error}", path.display()), "check the file's owner")
}

/// Reads a file along what is written.
struct Beside {
    /// None once it is known to be another, or not there.
    file: Option<BufReader<File>>,
    own: Vec<u8>,
}

impl Beside {
    /// Whether the file had these bytes and no more.
    fn ended(&mut self) -> io::Result<bool> {
        match &mut self.file {
            Some(file) => Ok(file.read(&mut [0])? == 0),
            None => Ok(false),
        }
    }
}

impl Write for Beside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = &mut self.file else { return Ok(bytes.len()) };
        let count = bytes.len().min(self.own.len());
        let (Some(own), Some(made)) = (self.own.get_mut(..count), bytes.get(..count)) else { return Ok(0) };
        match file.read_exact(own) {
            Ok(()) if own == made => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
            _ => self.file = None,
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
