//! The program as a whole: exit code, stdout and stderr of each case, as pinned in `expected/`.
//!
//! The evidence is that of `ledger/vectors/evidence`. A case that changed leaves its new text in the target
//! folder; if the change is meant, copy it to `expected/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};

/// A folder with the pinned evidence and some damaged files, so that no path appears in any output.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let evidence = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ledger/vectors/evidence");
        for entry in std::fs::read_dir(evidence).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        let mut bytes = std::fs::read(folder.path().join("round.bundle")).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(folder.path().join("flipped.bundle"), bytes).unwrap();
        std::fs::write(folder.path().join("letter.txt"), "Dear auditor,\n").unwrap();
        Self(folder)
    }

    fn run(&self, args: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aula-audit"));
        command.current_dir(&self.0).args(args.split_whitespace()).env("COLUMNS", "100").output().unwrap()
    }

    /// Runs a case and compares it whole with its pinned text.
    fn expect(&self, name: &str, args: &str) {
        let output = self.run(args);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let code = output.status.code().unwrap();
        let got = format!(
            "$ aula-audit {args}\nexit {code}\n--- stdout\n{}--- stderr\n{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        let pinned = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/expected/{name}.txt"));
        if std::fs::read_to_string(&pinned).ok().as_deref() != Some(&got) {
            let new = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.txt"));
            std::fs::write(&new, &got).unwrap();
            panic!("{name} changed; its new text is {}\n{got}", new.display());
        }
    }
}

#[test]
fn verify_answers_yes_with_every_check_in_words() {
    let folder = Folder::new();
    folder.expect("verify_round", "verify round.bundle --genesis genesis.json");
    folder.expect("verify_allocation", "verify allocation.bundle --genesis genesis.json");
    folder.expect("verify_student", "verify student.bundle --genesis genesis.json");
    folder.expect("verify_absent_json", "verify absent.bundle --genesis genesis.json --output json");
}

#[test]
fn verify_answers_no_when_a_byte_the_chain_or_the_genesis_is_another() {
    let folder = Folder::new();
    folder.expect("verify_flipped", "verify flipped.bundle --genesis genesis.json");
    folder.expect("verify_flipped_json", "--output json verify flipped.bundle --genesis genesis.json");
    let other = "0000000000000000000000000000000000000000000000000000000000000000";
    folder.expect(
        "verify_other_genesis",
        &format!("verify round.bundle --genesis genesis.json --genesis-sha256 {other}"),
    );
    folder.expect(
        "verify_other_trusted",
        &format!("verify round.bundle --genesis genesis.json --trusted 5:{other}"),
    );
}

#[test]
fn verify_cannot_tell_without_its_files_or_a_link() {
    let folder = Folder::new();
    folder.expect("verify_missing", "verify nothing.bundle --genesis genesis.json");
    folder.expect("verify_missing_json", "verify nothing.bundle --genesis genesis.json --output json");
    folder.expect("verify_letter", "verify letter.txt --genesis genesis.json");
    folder.expect("verify_no_genesis", "verify round.bundle --genesis letter.txt");
    let hash = "0000000000000000000000000000000000000000000000000000000000000000";
    folder.expect(
        "verify_trusted_not_shown",
        &format!("verify round.bundle --genesis genesis.json --trusted 6:{hash}"),
    );
    folder.expect("usage_trusted", "verify round.bundle --genesis genesis.json --trusted 6");
    folder.expect("usage_nothing", "verify");
    folder.expect("usage_nothing_json", "verify --output json");
}

#[test]
fn inspect_says_what_is_inside_and_that_nothing_is_checked() {
    let folder = Folder::new();
    folder.expect("inspect_round", "inspect round.bundle");
    folder.expect("inspect_student_json", "inspect student.bundle --output json");
    folder.expect("inspect_letter", "inspect letter.txt");
}

