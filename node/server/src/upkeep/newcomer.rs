//! A newcomer begins with a snapshot of its peers instead of every block since the genesis.
//!
//! Flow: ask every connected peer for its newest manifest (`offers`) → each is believed as far as its header is certified
//! from the genesis on → of the newer ones, the one that most peers offer (`choice`) → its chunks from all who offer it, several at
//! once, each checked when it comes (`fetch`) → a database is made of it beside the present one, which checks the whole state
//! against the certified root → the process begins anew with that database ([`swap`]).
//!
//! A peer that lies (a proof that does not hold, a chunk that is not the one its manifest names, a manifest whose state is
//! another than the certified one) is named and left; one that does not give what it offers is named and tried after the others. What
//! this machine cannot do (its disk is full) is said to be its own fault, and tried again. Blocks are fetched meanwhile, as if there were no snapshots: where no
//! peer has one, nothing waits.
//!
//! Whether the blocks that come meanwhile are the consortium's is asked apart (`proof`), and of every newcomer.
//!
//! Which nodes do it: one whose database holds nothing but the genesis, and one that prunes and has fallen behind further than
//! it would fetch blocks. A node that keeps every block never gives one up for a snapshot.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aula_consensus::RunningConsensus;
use aula_consensus::snapshots::{Answer, Ask};
use aula_home::Home;
use aula_home::clock::now_ms;
use aula_home::config::{Config, History};
use aula_ledger::audit::TrustedBlock;
use aula_ledger::genesis::Parsed;
use aula_store::snapshots::{self, Kept, SnapshotError, Verified};
use aula_store::{ChainDb, DbOptions};
use libp2p_identity::PeerId;

mod choice;
mod fetch;
mod known;
mod offers;
pub(crate) mod proof;
pub mod swap;

#[cfg(test)]
mod tests;

pub use fetch::Patience;
pub use known::Known;
pub use offers::{OLDEST_MS, Offer};

/// How many blocks a snapshot must lie ahead of this node: fewer are fetched and executed in a few seconds.
pub const LEAST_LEAD: u64 = 500;
/// How often peers are asked while none has a snapshot that helps.
const AGAIN: Duration = Duration::from_secs(2);
/// How long this machine is left alone that could not keep a snapshot, or make a database of it.
const AFTER_A_FAULT: Duration = Duration::from_secs(30);
/// How far behind block time may lie for this node to count as level.
const LEVEL_MS: u64 = 60_000;

/// Who answers: the running consensus, or a test.
#[allow(async_fn_in_trait)]
pub trait Peers {
    /// The peers that could be asked now; first those that say they have the newest block.
    async fn connected(&self) -> Vec<PeerId>;
    /// Asks one; none when it does not answer.
    async fn ask(&self, peer: PeerId, ask: Ask) -> Option<Answer>;
}

impl Peers for RunningConsensus {
    async fn connected(&self) -> Vec<PeerId> {
        let tips: BTreeMap<_, _> =
            self.keepers().into_iter().map(|keeper| (keeper.peer, keeper.tip)).collect();
        let mut peers = self.snapshot_peers().await;
        peers.sort_by_key(|peer| Reverse(tips.get(peer).copied()));
        peers
    }

    async fn ask(&self, peer: PeerId, ask: Ask) -> Option<Answer> {
        match self.ask_snapshot(peer, ask).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::debug!(%peer, %error, "no answer about a snapshot");
                None
            }
        }
    }
}

/// What a newcomer works with.
pub struct Newcomer {
    /// Where the chain and the snapshots are kept.
    pub home: Home,
    /// The genesis file's bytes.
    pub genesis_bytes: Vec<u8>,
    /// The same, parsed.
    pub genesis: Parsed,
    /// A block that its operator knows to be real.
    pub trusted: Option<TrustedBlock>,
    /// Memory bounds of the new database.
    pub options: DbOptions,
    /// How many blocks snapshots lie apart.
    pub interval: u64,
    /// How long peers are waited for.
    pub patience: Patience,
}

/// Whether a node takes part.
pub fn takes_part(db: &ChainDb, config: &Config) -> bool {
    let empty = db.latest().tip().height.0 == 0;
    config.storage.begin_with == aula_home::config::BeginWith::Snapshot
        && (empty || config.storage.history == History::Pruned)
}

