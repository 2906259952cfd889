use sha2::{Digest, Sha256};

use super::{Cell, Dataset, csv, datasets, parquet as written};
use crate::paper::Count;

/// SHA-256 of the sample as Parquet.
const PINNED: &str = "5dee6db12c444f89de9ee387c6b71a522f82f438c6768b2c01cab6fc5e1640df";

pub(crate) fn sample(rows: u32) -> Dataset {
    let row = |n: u32| {
        let count =
            if n.is_multiple_of(3) { Count::up_to(Some(40)) } else { Count::exact(u64::from(n) + 10) };
        let first = [
            Cell::number(1989),
            Cell::number(3),
            Cell::text(format!("{:03}", rows - n)),
            Cell::text("Ni\u{f1}os, \"caf\u{e9}\""),
            Cell::text("stands"),
        ];
        let counts = [
            datasets::both_ends(count),
            datasets::both_ends(Count::WITHHELD),
            datasets::both_ends(count),
            datasets::both_ends(count),
        ];
        first.into_iter().chain(counts.into_iter().flatten()).collect()
    };
    datasets::of(
        "AllocationByAgency",
        "a district in a round",
        datasets::BY_AGENCY,
        (0..rows).map(row).collect(),
    )
}

#[test]
fn the_bytes_are_those_that_other_readers_were_shown() -> Result<(), Box<dyn std::error::Error>> {
    // PyArrow 26.0.1 and DuckDB 2.0.1 read this very file (scripts/report-readers.py): a change of it is to be read again.
    let table = sample(100);
    let bytes = written::write(&table, &[("aula.state_root", "ab".repeat(32))])?;
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert_eq!(hex::encode(Sha256::digest(&bytes)), PINNED);
    let text = String::from_utf8(csv::write(&table)?)?;
    assert_eq!(text.lines().count(), 101);
    assert!(text.starts_with("SchoolYear,AllocationRoundIdentifier,LocalEducationAgencyIdentifier,"));
    assert!(text.contains("\"Ni\u{f1}os, \"\"caf\u{e9}\"\"\""));
    Ok(())
}

#[test]
fn rows_in_any_order_give_the_same_bytes() -> Result<(), Box<dyn std::error::Error>> {
    let table = sample(50);
    let mut turned = table.rows.clone();
    turned.reverse();
    let turned = datasets::of(table.name, table.of, table.columns, turned);
    assert_eq!(written::write(&table, &[])?, written::write(&turned, &[])?);
    assert_eq!(csv::write(&table)?, csv::write(&turned)?);
    Ok(())
}

/// More than a group: a table that is held is written as one that comes row by row.
#[test]
fn a_held_table_and_one_row_by_row_are_the_same_bytes() -> Result<(), Box<dyn std::error::Error>> {
    let (table, facts) = (sample(70_000), [("aula.height", "7".to_owned())]);
    let mut writer = written::Writer::new(Vec::new(), table.name, table.columns)?;
    for row in &table.rows {
        writer.row(row.clone())?;
    }
    assert!(written::write(&table, &facts)? == writer.finish(&facts)?);
    let mut writer = csv::Writer::new(Vec::new(), table.columns)?;
    table.rows.iter().try_for_each(|row| writer.row(row))?;
    assert!(csv::write(&table)? == writer.finish()?);
    Ok(())
}

/// What an export takes while it is made: a table's rows come one after another, for each of its files. Alone in its process, since the peak
/// is the process's.
#[test]
#[ignore = "writes gigabytes to nowhere: cargo test -p aula-report --release --lib a_table_of_gigabytes -- --ignored --nocapture"]
fn a_table_of_gigabytes_and_its_csv_are_made_within_a_gigabyte() -> Result<(), Box<dyn std::error::Error>> {
    const ROWS: u32 = 24_000_000;
    /// Counts what is written.
    #[derive(Default)]
    struct Nowhere(u64);
    impl std::io::Write for Nowhere {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let table = sample(1);
    let row = |n: u32| {
        let mut row = table.rows[0].clone();
        row[2] = Cell::text(format!("{n:09}"));
        row
    };
    let mut parquet = written::Writer::new(Nowhere::default(), table.name, table.columns)?;
    (0..ROWS).try_for_each(|n| parquet.row(row(n)))?;
    let parquet = parquet.finish(&[])?.0;
    let mut text = csv::Writer::new(Nowhere::default(), table.columns)?;
    (0..ROWS).try_for_each(|n| text.row(&row(n)))?;
    let text = text.finish()?.0;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let peak: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    let measured = format!(
        "measured: {ROWS} rows, Parquet of {} MB, CSV of {} MB, {} MB of memory at most\n",
        parquet / 1_000_000,
        text / 1_000_000,
        peak / 1_000
    );
    std::io::Write::write_all(&mut std::io::stdout(), measured.as_bytes())?;
    assert!(parquet > 2_400_000_000 && peak < 1_000_000, "{parquet} bytes, {peak} kB");
    Ok(())
}

#[test]
fn a_cell_of_another_kind_is_refused() {
    let mut table = sample(1);
    table.rows[0][0] = Cell::text("1989");
    assert!(written::write(&table, &[]).is_err());
    table.rows[0][0] = Cell::Empty;
    assert!(written::write(&table, &[]).is_err(), "a year is never empty");
}

#[test]
fn the_dictionary_says_every_column_with_its_element() -> Result<(), Box<dyn std::error::Error>> {
    let text = String::from_utf8(csv::dictionary(&[sample(0).head()])?)?;
    assert_eq!(text.lines().count(), 1 + datasets::BY_AGENCY.len());
    assert!(text.contains("https://ceds.ed.gov/element/001068"));
    assert!(text.contains("StudentsPlacedHigh,extension,integer,unknown or withheld,students"));
    Ok(())
}
