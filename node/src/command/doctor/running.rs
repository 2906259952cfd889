//! The running node: whether it answers, moves, signs, and hears the others.

use std::time::Duration;

use aula_api::chain::{LATELY_BLOCKS, NetworkVitals, PeerVitals, SignerVitals, Vitals, blocks_behind};
use aula_api::paths;
use aula_client::Client;
use aula_home::clock::now_ms;
use aula_ledger::execute::time::MAX_AHEAD_MS;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::Check;
use super::network::resolve;
use crate::terminal::Failure;

/// Between the two looks: more than two blocks of an idle chain.
const PAUSE: Duration = Duration::from_millis(2_500);
/// A chain whose newest block is older stands still.
const STILL_MS: u64 = 60_000;
/// Blocks arrive this fresh when the clocks agree.
const FRESH_MS: u64 = 10_000;
/// A node that lacks more blocks than this is behind; fewer were made while it was asked.
const BEHIND: u64 = 20;
/// How long a node may take to say how it is.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a peer may take to accept a connection.
const DIAL: Duration = Duration::from_millis(1_500);
/// Peers that are called.
const MAX_PEERS: usize = 64;

/// What a node said of itself, and when.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Of `/v1/status`.
    pub status: Vitals,
    /// This machine's clock then, milliseconds since 1970 UTC.
    pub at_ms: u64,
}

impl Seen {
    /// How old the newest block was.
    fn age_ms(&self) -> u64 {
        self.at_ms.saturating_sub(self.status.time_ms.0)
    }

    /// Blocks that its peers say they have and it has not.
    fn lacks(&self) -> u64 {
        blocks_behind(self.status.height, self.status.told_height)
    }

    fn moved_since(&self, first: &Self) -> bool {
        self.status.height > first.status.height
    }
}

/// Asks the node.
///
/// # Errors
/// When none answers.
pub async fn ask(client: &Client) -> Result<Seen, Failure> {
    // A node of another version is looked at as well.
    let answer = timeout(ANSWER, client.get::<Vitals>(paths::STATUS)).await;
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
    match client.get::<NetworkVitals>(paths::VALIDATORS).await {
        Ok(answer) => {
            checks.push(validators(&answer.uptime.validators, second.status.height.0));
            checks.push(peers(&answer.peers).await);
        }
        Err(error) => checks.push(Check::failure("validators", error.into())),
    }
    checks
}

/// What two looks at the status say.
pub fn looks(first: &Seen, second: &Seen) -> Vec<Check> {
    let mut checks = vec![
        version(&second.status),
        protocol(&second.status),
        height(first, second),
        behind(first, second),
        clock(first, second),
    ];
    if let Some(attention) = &second.status.attention {
        checks.push(Check::warn(
            "attention",
            attention,
            "do as it says; it is taken back by itself, without a restart",
        ));
    }
    checks.push(signing(&second.status));
    if let Some(damage) = &second.status.damage {
        checks.push(Check::fail(
            "state",
            damage,
            "stop the node and run `aula replay`, or fetch the chain again from the peers",
        ));
    }
    checks.push(connected(&second.status));
    checks
}

/// Whether it hears those that decide: followers pass blocks on and make up for no validator.
fn connected(status: &Vitals) -> Check {
    let name = "peers";
    let next = "check [p2p] in config.toml, the firewall, and whether a vote admitted this node's peer id";
    let is_validator = status.signs || status.silent_because.is_some();
    match (status.peers, status.validators_connected, status.validators) {
        (0, _, 2..) => Check::fail(name, "connected to none", next),
        (peers, Some(0), 2..) => {
            let detail = format!("connected to {peers}, none of them a validator");
            if is_validator { Check::fail(name, detail, next) } else { Check::warn(name, detail, next) }
        }
        (peers, Some(validators), _) => {
            Check::ok(name, format!("connected to {peers}, of them {validators} validators"))
        }
        (peers, None, _) => Check::ok(name, format!("connected to {peers}")),
    }
}

/// Whether blocks come.
fn height(first: &Seen, second: &Seen) -> Check {
    let (height, moved, age_ms) = (second.status.height, second.moved_since(first), second.age_ms());
    let is_disk = second.status.stands.as_ref().is_some_and(|stands| stands.disk_silent_s.is_some());
    let next = if is_disk {
        "see what the system says of that disk (dmesg), and start the node again once it answers"
    } else if second.lacks() > BEHIND {
        "its peers have more blocks and it takes none: see the node's log"
    } else {
        "see whether more than two thirds of the validators are up (below), and look at the node's log"
    };
    if age_ms > STILL_MS && !moved {
        let why = why(&second.status);
        Check::fail("height", format!("stands at {height}, decided {} s ago{why}", age_ms / 1_000), next)
    } else if !moved && age_ms > FRESH_MS {
        Check::warn("height", format!("did not move from {height} in {} s", age_ms / 1_000), next)
    } else {
        Check::ok("height", format!("{height}, {} s old", age_ms / 1_000))
    }
}

