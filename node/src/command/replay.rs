//! `aula replay`: executes the home's chain again from the genesis and compares everything.
//!
//! For each height: the parent, the certificate against the validators that the replayed state names, every
//! root of the header, and the receipts. At the end the replayed state is compared with the stored one, record by
//! record. The database is opened for reading alone, so a read-only home will do; the node must be stopped.

use std::time::Instant;

use aula_home::config::Config;
use aula_ledger::chain::Header;
use aula_ledger::execute::{BlockInput, ExecuteError, Outcome as Executed, VerifyAll, execute_block};
use aula_ledger::state::{MemoryState, StateReader, schema};
use aula_ledger::tx::Receipt;
use aula_ledger::types::Height;
use aula_server::bootstrap::{db_options, origin, read_genesis, storage_failure};
use aula_store::{ChainDb, ChainView};
use clap::Args;
use serde::Serialize;

use super::{Advise, Context, Failure, OUTDATED, Outcome, with_chain};

mod diverged;

/// Arguments of `aula replay`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula replay --home /srv/district-07\n\nExit 0: every root agrees; 1: the first height and \
                        root that differ; 2: it could not be checked. Stop the node first. Of the \
                        folder of a demo or localnet its first node's chain is read.\n\nA node whose execution of a final \
                        block parts from the others' writes a file and stops. This executes it, on any machine:\n  aula replay \
                        --diverged /srv/district-07/data/diverged-4711\nExit 0: this program gives the certified header; 1: it does \
                        not, and where."
)]
pub struct ReplayArgs {
    /// Execute the one block of this file, which a node wrote that stopped at a divergence, instead of the home's chain
    #[arg(long, value_name = "FILE")]
    diverged: Option<std::path::PathBuf>,
}

impl ReplayArgs {
    /// The whole chain of the home.
    #[cfg(test)]
    const WHOLE: Self = Self { diverged: None };
}

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    agrees: bool,
    chain_id: String,
    height: u64,
    transactions: u64,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    differs: Option<Difference>,
}

/// The first difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::command) struct Difference {
    pub(in crate::command) height: u64,
    pub(in crate::command) what: String,
    pub(in crate::command) stored: String,
    pub(in crate::command) replayed: String,
}

/// Replays the chain.
///
/// # Errors
/// When the home has no database or it cannot be read.
pub fn run(context: &Context, args: &ReplayArgs) -> Result<Outcome, Failure> {
    if let Some(file) = &args.diverged {
        return diverged::run(file);
    }
    let context = &with_chain(context);
    let config = Config::load(&context.home)?;
    let (bytes, parsed) = read_genesis(&context.home)?;
    let db =
        ChainDb::open_read_only(&context.home.data_dir(), db_options(&config)).map_err(storage_failure)?;
    let view = db.latest();
    let oldest = view.oldest().map_err(storage_failure)?;
    if oldest > Height::GENESIS.next() {
        return Err(Failure::new(
            "pruned",
            format!(
                "this node keeps blocks from {oldest} on, so the chain cannot be executed from its genesis here"
            ),
            "replay on a node that keeps every block; what this one holds is checked by `aula node backup` and `restore`",
        ));
    }
    let start = Instant::now();
    let mut state = MemoryState::new();
    state.apply(origin(&bytes, &parsed)?.writes);
    let mut transactions = 0u64;
    let mut differs = None;
    let mut height = Height::GENESIS;
    let mut parent = parsed.sha256;
    if view.genesis().map_err(storage_failure)? != bytes {
        let stored = aula_store::sha256(&view.genesis().map_err(storage_failure)?);
        differs = Some(difference(height, "genesis", stored, parsed.sha256));
    }
    while differs.is_none() && height < view.tip().height {
        height = height.next();
        let replayed = one(&view, &state, height, parent)?;
        match replayed {
            Ok((executed, count)) => {
                parent = executed.header.hash();
                transactions += count;
                state.apply(executed.writes);
            }
            Err(found) => differs = Some(found),
        }
    }
    if differs.is_none() {
        differs = compare_state(&view, &state)?;
    }
    let report = Report {
        agrees: differs.is_none(),
        chain_id: parsed.chain_id.to_string(),
        height: height.0,
        transactions,
        seconds: start.elapsed().as_secs_f64(),
        differs,
    };
    if report.agrees {
        clear_damage(context)?;
    }
    Ok(match &report.differs {
        None => {
            let text = format!(
                "every root agrees through height {} ({transactions} transactions, {:.1} s)",
                report.height, report.seconds
            );
            Outcome::yes(&report, text)
        }
        Some(d) => {
            let text = format!("height {}: {} is {}, replayed {}", d.height, d.what, d.stored, d.replayed);
            Outcome::no(&report, text)
        }
    })
}

