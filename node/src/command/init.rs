//! `aula init`: a node's folder with keys, a commented config.toml and the public-key file.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Advise, Context, Failure, Outcome, keys};
use crate::config::{Config, P2p, SAMPLE, set};
use crate::home::Home;
use crate::keys::{KeyKind, NodeKey, OperatorFile};
use crate::outside::Outside;
use crate::whole_file::{self, Access};

/// The operator's name when none is chosen.
const NAME: &str = "node";

/// Arguments of `aula init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  aula init --home /srv/district-07 --name district-07 --p2p \
                        /ip4/192.0.2.7/tcp/8481\n  aula init\n\nRunning it again finishes what an earlier run could not and \
                        changes nothing that is there. Send HOME/operator.json to whoever builds the genesis.")]
pub struct InitArgs {
    /// The operator's name, 1 to 40 lower-case letters, digits and dashes [default: the one in operator.json, else node]
    #[arg(long)]
    pub name: Option<String>,
    /// Where other nodes will reach this one: /ip4/ADDRESS/tcp/PORT or /dns/NAME/tcp/PORT, the router's behind NAT. When it
    /// is none of this machine's addresses, a new config.toml listens on all of them [default: the config's]
    #[arg(long, env = "AULA_P2P_EXTERNAL", value_name = "MULTIADDR")]
    pub p2p: Option<String>,
}

/// Makes what is missing in the home.
///
/// # Errors
/// When the folder cannot be written, holds a configuration that is not valid, or says otherwise than the arguments.
pub fn run(context: &Context, args: &InitArgs) -> Result<Outcome, Failure> {
    let home = &context.home;
    let made = make(home, &Choice { name: args.name.clone(), p2p: args.p2p.clone() })?;
    for path in &made.created {
        context.tell(format_args!("new: {}", path.display()));
    }
    let mut text = format!(
        "{} is ready.\nSend {} to whoever builds the genesis, then: aula join --genesis FILE --peer MULTIADDR",
        home.path().display(),
        home.operator_file().display()
    );
    if !made.signs {
        text.push_str(
            "\nIts validator key has no memory of what it signed (consensus/sign_guard is missing, as after a restore): the node \
             will follow and sign nothing until `aula start --confirmed-height HEIGHT` names a height above all it signed.",
        );
    }
    let json = json!({
        "home": home.path(), "config": home.config_file(), "operator_file": home.operator_file(),
        "operator": made.operator, "signs": made.signs,
    });
    Ok(Outcome::yes(json, text))
}

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

/// Makes a home: folder, configuration, keys, public-key file. Each is written whole or not at all, so a run that was
/// broken off is finished by the next; what is there is kept.
///
/// # Errors
/// As [`run`].
pub fn make(home: &Home, choice: &Choice) -> Result<Made, Failure> {
    if let Some(name) = &choice.name {
        keys::check_name(name)?;
    }
    let outside = choice.p2p.as_deref().map(str::parse::<Outside>).transpose()?;
    let stored = OperatorFile::stored(home).advise(
        format!("cannot use {}", home.operator_file().display()),
        "correct it, or move it away: `aula init` writes it again",
    )?;
    agree(home, choice, stored.as_ref())?;
    whole_file::private_folder(home.path())
        .advise(format!("cannot make {}", home.path().display()), "choose a folder you own with --home")?;
    let mut created = Vec::new();
    let stored_p2p = stored.as_ref().and_then(|file| file.p2p.clone());
    // Where the outside address is known already, the configuration is the operator's business.
    let new = outside.filter(|outside| stored_p2p.as_ref() != Some(&outside.to_string()));
    created.extend(configure(home, new.as_ref())?);
    let p2p = Config::load(home)?.p2p;
    created.extend(keys::create_missing(home, &KeyKind::ALL)?);
    let p2p = choice.p2p.clone().or(stored_p2p).unwrap_or_else(|| p2p.reached_at().to_owned());
    let name = choice.name.clone().or_else(|| stored.map(|file| file.name)).unwrap_or_else(|| NAME.into());
    let operator = keys::export(home, &name, Some(p2p))?;
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
    let path = home.config_file();
    let hint = "check the folder's owner and the space left";
    let is_new = !path.exists();
    let mut text = match is_new {
        true => SAMPLE.to_owned(),
        false => fs::read_to_string(&path).advise(format!("cannot read {}", path.display()), hint)?,
    };
    let p2p = Config::load(home)?.p2p;
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
        whole_file::replace(&path, Access::Public, text.as_bytes())
            .advise(format!("cannot write {}", path.display()), hint)?;
    }
    Ok(is_new.then_some(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::OutputFormat;

    fn context(home: &Home) -> Context {
        Context { home: home.clone(), output: OutputFormat::Json, log: None }
    }

    #[test]
    fn a_second_init_changes_nothing() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::resolve(Some(&folder.path().join("new/node")))?;
        let outside = Some("/ip4/192.0.2.7/tcp/8481".to_owned());
        let args = InitArgs { name: Some("district-07".into()), p2p: outside };
        let first = run(&context(&home), &args).map_err(|f| f.message)?;
        let operator = fs::read_to_string(home.operator_file())?;
        assert_eq!(Config::load(&home)?.p2p.listen, "/ip4/0.0.0.0/tcp/8481");
        assert_eq!(Config::load(&home)?.p2p.reached_at(), "/ip4/192.0.2.7/tcp/8481");
        fs::write(home.config_file(), "[api]\nmax_streams = 3\n")?;
        for again in [args, InitArgs { name: None, p2p: None }] {
            let second = run(&context(&home), &again).map_err(|f| f.message)?;
            assert_eq!(first.answer, second.answer);
            assert_eq!(fs::read_to_string(home.operator_file())?, operator);
        }
        assert_eq!(Config::load(&home)?.api.max_streams, 3);
        Ok(())
    }

    #[test]
    fn another_name_or_address_than_the_stored_one_is_a_conflict() -> Result<(), Failure> {
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
    fn what_stands_there_by_default_gives_way_to_a_choice() -> Result<(), Failure> {
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
    fn what_a_full_disk_left_empty_is_finished() -> Result<(), Failure> {
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
    fn a_key_without_its_guard_is_said() -> Result<(), Failure> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        make(&home, &Choice::default())?;
        fs::remove_file(home.sign_guard_file())?;
        assert!(!make(&home, &Choice::default())?.signs, "who knows what a key without a guard has signed");
        Ok(())
    }

    #[test]
    fn a_name_with_a_space_is_refused() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::resolve(Some(folder.path()))?;
        let refused = run(&context(&home), &InitArgs { name: Some("a b".into()), p2p: None });
        assert!(refused.is_err_and(|f| f.code == "bad_name" && f.hint.contains("district-07")));
        let refused = run(&context(&home), &InitArgs { name: None, p2p: Some("192.0.2.7:8481".into()) });
        assert!(refused.is_err_and(|f| f.code == "bad_address"));
        Ok(())
    }
}
