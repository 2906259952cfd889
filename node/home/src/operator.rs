//! An operator's home, made from nothing: folder, configuration, keys, public-key file.
//!
//! Each file is written whole or not at all, so a run that was broken off is finished by the next; what is there is kept.

use std::fs;
use std::path::{Path, PathBuf};

use aula_consensus::sign_guard::{Opened, SignGuard};
use aula_files::Access;

use crate::config::{Config, P2p, SAMPLE, set};
use crate::keys::{KeyKind, NodeKey, OperatorFile};
use crate::outside::Outside;
use crate::{Advise, DEFECT, Failure, Home, running};

/// The operator's name when none is chosen.
const NAME: &str = "node";

/// What the operator chose; what is left out is taken from the home, and only then from the defaults.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// The operator's name.
    pub name: Option<String>,
    /// Where other nodes reach this one.
    pub p2p: Option<String>,
}

/// What [`make`] did.
#[derive(Debug)]
pub struct Made {
    /// The files that were not there before.
    pub created: Vec<PathBuf>,
    /// The public-key file's content.
    pub operator: OperatorFile,
    /// Whether the validator key's guard is there.
    pub signs: bool,
}

/// Makes what is missing in a home.
///
/// # Errors
/// When the folder cannot be written, holds a configuration that is not valid, or says otherwise than the choice.
pub fn make(home: &Home, choice: &Choice) -> Result<Made, Failure> {
    if let Some(name) = &choice.name {
        check_name(name)?;
    }
    let outside = choice.p2p.as_deref().map(str::parse::<Outside>).transpose()?;
    let stored = OperatorFile::stored(home).advise(
        format!("cannot use {}", home.operator_file().display()),
        "correct it, or move it away: `aula init` writes it again",
    )?;
    agree(home, choice, stored.as_ref())?;
    aula_files::private_folder(home.path())
        .advise(format!("cannot make {}", home.path().display()), "choose a folder you own with --home")?;
    let mut created = Vec::new();
    let stored_p2p = stored.as_ref().and_then(|file| file.p2p.clone());
    // Where the outside address is known already, the configuration is the operator's business.
    let new = outside.filter(|outside| stored_p2p.as_ref() != Some(&outside.to_string()));
    created.extend(configure(home, new.as_ref())?);
    let p2p = Config::load(home)?.p2p;
    created.extend(create_missing(home, &KeyKind::ALL)?);
    let p2p = choice.p2p.clone().or(stored_p2p).unwrap_or_else(|| p2p.reached_at().to_owned());
    let name = choice.name.clone().or_else(|| stored.map(|file| file.name)).unwrap_or_else(|| NAME.into());
    let operator = export(home, &name, Some(p2p))?;
    let signs = home.sign_guard_file().exists() && NodeKey::path(home, KeyKind::Validator).exists();
    Ok(Made { created, operator, signs })
}

/// Refuses a choice against one that the home stores already: which of the two is meant, the operator has to say. What
/// stands there by default was nobody's choice.
fn agree(home: &Home, choice: &Choice, stored: Option<&OperatorFile>) -> Result<(), Failure> {
    let Some(stored) = stored else { return Ok(()) };
    let conflict = |flag: &str, given: &str, there: &str| {
        let message = format!("{} says {there}, and {flag} says {given}", home.operator_file().display());
        let hint = "leave the flag out to keep what is there; `aula keys export --name NAME --p2p MULTIADDR` changes it";
        Err(Failure::new("conflict", message, hint))
    };
    match (&choice.name, &choice.p2p, &stored.p2p) {
        (Some(given), _, _) if *given != stored.name && stored.name != NAME => {
            conflict("--name", given, &stored.name)
        }
        (_, Some(given), Some(there)) if given != there && *there != P2p::default().listen => {
            conflict("--p2p", given, there)
        }
        _ => Ok(()),
    }
}

/// Writes the sample if there is no configuration, and into it the two addresses that follow from a new outside one.
/// Gives the file if it is new.
fn configure(home: &Home, outside: Option<&Outside>) -> Result<Option<PathBuf>, Failure> {
    // First: what lies there and is not such a file is told as everywhere else.
    let p2p = Config::load(home)?.p2p;
    let path = home.config_file();
    let hint = "check the folder's owner and the space left";
    let is_new = !path.exists();
    let mut text = match is_new {
        true => SAMPLE.to_owned(),
        false => fs::read_to_string(&path).advise(format!("cannot read {}", path.display()), hint)?,
    };
    if let Some(outside) = outside {
        let (shown, mut listen) = (outside.to_string(), p2p.listen.clone());
        if listen == P2p::default().listen {
            listen = outside.listen();
            text = set(&text, "p2p", "listen", &format!("\"{listen}\""));
        }
        match p2p.external {
            Some(there) if there != shown => {
                let message =
                    format!("p2p.external is {there} in {}, and --p2p says {shown}", path.display());
                return Err(Failure::new("conflict", message, "change it there, or leave --p2p out"));
            }
            _ if listen != shown => text = set(&text, "p2p", "external", &format!("\"{shown}\"")),
            _ => {}
        }
    }
    if is_new || outside.is_some() {
        aula_files::replace(&path, Access::Public, text.as_bytes())
            .advise(format!("cannot write {}", path.display()), hint)?;
    }
    Ok(is_new.then_some(path))
}

