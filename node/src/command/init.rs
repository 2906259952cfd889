//! `aula init`: a node's folder with keys, a commented config.toml and the public-key file.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Advise, Context, Failure, Outcome, keys};
use crate::config::{Config, SAMPLE, set};
use crate::home::Home;
use crate::keys::{KeyKind, OperatorFile};

/// Arguments of `aula init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  aula init --home /srv/district-07 --name district-07 --p2p \
                        /ip4/192.0.2.7/tcp/8481\n  aula init\n\nRunning it again changes nothing that is there. Send \
                        HOME/operator.json to whoever builds the genesis.")]
pub struct InitArgs {
    /// The operator's name, 1 to 40 lower-case letters, digits and dashes
    #[arg(long, default_value = "node")]
    pub name: String,
    /// Where other nodes will reach this one, a multiaddress; a new config.toml listens there [default: the config's]
    #[arg(long, env = "AULA_P2P_EXTERNAL", value_name = "MULTIADDR")]
    pub p2p: Option<String>,
}

/// Makes what is missing in the home.
///
/// # Errors
/// When the folder cannot be written or holds a configuration that is not valid.
pub fn run(context: &Context, args: &InitArgs) -> Result<Outcome, Failure> {
    let home = &context.home;
    let made = make(home, &args.name, args.p2p.clone())?;
    for path in &made.created {
        context.tell(format_args!("new: {}", path.display()));
    }
    let text = format!(
        "{} is ready.\nSend {} to whoever builds the genesis, then: aula join --genesis FILE --peer MULTIADDR",
        home.path().display(),
        home.operator_file().display()
    );
    let json = json!({
        "home": home.path(), "config": home.config_file(), "operator_file": home.operator_file(),
        "operator": made.operator,
    });
    Ok(Outcome::yes(json, text))
}

/// What [`make`] did.
#[derive(Debug)]
pub struct Made {
    /// The files that were not there before.
    pub created: Vec<PathBuf>,
    /// The public-key file's content.
    pub operator: OperatorFile,
}

/// Makes a home: folder, configuration, keys, public-key file; what is there is kept, only the last is written
/// again.
///
/// # Errors
/// As [`run`].
pub fn make(home: &Home, name: &str, p2p: Option<String>) -> Result<Made, Failure> {
    keys::check_name(name)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home.path())
        .advise(format!("cannot make {}", home.path().display()), "choose a folder you own with --home")?;
    let mut created = Vec::new();
    let config = home.config_file();
    if !config.exists() {
        let listen = p2p.as_ref().map(|p2p| set(SAMPLE, "p2p", "listen", &format!("\"{p2p}\"")));
        fs::write(&config, listen.as_deref().unwrap_or(SAMPLE))
            .advise(format!("cannot write {}", config.display()), "check the space left")?;
        created.push(config);
    }
    let listen = Config::load(home)?.p2p.listen;
    created.extend(keys::create_missing(home, &KeyKind::ALL)?);
    let operator = keys::export(home, name, Some(p2p.unwrap_or(listen)))?;
    Ok(Made { created, operator })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::OutputFormat;

    #[test]
    fn a_second_init_changes_nothing() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::resolve(Some(&folder.path().join("new/node")))?;
        let context = Context { home: home.clone(), output: OutputFormat::Json, log: None };
        let args = InitArgs { name: "district-07".into(), p2p: None };
        let first = run(&context, &args).map_err(|f| f.message)?;
        let operator = fs::read_to_string(home.operator_file())?;
        fs::write(home.config_file(), "[api]\nmax_streams = 3\n")?;
        let second = run(&context, &args).map_err(|f| f.message)?;
        assert_eq!(first.answer, second.answer);
        assert_eq!(fs::read_to_string(home.operator_file())?, operator);
        assert_eq!(Config::load(&home)?.api.max_streams, 3);
        Ok(())
    }

    #[test]
    fn a_name_with_a_space_is_refused() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let context =
            Context { home: Home::resolve(Some(folder.path()))?, output: OutputFormat::Text, log: None };
        let refused = run(&context, &InitArgs { name: "a b".into(), p2p: None });
        assert!(refused.is_err_and(|f| f.code == "bad_name" && f.hint.contains("district-07")));
        Ok(())
    }
}
