//! `aula keys`: create, show (public halves only), export, rotate, replace a lost one by vote.

use aula_home::keys::{KeyKind, NodeKey, peer_id};
use aula_home::operator::{create_missing, export};
use aula_home::outside::Outside;
use aula_ledger::keys::account_of;
use aula_ledger::types::ValidatorAddress;
use clap::{Args, Subcommand};
use serde_json::json;

use super::acting::ActingArgs;
use super::{Context, Failure, Outcome};

mod by_vote;
mod next;
mod replace_lost;
mod rotate;

/// Arguments of `aula keys`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula keys show\n  aula keys create --kind account --home /srv/district-07\n  aula keys rotate --kind validator        then start the node \
                        again\n  \
                        aula keys replace-lost --kind validator  then a member proposes HOME/replacements/validator.json\n  \
                        aula keys export --name district-07 --p2p /ip4/192.0.2.7/tcp/8481\n\nSecret keys are never printed; they stay in \
                        HOME/keys with mode 0600."
)]
pub struct KeysArgs {
    /// What to do with the keys
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with the keys.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Draw missing keys; existing ones are kept
    Create {
        /// Only the key of this kind [default: the four of a node]
        #[arg(long, value_enum)]
        kind: Option<KeyKind>,
    },
    /// Replace a key of this home: drawn here, put in force by the ledger; the seed key by vote
    Rotate {
        /// The kind of key to replace
        #[arg(long, value_enum)]
        kind: KeyKind,
        /// Go on although so many validators are silent that the chain stands until this node is started again
        #[arg(long)]
        accept_standstill: bool,
        /// The node to ask
        #[command(flatten)]
        acting: ActingArgs,
    },
    /// Have a lost key replaced by the members' vote: draws the new one and writes what a member proposes, HOME/replacements/*.json. Run
    /// again after the vote, it does what is left. The only validator's seed and network key wait for a second validator
    ReplaceLost {
        /// The kind of key that is lost: validator, network or seed
        #[arg(long, value_enum)]
        kind: KeyKind,
        /// The lost validator key's address, 40 hex digits [default: of keys/validator.json, else as operator.json remembers it]
        #[arg(long, value_name = "ADDRESS")]
        address: Option<ValidatorAddress>,
        /// The node to ask; one must be asked but where a file is gone and this home's node is down
        #[command(flatten)]
        acting: ActingArgs,
    },
    /// Print the public keys, the validator address and the peer id
    Show,
    /// Write the public-key file that the genesis is built from
    Export {
        /// The operator's name, 1 to 40 lower-case letters, digits and dashes
        #[arg(long)]
        name: String,
        /// Where other nodes reach this one: /ip4/ADDRESS/tcp/PORT or /dns/NAME/tcp/PORT [default: as it was exported before]
        #[arg(long, value_name = "MULTIADDR")]
        p2p: Option<String>,
    },
}

/// Runs `aula keys`.
///
/// # Errors
/// When a key file cannot be written or is refused.
pub async fn run(context: &Context, args: &KeysArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::Create { kind } => {
            let kinds = kind.map_or_else(|| KeyKind::ALL.to_vec(), |k| vec![k]);
            for path in create_missing(&context.home, &kinds)? {
                context.tell(format_args!("new key: {}", path.display()));
            }
            show(context)
        }
        Action::Rotate { kind, accept_standstill, acting } => {
            rotate::run(context, acting, *kind, *accept_standstill).await
        }
        Action::ReplaceLost { kind, address, acting } => {
            replace_lost::run(context, acting, *kind, *address).await
        }
        Action::Show => show(context),
        Action::Export { name, p2p } => {
            if let Some(p2p) = p2p {
                p2p.parse::<Outside>()?;
            }
            let file = export(&context.home, name, p2p.clone())?;
            let path = context.home.operator_file();
            let text =
                format!("{}\nSend it to whoever builds the genesis; it holds no secret.", path.display());
            Ok(Outcome::yes(json!({ "file": path, "operator": file }), text))
        }
    }
}

fn show(context: &Context) -> Result<Outcome, Failure> {
    let mut found = serde_json::Map::new();
    let mut lines = Vec::new();
    for kind in KeyKind::ALL.into_iter().chain([KeyKind::Issuer]) {
        let path = NodeKey::path(&context.home, kind);
        // A link that leads nowhere, or back to itself, is a key that cannot be read.
        if path.symlink_metadata().is_err() {
            if kind == KeyKind::Issuer {
                continue;
            }
            lines.push(format!("{:<10} none", kind.name()));
            continue;
        }
        let key = NodeKey::load(&path, kind)?;
        let mut entry = json!({ "public_key": key.public(), "file": path });
        let name = match kind {
            KeyKind::Account | KeyKind::Issuer => None,
            KeyKind::Seed => Some(("account", account_of(&key.public()).to_string())),
            KeyKind::Validator => Some(("address", key.validator_address().to_string())),
            KeyKind::Network => peer_id(&key.public()).map(|id| ("peer_id", id)),
        };
        let mut line = format!("{:<10} {}", kind.name(), key.public());
        if let Some((field, value)) = name {
            line.push_str(&format!("  {field} {value}"));
            entry[field] = value.into();
        }
        lines.push(line);
        found.insert(kind.name().to_owned(), entry);
    }
    if found.is_empty() {
        return Err(Failure::new(
            "no_keys",
            format!("there are no keys in {}", context.home.keys_dir().display()),
            "create them with `aula init` or `aula keys create`",
        ));
    }
    Ok(Outcome::yes(found, lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::terminal::OutputFormat;
    use aula_home::Home;

    #[test]
    fn a_key_that_is_a_link_to_itself_is_not_shown_as_none() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let path = NodeKey::path(&home, KeyKind::Seed);
        std::fs::create_dir(home.keys_dir())?;
        std::os::unix::fs::symlink(&path, &path)?;
        let context = Context { home, output: OutputFormat::Text, log: None };
        let failure = show(&context).err().ok_or("shown")?;
        assert!(failure.message.contains("seed.json") && failure.hint.contains("leads back"), "{failure:?}");
        Ok(())
    }

    #[test]
    fn a_key_that_others_may_read_is_told_with_what_to_do() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let path = NodeKey::path(&home, KeyKind::Account);
        NodeKey::generate(KeyKind::Account).save(&path)?;
        set_permissions(&path, Permissions::from_mode(0o644))?;
        let context = Context { home, output: OutputFormat::Text, log: None };
        let hint = show(&context).err().map(|failure| failure.hint).unwrap_or_default();
        assert!(hint.starts_with("make it private"), "{hint}");
        Ok(())
    }
}
