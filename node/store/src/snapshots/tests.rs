//! Records across chunks. What is certified is tested where there are validators: `node/server/src/upkeep/tests.rs`.

use aula_ledger::state::{StateReader, StateWrites};
use aula_ledger::store::ChainStore;

use super::manifest::CHUNK_BYTES;
use super::read::{Kind, Records};
use super::*;
use crate::tests::{commit, origin};
use crate::{ChainDb, DbOptions};

type Tested = Result<(), Box<dyn std::error::Error>>;

/// A snapshot of a state of three chunks and a half, and its database.
fn large(folder: &std::path::Path) -> Result<(ChainDb, Kept), Box<dyn std::error::Error>> {
    let db = ChainDb::create(&folder.join("data"), DbOptions::default(), &origin())?;
    // Lengths that fit no chunk, so that records and their lengths lie across borders.
    let value = |number: u32| number.to_le_bytes().repeat(997 + number as usize % 3);
    let values = (0..900_u32).map(|number| (number.to_be_bytes().to_vec(), Some(value(number)))).collect();
    db.commit(&commit(db.latest().tip(), Vec::new(), StateWrites { values, ..StateWrites::default() }))?;
    let kept = create(&db.latest(), &folder.join("snapshots"))?;
    Ok((db, kept))
}

/// Why the records are not read to their end.
fn first_error(kept: &Kept) -> Result<SnapshotError, Box<dyn std::error::Error>> {
    let mut records = Records::of(kept);
    loop {
        match records.next() {
            Ok(Some(_)) => {}
            Ok(None) => return Err("everything was read".into()),
            Err(error) => return Ok(error),
        }
    }
}

#[test]
fn records_come_back_as_they_were_across_the_borders_of_chunks() -> Tested {
    let folder = tempfile::tempdir()?;
    let (db, kept) = large(folder.path())?;
    let chunks = &kept.manifest.chunks;
    assert_eq!(chunks.len(), 4);
    assert!(chunks[..3].iter().all(|chunk| chunk.bytes as usize == CHUNK_BYTES));
    let (mut records, mut read) = (Records::of(&kept), Vec::new());
    while let Some(record) = records.next()? {
        assert_eq!(record.kind, Kind::Value);
        read.push((record.key, record.value));
    }
    assert_eq!(read, db.latest().values(b"")?);
    assert_eq!(kept.manifest.records, read.len() as u64);
    assert_eq!(create(&db.latest(), &folder.path().join("again"))?.manifest, kept.manifest);
    Ok(())
}

#[test]
fn a_chunk_is_named_by_its_number_wherever_it_lies() -> Tested {
    let folder = tempfile::tempdir()?;
    let (_db, kept) = large(folder.path())?;
    let path = kept.folder.join(chunk_name(2));
    let mut bytes = std::fs::read(&path)?;
    bytes[CHUNK_BYTES - 1] ^= 1;
    std::fs::write(&path, bytes)?;
    let error = first_error(&kept)?;
    assert!(error.to_string().starts_with("chunk 2 of the snapshot of height 1 was changed"), "{error}");
    Ok(())
}

#[test]
fn the_last_record_must_be_whole() -> Tested {
    let folder = tempfile::tempdir()?;
    let (_db, mut kept) = large(folder.path())?;
    kept.manifest.chunks.pop();
    let error = first_error(&kept)?;
    assert!(matches!(error, SnapshotError::State(_)), "{error}");
    Ok(())
}

#[test]
fn a_chunk_that_never_ends_is_no_chunk_and_one_that_this_machine_does_not_read_is_not_the_snapshots_fault()
-> Tested {
    let folder = tempfile::tempdir()?;
    let (_db, kept) = large(folder.path())?;
    let path = kept.folder.join(chunk_name(1));
    // It takes no place on the disk.
    std::fs::File::options().write(true).open(&path)?.set_len(100 << 30)?;
    let error = first_error(&kept)?;
    assert!(error.is_refusal() && error.to_string().contains("was cut short or lengthened"), "{error}");
    std::fs::remove_file(&path)?;
    // Nobody ever writes into this one.
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
    let error = first_error(&kept)?;
    assert!(error.is_refusal() && error.to_string().contains("is not a regular file"), "{error}");
    std::fs::remove_file(&path)?;
    std::os::unix::fs::symlink(&path, &path)?;
    let error = first_error(&kept)?;
    assert!(!error.is_refusal() && error.to_string().starts_with("cannot read"), "{error}");
    Ok(())
}

#[test]
fn what_a_killed_process_left_is_cleared_and_what_is_being_made_stays() -> Tested {
    let folder = tempfile::tempdir()?;
    let (_db, kept) = large(folder.path())?;
    let root = folder.path().join("snapshots");
    let killed = root.join(".000000000007.making");
    std::fs::create_dir_all(&killed)?;
    std::fs::write(killed.join(chunk_name(0)), b"half")?;
    let mut manifest = kept.manifest.clone();
    manifest.height.0 = 9;
    let incoming = Incoming::begin(&root, manifest.clone(), b"")?;
    assert!(Incoming::begin(&root, manifest, b"").is_err_and(|error| !error.is_refusal()), "twice at once");
    assert_eq!(prune_to(&root, 2)?, 0);
    assert!(!killed.exists());
    assert!(incoming.chunk(0, &kept.chunk(0)?)?, "its folder is there");
    drop(incoming);
    let names: Vec<_> = std::fs::read_dir(&root)?.flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["000000000001"], "nothing stays of what was given up");
    assert_eq!(clear_unfinished(&folder.path().join("none"))?, 0);
    Ok(())
}

#[test]
fn where_no_snapshot_is_or_a_file_lies_there_is_none() -> Tested {
    let folder = tempfile::tempdir()?;
    let (file, missing) = (folder.path().join("file"), folder.path().join("missing"));
    std::fs::write(&file, "no snapshot")?;
    for place in [folder.path(), file.as_path(), missing.as_path()] {
        let none = Kept::in_folder(place);
        assert!(matches!(none, Err(SnapshotError::Absent(_))), "{}", place.display());
    }
    Ok(())
}
