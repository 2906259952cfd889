use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::owner::Owner;
use crate::schedule::{DAY_MS, Rotation};
use crate::testkit::{NOW_MS, Tested, YEAR, files, local};
use aula_ledger::types::DistrictId;

fn create(root: &Path) -> Result<KeyStore, KeyStoreError> {
    KeyStore::create(root, Owner::District(DistrictId(7)), Box::new(FileKms), NOW_MS)
}

fn open(root: &Path) -> Result<KeyStore, KeyStoreError> {
    KeyStore::open(root, Owner::District(DistrictId(7)), Box::new(FileKms))
}

fn some(store: &mut KeyStore, count: u32) -> Result<Vec<Handle>, KeyStoreError> {
    store.enrol(&(0..count).map(|n| (local(n), YEAR)).collect::<Vec<_>>())
}

#[test]
fn handles_are_the_same_after_opening_again_and_differ_by_student_and_year() -> Tested {
    let root = tempfile::tempdir()?;
    let path = root.path().join("keystore");
    let mut store = create(&path)?;
    let asked = [(local(1), YEAR), (local(2), YEAR), (local(1), SchoolYear(2026)), (local(1), YEAR)];
    let handles = store.enrol(&asked)?;
    assert_eq!(handles[0], handles[3]);
    assert_eq!(handles.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!((store.students(), store.handles()), (2, 3));
    drop(store);
    let mut store = open(&path)?;
    assert_eq!(store.enrol(&asked)?, handles);
    assert_eq!((store.students(), store.handles()), (2, 3));
    let secret = store.secret(&handles[0])?.ok_or("a secret")?;
    assert_eq!(handle_of(&secret, SchoolYear(2026)), handles[2]);
    let (_, student) = store.student(&handles[0]).ok_or("a student")?;
    assert_eq!(store.handles_of(&student).len(), 2);
    assert!(matches!(create(&path), Err(KeyStoreError::File(FileError::Exists { .. }))));
    Ok(())
}

#[test]
fn whatever_others_can_reach_is_refused() -> Tested {
    let root = tempfile::tempdir()?;
    let path = root.path().join("keystore");
    drop(create(&path)?);
    for (file, _) in files(&path)? {
        let mode = fs::metadata(&file)?.permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
    let generation = path.join("gen-000001");
    for (wide, mode) in [
        (path.clone(), 0o750),
        (generation.clone(), 0o701),
        (generation.join("kek.json"), 0o640),
        (generation.join("keys.sealed"), 0o602),
    ] {
        let before = fs::metadata(&wide)?.permissions();
        fs::set_permissions(&wide, fs::Permissions::from_mode(mode))?;
        let refused = open(&path).map(drop).unwrap_err();
        let text = format!(
            "{refused} {}",
            std::error::Error::source(&refused).map_or(String::new(), |e| e.to_string())
        );
        assert!(text.contains("others can reach it"), "{}: {text}", wide.display());
        fs::set_permissions(&wide, before)?;
    }
    drop(open(&path)?);
    Ok(())
}

#[test]
fn the_wrong_key_opens_nothing_and_no_message_shows_one() -> Tested {
    let root = tempfile::tempdir()?;
    let (path, other) = (root.path().join("keystore"), root.path().join("other"));
    some(&mut create(&path)?, 2)?;
    drop(create(&other)?);
    let kek = path.join("gen-000001/kek.json");
    let right = fs::read_to_string(&kek)?;
    let stranger = fs::read_to_string(other.join("gen-000001/kek.json"))?;
    let secret = |text: &str| text.split('"').filter(|part| part.len() == 64).map(str::to_owned).next();
    let (mine, theirs) = (secret(&right).ok_or("a key")?, secret(&stranger).ok_or("a key")?);
    for spoiled in [
        stranger.clone(),
        right.replace(&mine, &theirs),
        right.replace("\"version\"", &format!("\"{mine}\"")),
    ] {
        fs::write(&kek, spoiled)?;
        let refused = open(&path).map(drop).unwrap_err();
        let text = format!("{refused:?} {refused}");
        assert!(!text.contains(&mine) && !text.contains(&theirs), "{text}");
    }
    fs::write(&kek, &right)?;
    let store = open(&path)?;
    assert!(!format!("{store:?}").contains(&mine));
    assert!(matches!(
        KeyStore::open(&path, Owner::District(DistrictId(8)), Box::new(FileKms)),
        Err(KeyStoreError::OtherDistrict { .. })
    ));
    Ok(())
}

#[test]
fn a_cut_end_loses_only_what_nobody_was_told_of() -> Tested {
    let root = tempfile::tempdir()?;
    let path = root.path().join("keystore");
    let mut store = create(&path)?;
    let told = some(&mut store, 3)?;
    let file = path.join("gen-000001/keys.sealed");
    let whole = fs::read(&file)?.len();
    store.enrol(&[(local(9), YEAR)])?;
    drop(store);
    let longer = fs::read(&file)?;
    for length in (whole..longer.len()).rev() {
        fs::write(&file, &longer[..length])?;
        let mut store = open(&path)?;
        assert_eq!(some(&mut store, 3)?, told, "cut at {length}");
    }
    // Zeros are what a file system may leave where a page was not written.
    fs::write(&file, [&longer[..whole], &[0; 77]].concat())?;
    assert_eq!(open(&path)?.students(), 3);
    let mut changed = longer.clone();
    changed[whole - 20] ^= 1;
    fs::write(&file, &changed)?;
    assert!(open(&path).is_err(), "a changed byte inside is damage, not a cut end");
    Ok(())
}

#[test]
fn rotation_rewraps_every_key_and_destroys_the_old_generation() -> Tested {
    let root = tempfile::tempdir()?;
    let path = root.path().join("keystore");
    let mut store = create(&path)?;
    let handles = some(&mut store, 5)?;
    let secrets: Vec<[u8; 32]> = handles
        .iter()
        .map(|h| Ok(*store.secret(h)?.ok_or("none")?.as_bytes()))
        .collect::<Result<_, Box<dyn std::error::Error>>>()?;
    let later = NOW_MS + 91 * DAY_MS;
    assert_eq!(store.current().rotation(later), Rotation::Due { days_over: 1 });
    let old = store.replace(&BTreeSet::new(), later)?;
    assert_eq!((old.generation, store.current().generation), (1, 2));
    assert_ne!((old.name(), &old.kek), (store.current().name(), &store.current().kek));
    assert_eq!(store.current().rotation(later), Rotation::Fresh { days_left: 90 });
    assert!(!path.join("gen-000001").exists());
    drop(store);
    let mut store = open(&path)?;
    assert_eq!(some(&mut store, 5)?, handles);
    for (handle, secret) in handles.iter().zip(secrets) {
        assert_eq!(*store.secret(handle)?.ok_or("none")?.as_bytes(), secret);
    }
    Ok(())
}

#[test]
fn a_crash_around_the_switch_leaves_one_generation_and_destroys_the_other() -> Tested {
    let root = tempfile::tempdir()?;
    let path = root.path().join("keystore");
    let mut store = create(&path)?;
    let handles = some(&mut store, 3)?;
    // After the switch, before the old one was destroyed.
    let copy = root.path().join("old");
    crate::files::copy_folder(&path.join("gen-000001"), &copy)?;
    store.replace(&BTreeSet::new(), NOW_MS)?;
    drop(store);
    crate::files::copy_folder(&copy, &path.join("gen-000001"))?;
    // Before a later switch: a half-written next generation.
    fs::create_dir(path.join("gen-000003"))?;
    fs::write(path.join("gen-000003/keystore.json"), "{")?;
    let mut store = open(&path)?;
    assert_eq!(some(&mut store, 3)?, handles);
    assert!(!path.join("gen-000001").exists() && !path.join("gen-000003").exists());
    assert_eq!(Generation::read(&path)?.generation, 2);
    Ok(())
}
