//! `aula vault roster`: who teaches whom and who counsels where, from a CSV file that replaces the whole roster.

use std::path::PathBuf;

use aula_ledger::access::Relation;
use aula_ledger::names::{Name, Term};
use aula_ledger::types::{Handle, SchoolId, SchoolYear};
use aula_vault::access::RosterLine;
use aula_vault::{LocalId, VaultError};
use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::super::{Advise, Context, Failure, Outcome};
use super::{Place, refused};

/// Most lines: every student of the largest district with a dozen readers.
const MAX_LINES: usize = 10_000_000;

/// Arguments of `aula vault roster`.
#[derive(Debug, Args)]
#[command(
    after_help = "The file is CSV with the columns reader,section,school,student,school_year: the reader as credentials name it, \
                        and either the section that it teaches or the number of the school at which it counsels; then the student's \
                        own identifier and the school year, or, in a column handle in place of these two, the pseudonym.\n\n  \
                        reader,section,school,student,school_year\n  t-1042,4-b,,S-1001,2025\n  \
                        c-7,,11,S-1001,2025\n\nA teacher reads the students of the teacher's sections, a counselor those of the \
                        counselor's school, and nobody else. The roster that was there is replaced; after a restore it is empty."
)]
pub struct RosterArgs {
    /// The roster, CSV; it takes the place of the one before
    pub file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    reader: String,
    section: String,
    school: Option<u32>,
    #[serde(default)]
    student: Option<String>,
    #[serde(default)]
    school_year: Option<u16>,
    #[serde(default)]
    handle: Option<Handle>,
}

/// Replaces the roster by the file's, whole or not at all.
///
/// # Errors
/// The line that cannot be used and why; a vault that refuses.
pub fn run(context: &Context, place: &Place, args: &RosterArgs) -> Result<Outcome, Failure> {
    let path = args.file.display();
    let hint = "see `aula vault roster --help` for its columns";
    let mut file = csv::Reader::from_path(&args.file).advise(format!("cannot read {path}"), hint)?;
    let vault = place.open(context)?;
    let mut lines = Vec::new();
    for (number, line) in (2u64..).zip(file.deserialize::<Line>()) {
        let wrong = |what: &str| Failure::new("bad_line", format!("{path} line {number}: {what}"), hint);
        // The parser's own words could quote a value: only the place is told.
        let line = line.map_err(|_| wrong("it is not a line of a roster"))?;
        if lines.len() == MAX_LINES {
            return Err(wrong("a roster has at most 10,000,000 lines"));
        }
        let relation = match (line.section.trim(), line.school) {
            ("", Some(school)) => Relation::School(SchoolId(school)),
            ("", None) => return Err(wrong("it names neither a section nor a school")),
            (section, None) => {
                let section = Term::new(section);
                Relation::Section(section.map_err(|_| wrong("a section is 1 to 40 letters, digits, - or _"))?)
            }
            (_, Some(_)) => return Err(wrong("it names a section and a school: write two lines")),
        };
        let reader = Name::new(line.reader.trim());
        let reader = reader.map_err(|_| wrong("a reader is 1 to 40 of a-z, 0-9 and -"))?;
        let handle = match (line.handle, line.student, line.school_year) {
            (Some(handle), None, None) => handle,
            (None, Some(student), Some(year)) => {
                let student =
                    LocalId::new(student.trim()).ok_or_else(|| wrong("the student has no identifier"))?;
                let handle = vault.keystore().handle_of(&student, SchoolYear(year));
                let handle = handle.map_err(VaultError::from).map_err(refused)?;
                handle.ok_or_else(|| wrong("the vault has no such student in that school year"))?
            }
            _ => return Err(wrong("it names a student by identifier and school year, or by handle")),
        };
        lines.push(RosterLine { reader, handle, relation });
    }
    let pairs = vault.replace_roster(&lines).map_err(refused)?;
    let text = format!("the roster has {} lines, {pairs} pairs of reader and student", lines.len());
    Ok(Outcome::yes(json!({ "lines": lines.len(), "pairs": pairs }), text))
}
