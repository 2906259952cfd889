//! One verifier, three doors: the library, the program, and the committed WebAssembly give one report on every bundle
//! of the pinned evidence and on every mutation of it, and no mutation is believed.
//!
//! A few hundred mutations here; `AULA_MUTATIONS=10000 cargo test --release -p aula-audit --test three_doors` for the
//! long run (scripts/mutations.sh). The program is a process a mutation. The third door needs `node`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aula_ledger::audit::{Options, Verdict, verify};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

fn evidence() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ledger/vectors/evidence")
}

/// Every pinned bundle: one of each kind, in the order of their names.
fn pinned() -> Vec<(String, Vec<u8>)> {
    let mut bundles: Vec<(String, Vec<u8>)> = std::fs::read_dir(evidence())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "bundle"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()))
        .collect();
    bundles.sort();
    bundles
}

/// The checksum of a bundle repaired, as somebody who forges one would.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len().saturating_sub(32));
    let sum = Sha256::digest(&bytes);
    bytes.extend(sum);
    bytes
}

/// A mutation: bits, cuts, insertions, pieces of another bundle, borrowed 32-byte parts (points, hashes, handles,
/// re-encoded), doubled bytes; every other one with its checksum repaired.
fn mutated(bundles: &[(String, Vec<u8>)], number: usize) -> (String, Vec<u8>) {
    let mut rng = StdRng::seed_from_u64(number as u64);
    let (name, good) = &bundles[number % bundles.len()];
    let donor = &bundles[rng.gen_range(0..bundles.len())].1;
    let mut bytes = good.clone();
    let at = rng.gen_range(0..bytes.len() - 32);
    let what = match rng.gen_range(0..7) {
        0 | 1 => {
            bytes[at] ^= 1 << rng.gen_range(0..8);
            "bit"
        }
        2 => {
            bytes.drain(at..at + rng.gen_range(1..32));
            "cut"
        }
        3 => {
            let piece = good[at..at + rng.gen_range(1..32)].to_vec();
            bytes.splice(at..at, piece);
            "doubled"
        }
        4 => {
            let from = rng.gen_range(0..donor.len() - 32);
            bytes[at..at + 32].copy_from_slice(&donor[from..from + 32]);
            "spliced"
        }
        5 => {
            // The other encoding of a number or point: plus the field's or group's order in the top byte.
            bytes[at + 31] = bytes[at + 31].wrapping_add(0x80);
            "re-encoded"
        }
        _ => {
            bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
            "length"
        }
    };
    let sealed = rng.gen_range(0..2) == 0;
    let bytes = if sealed { resealed(bytes) } else { bytes };
    (format!("{what} at {at} of {name}, resealed {sealed}, mutation {number}"), bytes)
}

/// What the program prints and its exit code.
fn by_program(folder: &Path, bytes: &[u8]) -> (i32, String) {
    let file = folder.join("mutation.bundle");
    std::fs::write(&file, bytes).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_aula-audit"));
    let genesis = evidence().join("genesis.json");
    command.arg("verify").arg(&file).arg("--genesis").arg(genesis).args(["--output", "json"]);
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
}

/// What the WebAssembly says of all of them, a line each.
fn by_wasm(corpus: &[(String, Vec<u8>)]) -> Vec<(i32, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("node");
    command.arg(folder.join("tests/wasm_door.mjs"));
    command.arg(folder.join("../verifier/aula_verifier.wasm")).arg(evidence().join("genesis.json"));
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("`node` runs the WebAssembly: install Debian's nodejs");
    let mut input = child.stdin.take().unwrap();
    let bytes: Vec<u8> = corpus
        .iter()
        .flat_map(|(_, bytes)| [&u32::try_from(bytes.len()).unwrap().to_le_bytes()[..], bytes].concat())
        .collect();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let (code, report) = line.split_once(' ').unwrap();
        (code.parse().unwrap(), report.to_owned())
    };
    text.lines().map(line).collect()
}

#[test]
fn library_program_and_wasm_agree_on_every_bundle_and_mutation() {
    let bundles = pinned();
    assert!(bundles.len() >= 6, "one of each kind");
    let genesis = std::fs::read(evidence().join("genesis.json")).unwrap();
    let count = std::env::var("AULA_MUTATIONS").map_or(300, |number| number.parse().unwrap());
    let mutations = (0..count).map(|number| mutated(&bundles, number));
    let fresh = |(_, bytes): &(String, Vec<u8>)| bundles.iter().all(|(_, good)| good != bytes);
    let corpus: Vec<(String, Vec<u8>)> = bundles.iter().cloned().chain(mutations.filter(fresh)).collect();
    let folder = tempfile::tempdir().unwrap();
    let mut reports = Vec::with_capacity(corpus.len());
    let mut renamed = 0;
    for (number, (what, bytes)) in corpus.iter().enumerate() {
        let report = verify(bytes, &genesis, &Options::default());
        let expected = number < bundles.len();
        // The one true mutation there is: an absence, renamed to another handle that is as provably absent.
        let about_none = what.contains("of absent") || what.contains("of no-tree");
        let absent = about_none && report.checks.iter().any(|check| check.name == "absence");
        renamed += usize::from(absent && report.verdict == Verdict::Valid);
        assert!(absent || (report.verdict == Verdict::Valid) == expected, "{what}: {}", report.sentence);
        let library = (i32::from(report.exit_code()), report.to_json().to_string());
        assert_eq!(by_program(folder.path(), bytes), library, "the program on {what}");
        reports.push(library);
    }
    assert!(renamed * 20 < corpus.len(), "{renamed} of {} were renamed absences", corpus.len());
    let wasm = by_wasm(&corpus);
    assert_eq!(wasm.len(), reports.len());
    for (((what, _), wasm), library) in corpus.iter().zip(&wasm).zip(&reports) {
        assert_eq!(wasm, library, "the WebAssembly on {what}");
    }
}

#[test]
fn the_committed_wasm_is_the_one_its_hash_names() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verifier");
    let bytes = std::fs::read(folder.join("aula_verifier.wasm")).unwrap();
    let named = std::fs::read_to_string(folder.join("aula_verifier.wasm.sha256")).unwrap();
    let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(named.split_whitespace().next(), Some(sum.as_str()));
}
