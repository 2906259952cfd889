//! What a vault reads from a disk or a copy that somebody else may have written: sealed records, and a keystore's files. Refused
//! or opened without a panic; what opens under a key that nobody else holds was sealed here. The first byte chooses the file.

#![no_main]

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::OnceLock;

use aula_ledger::types::{DistrictId, SchoolYear};
use aula_vault::keystore::FileKms;
use aula_vault::seal::Cipher;
use aula_vault::{Generation, KeyStore, LocalId, Owner, SecretKey};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

const OWNER: Owner = Owner::District(DistrictId(7));
const FILES: [&str; 4] = ["CURRENT", "gen-000001/keystore.json", "gen-000001/keys.sealed", "gen-000001/kek.json"];

/// A keystore of one student, made once, and its files as they were.
struct Made {
    folder: TempDir,
    whole: Vec<(&'static str, Vec<u8>)>,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = TempDir::new().expect("a folder");
        let root = folder.path().join("keystore");
        let mut store = KeyStore::create(&root, OWNER, Box::new(FileKms), 1_780_000_000_000).expect("a keystore");
        let student = LocalId::new("S-1001").expect("an identifier");
        store.enrol(&[(student, SchoolYear(2025))]).expect("a student");
        let whole = FILES.into_iter().filter_map(|name| Some((name, fs::read(root.join(name)).ok()?))).collect();
        Made { folder, whole }
    })
}

/// Writes a file as the keystore does: readable by its owner alone.
fn put(path: &Path, bytes: &[u8]) {
    let parent = path.parent().expect("a parent");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).expect("a folder");
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(bytes)).expect("a file");
}

/// Opens the keystore with one file's bytes replaced, reads all of it, and puts everything back: opening destroys what an
/// interrupted replacement left.
fn keystore(root: &Path, file: usize, bytes: &[u8]) {
    let whole = &made().whole;
    put(&root.join(whole[file % whole.len()].0), bytes);
    let _ = Generation::read(root);
    if let Ok(store) = KeyStore::open(root, OWNER, Box::new(FileKms)) {
        for (handle, _) in store.all_handles() {
            let _ = store.secret(&handle);
        }
    }
    whole.iter().for_each(|(name, bytes)| put(&root.join(name), bytes));
}

fuzz_target!(|data: &[u8]| {
    let Some((file, bytes)) = data.split_first() else { return };
    let cipher = Cipher::new(&SecretKey::from_bytes(&[7; 32]));
    assert!(cipher.open(bytes, b"a place").is_err(), "bytes that were not sealed with this key open");
    keystore(&made().folder.path().join("keystore"), usize::from(*file), bytes);
});
