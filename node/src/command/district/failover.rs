//! `aula district failover`: lets this home of a pair act although the other one acknowledged what only it has.
//!
//! Never by itself: an operator says so, of the lease's record as it stands, when the other one's disk is gone. The running node does the
//! rest, and takes the word back when it sees another record.

use aula_home::clock::now_ms;
use aula_standby::accept::{Accepted, give};
use aula_standby::standing::{STALE_MS, Standing};
use clap::Args;
use serde_json::json;

use crate::command::{Advise, Context, Failure, Outcome};

/// Arguments of `aula district failover`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district status                            who acts, and whether the other has everything\n  aula district failover --accept-loss            this home acts without what only the other has\n\nA pair \
                  switches by itself while the standby has every acknowledged write. While the acting one goes on alone, the standby waits for \
                  it: start it again. Only when its disk is gone for good, this home may act without it; what it acknowledged alone is lost then. It is \
                  said of the lease's record as it stands: refused while the other one renews it, and taken back when it does again. Where \
                  the lease's store was emptied nobody acts: run it in the home that acted last.\nExit \
                  0: said to the running node; 2: this home is not a standby, or lacks nothing, or the other one acts."
)]
pub struct FailoverArgs {
    /// Lose what only the other one has
    #[arg(long, required = true)]
    pub accept_loss: bool,
}

/// Says so to the running node.
///
/// # Errors
/// A home that is in no pair, acts, lacks nothing, whose node does not run, or whose other one acts.
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
    if !standing.over {
        let hint = "where its disk is gone and it runs on, end it; run this again when it has ended";
        return refused("the other one renews the lease: it acts", hint);
    }
    let epoch = standing.epoch;
    give(&folder, Accepted { epoch, turn: standing.turn }).advise(
        format!("cannot write {}", folder.display()),
        "check the folder's owner and the space left",
    )?;
    let text = format!(
        "epoch {epoch} ends: this home acts without what only the other has, unless that one renews the lease meanwhile"
    );
    Ok(Outcome::yes(json!({ "epoch": epoch }), text))
}

#[cfg(test)]
mod tests {
    use aula_home::Home;

    use super::*;
    use crate::terminal::OutputFormat;

    #[test]
    fn a_loss_is_accepted_of_the_record_as_it_stands_and_only_while_nobody_renews_it()
    -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        let home = Home::at(root.path().to_owned());
        let folder = home.pair_dir();
        std::fs::create_dir_all(&folder)?;
        let context = Context { home, output: OutputFormat::Json, log: None };
        let gone = Standing {
            name: "west".into(),
            role: "standby".into(),
            epoch: 3,
            holder: Some("east".into()),
            turn: Some(17),
            over: true,
            at_ms: now_ms(),
            ..Standing::default()
        };
        let asked = |standing: &Standing| {
            standing.keep(&folder)?;
            Ok::<_, std::io::Error>(run(&context, &FailoverArgs { accept_loss: true }).is_ok())
        };
        for refused in [
            Standing { over: false, ..gone.clone() },
            Standing { level: Some("west".into()), ..gone.clone() },
            Standing { role: "acting".into(), ..gone.clone() },
            Standing { at_ms: now_ms() - 2 * STALE_MS, ..gone.clone() },
        ] {
            assert!(!asked(&refused)? && !folder.join("accept").exists(), "{refused:?}");
        }
        assert!(asked(&gone)?);
        let of = Accepted { epoch: 3, turn: Some(17) };
        assert_eq!(aula_standby::accept::said(&folder, of), Some(of));
        Ok(())
    }
}
