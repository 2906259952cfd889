//! The lake by itself: rows once, days, columns that come later, rewrites and crashes within them.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use iceberg::{Catalog, NamespaceIdent};

use crate::LakeError;
use crate::lake::{Lake, NAMESPACE, NEXT, OLD};
use crate::rows::{Cell, Row, RowId};
use crate::tables::{AT, Column, Definition, Holds, ROW_ID, STUDENT};

type Tested = Result<(), Box<dyn std::error::Error>>;

const fn column(name: &'static str, holds: Holds, required: bool) -> Column {
    Column { name, holds, required, means: "of a test" }
}

const SMALL: Definition = Definition {
    name: "small",
    columns: &[
        column(ROW_ID, Holds::Text, true),
        column(STUDENT, Holds::Text, true),
        column(AT, Holds::Time, true),
        column("value", Holds::Long, false),
    ],
};
/// The same, of a later version.
const LATER: Definition = Definition {
    name: "small",
    columns: &[
        column(ROW_ID, Holds::Text, true),
        column(STUDENT, Holds::Text, true),
        column(AT, Holds::Time, true),
        column("value", Holds::Long, false),
        column("grade", Holds::Int, false),
        column("late", Holds::Flag, false),
    ],
};

const DAY_US: i64 = 86_400_000_000;

fn id(number: u8) -> RowId {
    [number; 16]
}

/// A pseudonym that looks like one: 32 hex digits that no other text has.
fn student(number: u8) -> String {
    (0..16u32)
        .map(|at| format!("{:02x}", (u32::from(number) * 71 + at * 37 + at * at * 11 + 13) % 256))
        .collect()
}

fn row(table: &Definition, number: u8, day: i64) -> Row {
    let mut row = Row::new(table, &id(number));
    row.set(table, STUDENT, Cell::Text(student(number % 4)));
    row.set(table, AT, Cell::Time(20_000 * DAY_US + day * DAY_US + i64::from(number)));
    row.set(table, "value", Cell::Long(i64::from(number) * 10));
    row
}

async fn filled(root: &Path, numbers: std::ops::Range<u8>) -> Result<Lake, LakeError> {
    let lake = Lake::open(root, &[SMALL]).await?;
    let rows: Vec<Row> = numbers.map(|number| row(&SMALL, number, i64::from(number % 3))).collect();
    lake.append(&SMALL, &rows).await?;
    Ok(lake)
}

fn sum(batches: &[RecordBatch]) -> i64 {
    let of = |batch: &RecordBatch| -> i64 {
        let values = batch
            .column_by_name("value")
            .map(|column| column.as_primitive::<Int64Type>().iter().flatten().sum());
        values.unwrap_or_default()
    };
    batches.iter().map(of).sum()
}