#[test]
fn inspect_tells_a_bundle_of_another_version_from_a_damaged_one() {
    let folder = Folder::new();
    let bundle = std::fs::read(folder.0.path().join("round.bundle")).unwrap();
    let put = |name: &str, version: u8, summed: bool| {
        let mut bytes = bundle[..bundle.len() - 32].to_vec();
        bytes[0] = version;
        let sum: [u8; 32] = Sha256::digest(&bytes).into();
        bytes.extend(if summed { &sum[..] } else { &bundle[bundle.len() - 32..] });
        std::fs::write(folder.0.path().join(name), bytes).unwrap();
    };
    put("newer.bundle", 9, true);
    put("older.bundle", 6, true);
    put("first-byte.bundle", 9, false);
    folder.expect("inspect_newer", "inspect newer.bundle");
    folder.expect("inspect_older", "inspect older.bundle");
    let damaged = folder.run("inspect first-byte.bundle");
    assert!(String::from_utf8_lossy(&damaged.stderr).contains("it was damaged"), "{damaged:?}");
}

#[test]
fn certificate_tells_an_optimum_a_worse_assignment_and_other_files_apart() {
    let folder = Folder::new();
    folder.expect("certificate_good", "certificate small.srap small.cert");
    folder.expect("certificate_good_json", "certificate small.srap small.cert --output json");
    folder.expect("certificate_worse", "certificate small.srap worse.cert");
    folder.expect("certificate_missing_json", "certificate nothing.srap small.cert --output json");
    folder.expect("certificate_letter", "certificate letter.txt small.cert");
}

#[test]
fn a_decision_that_does_not_stand_is_true_and_no_and_an_empty_file_is_a_cut_one() {
    let folder = Folder::new();
    folder.expect("verify_reverted_json", "verify reverted.bundle --genesis genesis.json --output json");
    folder.expect("verify_replaced", "verify replaced.bundle --genesis genesis.json");
    std::fs::write(folder.0.path().join("empty.bundle"), b"").unwrap();
    folder.expect("verify_empty", "verify empty.bundle --genesis genesis.json");
}

#[test]
fn a_hash_is_taken_in_upper_case_and_an_answer_that_is_lost_is_not_a_yes() {
    let folder = Folder::new();
    let genesis = std::fs::read(folder.0.path().join("genesis.json")).unwrap();
    let sum: String = Sha256::digest(&genesis).iter().map(|byte| format!("{byte:02X}")).collect();
    let line = format!("verify round.bundle --genesis genesis.json --genesis-sha256 {sum}");
    assert_eq!(folder.run(&line).status.code(), Some(0));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_aula-audit"));
    command.current_dir(&folder.0).args(line.split_whitespace()).stdout(full);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the answer cannot be written"));
}

#[test]
fn evidence_over_two_ledgers_needs_both_genesis_files_each_in_its_place() {
    let folder = Folder::new();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ledger/vectors/evidence/via");
    for file in ["parent.json", "allocation.via"] {
        std::fs::copy(vectors.join(file), folder.0.path().join(file)).unwrap();
    }
    let code = |args: &str| folder.run(args).status.code();
    let over = "verify allocation.via --genesis parent.json --via-genesis genesis.json";
    assert_eq!(code(over), Some(0));
    let line = folder.run(&format!("{over} --output json")).stdout;
    let line = String::from_utf8(line).unwrap();
    assert!(line.lines().count() == 1 && line.contains("\"valid\":true"), "{line}");
    assert!(line.contains("\"via\":{") && line.contains("\"anchored\":{"), "{line}");
    assert_eq!(code("verify allocation.via --genesis parent.json"), Some(2), "one file too few");
    assert_eq!(
        code("verify allocation.via --genesis genesis.json --via-genesis parent.json"),
        Some(1),
        "swapped"
    );
    assert_eq!(
        code("verify round.bundle --genesis genesis.json --via-genesis genesis.json"),
        Some(2),
        "of one ledger"
    );
    assert_eq!(code("inspect allocation.via"), Some(0));
}

#[test]
fn the_program_links_no_network_database_or_cpp() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "-p", "aula-audit", "-e", "normal,build", "--prefix", "none", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && tree.contains("aula-ledger"), "{tree}");
    let banned = ["tokio", "libp2p", "librocksdb-sys", "rocksdb", "mio", "socket2", "bindgen", "cmake"];
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap_or_default();
        assert!(!banned.contains(&name), "{line}");
    }
}
