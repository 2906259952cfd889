//! `aula status`: where a node is. Exit 1 when it answers and its last block is more than a minute old.

use aula_api::chain::blocks_behind;
use aula_ledger::execute::time::MAX_AHEAD_MS;
use clap::Args;

use super::rpc::RpcArgs;
use super::{Answer, Context, Failure, Outcome, Verdict, now_ms};

/// A last block older than this is an answer of "no".
const CURRENT_MS: u64 = 60_000;

/// Arguments of `aula status`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula status --home /srv/district-07\n  aula status --rpc http://127.0.0.1:8480 \
                        --output json\n\nExit 0: up and current; 1: up, but the last block is over a minute old; 2: no answer."
)]
pub struct StatusArgs {
    /// The node to ask
    #[command(flatten)]
    pub rpc: RpcArgs,
}

/// Asks the node.
///
/// # Errors
/// When it cannot be reached.
pub async fn run(context: &Context, args: &StatusArgs) -> Result<Outcome, Failure> {
    let client = args.rpc.client(context)?;
    let status = client.status().await?;
    let age_ms = now_ms().saturating_sub(status.time_ms.0);
    let mut text = format!(
        "{}  height {}  ({} s old)\nrole {}, {} validators, {} peers, {} waiting transactions, protocol {}\nexplorer {}",
        status.chain_id,
        status.height,
        age_ms / 1000,
        status.role,
        status.validators,
        status.peers,
        status.waiting_transactions,
        status.protocol.now,
        client.origin()
    );
    let behind = blocks_behind(status.height, status.told_height);
    if age_ms > CURRENT_MS && behind > 0 {
        context.tell(format_args!(
            "{behind} blocks behind what its peers say they have: wait while it fetches them"
        ));
    }
    if let Some(next) = &status.protocol.next {
        text = format!("{text}\n{}", next.words());
    }
    if let Some(stands) = &status.stands {
        context.tell(format_args!("the chain has stood for {} s: {}", stands.for_s, stands.why()));
    }
    if let Some(oldest) = status.delays.oldest_waiting_ms.filter(|age| *age >= CURRENT_MS) {
        context
            .tell(format_args!("the oldest waiting transaction has waited {} s for a block", oldest / 1_000));
    }
    for one in &status.delays.passed_over {
        context.tell(format_args!("passed over: {}", one.words(ToString::to_string)));
    }
    if let Some(why) = &status.silent_because {
        context.tell(format_args!("this validator signs nothing: {why}"));
    }
    if status.peers == 0 && status.validators > 1 {
        context.tell(
            "no peers: do the addresses in config.toml answer, and has a vote admitted this node's peer id?",
        );
    }
    if let Some(ahead) = status.ahead_of_clock_ms.filter(|ahead| *ahead > MAX_AHEAD_MS) {
        context.tell(format_args!("the chain's time is {ahead} ms ahead of the node's clock: set it by NTP"));
    }
    if let Some(attention) = &status.attention {
        context.tell(attention);
    }
    if let Some(damage) = &status.damage {
        context.tell(format_args!("this node's state is damaged: {damage}"));
    }
    let verdict = if age_ms <= CURRENT_MS { Verdict::Yes } else { Verdict::No };
    Ok(Outcome { verdict, answer: Some(Answer::new(status, text)) })
}
