//! `manifest.csv`: which files a set has, and whether each is whole.

use std::collections::BTreeMap;

use crate::decode::decode;
use crate::error::ReadError;
use crate::table::{Layout, Table};
use crate::unpack::Input;

/// How much of its kind a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everything there is.
    Bulk,
    /// What is new, changed or ended.
    Delta,
    /// Nothing: it is not read, even when a file of its name is there.
    Absent,
}

/// What a manifest says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// `oneroster.version`, for example `1.2`; empty when it is not said.
    pub version: String,
    files: BTreeMap<String, Mode>,
}

impl Manifest {
    /// How much a file holds, by its name without `.csv` in lower case. One that is not listed is absent; a manifest that lists
    /// no file at all says nothing, and then every file may hold a part.
    pub fn mode(&self, stem: &str) -> Mode {
        match self.files.get(stem) {
            Some(mode) => *mode,
            None if self.is_silent() => Mode::Delta,
            None => Mode::Absent,
        }
    }

    /// True when no file is listed.
    pub fn is_silent(&self) -> bool {
        self.files.is_empty()
    }

    /// Files that should be there.
    pub(super) fn promised(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter(|(_, mode)| **mode != Mode::Absent).map(|(stem, _)| stem.as_str())
    }
}

/// A file's name without `.csv`, in lower case.
pub(super) fn stem(name: &str) -> String {
    let name = name.to_lowercase();
    name.strip_suffix(".csv").map(str::to_owned).unwrap_or(name)
}

/// Takes the manifest out of the files.
pub(super) fn split(files: Vec<Input>) -> Result<(Manifest, Vec<Input>), ReadError> {
    let (mut found, rest): (Vec<Input>, Vec<Input>) =
        files.into_iter().partition(|file| stem(&file.name) == "manifest");
    match (found.pop(), found.len()) {
        (None, _) => Ok((Manifest::default(), rest)),
        (Some(file), 0) => Ok((parse(file)?, rest)),
        (Some(file), _) => Err(ReadError::Twice(file.name)),
    }
}

fn parse(file: Input) -> Result<Manifest, ReadError> {
    let decoded = decode(file.bytes, None)?;
    let wrong = |why| ReadError::Table { file: file.name.clone(), why };
    let mut table = Table::open(decoded.text, &Layout::default()).map_err(wrong)?;
    let mut manifest = Manifest::default();
    while let Some(row) = table.next_row() {
        if let Some(fault) = row.fault {
            return Err(ReadError::Manifest { line: row.line, what: fault.rule.name().to_owned() });
        }
        let cell = |at: usize| row.cells.get(at).unwrap_or_default().trim();
        let (name, value) = (cell(0).to_lowercase(), cell(1).to_lowercase());
        if name == "oneroster.version" {
            manifest.version = value;
        } else if let Some(stem) = name.strip_prefix("file.") {
            let mode = match value.as_str() {
                "bulk" => Mode::Bulk,
                "delta" => Mode::Delta,
                // A name without a word is listed as nothing.
                "absent" | "" => Mode::Absent,
                _ => {
                    let what = format!("{name} is {value:?}, and bulk, delta or absent are known");
                    return Err(ReadError::Manifest { line: row.line, what });
                }
            };
            if manifest.files.insert(stem.to_owned(), mode).is_some_and(|other| other != mode) {
                let what = format!("{name} stands twice and differs");
                return Err(ReadError::Manifest { line: row.line, what });
            }
        }
    }
    Ok(manifest)
}
