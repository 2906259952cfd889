//! Files into memory, within the readers' limits, and what to do about those that are refused.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use aula_ingest::limits::{MAX_FILE_BYTES, MAX_MAPPING_BYTES};
use aula_ingest::table::{Layout, Table};
use aula_ingest::{Input, Mapping, ReadError};

use super::unreadable as cannot;
use crate::command::{Advise, Failure};

/// Most files of a folder: a set of OneRoster has about twenty.
const MAX_FILES: usize = 1_000;

/// Reads files, and the files of folders in the order of their names.
pub(super) fn inputs(paths: &[std::path::PathBuf]) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries =
                fs::read_dir(path).map_err(|error| cannot(path, "name a folder of files", error))?;
            let mut files: Vec<_> =
                entries.flatten().map(|entry| entry.path()).filter(|file| file.is_file()).collect();
            files.retain(|file| !name(file).starts_with('.'));
            files.sort();
            if files.len() > MAX_FILES {
                let message = format!("{} has more than {MAX_FILES} files", path.display());
                return Err(Failure::new("too_many_files", message, "name the files"));
            }
            for file in files {
                inputs.push(input(&file)?);
            }
        } else {
            inputs.push(input(path)?);
        }
    }
    Ok(inputs)
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn input(path: &Path) -> Result<Input, Failure> {
    let next = "name a file that this user may read";
    let (mut bytes, limit) = (Vec::new(), MAX_FILE_BYTES + 1);
    let file: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(std::io::stdin()),
        false => Box::new(File::open(path).map_err(|error| cannot(path, next, error))?),
    };
    file.take(limit).read_to_end(&mut bytes).map_err(|error| cannot(path, next, error))?;
    Ok(Input { name: name(path), bytes })
}

/// Reads a mapping.
pub(super) fn mapping(path: &Path) -> Result<Mapping, Failure> {
    let next = "name a mapping file in TOML; docs/import.md has examples";
    let mut text = String::new();
    let file = File::open(path).map_err(|error| cannot(path, next, error))?;
    let read = file.take(MAX_MAPPING_BYTES as u64 + 1).read_to_string(&mut text);
    read.map_err(|error| cannot(path, next, error))?;
    let refused = |error| {
        Failure::new(
            "bad_mapping",
            format!("{}: {error}", path.display()),
            "correct the mapping; docs/import.md has its words",
        )
    };
    Mapping::parse(&text).map_err(refused)
}

/// Reads a table `local_id,school`.
pub(super) fn schools(path: &Path) -> Result<BTreeMap<String, u32>, Failure> {
    let hint = "give a table with the columns local_id and school, a number on the ledger";
    let wrong = |what: String| Failure::new("bad_schools", format!("{}: {what}", path.display()), hint);
    let bytes = input(path)?.bytes;
    let decoded =
        aula_ingest::decode::decode(bytes, None).advise("the table of schools is not text", hint)?;
    let mut table =
        Table::open(decoded.text, &Layout::default()).map_err(|error| wrong(error.to_string()))?;
    let column = |name: &str| table.header().iter().position(|own| own.eq_ignore_ascii_case(name));
    let (id, school) = match (column("local_id"), column("school")) {
        (Some(id), Some(school)) => (id, school),
        _ => return Err(wrong("it lacks the column local_id or school".into())),
    };
    let mut found = BTreeMap::new();
    while let Some(row) = table.next_row() {
        let cell = |at: usize| row.cells.get(at).unwrap_or_default().trim().to_owned();
        let number = cell(school).parse::<u32>().ok().filter(|_| row.fault.is_none() && !cell(id).is_empty());
        let number = number.ok_or_else(|| wrong(format!("line {} is not a school and number", row.line)))?;
        if found.insert(cell(id), number).is_some_and(|other| other != number) {
            return Err(wrong(format!("line {} gives {:?} a second number", row.line, cell(id))));
        }
    }
    Ok(found)
}

/// What to do about files that cannot be read at all.
pub(super) fn unreadable(error: ReadError) -> Failure {
    let (code, hint) = match &error {
        ReadError::Nothing => ("no_files", "name files"),
        ReadError::Unpack(_) => ("bad_archive", "export the files again, or unpack them and name the folder"),
        ReadError::Mapping(_) => ("bad_mapping", "correct the mapping; docs/import.md has its words"),
        ReadError::NoMapping => ("no_mapping", "write one after an example of docs/import.md"),
        ReadError::OtherFormat { .. } => ("other_format", "leave out --format, or give the mapping for it"),
        ReadError::Manifest { .. } | ReadError::Promised(_) | ReadError::Twice(_) => {
            ("bad_set", "export the whole set again")
        }
        ReadError::Rows(_) => ("too_many_rows", "split the files"),
        ReadError::Table { .. }
        | ReadError::Xml { .. }
        | ReadError::NotEdFi(_)
        | ReadError::NotSif(_)
        | ReadError::Encoding(_) => ("unreadable", "give --format, or export the files again"),
    };
    Failure::new(code, error, hint)
}
