use std::fs;

use rocksdb::WriteBatch;

use super::*;
use crate::access::ReadError;
use crate::keystore::KeyStoreError;
use crate::owner::Owner;
use crate::seal::SealError;
use crate::tables::record_key;
use crate::testkit::*;

fn value(given: crate::access::Given) -> Option<Vec<u8>> {
    given.values.into_iter().next().and_then(|(_, value)| value.map(|value| value.to_vec()))
}

#[test]
fn what_was_acknowledged_is_read_after_opening_again() -> Tested {
    let world = World::new()?.reopened()?;
    for (student, own) in world.handles.iter().enumerate() {
        for (year, handle) in own.iter().enumerate() {
            let given = read(&world.vault, &request("teacher", *handle, &["name"]))?;
            assert_eq!(value(given), Some(name_of(student, year).into_bytes()));
            let given = read(&world.vault, &request("counselor", *handle, &["events"]))?;
            let events: Vec<&[u8]> = given.events.iter().map(|event| event.as_slice()).collect();
            assert_eq!(events, [&b"first event"[..], b"second event"]);
        }
    }
    assert!(matches!(Vault::open(world.vault.folders()), Err(VaultError::Busy)));
    assert!(matches!(Vault::create(world.vault.folders(), &identity(), NOW_MS), Err(VaultError::Busy)));
    let (here, _root) = (world.vault.folders().clone(), world.root);
    drop(world.vault);
    assert!(matches!(Vault::create(&here, &identity(), NOW_MS), Err(VaultError::Present(_))));
    Ok(())
}

#[test]
fn an_interrupted_creation_is_done_again_and_a_keystore_in_use_is_left_alone() -> Tested {
    let root = tempfile::tempdir()?;
    let here = Folders::below(root.path());
    drop(KeyStore::create(&here.keystore, Owner::District(identity().district), Box::new(FileKms), NOW_MS)?);
    make_folder(&here.data)?;
    drop(tables::open(&here.data, true)?);
    assert!(matches!(Vault::open(&here), Err(VaultError::Absent(_))), "its first batch was never written");
    let vault = Vault::create(&here, &identity(), NOW_MS)?;
    vault.enrol(&[(local(1), YEAR)])?;
    drop(vault);
    std::fs::remove_dir_all(&here.data)?;
    let refused = Vault::create(&here, &identity(), NOW_MS);
    assert!(matches!(refused, Err(VaultError::Present(path)) if path == here.keystore));
    Ok(())
}

#[test]
fn no_file_of_the_vault_holds_a_record_in_clear() -> Tested {
    let world = World::new()?;
    let folder = world.folder();
    drop(world.vault);
    for (path, bytes) in files(&folder)? {
        for secret in ["whose name nobody", "second event", "S-1"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret:?} in {}", path.display());
        }
    }
    Ok(())
}

#[test]
fn a_value_moved_to_another_field_handle_or_student_does_not_open() -> Tested {
    let world = World::new()?;
    let [[one, next_year], [other, _]] = world.handles;
    let table = family(&world.vault.db, Table::Records)?;
    let sealed = world.vault.db.get_cf(table, record_key(&one, &field("name")))?.ok_or("a row")?;
    for (handle, to) in [(one, "grade"), (next_year, "name"), (other, "name")] {
        let mut batch = WriteBatch::default();
        batch.put_cf(table, record_key(&handle, &field(to)), &sealed);
        world.vault.write(batch)?;
        let refused = read(&world.vault, &request("teacher", handle, &[to]));
        assert!(matches!(refused, Err(ReadError::Vault(VaultError::Sealed(_, SealError::Refused)))), "{to}");
    }
    assert!(read(&world.vault, &request("teacher", one, &["name"])).is_ok());
    Ok(())
}

#[test]
fn writing_for_nobody_or_too_much_is_refused_whole() -> Tested {
    let world = World::new()?;
    let [[one, _], _] = world.handles;
    let nobody = Handle([9; 32]);
    let refused = world.vault.put_records(&[(one, field("grade"), b"3"), (nobody, field("grade"), b"3")]);
    assert!(matches!(refused, Err(VaultError::UnknownHandle(handle)) if handle == nobody));
    assert_eq!(value(read(&world.vault, &request("teacher", one, &["grade"]))?), None);
    let large = vec![0; MAX_VALUE_BYTES + 1];
    let refused = world.vault.put_records(&[(one, field("grade"), &large)]);
    assert!(matches!(refused, Err(VaultError::TooLarge { .. })));
    let event = EventIn { handle: one, key: &[0; MAX_EVENT_KEY_BYTES + 1], event: b"x" };
    assert!(matches!(world.vault.put_events(&[event]), Err(VaultError::TooLarge { .. })));
    Ok(())
}

