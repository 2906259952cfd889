//! `aula backup`: copies of what a district cannot get back from its peers.
//!
//! The vault's data, as many copies as wanted, without any key; the keystore, of which the newest copy alone is kept.
//! Left out on purpose: the chain's database, which comes back from the peers; `keys/`, which are copied by hand once,
//! like any signing key; and the signer's guard, which a restored validator must not have.

use std::path::PathBuf;

use aula_server::backups::{Backups, KeysCopied};
use aula_vault::backup::{back_up_data, back_up_keystore};
use clap::Args;
use serde_json::json;

use super::vault::{Place, refused};
use super::{Advise, Context, Failure, Outcome, absolute, now_ms};

/// Arguments of `aula backup`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula backup --data /mnt/backup/2026-11-22\n  aula backup --keys /mnt/safe/district-07\n\nTake \
                        the two to different places. After `aula vault rotate` or `aula vault erase` back up the keystore again: it \
                        replaces the copy before, so that no copy of destroyed keys is left."
)]
pub struct BackupArgs {
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
    /// Copy the vault's data, config.toml, genesis.json and operator.json into this new folder
    #[arg(long, value_name = "DIR", required_unless_present = "keys")]
    pub data: Option<PathBuf>,
    /// Copy the keystore into this folder, in the place of the copy before
    #[arg(long = "keys", value_name = "DIR")]
    pub keys: Option<PathBuf>,
}

/// Copies.
///
/// # Errors
/// When the vault cannot be opened or a copy cannot be written; what was copied before stays.
pub fn run(context: &Context, args: &BackupArgs) -> Result<Outcome, Failure> {
    let vault = args.place.open(context)?;
    let (mut json, mut lines) = (serde_json::Map::new(), Vec::new());
    let mut noted = Backups::of_home(&context.home).unwrap_or_default();
    if let Some(folder) = &args.data {
        let folder = absolute(folder)?;
        let copied = back_up_data(&vault, &folder).map_err(refused)?;
        let hint = "check the folder's owner and space";
        for file in [context.home.config_file(), context.home.genesis_file(), context.home.operator_file()] {
            if let Some(name) = file.file_name().filter(|_| file.exists()) {
                std::fs::copy(&file, folder.join(name))
                    .advise(format!("cannot copy {}", file.display()), hint)?;
            }
        }
        lines.push(format!("data     {}", copied.display()));
        json.insert("data".into(), json!(folder));
        noted.data_ms = Some(now_ms());
    }
    if let Some(folder) = &args.keys {
        let folder = absolute(folder)?;
        let copied = back_up_keystore(&vault, &folder).map_err(refused)?;
        let generation = vault.keystore().current().generation;
        lines.push(format!("keys     {} (generation {generation})", copied.display()));
        json.insert("keys".into(), json!(folder));
        json.insert("generation".into(), json!(generation));
        noted.keys = Some(KeysCopied { at_ms: now_ms(), generation });
    }
    // The copies are made; `aula doctor` is what misses the note.
    if let Err(error) = noted.save(&context.home) {
        context.tell(format_args!(
            "aula: when this was cannot be written to {}: {error}",
            context.home.backups_file().display()
        ));
    }
    Ok(Outcome::yes(json, lines.join("\n")))
}