/// Draws the keys of these kinds that the home does not have yet; gives the files of the new ones.
///
/// A new validator key gets its sign guard before it: a key without one is a key whose memory of what it signed is lost,
/// and must never be what an interrupted run leaves behind.
///
/// # Errors
/// When a file cannot be written; of a key that a node reads at its start, when one runs here; of a validator key, when a guard remembers what
/// another key signed.
pub fn create_missing(home: &Home, kinds: &[KeyKind]) -> Result<Vec<PathBuf>, Failure> {
    let hint = "check the folder's owner and the space left, then run it again: it goes on where it stopped";
    let mut created = Vec::new();
    for kind in kinds {
        let path = NodeKey::path(home, *kind);
        if aula_files::is_there(&path) {
            continue;
        }
        if matches!(kind, KeyKind::Validator | KeyKind::Network | KeyKind::Seed) {
            beside_no_node(home, *kind, &path)?;
        }
        if *kind == KeyKind::Validator {
            begin_guard(home, hint)?;
        }
        NodeKey::generate(*kind).save(&path)?;
        created.push(path);
    }
    Ok(created)
}

/// Refuses beside a node that runs: it has the key in its memory whose file is gone, and to the consortium it is that key's. With a new one
/// its next start would be a stranger's; a validator's guard is open.
fn beside_no_node(home: &Home, kind: KeyKind, key: &Path) -> Result<(), Failure> {
    if !running::runs(home)? {
        return Ok(());
    }
    let message = format!(
        "a node runs in {} with a {} key whose file {} is gone: its next start would be with a new one that nobody knows",
        home.path().display(),
        kind.name(),
        key.display()
    );
    Err(Failure::new("node_runs", message, lost(kind, key)))
}

/// What to do about a key whose file is gone.
fn lost(kind: KeyKind, key: &Path) -> String {
    format!(
        "put {} back from its copy; if it is lost, `aula keys replace-lost --kind {}` has its successor taken by vote",
        key.display(),
        kind.name()
    )
}

