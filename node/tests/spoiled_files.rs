//! Files of a home, and such as a command is given, in whose place something else lies: each command that reads one ends with exit 2, a
//! sentence that names the file, and the next step.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

type Wrong = Box<dyn std::error::Error>;

/// What lies in a file's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoiled {
    Folder,
    Loop,
    /// A file that nobody may read.
    Closed,
    /// Bytes that are not UTF-8.
    NotText,
    Empty,
}

use Spoiled::{Closed, Empty, Folder, Loop, NotText};

impl Spoiled {
    /// Puts it there; false where this process may read everything, and nothing is spoiled for it.
    fn put(self, path: &Path) -> std::io::Result<bool> {
        match self {
            Folder => fs::create_dir(path)?,
            Loop => symlink(path, path)?,
            Closed => {
                fs::write(path, b"{}")?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o000))?;
                return Ok(fs::File::open(path).is_err());
            }
            NotText | Empty => {
                let bytes: &[u8] = if self == NotText { &[0xff, 0xfe] } else { &[] };
                fs::write(path, bytes)?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
            }
        }
        Ok(true)
    }
}

/// A home in which this file, or one that is given by the word FILE, is spoiled.
fn told(file: &str, spoiled: Spoiled, words: &str) -> Result<Option<(Option<i32>, Value, String)>, Wrong> {
    let root = tempfile::tempdir()?;
    let path: PathBuf = root.path().join(file);
    fs::create_dir_all(path.parent().ok_or("a folder")?)?;
    if !spoiled.put(&path)? {
        return Ok(None);
    }
    let output = Command::new(env!("CARGO_BIN_EXE_aula"))
        .args(["--output", "json", "--home"])
        .arg(root.path())
        .args(words.split_whitespace().map(|word| match word {
            "FILE" => path.clone().into_os_string(),
            word => word.into(),
        }))
        .env_remove("AULA_RPC")
        .stdin(Stdio::null())
        .output()?;
    let stdout = String::from_utf8(output.stdout)?;
    let line = stdout.lines().last().unwrap_or_default();
    let answer = serde_json::from_str(line).map_err(|error| format!("{words}: {error}: {stdout}"))?;
    Ok(Some((output.status.code(), answer, String::from_utf8(output.stderr)?)))
}

#[test]
fn what_lies_in_a_files_place_is_told_with_its_name_and_the_next_step() -> Result<(), Wrong> {
    let credential = format!("vault get {} --fields name --credential FILE", "0".repeat(64));
    let never_read: &[Spoiled] = &[Folder, Loop, Closed];
    let no_text: &[Spoiled] = &[Folder, Loop, Closed, NotText];
    let nothing: &[Spoiled] = &[Folder, Loop, Closed, NotText, Empty];
    for (file, words, ways) in [
        // An empty file of settings says the defaults, an empty key or operator's file is written anew.
        ("config.toml", "status", no_text),
        ("config.toml", "replay", no_text),
        ("config.toml", "init", no_text),
        ("config.toml", "start", no_text),
        ("config.toml", "vault status", no_text),
        ("config.toml", "feed status", no_text),
        ("genesis.json", "replay", nothing),
        ("genesis.json", "start", nothing),
        ("genesis.json", "snapshot verify", nothing),
        ("keys/account.json", "keys show", nothing),
        ("keys/network.json", "init", no_text),
        ("operator.json", "init", no_text),
        ("base.json", "genesis --name county --operator FILE", nothing),
        ("join.json", "join --genesis FILE --peer /ip4/127.0.0.1/tcp/1", nothing),
        ("reader.txt", credential.as_str(), nothing),
        ("badge.json", "badge verify FILE", never_read),
    ] {
        for spoiled in ways {
            let Some((code, answer, stderr)) = told(file, *spoiled, words)? else { continue };
            let of = format!("{words}, {file} {spoiled:?}: {answer}");
            let said = |name: &str| answer["error"][name].as_str().unwrap_or_default().to_owned();
            let name = file.rsplit('/').next().unwrap_or(file);
            assert_eq!(code, Some(2), "{of}");
            assert!(said("message").contains(name), "{of}");
            assert!(!said("hint").is_empty() && !said("hint").contains("defect"), "{of}");
            assert!(stderr.contains("next: ") && !stderr.contains("panicked"), "{of}: {stderr}");
        }
    }
    Ok(())
}

#[test]
fn settings_behind_a_link_that_leads_nowhere_are_not_the_defaults() -> Result<(), Wrong> {
    let root = tempfile::tempdir()?;
    symlink(root.path().join("not-mounted/config.toml"), root.path().join("config.toml"))?;
    let output = Command::new(env!("CARGO_BIN_EXE_aula"))
        .args(["--output", "json", "--home"])
        .arg(root.path())
        .arg("start")
        .stdin(Stdio::null())
        .output()?;
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let hint = answer["error"]["hint"].as_str().unwrap_or_default();
    assert!(output.status.code() == Some(2) && hint.contains("mount"), "{answer}");
    Ok(())
}
