//! The running node: whether it answers, moves, signs, and hears the others.

use std::time::Duration;

use aula_api::chain::ProtocolStatus;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::Check;
use super::network::resolve;
use crate::client::Client;
use crate::clock::now_ms;
use crate::terminal::Failure;

/// Between the two looks: more than two blocks of an idle chain.
const PAUSE: Duration = Duration::from_millis(2_500);
/// A chain whose newest block is older stands still.
const STILL_MS: u64 = 60_000;
/// Blocks arrive this fresh when the clocks agree.
const FRESH_MS: u64 = 10_000;
/// A block from this far ahead shows a clock that is slow.
const AHEAD_MS: u64 = 2_000;
/// How long a node may take to say how it is.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a peer may take to accept a connection.
const DIAL: Duration = Duration::from_millis(1_500);
/// Peers that are called.
const MAX_PEERS: usize = 64;

/// What a node said of itself, and when.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `/v1/status`.
    pub status: Value,
    /// This machine's clock then, milliseconds since 1970 UTC.
    pub at_ms: u64,
}

impl Seen {
    fn number(&self, name: &str) -> u64 {
        self.status[name].as_u64().unwrap_or(0)
    }
}

/// Asks the node.
///
/// # Errors
/// When none answers.
pub async fn ask(client: &Client) -> Result<Seen, Failure> {
    // As it is told: a node of another version is looked at as well.
    let answer = timeout(ANSWER, client.get::<Value>("/v1/status")).await;
    let late = |_| {
        let message = format!(
            "{} takes connections and does not answer within {} s",
            client.origin(),
            ANSWER.as_secs()
        );
        Failure::new("no_answer", message, "see which program listens there (ss -ltnp), or the node's log")
    };
    Ok(Seen { status: answer.map_err(late)??, at_ms: now_ms() })
}

/// No node answers: a warning, since a stopped node may be looked at as well.
pub fn silent(failure: Failure) -> Check {
    let detail = match failure.code.as_str() {
        "unreachable" => "no node answers".to_owned(),
        _ => failure.message,
    };
    Check::warn("node", detail, "start it with `aula start`; the checks of a running node are left out")
}

/// Looks a second time, asks for the validators, calls the peers.
pub async fn judge(client: &Client, first: &Seen) -> Vec<Check> {
    sleep(PAUSE).await;
    let second = match ask(client).await {
        Ok(second) => second,
        Err(failure) => return vec![Check::failure("node", failure)],
    };
    let mut checks = looks(first, &second);
    match client.get::<Value>("/v1/validators").await {
        Ok(answer) => {
            checks.extend(validators(&answer, second.number("height")));
            checks.extend(peers(&answer).await);
        }
        Err(error) => checks.push(Check::failure("validators", error.into())),
    }
    checks
}

/// What two looks at the status say.
pub fn looks(first: &Seen, second: &Seen) -> Vec<Check> {
    let (height, time_ms) = (second.number("height"), second.number("time_ms"));
    let moved = height > first.number("height");
    let age_ms = second.at_ms.saturating_sub(time_ms);
    let mut checks = vec![version(&second.status), protocol(&second.status)];
    let missing = missing(&second.status);
    let waits = "look whether more than two thirds of the validators are up (below), and at the node's log";
    checks.push(if age_ms > STILL_MS && !moved {
        Check::fail("height", format!("stands at {height}, decided {} s ago{missing}", age_ms / 1_000), waits)
    } else if !moved && age_ms > FRESH_MS {
        Check::warn("height", format!("did not move from {height} in {} s", age_ms / 1_000), waits)
    } else {
        Check::ok("height", format!("{height}, {} s old", age_ms / 1_000))
    });
    let set = "set this machine's clock (timedatectl set-ntp true, or chrony)";
    if time_ms > second.at_ms.saturating_add(AHEAD_MS) {
        let ahead = (time_ms - second.at_ms) / 1_000;
        checks.push(Check::fail(
            "clock_chain",
            format!("this machine's clock is {ahead} s behind the chain's"),
            set,
        ));
    } else if moved && age_ms > FRESH_MS {
        let detail =
            format!("blocks arrive {} s old: this clock is fast, or the node is catching up", age_ms / 1_000);
        checks.push(Check::warn("clock_chain", detail, set));
    } else {
        checks.push(Check::ok("clock_chain", "agrees with the chain's"));
    }
    checks.push(signing(&second.status));
    if let Some(damage) = second.status["damage"].as_str() {
        checks.push(Check::fail(
            "state",
            damage,
            "stop the node and run `aula replay`, or fetch the chain again from the peers",
        ));
    }
    let (peers, validators) = (second.number("peers"), second.number("validators"));
    checks.push(match (peers, validators) {
        (0, 2..) => Check::fail(
            "peers",
            "connected to none",
            "check [p2p] in config.toml, the firewall, and whether a vote admitted this node's peer id",
        ),
        _ => Check::ok("peers", format!("connected to {peers}")),
    });
    checks
}

