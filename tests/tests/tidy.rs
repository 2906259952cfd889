//! Files of a size that can be read, and words with one meaning.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_path_buf()
}

/// Every file of the repository with this ending, with its text.
fn files(ending: &str) -> Vec<(String, String)> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git lists its files");
    let names = String::from_utf8(output.stdout).expect("names are UTF-8");
    let found: Vec<_> = names
        .split('\0')
        .filter(|name| name.ends_with(ending))
        .filter_map(|name| Some((name.to_owned(), std::fs::read_to_string(root().join(name)).ok()?)))
        .collect();
    assert!(!found.is_empty(), "no file ends with {ending}");
    found
}

#[test]
fn no_source_has_more_than_700_lines() {
    let long: Vec<_> = files(".rs")
        .into_iter()
        .map(|(name, text)| (text.lines().count(), name))
        .filter(|(lines, _)| *lines > 700)
        .collect();
    assert!(long.is_empty(), "split these, one idea a file: {long:?}");
}

/// Whoever edits a crate that is not named there waits for the gate's profile.
#[test]
fn the_profile_for_editing_names_every_crate_of_ours() {
    let manifests: Vec<_> =
        files("Cargo.toml").into_iter().filter(|(name, _)| !name.contains("/fuzz/")).collect();
    let ours = manifests.iter().filter_map(|(_, text)| {
        let package = text.split("[package]").nth(1)?;
        Some(package.lines().find_map(|line| line.strip_prefix("name = \""))?.trim_end_matches('"'))
    });
    let profile = std::fs::read_to_string(root().join(".cargo/edit.toml")).expect(".cargo/edit.toml");
    let missing: Vec<_> =
        ours.filter(|name| !profile.contains(&format!("[profile.release.package.{name}]\n"))).collect();
    assert!(missing.is_empty(), "give these their lines in .cargo/edit.toml: {missing:?}");
}

/// "is not an address" is how an error says it; "is no address" is how it is not said.
#[test]
fn messages_say_is_not_a() {
    let says = |line: &str| {
        line.match_indices(" is no ").any(|(at, found)| {
            let (before, after) = (&line[..at], &line[at + found.len()..]);
            let quoted = before.contains('"') && !before.trim_start().starts_with("//");
            let other =
                ["longer", "more", "less", "such", "key", "text"].iter().any(|word| after.starts_with(word));
            quoted && !other && !before.ends_with("there") && !before.ends_with("There")
        })
    };
    let mut found = Vec::new();
    for (name, text) in files(".rs").iter().filter(|(name, _)| !name.ends_with("tidy.rs")) {
        found.extend(text.lines().filter(|line| says(line)).map(|line| format!("{name}: {}", line.trim())));
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The driver is simulated as it is: time, tasks and connections are asked of its ports. Channels belong to no runtime.
#[test]
fn the_driver_knows_no_clock_no_task_and_no_socket() {
    let of_the_driver: Vec<_> =
        files(".rs").into_iter().filter(|(name, _)| name.starts_with("consensus/src/driver")).collect();
    assert!(of_the_driver.len() > 8, "{}", of_the_driver.len());
    for (name, text) in of_the_driver.iter().filter(|(name, _)| !name.ends_with("tests.rs")) {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let channels = |after: &str| after.starts_with("sync::") || after.starts_with("select!");
            let tokio = line.split("tokio::").skip(1).all(channels);
            let names = ["Instant", "SystemTime", "libp2p"].iter().any(|word| line.contains(word));
            assert!(tokio && !names, "{name}: {line}");
        }
    }
}

/// Production code never names the lab: what only the demo can do is not done.
#[test]
fn only_the_labs_own_commands_name_the_lab() {
    const OWN: &[&str] = &["demo.rs", "localnet.rs", "bench.rs"];
    let own = |name: &str| {
        let command = name.strip_prefix("node/src/command/");
        name.starts_with("node/lab/")
            || command.is_some_and(|file| OWN.contains(&file))
            || name.starts_with("tests/")
    };
    let names = |line: &str| line.contains("aula_lab") && !line.trim_start().starts_with("//");
    let named: Vec<_> = files(".rs")
        .into_iter()
        .filter(|(name, _)| !own(name))
        .filter(|(_, text)| text.lines().any(names))
        .map(|(name, _)| name)
        .collect();
    assert!(named.is_empty(), "these name the lab: {named:?}");
}