/// Has a guard there for a new validator key: a new one, or the one that an interrupted run made before the key.
///
/// A guard that remembers anything is the memory of a key that may come back.
fn begin_guard(home: &Home, hint: &str) -> Result<(), Failure> {
    let (path, key) = (home.sign_guard_file(), NodeKey::path(home, KeyKind::Validator));
    if aula_files::is_there(&path) {
        let opened = SignGuard::open(&path).advise("cannot read the sign guard", hint)?;
        if matches!(&opened, Opened::Ready(guard) if guard.last_height() == 0 && guard.floor() == 0) {
            return Ok(());
        }
        let message = format!(
            "{} is the memory of a validator key whose file {} is gone: a new key does not begin over it",
            path.display(),
            key.display()
        );
        let next = format!(
            "{}; only where that key signs nowhere any more (the home begins anew for another consortium, or the key is gone for good), \
             move the guard aside: mv {} {}",
            lost(KeyKind::Validator, &key),
            path.display(),
            path.with_extension("old").display()
        );
        return Err(Failure::new("guard_exists", message, next));
    }
    let folder = home.consensus_dir();
    fs::create_dir_all(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
    SignGuard::create(&path, 0).advise("cannot create the sign guard", hint)?;
    Ok(())
}

/// Writes `operator.json` from the home's keys. Without an address it keeps the one that stands there.
///
/// # Errors
/// When the name is not allowed, a key is refused or the file cannot be written.
pub fn export(home: &Home, name: &str, p2p: Option<String>) -> Result<OperatorFile, Failure> {
    check_name(name)?;
    let p2p = match p2p {
        Some(p2p) => Some(p2p),
        None => OperatorFile::stored(home)
            .advise(
                format!("cannot use {}", home.operator_file().display()),
                "move it away and run it again",
            )?
            .and_then(|file| file.p2p),
    };
    let file = OperatorFile::of_home(home, name, p2p)?;
    let path = home.operator_file();
    let text = format!("{}\n", serde_json::to_string_pretty(&file).hint(DEFECT)?);
    if std::fs::read(&path).is_ok_and(|present| present == text.as_bytes()) {
        return Ok(file);
    }
    aula_files::replace(&path, Access::Public, text.as_bytes())
        .advise(format!("cannot write {}", path.display()), "check the folder's owner and the space left")?;
    Ok(file)
}

/// Names of operators and chains: 1 to 40 lower-case letters, digits and dashes.
///
/// # Errors
/// The failure with the rule.
pub fn check_name(name: &str) -> Result<(), Failure> {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if (1..=40).contains(&name.len()) && plain {
        return Ok(());
    }
    // A whole file may have been given: its first letters tell which.
    let shown: String = name.chars().take(41).collect();
    Err(Failure::new(
        "bad_name",
        format!("{shown:?} is not a name of 1 to 40 lower-case letters, digits and dashes"),
        "choose another name, for example district-07",
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use aula_consensus::sign_guard::Step;

    use super::*;

    #[test]
    fn another_name_or_address_than_the_stored_one_is_a_conflict() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let p2p = Some("/ip4/127.0.0.1/tcp/8400".to_owned());
        make(&home, &Choice { name: Some("a".into()), p2p })?;
        for (name, p2p) in [(Some("b"), None), (None, Some("/ip4/127.0.0.1/tcp/9000"))] {
            let choice = Choice { name: name.map(str::to_owned), p2p: p2p.map(str::to_owned) };
            assert!(make(&home, &choice).is_err_and(|failure| failure.code == "conflict"));
        }
        assert_eq!(make(&home, &Choice::default())?.operator.name, "a");
        Ok(())
    }

    #[test]
    fn what_stands_there_by_default_gives_way_to_a_choice() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        make(&home, &Choice::default())?;
        let p2p = Some("/dns4/node.example.org/tcp/9000".to_owned());
        let operator = make(&home, &Choice { name: Some("a".into()), p2p: p2p.clone() })?.operator;
        assert_eq!((operator.name.as_str(), operator.p2p), ("a", p2p.clone()));
        let stored = Config::load(&home)?.p2p;
        assert_eq!((stored.listen.as_str(), stored.external), ("/ip4/0.0.0.0/tcp/9000", p2p));
        Ok(())
    }

    #[test]
    fn what_a_full_disk_left_empty_is_finished() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        fs::create_dir_all(home.keys_dir())?;
        for path in [NodeKey::path(&home, KeyKind::Validator), home.operator_file()] {
            fs::write(path, b"")?;
        }
        let made = make(&home, &Choice::default())?;
        assert!(made.signs && made.created.contains(&NodeKey::path(&home, KeyKind::Validator)));
        assert_eq!(OperatorFile::stored(&home)?, Some(made.operator));
        Ok(())
    }

    #[test]
    fn a_new_validator_key_begins_over_no_guard_that_remembers() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        make(&home, &Choice::default())?;
        let (guard, key) = (home.sign_guard_file(), NodeKey::path(&home, KeyKind::Validator));
        let create = || create_missing(&home, &KeyKind::ALL);
        fs::remove_file(&key)?;
        let node = UnixListener::bind(home.control_socket())?;
        assert!(
            create()
                .is_err_and(|failure| failure.code == "node_runs" && failure.hint.contains("replace-lost"))
        );
        assert!(!key.exists());
        for kind in [KeyKind::Network, KeyKind::Seed] {
            let path = NodeKey::path(&home, kind);
            fs::remove_file(&path)?;
            let refused = create_missing(&home, &[kind]).err().ok_or("drawn beside a node")?;
            let next = format!("replace-lost --kind {}", kind.name());
            assert!(refused.code == "node_runs" && refused.hint.contains(&next), "{refused:?}");
            assert!(!path.exists());
        }
        drop(node);
        create_missing(&home, &[KeyKind::Network, KeyKind::Seed])?;
        // It signed nothing: an interrupted run leaves the same.
        assert_eq!(create()?, std::slice::from_ref(&key));
        fs::remove_file(&key)?;
        let Opened::Ready(open) = SignGuard::open(&guard)? else { return Err("a guard".into()) };
        open.admit(5, 0, Step::Prevote, b"a vote")?;
        drop(open);
        let signed = fs::read(&guard)?;
        assert!(create().is_err_and(|failure| failure.code == "guard_exists"));
        assert_eq!(fs::read(&guard)?, signed);
        // Confirmed by an operator, who knew of more than it does.
        drop(SignGuard::create(&guard, 7)?);
        assert!(create().is_err_and(|failure| failure.code == "guard_exists"));
        fs::write(&guard, b"damaged")?;
        let aside = guard.with_extension("old");
        let step = format!(
            "nowhere any more (the home begins anew for another consortium, or the key is gone for good), move the guard aside: mv {} {}",
            guard.display(),
            aside.display()
        );
        assert!(
            create().is_err_and(|failure| failure.code == "guard_exists" && failure.hint.ends_with(&step))
        );
        assert!(!key.exists());
        fs::rename(&guard, &aside)?;
        assert_eq!(create()?, [key]);
        Ok(())
    }

    #[test]
    fn a_key_without_its_guard_is_said() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        make(&home, &Choice::default())?;
        fs::remove_file(home.sign_guard_file())?;
        assert!(!make(&home, &Choice::default())?.signs, "who knows what a key without a guard has signed");
        Ok(())
    }
}
