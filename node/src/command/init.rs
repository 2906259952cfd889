//! `aula init`: a node's folder with keys, a commented config.toml and the public-key file.

use aula_home::operator::{Choice, make};
use clap::Args;
use serde_json::json;

use super::{Context, Failure, Outcome};

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
    /// is not one of this machine's addresses, a new config.toml listens on all of them [default: the config's]
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

#[cfg(test)]
mod tests {
    use std::fs;

    use aula_home::Home;
    use aula_home::config::Config;

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
    fn a_name_with_a_space_is_refused() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::resolve(Some(folder.path()))?;
        let refused = run(&context(&home), &InitArgs { name: Some("a b".into()), p2p: None });
        assert!(refused.is_err_and(|f| f.code == "bad_name" && f.hint.contains("district-07")));
        let refused = run(&context(&home), &InitArgs { name: Some("x".repeat(5_000)), p2p: None });
        assert!(refused.is_err_and(|f| f.code == "bad_name" && f.message.len() < 200));
        let refused = run(&context(&home), &InitArgs { name: None, p2p: Some("192.0.2.7:8481".into()) });
        assert!(refused.is_err_and(|f| f.code == "bad_address"));
        Ok(())
    }
}
