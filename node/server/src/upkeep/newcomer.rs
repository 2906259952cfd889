//! A newcomer begins with a snapshot of its peers instead of every block since the genesis.
//!
//! Flow: ask every connected peer for its newest manifest (`offers`) → each is believed as far as its header is certified
//! from the genesis on → of the newest, the one that most peers offer → its chunks from all who offer it, several at once,
//! each checked when it comes (`fetch`) → a database is made of it beside the present one, which checks the whole state
//! against the certified root → the process begins anew with that database ([`swap`]).
//!
//! A peer that lies (a proof that does not hold, a chunk that is not the one its manifest names, a manifest whose state is
//! another than the certified one) is named and left. Blocks are fetched meanwhile, as if there were no snapshots: where no
//! peer has one, nothing waits.
//!
//! Whether the blocks that come meanwhile are the consortium's is asked apart (`proof`), and of every newcomer.
//!
//! Which nodes do it: one whose database holds nothing but the genesis, and one that prunes and has fallen behind further than
//! it would fetch blocks. A node that keeps every block never gives one up for a snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aula_consensus::RunningConsensus;
use aula_consensus::snapshots::Ask;
use aula_home::Home;
use aula_home::clock::now_ms;
use aula_home::config::{Config, History};
use aula_ledger::audit::TrustedBlock;
use aula_ledger::genesis::Parsed;
use aula_ledger::types::Hash;
use aula_store::snapshots::{self, Kept, Verified};
use aula_store::{ChainDb, DbOptions};
use libp2p_identity::PeerId;

mod fetch;
mod offers;
pub(crate) mod proof;
pub mod swap;

#[cfg(test)]
mod tests;

pub use offers::{Offer, judge};

/// How many blocks a snapshot must lie ahead of this node: fewer are fetched and executed in a few seconds.
pub const LEAST_LEAD: u64 = 500;
/// How often peers are asked while none has a snapshot that helps.
const AGAIN: Duration = Duration::from_secs(2);
/// How far behind block time may lie for this node to count as level.
const LEVEL_MS: u64 = 60_000;

/// Who answers: the running consensus, or a test.
#[allow(async_fn_in_trait)]
pub trait Peers {
    /// The peers that could be asked now.
    async fn connected(&self) -> Vec<PeerId>;
    /// Asks one; none when it does not answer.
    async fn ask(&self, peer: PeerId, ask: Ask) -> Option<aula_consensus::snapshots::Told>;
}

impl Peers for RunningConsensus {
    async fn connected(&self) -> Vec<PeerId> {
        self.snapshot_peers().await
    }

    async fn ask(&self, peer: PeerId, ask: Ask) -> Option<aula_consensus::snapshots::Told> {
        match self.ask_snapshot(peer, ask).await {
            Ok(told) => Some(told),
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
        let mut liars = BTreeSet::new();
        loop {
            let tip = db.latest().tip();
            let behind = now_ms().saturating_sub(tip.time_ms.0);
            if tip.height.0 > 0 && behind < LEVEL_MS {
                return false;
            }
            if self.once(peers, &mut liars, tip.height.0).await.is_some() {
                return true;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// One attempt: the snapshot that was made into a database, if any peer had one that helps and was true.
    pub async fn once<P: Peers>(
        &self,
        peers: &P,
        liars: &mut BTreeSet<PeerId>,
        tip: u64,
    ) -> Option<Verified> {
        let offered = offers::gather(self, peers, liars).await;
        let offered = offered.into_iter().filter(|offer| offer.height() >= tip.saturating_add(LEAST_LEAD));
        let mut by_name: BTreeMap<Hash, Vec<Offer>> = BTreeMap::new();
        for offer in offered {
            by_name.entry(offer.verified.manifest.name()).or_default().push(offer);
        }
        let mut groups: Vec<Vec<Offer>> = by_name.into_values().collect();
        // The newest, and of those the one that most offer: a liar stands alone unless there are several.
        groups.sort_by_key(|group| std::cmp::Reverse((group.first().map(Offer::height), group.len())));
        for group in groups {
            let start = Instant::now();
            let Some(kept) = fetch::all(self, peers, &group, liars).await else { continue };
            let fetched = start.elapsed();
            match self.install(&kept).await {
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
                Err(why) => {
                    for offer in &group {
                        tracing::warn!(peer = %offer.peer, why, "a peer's snapshot is a lie; it is left");
                        liars.insert(offer.peer);
                    }
                    // Removed, so that it is neither used nor given to others.
                    let _ = std::fs::remove_dir_all(&kept.folder);
                }
            }
        }
        None
    }

    /// Makes the database beside the present one; `Err` says what the snapshot lies about.
    async fn install(&self, kept: &Kept) -> Result<Verified, String> {
        let (path, options) = (swap::beside(&self.home), self.options);
        let (kept, genesis) = (kept.clone(), Arc::new((self.genesis_bytes.clone(), self.genesis.clone())));
        let trusted = self.trusted;
        let made = tokio::task::spawn_blocking(move || {
            let _ = std::fs::remove_dir_all(&path);
            let (bytes, parsed) = &*genesis;
            snapshots::install(&kept, (bytes, parsed), trusted, &path, options)
        });
        match made.await {
            Ok(Ok(verified)) => Ok(verified),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}
