use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::access::ReadError;
use crate::backup::{back_up_data, back_up_keystore, restore};
use crate::keystore::{Generation, KeyStore};
use crate::owner::Owner;
use crate::seal::Cipher;
use crate::secret::SecretKey;
use crate::tables::record_key;
use crate::testkit::*;
use crate::vault::Folders;
use aula_ledger::access::{ConsentChoice, Denial, Purpose};

#[test]
fn an_erased_student_is_gone_in_every_year_and_the_others_stay() -> Tested {
    let world = World::new()?;
    let [[one, next], [other, _]] = world.handles;
    let before = world.vault.keystore().current().clone();
    let mut erased = world.vault.erase(&[next], NOW_MS)?;
    erased.sort();
    assert_eq!(erased, BTreeSet::from([one, next]).into_iter().collect::<Vec<_>>());
    assert!(!world.vault.folders().keystore.join("gen-000001").exists());
    let world = world.reopened()?;
    for handle in [one, next] {
        let denied = read(&world.vault, &request("teacher", handle, &["name"]));
        assert!(matches!(denied, Err(ReadError::Denied(Denial::Erased, _))));
        assert!(matches!(world.vault.student_secret(&handle), Err(VaultError::Erased(_))));
        let note = world.vault.erasures()?[&handle];
        assert_eq!((note.stage, note.destroyed_keystore), (Stage::Destroyed, before.name()));
        let refused = world.vault.put_records(&[(handle, field("name"), b"again")]);
        assert!(matches!(refused, Err(VaultError::Erased(_))));
    }
    assert!(read(&world.vault, &request("teacher", other, &["name"])).is_ok());
    // Again is the same, and does not rotate once more; a stranger changes nothing.
    assert_eq!(world.vault.erase(&[next], NOW_MS)?, [next]);
    assert_eq!(world.vault.keystore().current().generation, 2);
    let nobody = world.vault.erase(&[Handle([1; 32])], NOW_MS);
    assert!(matches!(nobody, Err(VaultError::UnknownHandle(_))));
    world.vault.keep_erasure_receipt(&[one], Some((Hash([4; 32]), Height(12))))?;
    let note = world.vault.erasures()?[&one];
    assert_eq!((note.stage, note.receipt), (Stage::Recorded, Some((Hash([4; 32]), Height(12)))));
    // The same local identifier is a new student with other handles.
    let again = world.vault.enrol(&[(local(0), YEAR)])?;
    assert!(again[0] != one && again[0] != next);
    Ok(())
}

#[test]
fn an_interrupted_erasure_goes_on_when_the_vault_is_opened() -> Tested {
    let world = World::new()?;
    let [[one, next], _] = world.handles;
    let destroyed_keystore = world.vault.keystore().current().name();
    let mut batch = WriteBatch::default();
    for handle in [one, next] {
        let note = Erased { school_year: YEAR, destroyed_keystore, stage: Stage::Begun, receipt: None };
        batch.put_cf(family(&world.vault.db, Table::Erasures)?, handle.0, encode(&note)?);
    }
    world.vault.write(batch)?;
    let denied = read(&world.vault, &request("teacher", one, &["name"]));
    assert!(matches!(denied, Err(ReadError::Denied(Denial::Erased, _))), "denied from the first step on");
    let world = world.reopened()?;
    assert_eq!(world.vault.keystore().students(), 1);
    assert!(world.vault.erasures()?.values().all(|note| note.stage == Stage::Destroyed));
    Ok(())
}

/// The sealed rows of a handle, from a copy of the database.
fn rows(data: &Path, handle: &Handle) -> Result<Vec<Vec<u8>>, VaultError> {
    let db = crate::tables::open(data, false)?;
    let row = db.get_cf(family(&db, Table::Records)?, record_key(handle, &field("name")))?;
    Ok(row.into_iter().collect())
}

/// Everything that could be a key in these files: each window of 32 bytes and each run of 64 hex digits.
fn candidates(files: &[(std::path::PathBuf, Vec<u8>)]) -> BTreeSet<[u8; 32]> {
    let mut found = BTreeSet::new();
    for (_, bytes) in files {
        found.extend(bytes.windows(32).filter_map(|window| window.first_chunk().copied()));
        for window in bytes.windows(64) {
            let mut key = [0; 32];
            if hex::decode_to_slice(window, &mut key).is_ok() {
                found.insert(key);
            }
        }
    }
    found
}

/// The record key under a candidate secret, as the vault derives it.
fn derived(secret: &[u8; 32]) -> SecretKey {
    let mut key = [0; 32];
    let expanded = hkdf::Hkdf::<sha2::Sha256>::new(None, secret).expand(b"aula/v1/vault-record", &mut key);
    assert!(expanded.is_ok());
    SecretKey::from_bytes(&key)
}

/// Every 32 bytes that any candidate key opens anywhere in the files: wrapped secrets begin with the version.
fn unwrapped(keys: &BTreeSet<[u8; 32]>, bytes: &[u8]) -> BTreeSet<[u8; 32]> {
    // What wraps is bound to label, generation, kind and student; all stand in clear in the files.
    let mut found = BTreeSet::new();
    let at = bytes.windows(16 + 61).enumerate();
    let generation = bytes.windows(32).filter_map(|w| hex::decode(w).ok()).find(|id| id.len() == 16);
    let Some(generation) = generation else { return found };
    for (_, window) in at.filter(|(_, window)| window[16] == 1) {
        let (student, wrapped) = window.split_at(16);
        let bound = [b"aula/v1/vault-key", generation.as_slice(), &[1], student].concat();
        for key in keys {
            if let Ok(clear) = Cipher::new(&SecretKey::from_bytes(key)).open(wrapped, &bound) {
                found.extend(clear.first_chunk::<32>().copied());
            }
        }
    }
    found
}

