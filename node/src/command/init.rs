//! `aula init`: a node's folder with keys, a commented config.toml and the public-key file.

use std::fs;
use std::os::unix::fs::DirBuilderExt;

use clap::Args;
use serde_json::json;

use super::{Advise, Context, Failure, Outcome, keys};
use crate::config::{Config, SAMPLE};
use crate::keys::KeyKind;

/// Arguments of `aula init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  aula init --home /srv/district-07 --name district-07 --p2p \
                        /ip4/192.0.2.7/tcp/8481\n  aula init\n\nRunning it again changes nothing that is there. Send \
                        HOME/operator.json to whoever builds the genesis.")]
pub struct InitArgs {
    /// The operator's name, 1 to 40 lower-case letters, digits and dashes
    #[arg(long, default_value = "node")]
    pub name: String,
    /// Where other nodes will reach this one, a multiaddress
    #[arg(long, env = "AULA_P2P_EXTERNAL", value_name = "MULTIADDR")]
    pub p2p: Option<String>,
}

/// Makes what is missing in the home.
///
/// # Errors
/// When the folder cannot be written or holds a configuration that is not valid.
pub fn run(context: &Context, args: &InitArgs) -> Result<Outcome, Failure> {
    keys::check_name(&args.name)?;
    let home = &context.home;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home.path())
        .advise(format!("cannot make {}", home.path().display()), "choose a folder you own with --home")?;
    let config = home.config_file();
    if !config.exists() {
        fs::write(&config, SAMPLE)
            .advise(format!("cannot write {}", config.display()), "check the space left")?;
        context.tell(format_args!("new configuration: {}", config.display()));
    }
    Config::load(home)?;
    keys::create_missing(context, &KeyKind::ALL)?;
    let operator = keys::export(context, &args.name, args.p2p.clone())?;
    let text = format!(
        "{} is ready.\nSend {} to whoever builds the genesis, then: aula join --genesis FILE --peer MULTIADDR",
        home.path().display(),
        home.operator_file().display()
    );
    let json = json!({ "home": home.path(), "config": config, "operator_file": home.operator_file(), "operator": operator });
    Ok(Outcome::yes(json, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::OutputFormat;
    use crate::home::Home;

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
