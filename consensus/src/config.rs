//! What a node's consensus is given: configuration, ports, keys.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_core_types::LinearTimeouts;
use aula_ledger::params::PROPOSE_TIMEOUT_MS;
use aula_ledger::types::Height;
use ed25519_dalek::SigningKey;
use libp2p::Multiaddr;
use libp2p_identity::Keypair;

use crate::mempool::Limits;
use crate::ports::{AdmittedPeer, ChainStore, Clock, Executor};

/// No timeout of any round is longer: a long outage must not leave timeouts of a minute behind, so that a regained quorum
/// makes progress within 10 s.
pub const MAX_TIMEOUT_MS: u64 = 6_000;

/// How long the rest of the votes is waited for once more than two thirds have come and do not agree. They were cast at about
/// the same time, so what lies between the first and the last is one way across the network, up to 150 ms between distant
/// regions, and the guard's synced write, a few milliseconds. A turn that is missed costs the time to propose, this once, and
/// a block: 2.3 s.
const VOTES: Duration = Duration::from_millis(250);

/// A time to propose that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the propose timeout is {0} ms; it must be from {PROPOSE_TIMEOUT_MS} ms, within which the largest block is built, sent \
     and executed, to {MAX_TIMEOUT_MS} ms, the longest of any round"
)]
pub struct ProposeTimeoutError(pub u128);

/// How long the engine waits. Each grows by a third of itself a round (a sixth for the propose timeout).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a proposal: must exceed building, sending and executing the largest block.
    pub propose: Duration,
    /// For more prevotes once a quorum of them disagrees.
    pub prevote: Duration,
    /// For more precommits likewise.
    pub precommit: Duration,
}

impl Default for Timeouts {
    /// [`PROPOSE_TIMEOUT_MS`] to propose: the ledger's limits on a block's work are derived from it, once for the proposer
    /// and once, at the same time, for everybody else. `scripts/hardest-round.sh` runs the hardest rounds that those limits admit on
    /// four nodes, and asserts that each is decided in round 0. `VOTES` for votes.
    fn default() -> Self {
        Self { propose: Duration::from_millis(PROPOSE_TIMEOUT_MS), prevote: VOTES, precommit: VOTES }
    }
}

impl Timeouts {
    /// Checks that a block as large as the ledger admits can be proposed in time, and that no later round waits less.
    ///
    /// # Errors
    /// [`ProposeTimeoutError`].
    pub fn check(&self) -> Result<(), ProposeTimeoutError> {
        let ms = self.propose.as_millis();
        let fits = (u128::from(PROPOSE_TIMEOUT_MS)..=u128::from(MAX_TIMEOUT_MS)).contains(&ms);
        if fits { Ok(()) } else { Err(ProposeTimeoutError(ms)) }
    }

    pub(crate) fn linear(self) -> LinearTimeouts {
        LinearTimeouts {
            propose: self.propose,
            propose_delta: self.propose / 6,
            prevote: self.prevote,
            prevote_delta: self.prevote / 3,
            precommit: self.precommit,
            precommit_delta: self.precommit / 3,
            // Votes are sent again this long after a round got stuck: it bounds how soon a regained quorum goes on.
            rebroadcast: Duration::from_secs(2),
            max_timeout: Duration::from_millis(MAX_TIMEOUT_MS),
        }
    }
}

/// What a node's consensus is configured with.
#[derive(Debug, Clone)]
pub struct Config {
    /// A name for logs.
    pub moniker: String,
    /// Where the engine listens, a TCP multiaddr. Gossip listens on the next port unless told otherwise.
    pub listen: Multiaddr,
    /// Where gossip listens; `None`: the engine's port + 1. Peers assume that convention.
    pub gossip_listen: Option<Multiaddr>,
    /// Peers known from the configuration, with their engine's address. The allow list is the state's; these give it
    /// addresses, and count in full while this node's own state does not admit this node yet: it is joining then.
    pub peers: Vec<AdmittedPeer>,
    /// The engine's write-ahead log.
    pub wal: PathBuf,
    /// The sign guard's file, created with the validator key by [`crate::sign_guard::SignGuard::create`].
    pub sign_guard: PathBuf,
    /// Only after a loss of that file or of the log: a height that the operator confirms to lie at or above
    /// everything this key may have signed. Up to it the node follows.
    pub confirmed_height: Option<Height>,
    /// Nothing says yet that the chain this node follows is the consortium's: it signs nothing above the genesis until
    /// [`crate::RunningConsensus::prove`] is called.
    pub unproven: bool,
    /// Where it is written down that this node's state is damaged, see [`crate::damage`]; `None`: nowhere.
    pub damage: Option<PathBuf>,
    /// How long the engine waits.
    pub timeouts: Timeouts,
    /// Time between blocks when there is nothing to do.
    pub idle: Duration,
    /// Least time between blocks when there is, unless a whole block's worth waits. Spares the processor the cost of
    /// many small blocks, and delays a transaction by no more than this.
    pub busy: Duration,
    /// How much may wait for a block.
    pub limits: Limits,
}

impl Config {
    /// A configuration with the defaults: one block a second when idle.
    pub fn new(moniker: &str, listen: Multiaddr, wal: PathBuf, sign_guard: PathBuf) -> Self {
        Self {
            moniker: moniker.to_owned(),
            listen,
            gossip_listen: None,
            peers: Vec::new(),
            wal,
            sign_guard,
            confirmed_height: None,
            unproven: false,
            damage: None,
            timeouts: Timeouts::default(),
            idle: Duration::from_secs(1),
            busy: Duration::from_millis(40),
            limits: Limits::default(),
        }
    }
}

/// What the node provides.
#[derive(Clone)]
pub struct Ports {
    /// Its database.
    pub store: Arc<dyn ChainStore>,
    /// The ledger's rules; [`crate::executor::LedgerExecutor`] but in tests.
    pub executor: Arc<dyn Executor>,
    /// Where the present comes from: the machine's clock, or a simulated one.
    pub clock: Arc<dyn Clock>,
}

/// A node's keys. Account keys are not consensus's business.
#[derive(Clone)]
pub struct Keys {
    /// The key that signs votes; `None` for a node that only follows.
    pub validator: Option<SigningKey>,
    /// The libp2p identity, of the engine's network and of gossip.
    pub network: Keypair,
}