/// How far it is from the newest block, by what its peers say. A peer may say too much; a node whose own newest block is old as
/// well is behind.
fn behind(first: &Seen, second: &Seen) -> Check {
    let (name, lacks) = ("behind", second.lacks());
    let Some(told) = second.status.told_height else {
        return Check::ok(name, "no peer has said which blocks it has");
    };
    if lacks <= BEHIND {
        return Check::ok(name, format!("it has what its peers have, up to {told}"));
    }
    let detail = format!("{lacks} blocks behind: it has {}, its peers say {told}", second.status.height);
    let fetched = second.status.height.0.saturating_sub(first.status.height.0);
    let next = if fetched > 0 {
        format!(
            "wait while it fetches them, {fetched} between two looks just now; look again to see whether it comes closer"
        )
    } else {
        "see in the node's log why it fetches none; if it is level otherwise, ask the peers' operators"
            .to_owned()
    };
    if second.age_ms() > STILL_MS { Check::fail(name, detail, next) } else { Check::warn(name, detail, next) }
}

/// This machine's clock against the chain's, within what readiness asks. Blocks that are fetched are old whatever the clock says.
fn clock(first: &Seen, second: &Seen) -> Check {
    let (name, set) = ("clock_chain", "set this machine's clock (timedatectl set-ntp true, or chrony)");
    let (time_ms, told) = (second.status.time_ms.0, second.status.ahead_of_clock_ms);
    let ahead = time_ms.saturating_sub(second.at_ms).max(told.unwrap_or(0));
    let age_ms = second.age_ms();
    if ahead > MAX_AHEAD_MS {
        Check::fail(name, format!("this machine's clock is {ahead} ms behind the chain's"), set)
    } else if second.lacks() > BEHIND {
        Check::ok(name, "not slow; whether it is fast shows once this node has the newest blocks")
    } else if second.moved_since(first) && age_ms > FRESH_MS {
        let detail = format!("blocks arrive {age_ms} ms old: this clock is fast, or the node is catching up");
        Check::warn(name, detail, set)
    } else {
        let apart = super::kept::apart(time_ms, second.at_ms);
        Check::ok(name, format!("agrees with the chain's: the newest block is {apart}"))
    }
}

/// Why, as a node says whose chain stands.
fn why(status: &Vitals) -> String {
    status.stands.as_ref().map(|stands| format!("; {}", stands.why())).unwrap_or_default()
}

fn version(status: &Vitals) -> Check {
    let (own, running) = (env!("CARGO_PKG_VERSION"), status.version.as_deref().unwrap_or("unknown"));
    if own == running {
        Check::ok("version", format!("{own} runs"))
    } else {
        let detail = format!("version {running} runs, this program is {own}");
        Check::warn("version", detail, "restart the node with the version that is installed")
    }
}

/// The rules in force, and how long until others are.
fn protocol(status: &Vitals) -> Check {
    let told = &status.protocol;
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

fn signing(status: &Vitals) -> Check {
    match &status.silent_because {
        Some(why) => Check::fail(
            "signing",
            format!("this validator signs nothing: {why}"),
            "see the node's log; `aula start --help` says what --confirmed-height is",
        ),
        None if status.signs => Check::ok("signing", "this validator signs"),
        None => Check::ok("signing", "this node is not a validator"),
    }
}

/// Validators that have not signed for a while: who is missing when the chain stands still.
pub fn validators(told: &[SignerVitals], height: u64) -> Check {
    let in_set = || told.iter().filter(|line| line.power > 0);
    let is_missing = |line: &&SignerVitals| line.last_signed.saturating_add(LATELY_BLOCKS) < height;
    let missing: Vec<_> = in_set().filter(is_missing).collect();
    // Powers are a node's word: their sum may need more than 64 bits.
    let all: u128 = in_set().map(|line| u128::from(line.power)).sum();
    let lost: u128 = missing.iter().map(|line| u128::from(line.power)).sum();
    let names: Vec<&str> = missing.iter().map(|line| line.name.as_str()).collect();
    let detail = format!("not signing: {}", names.join(", "));
    let next = "tell their operators; with a third of the power missing the chain stands still";
    if lost == 0 {
        Check::ok("validators", format!("all {} of the set signed lately", in_set().count()))
    } else if lost.saturating_mul(3) >= all {
        Check::fail("validators", detail, next)
    } else {
        Check::warn("validators", detail, next)
    }
}

/// Calls each admitted peer once.
async fn peers(admitted: &[PeerVitals]) -> Check {
    let mut unreached = Vec::new();
    let mut called = 0_usize;
    for hint in admitted.iter().map(|peer| peer.listen.as_str()).take(MAX_PEERS) {
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
    if unreached.is_empty() {
        Check::ok("peer_addresses", format!("all {called} accept a connection"))
    } else {
        let next = "ask their operators: the machine is off, the firewall closed, or the address on the ledger is old";
        Check::warn("peer_addresses", format!("no connection to {}", unreached.join(", ")), next)
    }
}
