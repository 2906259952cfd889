//! `aula steward open` and `aula steward run`: a round that takes requests, and one that is decided.

use aula_api::event::RoundOpened;
use aula_api::rounds::OneRound;
use aula_api::{PublicEvent, paths};
use aula_ledger::audit::report::utc;
use aula_ledger::code::Code;
use aula_ledger::state::schema::{Moment, Window};
use aula_ledger::tx::{OpenRound, RunRound};
use aula_ledger::types::{ClassId, RoundId, TimeMs};
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

/// Runs it, and says what was decided, or until when it waits.
///
/// # Errors
/// When the node refuses.
pub(super) async fn run(mut acting: Acting, args: &RunArgs) -> Result<Outcome, Failure> {
    let round = RoundId(args.round);
    let done = acting.send(RunRound { round }).await?;
    if done.told.code == Some(Code::TooEarlyToRun.number().into()) {
        let told: OneRound = acting.client.get(&paths::round(round)).await?;
        let (window, until) = (told.round.window, told.round.window_until);
        let (not_before, words) = waits(window, until, told.round.reveal_window_ms);
        let mut refused = done.outcome(json!({}), "");
        if let Some(answer) = &mut refused.answer {
            answer.text = format!("{}\nnext: {words}", answer.text);
            answer.json["window"] = json!(window);
            answer.json["not_before_ms"] = json!(not_before);
        }
        return Ok(refused);
    }
    let decided = done.told.events.iter().flatten().find(|event| event.name() == "round_decided").cloned();
    let words = decided.as_ref().and_then(PublicEvent::words);
    let words = words.map_or_else(|| format!("round {} is decided", args.round), str::to_owned);
    Ok(done.outcome(json!({ "round": args.round, "decided": decided }), words))
}

/// Before which block time a round does not run that this window is open in, and what to do meanwhile. Another attempt at its seed
/// makes it later.
fn waits(window: Window, until: Moment, reveal_window_ms: u64) -> (TimeMs, String) {
    let ends = format!("with the first block above height {} from {} on", until.height, utc(until.time_ms));
    let shares = match window {
        Window::Requests => "requests",
        Window::Commits => "commitments to its seed",
        Window::Reveals => {
            let words = format!("its reveals end {ends}: run it in a later one");
            return (until.time_ms, words);
        }
        Window::Closed => {
            return (until.time_ms, format!("its reveals ended in block {}: run it now", until.height));
        }
    };
    let not_before = TimeMs(until.time_ms.0.saturating_add(reveal_window_ms));
    let words = format!(
        "its {shares} end {ends}, and its reveals take {} s from there: run it from {} on",
        reveal_window_ms.div_ceil(1_000),
        utc(not_before)
    );
    (not_before, words)
}

#[cfg(test)]
mod tests {
    use aula_ledger::types::Height;

    use super::*;

    #[test]
    fn a_round_that_is_run_too_early_says_until_when_it_waits() {
        let until = Moment { height: Height(40), time_ms: TimeMs(60_000) };
        let told = |window| waits(window, until, 30_000);
        for (window, what) in [(Window::Requests, "requests"), (Window::Commits, "commitments")] {
            let (not_before, words) = told(window);
            assert_eq!(not_before, TimeMs(90_000));
            assert!(words.contains(what) && words.contains("above height 40"), "{words}");
            assert!(words.ends_with("run it from 1970-01-01 00:01:30 UTC on"), "{words}");
        }
        let (not_before, words) = told(Window::Reveals);
        assert!(not_before == TimeMs(60_000) && words.contains("from 1970-01-01 00:01:00 UTC on"), "{words}");
        assert!(told(Window::Closed).1.ends_with("run it now"));
    }
}
