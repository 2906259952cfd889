//! `aula district failover`: lets this home of a pair act although the other one acknowledged what only it has.
//!
//! Never by itself: an operator says so, of one epoch, when the other one's disk is gone. The running node does the rest.

use aula_files::{Access, replace};
use aula_home::clock::now_ms;
use aula_standby::standing::{STALE_MS, Standing};
use clap::Args;
use serde_json::json;

use crate::command::{Advise, Context, Failure, Outcome};

/// Arguments of `aula district failover`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district status                            who acts, and whether the other has everything\n  aula district failover --accept-loss            this home acts without what only the other has\n\nA pair \
                  switches by itself while the standby has every acknowledged write. While the acting one goes on alone, the standby waits for \
                  it: start it again. Only when its disk is gone for good, this home may act without it; what it acknowledged alone is lost then. Where \
                  the lease's store was emptied nobody acts: run it in the home that acted last.\nExit \
                  0: said to the running node; 2: this home is not a standby, or lacks nothing."
)]
pub struct FailoverArgs {
    /// Lose what only the other one has
    #[arg(long, required = true)]
    pub accept_loss: bool,
}

/// Says so to the running node.
///
/// # Errors
/// A home that is in no pair, acts, lacks nothing, or whose node does not run.
pub fn run(context: &Context, _: &FailoverArgs) -> Result<Outcome, Failure> {
    let folder = context.home.pair_dir();
    let standing = Standing::load(&folder).filter(|one| now_ms().saturating_sub(one.at_ms) <= STALE_MS);
    let refused = |message: &str, hint: &str| Err(Failure::new("no_failover", message, hint));
    let Some(standing) = standing else {
        return refused(
            "this home's node is not of a pair, or does not run",
            "start it with [pair] in config.toml",
        );
    };
    // Nobody's: the lease's store has no record any more.
    let nobodys = standing.holder.is_none() && standing.epoch > 0;
    if standing.role != "standby" && !nobodys {
        return refused(
            "this home does not stand by",
            "run it in the home that does: `aula district status` says which",
        );
    }
    if standing.level.as_deref() == Some(standing.name.as_str()) {
        let hint = "nothing is to be done: it acts as soon as the other one's lease is over";
        return refused("this home has every acknowledged write", hint);
    }
    let (path, epoch) = (folder.join("accept"), standing.epoch);
    replace(&path, Access::Private, format!("{epoch}\n").as_bytes())
        .advise(format!("cannot write {}", path.display()), "check the folder's owner and the space left")?;
    let text = format!(
        "epoch {epoch} ends as soon as its lease does: this home acts then, without what only the other has"
    );
    Ok(Outcome::yes(json!({ "epoch": epoch }), text))
}
