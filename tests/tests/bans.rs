//! The determinism bans, tested: tests/banned.rs must fail clippy under the configuration of each crate
//! that promises the same bits everywhere. A ban nobody runs is a wish.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const DETERMINISTIC_CRATES: [&str; 4] = ["zk", "twin-runtime", "twin-runtime/allocation", "ledger"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_path_buf()
}

/// The crate's own `#![deny(…)]` and `#![forbid(…)]` attributes, so that removing one there fails here.
fn lint_attributes(crate_dir: &Path) -> String {
    let source = std::fs::read_to_string(crate_dir.join("src/lib.rs")).expect("src/lib.rs is readable");
    let mut attributes = String::new();
    let mut rest = source.as_str();
    while let Some(start) = ["#![deny(", "#![forbid("].iter().filter_map(|a| rest.find(a)).min() {
        let end = rest[start..].find(")]").expect("an attribute ends") + start + 2;
        attributes.push_str(&rest[start..end].replace('\n', " "));
        attributes.push(' ');
        rest = &rest[end..];
    }
    attributes
}

/// The (line, lint) pairs that clippy refuses in `source` under `crate_dir`'s configuration.
fn refused(source: &Path, crate_dir: &Path, out: &Path) -> BTreeSet<(usize, String)> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().expect("rustc runs").stdout;
    let driver = Path::new(String::from_utf8_lossy(&sysroot).trim()).join("bin/clippy-driver");
    let run = Command::new(&driver)
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=json"])
        .arg("--out-dir")
        .arg(out)
        .arg(source)
        .env("CLIPPY_CONF_DIR", crate_dir)
        .output()
        .unwrap_or_else(|e| panic!("{} does not run ({e}): rustup component add clippy", driver.display()));
    let mut found = BTreeSet::new();
    for line in String::from_utf8_lossy(&run.stderr).lines() {
        let Ok(message) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let lint = message["code"]["code"].as_str().unwrap_or_default();
        for span in message["spans"].as_array().into_iter().flatten() {
            if message["level"] == "error" && span["is_primary"] == true {
                let line = span["line_start"].as_u64().unwrap_or_default() as usize;
                found.insert((line, lint.trim_start_matches("clippy::").to_owned()));
            }
        }
    }
    found
}

#[test]
fn every_banned_line_is_refused_in_every_deterministic_crate() {
    let banned =
        std::fs::read_to_string(root().join("tests/banned.rs")).expect("tests/banned.rs is readable");
    let expected: BTreeSet<(usize, String)> = banned
        .lines()
        .enumerate()
        .filter_map(|(i, line)| Some((i + 1, line.split_once("//~ ")?.1.trim().to_owned())))
        .collect();
    assert!(expected.len() >= 10, "the markers were not found");
    for name in DETERMINISTIC_CRATES {
        let crate_dir = root().join(name);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let source = dir.path().join("banned.rs");
        // On one line, so that line numbers stay those of tests/banned.rs.
        std::fs::write(&source, format!("{}{banned}", lint_attributes(&crate_dir))).expect("written");
        let found = refused(&source, &crate_dir, dir.path());
        let missing: Vec<_> = expected.difference(&found).collect();
        assert!(missing.is_empty(), "{name} lets these through: {missing:?}; refused were {found:?}");
    }
}
