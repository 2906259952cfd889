use std::sync::Arc;

use aula_ledger::access::{ConsentChoice, Denial, Purpose};

use super::*;
use crate::access::ReadError;
use crate::pair::{Copier, Partner, register};
use crate::testkit::*;

#[test]
fn data_and_keys_come_back_from_their_copies() -> Tested {
    let world = World::new()?;
    let [[one, _], [other, _]] = world.handles;
    read(&world.vault, &request("teacher", one, &["name"]))?;
    let copies = tempfile::tempdir()?;
    let (data, keys) = (copies.path().join("data"), copies.path().join("keys"));
    back_up_data(&world.vault, &data)?;
    back_up_keystore(&world.vault, &keys)?;
    // Written after the copy: gone with the vault, which is what a backup means.
    fill(&world.vault, other, "changed later")?;
    let target = tempfile::tempdir()?;
    let (vault, report) = restore(&data, &keys, &Folders::below(target.path()))?;
    assert_eq!(report, Restored { students: 2, swept: 0, log_size: 1 });
    let denied = read(&vault, &request("teacher", other, &["name"]));
    assert!(
        matches!(denied, Err(ReadError::Denied(Denial::NoRelation, _))),
        "whoever left since reads nobody"
    );
    vault.replace_roster(&roster(&[other]))?;
    let denied = read(&vault, &request("teacher", other, &["name"]));
    assert!(
        matches!(denied, Err(ReadError::Denied(Denial::InsufficientData, _))),
        "consents are asked again"
    );
    vault.keep_consent(&[other], Purpose::EducationalNecessity, ConsentChoice::Given)?;
    let given = read(&vault, &request("teacher", other, &["name"]))?;
    let value = given.values[0].1.as_ref().ok_or("a value")?;
    assert_eq!(value.as_slice(), name_of(1, 0).as_bytes());
    let again = restore(&data, &keys, &Folders::below(target.path())).map(drop);
    assert!(matches!(again, Err(VaultError::Present(_))));
    Ok(())
}

#[test]
fn copies_of_data_hold_no_key_and_the_two_never_lie_together() -> Tested {
    let world = World::new()?;
    let copies = tempfile::tempdir()?;
    let (data, keys) = (copies.path().join("data"), copies.path().join("keys"));
    back_up_data(&world.vault, &data)?;
    back_up_keystore(&world.vault, &keys)?;
    for (path, bytes) in files(&data)? {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("kek") && !text.contains("AULA VAULT KEYS"), "{}", path.display());
    }
    let own = world.vault.folders();
    for refused in [
        back_up_keystore(&world.vault, &data),
        back_up_data(&world.vault, &keys),
        back_up_data(&world.vault, &own.keystore.join("in")),
        back_up_keystore(&world.vault, &own.data.join("in")),
    ] {
        assert!(matches!(refused, Err(VaultError::Together(_))), "{refused:?}");
    }
    assert!(matches!(back_up_data(&world.vault, &data), Err(VaultError::File(FileError::Exists { .. }))));
    Ok(())
}

#[test]
fn of_the_keystore_only_the_newest_copy_is_kept() -> Tested {
    let world = World::new()?;
    let copies = tempfile::tempdir()?;
    let keys = copies.path().join("keys");
    back_up_keystore(&world.vault, &keys)?;
    world.vault.keystore().replace(&std::collections::BTreeSet::new(), NOW_MS)?;
    back_up_keystore(&world.vault, &keys)?;
    assert_eq!(Generation::read(&keys.join("keystore"))?.generation, 2);
    assert!(!keys.join("keystore/gen-000001").exists() && !keys.join("keystore.new").exists());
    Ok(())
}

#[test]
fn half_a_copy_is_refused_and_nothing_is_left_under_the_name() -> Tested {
    let world = World::new()?;
    let copies = tempfile::tempdir()?;
    let (data, keys) = (copies.path().join("data"), copies.path().join("keys"));
    back_up_data(&world.vault, &data)?;
    let target = tempfile::tempdir()?;
    let here = Folders::below(target.path());
    assert!(restore(&data, &keys, &here).is_err(), "no keys");
    assert!(!here.data.exists() && !here.keystore.exists());
    back_up_keystore(&world.vault, &keys)?;
    let empty = copies.path().join("empty");
    std::fs::create_dir(&empty)?;
    assert!(matches!(restore(&empty, &keys, &here), Err(VaultError::Absent(_))));
    assert!(restore(&data, &keys, &here).is_ok());
    Ok(())
}

/// The two copies of a vault, in folders of their own.
fn copies(world: &World) -> Result<(tempfile::TempDir, PathBuf, PathBuf), Box<dyn std::error::Error>> {
    let copies = tempfile::tempdir()?;
    let (data, keys) = (copies.path().join("data"), copies.path().join("keys"));
    back_up_data(&world.vault, &data)?;
    back_up_keystore(&world.vault, &keys)?;
    Ok((copies, data, keys))
}

#[test]
fn a_restore_that_fails_leaves_nothing_and_one_that_died_half_way_is_finished() -> Tested {
    let world = World::new()?;
    let (_copies, data, keys) = copies(&world)?;
    let target = tempfile::tempdir()?;
    let here = Folders::below(target.path());
    let current = std::fs::read(data.join("vault/CURRENT"))?;
    std::fs::write(data.join("vault/CURRENT"), "nothing\n")?;
    assert!(restore(&data, &keys, &here).is_err(), "its data cannot be opened");
    assert_eq!(std::fs::read_dir(target.path())?.count(), 0, "keys are left");
    std::fs::write(data.join("vault/CURRENT"), current)?;
    let (vault, whole) = restore(&data, &keys, &here)?;
    drop(vault);
    // As a death between the two leaves it.
    std::fs::rename(&here.data, beside(&here.data))?;
    let (vault, finished) = restore(&data, &keys, &here)?;
    drop(vault);
    assert_eq!(finished, whole);
    assert!(!beside(&here.data).exists() && !beside(&here.keystore).exists());
    // A keystore that no restore placed is nobody's to go on with.
    std::fs::remove_dir_all(&here.data)?;
    assert!(matches!(restore(&data, &keys, &here).map(drop), Err(VaultError::Present(_))));
    Ok(())
}

struct Elsewhere;

impl Partner for Elsewhere {
    fn epoch(&self) -> Result<u64, String> {
        Err("the other one acts".into())
    }

    fn copier(&self) -> Box<dyn Copier> {
        unreachable!("a vault that may not be written is not opened")
    }
}

#[test]
fn where_the_other_one_of_a_pair_acts_nothing_is_restored() -> Tested {
    let world = World::new()?;
    let (_copies, data, keys) = copies(&world)?;
    let target = tempfile::tempdir()?;
    let here = Folders::below(target.path());
    register(&here.data, Arc::new(Elsewhere));
    assert!(matches!(restore(&data, &keys, &here).map(drop), Err(VaultError::NotActing(_))));
    assert_eq!(std::fs::read_dir(target.path())?.count(), 0);
    Ok(())
}
