//! `aula vault put`: students' fields from JSON lines, sealed and synced, a batch at a time.

use std::path::PathBuf;

use aula_ledger::names::FieldName;
use aula_ledger::types::{Handle, SchoolYear};
use aula_vault::access::is_reserved;
use aula_vault::{LocalId, Vault, VaultError};
use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::lines::Lines;
use super::super::{Advise, Context, DEFECT, Failure, Outcome};
use super::{Place, refused};

/// Lines of one synced batch.
const BATCH: usize = 1_000;
/// Most bytes of a line: a student's fields, not files.
const MAX_LINE_BYTES: u64 = 4 << 20;

/// Arguments of `aula vault put`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  aula vault put students.jsonl\n  echo \
                        '{\"student\":\"S-1001\",\"school_year\":2025,\"fields\":{\"name\":\"Ada\"}}' | aula vault put - --output json\n\n\
                        What is printed is on disk. A field that is there is replaced; the names state and events are the program's own.")]
pub struct PutArgs {
    /// A file of JSON lines, or - for standard input
    pub file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    student: String,
    school_year: SchoolYear,
    fields: Map<String, Value>,
}

/// A checked line.
struct Student {
    id: LocalId,
    year: SchoolYear,
    fields: Vec<(FieldName, Vec<u8>)>,
}

/// Writes all lines; a line that is refused stops it, and what came in earlier batches is kept.
///
/// # Errors
/// The line's number and what is wrong with it; a vault that refuses.
pub fn run(context: &Context, place: &Place, args: &PutArgs) -> Result<Outcome, Failure> {
    let vault = place.open(context)?;
    let (mut told, mut fields, mut batch) = (Vec::new(), 0, Vec::with_capacity(BATCH));
    let mut lines = Lines::open(&args.file, MAX_LINE_BYTES, "split the student's fields")?;
    while let Some((number, line)) = lines.next_line()? {
        batch.push(parse(&line, number)?);
        if batch.len() == BATCH {
            fields += write(&vault, &batch, &mut told)?;
            batch.clear();
        }
    }
    fields += write(&vault, &batch, &mut told)?;
    let lines: Vec<String> =
        told.iter().map(|(id, year, handle)| format!("{handle}  {year}  {id}")).collect();
    let text = format!("{fields} fields written\n{}", lines.join("\n"));
    let records: Vec<Value> = told
        .iter()
        .map(|(id, year, handle)| json!({ "student": id, "school_year": year, "handle": handle }))
        .collect();
    Ok(Outcome::yes(json!({ "fields": fields, "records": records }), text))
}

fn parse(line: &str, number: u64) -> Result<Student, Failure> {
    // The parser's own words could quote a value: only the place is told.
    let wrong = |what: String| {
        let hint = "a line is {\"student\":ID,\"school_year\":YEAR,\"fields\":{NAME:VALUE}}";
        Failure::new("bad_line", format!("line {number}: {what}"), hint)
    };
    let line: Line = serde_json::from_str(line)
        .map_err(|error| wrong(format!("it is not a record of this form (column {})", error.column())))?;
    let id = LocalId::new(&line.student)
        .ok_or_else(|| wrong("the student's identifier is not 1 to 128 bytes of plain text".into()))?;
    let mut fields = Vec::with_capacity(line.fields.len());
    for (name, value) in line.fields {
        let field = FieldName::new(&name).map_err(|error| wrong(error.to_string()))?;
        if is_reserved(&field) {
            return Err(wrong(VaultError::Reserved(field).to_string()).named("reserved_field"));
        }
        fields.push((field, serde_json::to_vec(&value).hint(DEFECT)?));
    }
    Ok(Student { id, year: line.school_year, fields })
}

type Told = Vec<(String, SchoolYear, Handle)>;

fn write(vault: &Vault, batch: &[Student], told: &mut Told) -> Result<usize, Failure> {
    if batch.is_empty() {
        return Ok(0);
    }
    let asked: Vec<_> = batch.iter().map(|student| (student.id.clone(), student.year)).collect();
    let handles = vault.enrol(&asked).map_err(refused)?;
    let rows = batch.iter().zip(&handles).flat_map(|(student, handle)| {
        student.fields.iter().map(|(field, value)| (*handle, field.clone(), value.as_slice()))
    });
    let rows: Vec<_> = rows.collect();
    vault.put_fields(&rows).map_err(refused)?;
    let lines = batch.iter().zip(handles);
    told.extend(lines.map(|(student, handle)| (student.id.as_str().to_owned(), student.year, handle)));
    Ok(rows.len())
}