/// Every file below a folder.
fn files(folder: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

/// Which files below a folder have these bytes, or the first 16 of them, as bounds are cut.
fn with_bytes(folder: &Path, text: &str) -> std::io::Result<usize> {
    let cut = &text.as_bytes()[..16];
    let mut count = 0;
    for path in files(folder)? {
        let bytes = fs::read(&path)?;
        count += usize::from(bytes.windows(cut.len()).any(|window| window == cut));
    }
    Ok(count)
}

#[tokio::test]
async fn rows_are_there_by_day_after_one_commit() -> Tested {
    let root = tempfile::tempdir()?;
    let lake = filled(root.path(), 0..30).await?;
    let standing = lake.standing(&SMALL).await?;
    assert_eq!(
        (standing.rows, standing.files, standing.snapshots, standing.days),
        (30, 3, 1, Some((20_000, 20_002)))
    );
    assert_eq!(lake.ids(&SMALL).await?, (0..30).map(id).collect::<HashSet<_>>());
    assert_eq!(sum(&lake.read(&SMALL).await?), (0..30).map(|number| number * 10).sum::<i64>());
    lake.append(&SMALL, &[]).await?;
    assert_eq!(lake.standing(&SMALL).await?.snapshots, 1, "nothing to add makes no snapshot");
    assert!(matches!(Lake::open(root.path(), &[SMALL]).await, Err(LakeError::Busy(_))));
    drop(lake);
    assert_eq!(Lake::open(root.path(), &[SMALL]).await?.standing(&SMALL).await?, standing);
    Ok(())
}

#[tokio::test]
async fn rows_that_do_not_fit_are_refused_and_change_nothing() -> Tested {
    let root = tempfile::tempdir()?;
    let lake = filled(root.path(), 0..3).await?;
    let mut wrong = row(&SMALL, 9, 0);
    wrong.set(&SMALL, "value", Cell::Text("ten".into()));
    let no_time = Row::new(&SMALL, &id(9));
    for bad in [wrong, no_time] {
        assert!(lake.append(&SMALL, &[row(&SMALL, 8, 0), bad]).await.is_err());
        assert_eq!(lake.ids(&SMALL).await?.len(), 3);
    }
    Ok(())
}

#[tokio::test]
async fn what_a_rewrite_leaves_out_is_in_no_byte_of_the_folder() -> Tested {
    let root = tempfile::tempdir()?;
    let lake = filled(root.path(), 0..12).await?;
    // A second commit, so that there is an older snapshot with its manifests.
    lake.append(&SMALL, &(12..24).map(|n| row(&SMALL, n, 1)).collect::<Vec<_>>()).await?;
    let gone = student(2);
    assert!(with_bytes(root.path(), &gone)? >= 2, "the search finds what is there");
    let keep = |_: &RowId, of: Option<&str>| of != Some(gone.as_str());
    assert_eq!(lake.unkept(&SMALL, keep).await?, 6);
    let done = lake.rewrite(&SMALL, keep).await?;
    assert_eq!((done.rows, done.removed, done.files), (18, 6, 3));
    assert_eq!(with_bytes(root.path(), &gone)?, 0);
    assert!(with_bytes(root.path(), &student(1))? > 0, "the others are there");
    let standing = lake.standing(&SMALL).await?;
    assert_eq!((standing.rows, standing.snapshots, standing.files), (18, 1, 3));
    assert_eq!(sum(&lake.read(&SMALL).await?), (0..24).filter(|n| n % 4 != 2).map(|n| n * 10).sum::<i64>());
    // Everything may go.
    let done = lake.rewrite(&SMALL, |_, _| false).await?;
    assert_eq!((done.rows, done.removed), (0, 18));
    assert_eq!(with_bytes(root.path(), &student(1))?, 0);
    lake.append(&SMALL, &[row(&SMALL, 1, 0)]).await?;
    assert_eq!(lake.standing(&SMALL).await?.rows, 1);
    Ok(())
}

#[tokio::test]
async fn compaction_keeps_rows_and_makes_a_file_a_day() -> Tested {
    let root = tempfile::tempdir()?;
    let lake = filled(root.path(), 0..6).await?;
    for number in 6..18 {
        lake.append(&SMALL, &[row(&SMALL, number, i64::from(number % 3))]).await?;
    }
    let before = lake.standing(&SMALL).await?;
    assert_eq!((before.files, before.snapshots), (15, 13));
    let done = lake.rewrite(&SMALL, |_, _| true).await?;
    assert_eq!((done.rows, done.removed, done.files_before, done.files), (18, 0, 15, 3));
    assert_eq!(lake.ids(&SMALL).await?, (0..18).map(id).collect::<HashSet<_>>());
    Ok(())
}

#[tokio::test]
async fn older_snapshots_go_with_their_files_and_so_does_what_no_commit_named() -> Tested {
    let root = tempfile::tempdir()?;
    let lake = filled(root.path(), 0..3).await?;
    for number in 3..9 {
        lake.append(&SMALL, &[row(&SMALL, number, 0)]).await?;
    }
    let data =
        files(root.path())?.into_iter().find(|path| path.extension().is_some_and(|end| end == "parquet"));
    let orphan =
        data.as_deref().and_then(Path::parent).ok_or("no data")?.join("died-before-its-commit.parquet");
    fs::write(&orphan, student(77))?;
    let rows = lake.ids(&SMALL).await?;
    assert!(lake.clean(&SMALL, 0).await? >= 1, "the orphan goes whatever is kept");
    assert!(!orphan.exists());
    assert_eq!(lake.standing(&SMALL).await?.snapshots, 7, "none is from before 1970");
    let count = files(root.path())?.len();
    lake.clean(&SMALL, i64::MAX).await?;
    assert_eq!(lake.standing(&SMALL).await?.snapshots, 1);
    assert!(files(root.path())?.len() < count);
    assert_eq!(lake.ids(&SMALL).await?, rows);
    Ok(())
}

#[tokio::test]
async fn columns_that_come_later_are_empty_in_older_rows() -> Tested {
    let root = tempfile::tempdir()?;
    drop(filled(root.path(), 0..6).await?);
    let lake = Lake::open(root.path(), &[LATER]).await?;
    let mut new = row(&LATER, 6, 0);
    new.set(&LATER, "grade", Cell::Int(4));
    new.set(&LATER, "late", Cell::Flag(true));
    lake.append(&LATER, &[new]).await?;
    let grades = |batches: &[RecordBatch]| -> (i32, usize) {
        let column = |batch: &RecordBatch| batch.column_by_name("grade").cloned();
        let columns: Vec<_> = batches.iter().filter_map(column).collect();
        let sum = columns.iter().flat_map(|column| column.as_primitive::<Int32Type>().iter().flatten()).sum();
        (sum, columns.iter().map(|column| column.null_count()).sum())
    };
    assert_eq!(grades(&lake.read(&LATER).await?), (4, 6));
    // A rewrite keeps the later columns, and a program of before reads and writes on.
    assert_eq!(lake.rewrite(&LATER, |own, _| *own != id(0)).await?.rows, 6);
    assert_eq!(grades(&lake.read(&LATER).await?), (4, 5));
    drop(lake);
    let lake = Lake::open(root.path(), &[SMALL]).await?;
    lake.append(&SMALL, &[row(&SMALL, 7, 0)]).await?;
    assert_eq!(grades(&lake.read(&SMALL).await?), (4, 6));
    drop(lake);
    const OTHER: Definition = Definition {
        name: "small",
        columns: &[
            column(ROW_ID, Holds::Text, true),
            column(AT, Holds::Time, true),
            column("value", Holds::Text, false),
        ],
    };
    assert!(matches!(Lake::open(root.path(), &[OTHER]).await, Err(LakeError::Rows(_))));
    Ok(())
}

/// Dies at every step of a swap.
#[tokio::test]
async fn a_rewrite_that_died_anywhere_is_finished_or_undone() -> Tested {
    for step in 0..4 {
        let root = tempfile::tempdir()?;
        let lake = filled(root.path(), 0..12).await?;
        let expected: BTreeSet<RowId> = lake.ids(&SMALL).await?.into_iter().collect();
        let [own, next, old] = ["", NEXT, OLD].map(|suffix| Lake::named(&SMALL, suffix));
        let schema = lake.table(&SMALL).await?.metadata().current_schema().as_ref().clone();
        lake.create(&SMALL, NEXT, schema).await?;
        if step > 0 {
            let made = lake.catalog.load_table(&next).await?;
            let writer = crate::write::Writer::of(&made)?;
            let rows: Vec<Row> = (0..12).map(|n| row(&SMALL, n, 0)).collect();
            let files = writer.split(&crate::rows::batch(&SMALL, &writer.schema, &rows)?).await?;
            lake.commit(&made, files).await?;
        }
        if step > 1 {
            lake.catalog.rename_table(&own, &old).await?;
        }
        if step > 2 {
            lake.catalog.rename_table(&next, &own).await?;
        }
        drop(lake);
        let lake = Lake::open(root.path(), &[SMALL]).await?;
        assert_eq!(lake.ids(&SMALL).await?.into_iter().collect::<BTreeSet<_>>(), expected, "step {step}");
        let names = lake.catalog.list_tables(&NamespaceIdent::new(NAMESPACE.into())).await?;
        assert_eq!(names, [own], "step {step}");
        assert_eq!(fs::read_dir(root.path().join("warehouse"))?.count(), 1, "step {step}");
    }
    Ok(())
}