/// Who is missing, as a node says whose chain stands.
fn missing(status: &Value) -> String {
    let names = status["stands"]["missing"].as_array().into_iter().flatten().filter_map(Value::as_str);
    match names.collect::<Vec<_>>().join(", ") {
        names if names.is_empty() => names,
        names => format!("; no vote came from {names}"),
    }
}

fn version(status: &Value) -> Check {
    let (own, running) = (env!("CARGO_PKG_VERSION"), status["version"].as_str().unwrap_or("unknown"));
    if own == running {
        Check::ok("version", format!("{own} runs"))
    } else {
        let detail = format!("version {running} runs, this program is {own}");
        Check::warn("version", detail, "restart the node with the version that is installed")
    }
}

/// The rules in force, and how long until others are.
fn protocol(status: &Value) -> Check {
    let told: ProtocolStatus = serde_json::from_value(status["protocol"].clone()).unwrap_or_default();
    match &told.next {
        None => Check::ok("protocol", format!("{} in force, no other was voted for", told.now)),
        Some(next) if next.is_known => Check::ok("protocol", next.words()),
        Some(next) => Check::fail(
            "protocol",
            next.words(),
            format!(
                "install Aula {} or a later version and restart the node before height {}",
                next.program, next.height
            ),
        ),
    }
}

fn signing(status: &Value) -> Check {
    match status["silent_because"].as_str() {
        Some(why) => Check::fail(
            "signing",
            format!("this validator signs nothing: {why}"),
            "see the node's log; `aula start --help` says what --confirmed-height is",
        ),
        None if status["signs"] == Value::Bool(true) => Check::ok("signing", "this validator signs"),
        None => Check::ok("signing", "this node is not a validator"),
    }
}

/// Validators that have not signed for a while: who is missing when the chain stands still.
pub fn validators(answer: &Value, height: u64) -> Option<Check> {
    let known = answer["uptime"]["validators"].as_array()?;
    let power = |line: &Value| line["power"].as_u64().unwrap_or(0);
    let missing: Vec<&Value> = known
        .iter()
        .filter(|line| {
            power(line) > 0 && line["last_signed"].as_u64().unwrap_or(0).saturating_add(20) < height
        })
        .collect();
    let all: u64 = known.iter().map(power).sum();
    let lost: u64 = missing.iter().map(|line| power(line)).sum();
    let names: Vec<&str> = missing.iter().filter_map(|line| line["name"].as_str()).collect();
    let detail = format!("not signing: {}", names.join(", "));
    let next = "tell their operators; with a third of the power missing the chain stands still";
    Some(if lost == 0 {
        Check::ok(
            "validators",
            format!("all {} of the set signed lately", known.iter().filter(|line| power(line) > 0).count()),
        )
    } else if lost.saturating_mul(3) >= all {
        Check::fail("validators", detail, next)
    } else {
        Check::warn("validators", detail, next)
    })
}

/// Calls each admitted peer once.
async fn peers(answer: &Value) -> Option<Check> {
    let hints = answer["peers"].as_array()?;
    let mut unreached = Vec::new();
    let mut called = 0_usize;
    for hint in hints.iter().filter_map(|peer| peer["listen"].as_str()).take(MAX_PEERS) {
        let own = hint.to_owned();
        let Ok(Some(Ok(sockets))) = tokio::task::spawn_blocking(move || resolve(&own)).await else {
            unreached.push(hint);
            continue;
        };
        called += 1;
        let reached = timeout(DIAL, TcpStream::connect(sockets.as_slice())).await;
        if !matches!(reached, Ok(Ok(_))) {
            unreached.push(hint);
        }
    }
    Some(if unreached.is_empty() {
        Check::ok("peer_addresses", format!("all {called} accept a connection"))
    } else {
        let next = "ask their operators: the machine is off, the firewall closed, or the address on the ledger is old";
        Check::warn("peer_addresses", format!("no connection to {}", unreached.join(", ")), next)
    })
}
