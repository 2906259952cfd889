//! `aula genesis`: the genesis file from the operators' public-key files, and optionally a base with the
//! consortium's districts, schools, further members and parameters.
//!
//! Each operator becomes a member with the role consortium and runs one validator of power 1. The order of
//! the files does not matter. The file's bytes name the chain: send the same file to everybody.

use std::path::PathBuf;

use aula_files::Access;
use aula_home::clock::now_ms;
use aula_home::founding::{Base, assemble, read};
use aula_home::keys::OperatorFile;
use aula_ledger::types::TimeMs;
use clap::Args;
use serde_json::json;

use super::{Advise, Context, Failure, Outcome, absolute};

/// Arguments of `aula genesis`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula genesis --name county --operator a/operator.json --operator b/operator.json -o genesis.json\n  \
                  aula genesis --name county --operator a.json b.json c.json d.json --base consortium.json\n\nThe base is JSON \
                  with any of \"params\", \"members\", \"districts\", \"schools\", \"sources\" in the form of the genesis file. The chain id \
                  is NAME-XXXXXXXX, from the SHA-256 of the file: publish that hash."
)]
pub struct GenesisArgs {
    /// The chain's name, 1 to 40 lower-case letters, digits and dashes
    #[arg(long)]
    pub name: String,
    /// The operators' public-key files (HOME/operator.json of each), at least one
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub operator: Vec<PathBuf>,
    /// Districts, schools, further members and parameters, JSON
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// Time of the genesis in milliseconds since 1970 UTC [default: now]
    #[arg(long, value_name = "MS")]
    pub time_ms: Option<u64>,
    /// Where to write it [default: HOME/genesis.json]
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Writes the genesis file and says what it names.
///
/// # Errors
/// When a file is missing or malformed, or a rule of the genesis is broken.
pub fn run(context: &Context, args: &GenesisArgs) -> Result<Outcome, Failure> {
    let operators = args.operator.iter().map(|path| read(path)).collect::<Result<Vec<OperatorFile>, _>>()?;
    let base = args.base.as_deref().map_or_else(|| Ok(Base::default()), read)?;
    let time_ms = args.time_ms.unwrap_or_else(now_ms);
    let (bytes, parsed) = assemble(&args.name, TimeMs(time_ms), &operators, base)?;
    let out = args.out.as_deref().map_or_else(|| Ok(context.home.genesis_file()), absolute)?;
    if aula_files::is_there(&out) {
        return Err(Failure::new(
            "exists",
            format!("{} exists already and a genesis is never overwritten", out.display()),
            "choose another file with -o",
        ));
    }
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder)
            .advise(format!("cannot make {}", folder.display()), "choose another -o")?;
    }
    aula_files::create(&out, Access::Public, &bytes)
        .advise(format!("cannot write {}", out.display()), "check the folder's owner and the space left")?;
    let genesis = &parsed.genesis;
    let text = format!(
        "{}\nchain id  {}\nsha256    {}\n{} validators, {} members, {} districts, {} schools\nPublish the sha256 and \
         send the file to every operator.",
        out.display(),
        parsed.chain_id,
        parsed.sha256,
        genesis.validators.len(),
        genesis.members.len(),
        genesis.districts.len(),
        genesis.schools.len()
    );
    let json = json!({
        "file": out, "chain_id": parsed.chain_id, "sha256": parsed.sha256, "time_ms": time_ms,
        "validators": genesis.validators.len(), "members": genesis.members.len(),
        "districts": genesis.districts.len(), "schools": genesis.schools.len(),
    });
    Ok(Outcome::yes(json, text))
}
