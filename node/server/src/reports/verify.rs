//! An export judged: built again from the chain, and compared byte for byte.

use std::path::{Path, PathBuf};

use aula_ledger::types::Height;
use serde::Serialize;

use super::folder::{FileLine, Made};
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
/// When a file cannot be read, the manifest is none, or the chain has no such height.
pub fn judge(chain: &Chain, file: &Path) -> Result<Judged, Failure> {
    let (folder, one) = place(file);
    let manifest = read_manifest(&folder.join(MANIFEST))?;
    let (made, own) = state::make(chain, Height(manifest.height))?;
    let mut differs = facts(&manifest, &own);
    let wanted: Vec<&Made> =
        made.iter().filter(|made| one.as_deref().is_none_or(|name| name == made.name)).collect();
    if let Some(name) = one.as_deref().filter(|_| wanted.is_empty()) {
        differs.push(format!("{name} is not a file of such an export"));
    }
    if one.is_none() {
        let extra = manifest.files.iter().filter(|line| !made.iter().any(|made| made.name == line.name));
        differs.extend(extra.map(|line| format!("{} is not a file of such an export", line.name)));
    }
    for made in &wanted {
        differs.extend(compare(&folder, &manifest, made)?);
    }
    let files = wanted.len();
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

/// One file: its line in the manifest, and its bytes on disk.
fn compare(folder: &Path, manifest: &Manifest, made: &Made) -> Result<Vec<String>, Failure> {
    let mut differs = Vec::new();
    let line = |lines: &[FileLine], name: &str| lines.iter().find(|line| line.name == name).cloned();
    match line(&manifest.files, &made.name) {
        Some(said) if said == made.line() => {}
        Some(_) => {
            differs.push(format!("manifest.json: {} has another SHA-256 than the chain gives", made.name))
        }
        None => differs.push(format!("manifest.json: {} is missing", made.name)),
    }
    let name = &made.name;
    let path = folder.join(name);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            differs.push(format!("{name} is missing"));
            return Ok(differs);
        }
        Err(error) => {
            return Err(error).advise(format!("cannot read {}", path.display()), "check the file's owner");
        }
    };
    if bytes != made.bytes {
        differs.push(format!("{name} is not what the chain gives"));
    }
    Ok(differs)
}