fn opens(sealed: &[u8], handle: &Handle, secrets: &BTreeSet<[u8; 32]>) -> bool {
    let bound = [b"aula/v1/vault-record", &7u16.to_le_bytes()[..], &handle.0, b"name"].concat();
    secrets.iter().any(|secret| Cipher::new(&derived(secret)).open(sealed, &bound).is_ok())
}

/// The files of a keystore joined, its description first, so that the generation's name is found in them.
fn joined(files: &[(std::path::PathBuf, Vec<u8>)]) -> Vec<u8> {
    let mut sorted: Vec<_> = files.iter().collect();
    sorted.sort_by_key(|(path, _)| !path.ends_with("keystore.json"));
    sorted.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect()
}

/// Keys written as hex in the files, which is where a key-encryption key stands.
fn written_keys(files: &[(std::path::PathBuf, Vec<u8>)]) -> BTreeSet<[u8; 32]> {
    let mut found = BTreeSet::new();
    for (_, bytes) in files {
        for window in bytes.windows(64) {
            let mut key = [0; 32];
            if hex::decode_to_slice(window, &mut key).is_ok() {
                found.insert(key);
            }
        }
    }
    found
}

#[test]
fn after_an_erasure_no_file_of_the_vault_or_of_a_restored_copy_leads_to_the_plaintext() -> Tested {
    let world = World::new()?;
    let [[one, next], [other, _]] = world.handles;
    let copies = tempfile::tempdir()?;
    let (old_data, keys) = (copies.path().join("data-1"), copies.path().join("keys"));
    back_up_data(&world.vault, &old_data)?;
    back_up_keystore(&world.vault, &keys)?;
    // Before: the method of this test does find the way, from the copies alone.
    let sealed = rows(&old_data.join("vault"), &one)?;
    let found = files(&keys)?;
    let secrets = unwrapped(&written_keys(&found), &joined(&found));
    assert_eq!(secrets.len(), 2, "both students' secrets");
    assert!(opens(&sealed[0], &one, &secrets));

    world.vault.erase(&[one], NOW_MS)?;
    back_up_keystore(&world.vault, &keys)?;
    let folder = world.folder();
    let live = Folders::below(&folder);
    let World { root: _root, vault, .. } = world;
    drop(vault);
    // The copy of the data still has the sealed row; the live vault has not.
    assert!(rows(&live.data, &one)?.is_empty() && rows(&live.data, &next)?.is_empty());
    let sealed = rows(&old_data.join("vault"), &one)?;
    assert_eq!(sealed.len(), 1);
    let (mut keystores, mut all) = (files(&live.keystore)?, files(&folder)?);
    keystores.extend(files(&keys)?);
    all.extend(files(copies.path())?);
    let secret_text = name_of(0, 0);
    for (path, bytes) in &all {
        let clear = bytes.windows(16).any(|window| window == &secret_text.as_bytes()[..16]);
        assert!(!clear, "clear text in {}", path.display());
    }
    // Whatever stands in the keystores, as a key, a secret, or something that unwraps to one.
    let mut secrets = candidates(&keystores);
    for files in [files(&live.keystore)?, files(&keys)?] {
        secrets.extend(unwrapped(&written_keys(&files), &joined(&files)));
    }
    assert!(!opens(&sealed[0], &one, &secrets));
    let others = rows(&old_data.join("vault"), &other)?;
    assert!(opens(&others[0], &other, &secrets), "the student who stays is still found by the same search");

    // A vault restored from the old data and the newest keys has dropped the rows, and the other student.
    let restored = tempfile::tempdir()?;
    let (vault, report) = restore(&old_data, &keys, &Folders::below(restored.path()))?;
    assert_eq!((report.students, report.swept), (1, 2));
    let denied = read(&vault, &request("teacher", one, &["name"]));
    assert!(matches!(denied, Err(ReadError::Denied(Denial::InsufficientData, _))));
    vault.keep_consent(&[other], Purpose::EducationalNecessity, ConsentChoice::Given)?;
    // Who teaches whom is forgotten by a restore, as consents are.
    vault.replace_roster(&roster(&[other]))?;
    assert!(read(&vault, &request("teacher", other, &["name"])).is_ok());
    drop(vault);
    assert!(rows(&Folders::below(restored.path()).data, &one)?.is_empty());
    Ok(())
}

#[test]
fn an_old_copy_of_the_keystore_without_its_key_opens_nothing() -> Tested {
    let world = World::new()?;
    let root = world.folder();
    let kept = root.join("stolen");
    crate::files::copy_folder(&world.vault.folders().keystore, &kept)?;
    world.vault.erase(&[world.handles[0][0]], NOW_MS)?;
    // Whoever kept the wrapped keys of generation 1 has no key-encryption key for them once it is destroyed.
    std::fs::remove_file(kept.join("gen-000001/kek.json"))?;
    let newer = world.vault.folders().keystore.join("gen-000002/kek.json");
    std::fs::copy(newer, kept.join("gen-000001/kek.json"))?;
    let mixed = Folders { keystore: kept.clone(), ..Folders::below(&root) };
    let kms = Box::new(crate::keystore::FileKms);
    assert!(KeyStore::open(&mixed.keystore, Owner::District(identity().district), kms).is_err());
    assert_eq!(Generation::read(&kept)?.generation, 1);
    Ok(())
}