impl Newcomer {
    /// Looks for a snapshot until this node is level, and makes a database of one that helps: true when one stands ready for
    /// [`swap::take_in`].
    pub async fn attend<P: Peers>(&self, peers: &P, db: &ChainDb) -> bool {
        let mut known = Known::default();
        loop {
            let tip = db.latest().tip();
            let behind = now_ms().saturating_sub(tip.time_ms.0);
            if tip.height.0 > 0 && behind < LEVEL_MS {
                return false;
            }
            if self.once(peers, &mut known, tip.height.0).await.is_some() {
                return true;
            }
            let at_fault = std::mem::take(&mut known.at_fault);
            tokio::time::sleep(if at_fault { AFTER_A_FAULT } else { AGAIN }).await;
        }
    }

    /// One attempt: the snapshot that was made into a database, if any peer had one that helps and was true.
    pub async fn once<P: Peers>(&self, peers: &P, known: &mut Known, tip: u64) -> Option<Verified> {
        let mut offered = offers::gather(self, peers, known).await;
        offered.retain(|offer| offer.height() >= tip.saturating_add(LEAST_LEAD));
        let offered = choice::of_a_size(offered, known, free_bytes(self.home.path()));
        for group in choice::ranked(offered, known, self.interval) {
            let start = Instant::now();
            let kept = match fetch::all(self, peers, &group, known).await {
                Ok(Some(kept)) => kept,
                Ok(None) => continue,
                Err(error) => return own_fault(known, &error),
            };
            let fetched = start.elapsed();
            let error = match self.install(&kept).await {
                Ok(verified) => {
                    let tip = verified.tip();
                    tracing::info!(
                        height = %tip.height, chunks = verified.manifest.chunks.len(),
                        bytes = verified.manifest.bytes(), peers = group.len(),
                        fetch_ms = fetched.as_millis(), verify_ms = (start.elapsed() - fetched).as_millis(),
                        "begins with a snapshot; compare with another source: {}:{}", tip.height, tip.hash
                    );
                    return Some(verified);
                }
                Err(error) => error,
            };
            if error.is_refusal() {
                // Removed, so that it is neither used nor given to others.
                let _ = std::fs::remove_dir_all(&kept.folder);
            }
            if is_own_fault(&error) {
                return own_fault(known, &error);
            }
            for offer in &group {
                tracing::warn!(peer = %offer.peer, %error, "a peer's snapshot is a lie; it is left");
                known.liars.insert(offer.peer);
            }
        }
        None
    }

    /// Makes the database beside the present one.
    ///
    /// # Errors
    /// What the snapshot lies about, or what this machine cannot do.
    async fn install(&self, kept: &Kept) -> Result<Verified, SnapshotError> {
        let (path, options) = (swap::beside(&self.home), self.options);
        let (kept, genesis) = (kept.clone(), Arc::new((self.genesis_bytes.clone(), self.genesis.clone())));
        let (trusted, folder) = (self.trusted, path.clone());
        let made = tokio::task::spawn_blocking(move || {
            let _ = std::fs::remove_dir_all(&path);
            let (bytes, parsed) = &*genesis;
            snapshots::install(&kept, (bytes, parsed), trusted, &path, options)
        });
        made.await.unwrap_or_else(|ended| {
            Err(SnapshotError::Io { what: "make", path: folder, source: std::io::Error::other(ended) })
        })
    }
}

/// Whether nobody but this machine is to blame. Each chunk was the right one when it came: one that is not any more was spoilt here.
const fn is_own_fault(error: &SnapshotError) -> bool {
    !error.is_refusal() || matches!(error, SnapshotError::Chunk { .. })
}

/// Says what this machine could not do; another peer's snapshot would come to the same.
fn own_fault(known: &mut Known, error: &SnapshotError) -> Option<Verified> {
    tracing::error!("a snapshot did not become a database, and is tried again: {error}; {}", error.hint());
    known.at_fault = true;
    None
}

/// How many bytes are free where the chain lies; all there could be where the system does not say.
fn free_bytes(folder: &Path) -> u64 {
    aula_files::room(folder).map_or(u64::MAX, |room| room.free_bytes)
}
