//! The file that says of each row why it was not taken: HOME/reports/NAME.csv, for its owner alone.

use std::path::PathBuf;

use aula_district::wishes::Refused;
use aula_files::Access;

use crate::command::{Advise, Context, Failure};

/// Writes it, in the place of an earlier one; gives its path.
///
/// # Errors
/// When it cannot be written.
pub fn write(context: &Context, name: &str, refused: &[Refused]) -> Result<PathBuf, Failure> {
    let folder = context.home.path().join("reports");
    let hint = "check the folder's owner and the space left";
    aula_files::private_folder(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
    let path = folder.join(format!("{name}.csv"));
    let rows = refused
        .iter()
        .map(|row| [row.line.to_string(), row.local_id.clone(), row.rule.to_owned(), row.value.clone()]);
    let bytes = table(&["line", "local_id", "rule", "value"], rows)?;
    aula_files::replace(&path, Access::Private, &bytes)
        .advise(format!("cannot write {}", path.display()), hint)?;
    Ok(path)
}

/// A table as CSV (RFC 4180). A cell that a spreadsheet would take for a formula gets an apostrophe before it.
///
/// # Errors
/// Never in practice: rows have the header's length.
pub fn table<const N: usize>(
    header: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<Vec<u8>, Failure> {
    let hint = "report it with the input";
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).advise("a table cannot be written", hint)?;
    for row in rows {
        writer.write_record(row.map(|cell| harmless(&cell))).advise("a table cannot be written", hint)?;
    }
    writer.into_inner().map_err(|error| Failure::because(error.error(), hint))
}

fn harmless(cell: &str) -> String {
    match cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula() {
        assert_eq!(["=1+1", "-3", "S-1"].map(harmless), ["'=1+1", "'-3", "S-1"]);
    }
}
