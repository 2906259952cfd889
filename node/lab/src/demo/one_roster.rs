//! Project STAR as a district's own systems would export it: a set of OneRoster 1.1 CSV with results, and a table of what the
//! need rule reads. The demo writes them into the district's folder and brings them in with the product's own import.
//!
//! Invariants: a bulk set of one school year; a student's identifier is `STAR-` and the study's number. Absent: names, sections and
//! teachers, which the study's public file has not.

use std::fmt::Write as _;
use std::path::Path;

use aula_district::office::Input;

use super::rules;
use super::star::{Grade, StudentYear};

/// How often a file is written: `fmt::Write` into a `String` cannot fail.
type Written = Result<(), std::fmt::Error>;

/// Columns that every file begins with.
const HEAD: &str = "sourcedId,status,dateLastModified,";
/// Words of the two results, as the home's `[[district.subject]]` would name them.
pub const SUBJECTS: [(&str, u16); 2] = [("reading", rules::READING), ("mathematics", rules::MATHEMATICS)];

/// The district's own identifier of a student.
pub fn local_id(student: u32) -> String {
    format!("STAR-{student}")
}

/// The day on which a grade's tests were taken: 1 April of the school year.
fn test_day(grade: Grade) -> String {
    format!("{}-04-01", rules::school_year(grade) + 1)
}

/// The files of a year's students of one district.
///
/// # Errors
/// None: a text that is written to has room.
pub fn export(grade: Grade, years: &[StudentYear]) -> Result<Vec<Input>, std::fmt::Error> {
    let manifest = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.orgs,bulk\nfile.users,bulk\n\
                    file.lineItems,bulk\nfile.results,bulk\n";
    let files = [
        ("manifest", manifest.to_owned()),
        ("orgs", orgs(years)?),
        ("users", users(grade, years)?),
        ("lineItems", line_items(grade)?),
        ("results", results(grade, years)?),
    ];
    let input =
        |(name, text): (&str, String)| Input { name: format!("{name}.csv"), bytes: text.into_bytes() };
    Ok(files.map(input).into())
}

fn orgs(years: &[StudentYear]) -> Result<String, std::fmt::Error> {
    let mut text = format!("{HEAD}name,type,identifier\n");
    let schools: std::collections::BTreeSet<u32> = years.iter().map(|year| year.school.0).collect();
    for school in schools {
        writeln!(text, "school-{school},,,School {school},school,{school}")?;
    }
    Ok(text)
}

fn users(grade: Grade, years: &[StudentYear]) -> Result<String, std::fmt::Error> {
    let mut text =
        format!("{HEAD}enabledUser,orgSourcedIds,role,username,givenName,familyName,identifier,grades\n");
    let word = match grade.get() {
        0 => "KG".to_owned(),
        number => format!("{number:02}"),
    };
    for year in years {
        let (id, school, number) = (local_id(year.student), year.school.0, year.student);
        writeln!(text, "{id},,,true,school-{school},student,{id},,,{number},{word}")?;
    }
    Ok(text)
}

fn line_items(grade: Grade) -> Result<String, std::fmt::Error> {
    let mut text = format!("{HEAD}title,resultValueMin,resultValueMax\n");
    for (subject, _) in SUBJECTS {
        writeln!(text, "{subject}-{},,,Stanford Achievement Test {subject},0,1000", grade.get())?;
    }
    Ok(text)
}

fn results(grade: Grade, years: &[StudentYear]) -> Result<String, std::fmt::Error> {
    let mut text = format!("{HEAD}lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate\n");
    let (day, number) = (test_day(grade), grade.get());
    for year in years {
        let id = local_id(year.student);
        for ((subject, _), score) in SUBJECTS.iter().zip([year.read, year.math]) {
            if let Some(score) = score {
                writeln!(
                    text,
                    "{subject}-{number}-{id},,,{subject}-{number},{id},fully graded,{score},{day}"
                )?;
            }
        }
    }
    Ok(text)
}

/// What the need rule reads of each student, `local_id,input,value`, as `aula district need --record` takes it.
///
/// # Errors
/// None: a text that is written to has room.
pub fn need_inputs(years: &[StudentYear]) -> Result<String, std::fmt::Error> {
    let mut text = "local_id,input,value\n".to_owned();
    years.iter().try_for_each(|year| -> Written {
        let id = local_id(year.student);
        let inputs = rules::NEED_INPUTS.iter().zip(rules::need_inputs(year));
        inputs.into_iter().try_for_each(|(name, (_, value))| writeln!(text, "{id},{name},{value}"))
    })?;
    Ok(text)
}

/// Keeps what was exported beside the vault that it came into.
///
/// # Errors
/// A folder that cannot be written.
pub fn keep(folder: &Path, files: &[Input], inputs: &str) -> std::io::Result<()> {
    aula_files::private_folder(folder)?;
    for file in files {
        std::fs::write(folder.join(&file.name), &file.bytes)?;
    }
    std::fs::write(folder.join("need.csv"), inputs)
}

#[cfg(test)]
mod tests;
