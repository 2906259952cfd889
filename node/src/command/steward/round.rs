//! `aula steward open` and `aula steward run`: a round that takes requests, and one that is decided.

use aula_api::PublicEvent;
use aula_api::event::RoundOpened;
use aula_ledger::tx::{OpenRound, RunRound};
use aula_ledger::types::{ClassId, RoundId};
use clap::Args;
use serde_json::json;

use crate::command::acting::Acting;
use crate::command::{Failure, Outcome};

/// A round to open.
#[derive(Debug, Args)]
pub struct OpenArgs {
    /// The number of the class whose places are given
    #[arg(long, value_name = "N")]
    pub class: u16,
    /// How much longer than the least window requests are taken, in seconds of block time
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub extra_requests: u64,
    /// How much longer than the least window shares of the seed are revealed, in seconds of block time
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub extra_reveals: u64,
}

/// A round to run.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The round's number; its windows must be over
    #[arg(long, value_name = "N")]
    pub round: u32,
}

/// Opens it, and says until when it takes requests.
///
/// # Errors
/// When the node refuses.
pub(super) async fn open(mut acting: Acting, args: &OpenArgs) -> Result<Outcome, Failure> {
    let opening = OpenRound {
        class: ClassId(args.class),
        extra_request_ms: args.extra_requests.saturating_mul(1_000),
        extra_reveal_ms: args.extra_reveals.saturating_mul(1_000),
    };
    let done = acting.send(opening).await?;
    done.told_by(|opened: RoundOpened| {
        let RoundOpened { round, requests_until, requests_until_ms } = opened;
        let text = format!("round {round} takes requests until height {requests_until} at least");
        let fields = json!({
            "round": round, "requests_until": requests_until, "requests_until_ms": requests_until_ms,
        });
        (fields, text)
    })
}

/// Runs it, and says what was decided.
///
/// # Errors
/// When the node refuses.
pub(super) async fn run(mut acting: Acting, args: &RunArgs) -> Result<Outcome, Failure> {
    let done = acting.send(RunRound { round: RoundId(args.round) }).await?;
    let decided = done.told.events.iter().flatten().find(|event| event.name() == "round_decided").cloned();
    let words = decided.as_ref().and_then(PublicEvent::words);
    let words = words.map_or_else(|| format!("round {} is decided", args.round), str::to_owned);
    Ok(done.outcome(json!({ "round": args.round, "decided": decided }), words))
}