#[test]
fn a_missing_cut_or_strange_vault_says_so_and_is_not_touched() -> Tested {
    let root = tempfile::tempdir()?;
    assert!(matches!(Vault::open(&Folders::below(root.path())), Err(VaultError::Absent(_))));
    let world = World::new()?;
    let (folder, _root) = (world.folder(), world.root);
    drop(world.vault);
    let here = Folders::below(&folder);
    // The key of another vault.
    let other = World::new()?;
    let mixed = Folders { keystore: other.vault.folders().keystore.clone(), ..here.clone() };
    let vault = Vault::open(&mixed)?;
    let denied = read(&vault, &request("teacher", world.handles[0][0], &["name"]));
    assert!(matches!(denied, Err(ReadError::Denied(..))), "{denied:?}");
    drop(vault);
    // No key at all.
    let none = Folders { keystore: folder.join("nothing"), ..here.clone() };
    assert!(matches!(Vault::open(&none), Err(VaultError::KeyStore(KeyStoreError::Absent(_)))));
    // A manifest that is cut.
    let manifest =
        files(&here.data)?.into_iter().find(|(path, _)| path.to_string_lossy().contains("MANIFEST"));
    let (path, bytes) = manifest.ok_or("a manifest")?;
    fs::write(&path, &bytes[..bytes.len() / 2])?;
    let refused = Vault::open(&here).map(drop).unwrap_err();
    assert!(matches!(refused, VaultError::Damaged(_)), "{refused:?}");
    fs::write(&path, &bytes)?;
    let vault = Vault::open(&here)?;
    assert!(read(&vault, &request("teacher", world.handles[0][0], &["name"])).is_ok());
    Ok(())
}

#[test]
fn a_keystore_that_was_cut_or_is_an_older_copy_is_refused_and_nothing_is_lost() -> Tested {
    let world = World::new()?;
    let here = Folders::below(world.root.path());
    let keys = here.keystore.join("gen-000001/keys.sealed");
    let older = std::fs::read(&keys)?;
    world.vault.enrol(&[(local(9), YEAR)])?;
    let World { root, vault, handles } = world;
    drop(vault);
    let whole = std::fs::read(&keys)?;
    for bytes in [&older[..], &whole[..whole.len() / 2], &whole[..older.len() + 40]] {
        std::fs::write(&keys, bytes)?;
        let refused = Vault::open(&here).map(drop);
        assert!(
            matches!(refused, Err(VaultError::KeysMissing { kept: 5, .. })),
            "{} bytes: {refused:?}",
            bytes.len()
        );
    }
    std::fs::write(&keys, &whole)?;
    let vault = Vault::open(&here)?;
    assert!(read(&vault, &request("teacher", handles[0][0], &["name"])).is_ok());
    // An erasure leaves fewer, and says so.
    vault.erase(&[handles[0][0]], NOW_MS)?;
    drop(vault);
    assert_eq!(Vault::open(&here)?.keystore().students(), 2);
    drop(root);
    Ok(())
}

#[test]
fn a_vault_made_before_any_chain_keeps_all_when_it_is_bound_and_is_bound_once() -> Tested {
    let root = tempfile::tempdir()?;
    let here = Folders::below(root.path());
    let vault = Vault::create_unbound(&here, identity().account, NOW_MS)?;
    let handle = vault.enrol(&[(local(1), YEAR)])?[0];
    fill(&vault, handle, "Ada")?;
    let asked = request("admin", handle, &["name"]);
    assert!(matches!(read(&vault, &asked), Err(ReadError::Vault(VaultError::Unbound))));
    assert!(matches!(vault.identity(), Err(VaultError::Unbound)));
    drop(vault);
    let vault = Vault::open(&here)?;
    assert_eq!((vault.account(), vault.find_in(&local(1), YEAR)?), (identity().account, Some(handle)));
    let stranger = Identity { account: aula_ledger::types::AccountId([9; 20]), ..identity() };
    assert!(matches!(vault.bind(&stranger), Err(VaultError::OtherChain { .. })));
    vault.bind(&identity())?;
    vault.bind(&identity())?;
    drop(vault);
    let vault = Vault::open(&here)?;
    assert_eq!(vault.identity()?, &identity());
    for other in [
        Identity { genesis: aula_ledger::types::Hash([1; 32]), ..identity() },
        Identity { district: aula_ledger::types::DistrictId(8), ..identity() },
    ] {
        assert!(matches!(vault.bind(&other), Err(VaultError::OtherChain { .. })));
    }
    vault.keep_consent(
        &[handle],
        aula_ledger::access::Purpose::EducationalNecessity,
        aula_ledger::access::ConsentChoice::Given,
    )?;
    let given = read(&vault, &asked)?;
    assert_eq!(given.entry.district, identity().district);
    assert_eq!(given.values.len(), 1);
    // The keystore turns over as any other, and copies come back whole.
    vault.keystore().replace(&std::collections::BTreeSet::new(), NOW_MS)?;
    drop(vault);
    assert_eq!(read(&Vault::open(&here)?, &asked)?.values.len(), 1);
    Ok(())
}