/// Every root agrees, so what the node wrote down of damage no longer holds.
fn clear_damage(context: &Context) -> Result<(), Failure> {
    let file = context.home.damage_file();
    match std::fs::remove_file(&file) {
        Ok(()) => context.tell(format_args!("removed {}: the state is not damaged", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            let hint = "remove that file by hand; the node is not ready while it is there";
            return Err(error).advise(format!("cannot remove {}", file.display()), hint);
        }
    }
    Ok(())
}

pub(in crate::command) type Replayed = Result<(Executed, u64), Difference>;

/// Executes one height on the state before it and compares.
pub(in crate::command) fn one(
    view: &ChainView,
    state: &MemoryState,
    height: Height,
    parent: aula_ledger::types::Hash,
) -> Result<Replayed, Failure> {
    let missing = |what: &str| {
        Failure::because(
            format!("the database has no {what} for height {height}"),
            "fetch the chain again from a peer",
        )
    };
    let block = view.block(height).map_err(storage_failure)?.ok_or_else(|| missing("block"))?;
    let certificate =
        view.certificate(height).map_err(storage_failure)?.ok_or_else(|| missing("certificate"))?;
    let receipts = view.receipts(height).map_err(storage_failure)?.ok_or_else(|| missing("receipts"))?;
    let hash = block.header.hash();
    if block.header.parent != parent {
        return Ok(Err(difference(height, "parent", block.header.parent, parent)));
    }
    let validators =
        schema::validator_schedule(state).advise("the replayed state is unusable", "report it")?.next;
    if certificate.block_hash != hash || certificate.height != height {
        return Ok(Err(difference(height, "certificate's block hash", certificate.block_hash, hash)));
    }
    if let Err(error) = certificate.verify(&block.header.genesis, &validators) {
        return Ok(Err(difference(height, "certificate", error, "a quorum of valid precommits")));
    }
    let executed = match execute_block(state, &BlockInput::of(&block), &VerifyAll) {
        Ok(executed) => executed,
        Err(ExecuteError::Outdated(outdated)) => {
            return Err(Failure::new(OUTDATED, &outdated, outdated.next_step()));
        }
        Err(error) => return Ok(Err(difference(height, "execution", "a final block", error))),
    };
    let count = block.transactions.len() as u64;
    Ok(match compare(&block.header, &executed.header, &receipts, &executed.receipts) {
        Some((what, stored, replayed)) => Err(difference(height, what, stored, replayed)),
        None => Ok((executed, count)),
    })
}

/// The first field of the header, or receipt, that differs.
fn compare(
    stored: &Header,
    replayed: &Header,
    stored_receipts: &[Receipt],
    receipts: &[Receipt],
) -> Option<(&'static str, String, String)> {
    let head = |t: &aula_ledger::proof::TreeHead| format!("{} of {} leaves", t.root, t.leaf_count);
    let pairs = [
        ("protocol", stored.protocol.to_string(), replayed.protocol.to_string()),
        ("transactions_root", head(&stored.transactions), head(&replayed.transactions)),
        ("receipts_root", head(&stored.receipts), head(&replayed.receipts)),
        ("students_root", head(&stored.students), head(&replayed.students)),
        ("state_root", stored.state_root.to_string(), replayed.state_root.to_string()),
        ("validators_hash", stored.validators_hash.to_string(), replayed.validators_hash.to_string()),
        (
            "next_validators_hash",
            stored.next_validators_hash.to_string(),
            replayed.next_validators_hash.to_string(),
        ),
        ("header", stored.hash().to_string(), replayed.hash().to_string()),
        ("stored receipts", format!("{stored_receipts:?}"), format!("{receipts:?}")),
    ];
    pairs.into_iter().find(|(_, a, b)| a != b)
}

/// The stored records after the last height against the replayed ones.
fn compare_state(view: &ChainView, state: &MemoryState) -> Result<Option<Difference>, Failure> {
    let hint = "fetch the chain again from a peer";
    let stored = view.values(&[]).advise("the stored state cannot be read", hint)?;
    let replayed = state.values(&[]).advise("the replayed state cannot be read", hint)?;
    let at = view.tip().height;
    if stored == replayed {
        return Ok(None);
    }
    let first =
        stored.iter().zip(&replayed).find(|(a, b)| a != b).map(|(a, _)| a.0.escape_ascii().to_string());
    let stored = format!("{} records", stored.len());
    let replayed =
        format!("{} records, differing from {}", replayed.len(), first.unwrap_or_else(|| "the end".into()));
    Ok(Some(difference(at, "stored state", stored, replayed)))
}

fn difference(
    height: Height,
    what: &str,
    stored: impl std::fmt::Display,
    replayed: impl std::fmt::Display,
) -> Difference {
    Difference {
        height: height.0,
        what: what.into(),
        stored: stored.to_string(),
        replayed: replayed.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Verdict;
    use crate::terminal::OutputFormat;
    use aula_kit::DevChain;

    fn replayed(chain: DevChain) -> Result<(Verdict, serde_json::Value), Failure> {
        let (home, folder) = chain.close();
        let context = Context { home, output: OutputFormat::Json, log: None };
        let outcome = run(&context, &ReplayArgs::WHOLE)?;
        drop(folder);
        Ok((outcome.verdict, outcome.answer.map(|a| a.json).unwrap_or_default()))
    }

    #[test]
    fn an_honest_chain_agrees() -> Result<(), Failure> {
        let mut chain = DevChain::new()?;
        let transactions = [chain.proposal(100), chain.proposal(101)];
        chain.block(&transactions)?;
        chain.block(&[])?;
        let (verdict, json) = replayed(chain)?;
        assert_eq!((verdict, &json["height"], &json["transactions"]), (Verdict::Yes, &2.into(), &2.into()));
        Ok(())
    }

    #[test]
    fn of_a_consortiums_folder_the_first_nodes_chain_is_executed() -> Result<(), Box<dyn std::error::Error>> {
        let chain = DevChain::new().map_err(|failure| failure.message)?;
        chain.block(&[]).map_err(|failure| failure.message)?;
        let (home, _folder) = chain.close();
        let consortium = tempfile::tempdir()?;
        std::os::unix::fs::symlink(home.path(), consortium.path().join("node-01"))?;
        let home = aula_home::Home::at(consortium.path().to_owned());
        let context = Context { home, output: OutputFormat::Json, log: None };
        let outcome = run(&context, &ReplayArgs::WHOLE).map_err(|failure| failure.message)?;
        assert_eq!(outcome.verdict, Verdict::Yes);
        assert_eq!(outcome.answer.map(|answer| answer.json["height"].clone()), Some(1.into()));
        // A home with a chain of its own is itself, and one with neither is what it was.
        let own = Context { home: aula_home::Home::at(consortium.path().join("node-01")), ..context.clone() };
        assert_eq!(with_chain(&own).home, own.home);
        let empty = Context { home: aula_home::Home::at(consortium.path().join("node-02")), ..context };
        assert_eq!(with_chain(&empty).home, empty.home);
        Ok(())
    }

    #[test]
    fn the_first_wrong_root_is_named() -> Result<(), Failure> {
        let mut chain = DevChain::new()?;
        chain.block(&[])?;
        let transaction = chain.proposal(100);
        chain.block_with(&[transaction], |header| header.state_root.0[0] ^= 1)?;
        chain.block(&[])?;
        let (verdict, json) = replayed(chain)?;
        assert_eq!(verdict, Verdict::No);
        assert_eq!((&json["differs"]["height"], &json["differs"]["what"]), (&2.into(), &"state_root".into()));
        Ok(())
    }
}
