//! Whether what a newcomer follows is the consortium's chain. Where it begins with a snapshot, `offers` asks that of each
//! offer; here it is asked of the blocks that come one by one.
//!
//! Flow: a database that holds nothing but the genesis is written down as a newcomer's ([`begin`]) → its blocks are proven by
//! the one that the operator trusts, or, where none is named, by one that is less than a day old when it comes → that is
//! written down too, and this node may sign and ask for its power → once it is level, HEIGHT:HASH is logged to be compared
//! with another source, and the node is a newcomer no more, for good: a chain that rests for days does not make it one again.
//!
//! Another block than the trusted one ends the node. So does a chain whose newest block is old while nobody has shown a newer one:
//! validators that left long ago could certify another past. What was fetched stays, unproven: a hash that was mistyped costs
//! no second fetch.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aula_consensus::RunningConsensus;
use aula_home::Failure;
use aula_home::clock::now_ms;
use aula_ledger::audit::TrustedBlock;
use aula_ledger::store::Tip;
use aula_ledger::types::{Hash, Height};
use aula_store::{ChainDb, Newcomer};
use tokio::task::JoinHandle;

use super::LEVEL_MS;
use super::offers::OLDEST_MS;
use crate::bootstrap::storage_failure;

/// How often this looks while no block comes.
const LOOK: Duration = Duration::from_secs(1);
/// For how long an old block must be the newest that anybody has shown: a consortium that has just come back makes one within ten
/// seconds, and a peer that has more may be away while it is started again. A service manager gives up a node that ends five times
/// within ten minutes, which this one then cannot.
const STILL: Duration = Duration::from_secs(300);
/// How often it is said what an unproven newcomer waits for.
const AGAIN: Duration = Duration::from_secs(60);
const HOUR_MS: u64 = 3_600_000;

/// What the status tells of an unproven newcomer.
pub(crate) type Told = Arc<Mutex<Option<String>>>;

/// What there is to see of the chain at one moment.
#[derive(Debug, Clone, Copy)]
struct Seen {
    tip: Tip,
    /// The block at the trusted height, where the chain is past it and it is kept.
    shown: Option<Hash>,
    /// The highest block that a peer said it has, since this process began.
    told: Option<Height>,
    now_ms: u64,
    /// For how long the tip has been this one.
    still: Duration,
}

impl Seen {
    const fn age_ms(&self) -> u64 {
        self.now_ms.saturating_sub(self.tip.time_ms.0)
    }

    fn has_all(&self) -> bool {
        self.told.is_some_and(|told| self.tip.height >= told)
    }
}

/// What follows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    /// Too little to say.
    Nothing,
    /// It is the consortium's chain.
    Proven,
    /// It is, and this node is level with it.
    Level,
    /// This node must not go on.
    Refused(Failure),
}

/// A newcomer's doubt, until there is none.
#[derive(Debug)]
pub(crate) struct Proof {
    db: Arc<ChainDb>,
    trusted: Option<TrustedBlock>,
    known: Newcomer,
    /// The highest block that a peer said it has, also one that has left since: with it gone, those that are no further than
    /// this node are not all there are.
    highest: Option<Height>,
    told: Told,
}

/// Begins to doubt where there is reason to; none where this database is no newcomer's. `trusted` is what was read of the settings:
/// where nothing is doubted, what is wrong there is logged and keeps no node from starting.
///
/// # Errors
/// When the database already holds another block than the trusted one, or fails; of a newcomer, when `trusted` is an error.
pub(crate) fn begin(
    db: &Arc<ChainDb>,
    trusted: Result<Option<TrustedBlock>, Failure>,
) -> Result<Option<Proof>, Failure> {
    let mut known = db.newcomer().map_err(storage_failure)?;
    if known.is_none() && db.latest().tip().height == Height::GENESIS {
        known = Some(Newcomer::Unproven);
        db.set_newcomer(known).map_err(storage_failure)?;
    }
    let Some(known) = known else {
        if let Err(failure) = trusted {
            tracing::warn!("{failure}; {}. This node is not a newcomer and goes on without it", failure.hint);
        }
        return Ok(None);
    };
    let mut trusted = trusted?;
    if trusted.is_some_and(|block| block.height == Height::GENESIS) {
        tracing::warn!("p2p.trusted names the genesis, which proves nothing: it counts as no block");
        trusted = None;
    }
    let mut proof = Proof { db: db.clone(), trusted, known, highest: None, told: Told::default() };
    let seen = proof.seen(db.latest().tip(), Duration::ZERO)?;
    match judge(proof.known, proof.trusted, &seen) {
        Finding::Refused(failure) => return Err(failure),
        Finding::Proven => proof.note_proven(&seen)?,
        // Of being level there is no word before peers are heard.
        Finding::Level | Finding::Nothing => {}
    }
    Ok(Some(proof))
}

/// Has a newcomer's chain watched, where this node is one. Gives what the status tells of it, and what ends with the reason
/// why this node must not go on; with none where it was level.
pub(crate) fn watch(
    proof: Option<Proof>,
    consensus: &Arc<RunningConsensus>,
) -> (Told, JoinHandle<Option<Failure>>) {
    let told = proof.as_ref().map(|proof| proof.told.clone()).unwrap_or_default();
    let consensus = consensus.clone();
    let work = async move {
        match proof {
            Some(proof) => proof.attend(consensus).await,
            None => None,
        }
    };
    (told, tokio::spawn(work))
}

impl Proof {
    /// Whether nothing says yet whose chain it is.
    pub(crate) fn is_unproven(&self) -> bool {
        self.known == Newcomer::Unproven
    }

    /// Looks at each new tip until this node is level; gives why it must not go on, where it must not.
    async fn attend(mut self, consensus: Arc<RunningConsensus>) -> Option<Failure> {
        let mut tips = self.db.watch_tip();
        let mut tip = *tips.borrow_and_update();
        let (mut since, mut said) = (Instant::now(), Instant::now());
        loop {
            match self.look(&consensus, tip, since.elapsed()) {
                Ok(true) => return None,
                Ok(false) => {}
                Err(failure) => {
                    tracing::error!("{failure}; {}", failure.hint);
                    return Some(failure);
                }
            }
            if let Some(words) = self.said().filter(|_| said.elapsed() >= AGAIN) {
                said = Instant::now();
                tracing::warn!("{words}");
            }
            // An error would mean that the database is gone, which this holds.
            let _ = tokio::time::timeout(LOOK, tips.changed()).await;
            let now = *tips.borrow_and_update();
            if now != tip {
                (tip, since) = (now, Instant::now());
            }
        }
    }

    /// One look; true when this node is level.
    fn look(&mut self, consensus: &RunningConsensus, tip: Tip, still: Duration) -> Result<bool, Failure> {
        self.hear(consensus.highest_told());
        let seen = self.seen(tip, still)?;
        let mut finding = judge(self.known, self.trusted, &seen);
        if finding == Finding::Proven {
            self.note_proven(&seen)?;
            consensus.prove();
            finding = judge(self.known, self.trusted, &seen);
        }
        self.tell(self.is_unproven().then(|| waits_for(self.trusted, &seen)).flatten());
        match finding {
            Finding::Nothing | Finding::Proven => Ok(false),
            Finding::Level => {
                self.db.set_newcomer(None).map_err(storage_failure)?;
                tracing::info!(
                    "level with the peers; compare with another source: {}:{}",
                    tip.height,
                    tip.hash
                );
                Ok(true)
            }
            Finding::Refused(failure) => Err(failure),
        }
    }

    fn hear(&mut self, told: Option<Height>) {
        self.highest = self.highest.max(told);
    }

    fn seen(&self, tip: Tip, still: Duration) -> Result<Seen, Failure> {
        let height = self.trusted.map(|trusted| trusted.height).filter(|height| *height <= tip.height);
        let shown = match height.filter(|_| self.is_unproven()) {
            Some(height) => self.db.latest().header(height).map_err(storage_failure)?,
            None => None,
        };
        let (shown, told) = (shown.map(|header| header.hash()), self.highest);
        Ok(Seen { tip, shown, told, now_ms: now_ms(), still })
    }

    fn note_proven(&mut self, seen: &Seen) -> Result<(), Failure> {
        self.known = Newcomer::Proven;
        self.db.set_newcomer(Some(self.known)).map_err(storage_failure)?;
        match self.trusted {
            Some(trusted) => tracing::info!("block {} is the trusted one", trusted.height),
            None => tracing::info!(height = %seen.tip.height, "the peers' blocks are less than a day old"),
        }
        Ok(())
    }

    fn tell(&self, words: Option<String>) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }

    fn said(&self) -> Option<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn judge(known: Newcomer, trusted: Option<TrustedBlock>, seen: &Seen) -> Finding {
    if seen.tip.height == Height::GENESIS {
        return Finding::Nothing;
    }
    let (fresh, age_ms) = (seen.age_ms() < LEVEL_MS, seen.age_ms());
    match (known, trusted) {
        (Newcomer::Proven, _) if fresh || seen.has_all() => Finding::Level,
        (Newcomer::Proven, _) => Finding::Nothing,
        (Newcomer::Unproven, Some(trusted)) if seen.tip.height < trusted.height => Finding::Nothing,
        (Newcomer::Unproven, Some(trusted)) => match seen.shown {
            Some(hash) if hash == trusted.hash => Finding::Proven,
            Some(hash) => Finding::Refused(other_block(trusted, hash)),
            None => Finding::Refused(not_kept(trusted)),
        },
        (Newcomer::Unproven, None) if age_ms <= OLDEST_MS => Finding::Proven,
        (Newcomer::Unproven, None) if seen.has_all() && seen.still >= STILL => {
            Finding::Refused(old_tip(&seen.tip, age_ms))
        }
        (Newcomer::Unproven, None) => Finding::Nothing,
    }
}

/// What an unproven newcomer waits for; none before it has a block.
fn waits_for(trusted: Option<TrustedBlock>, seen: &Seen) -> Option<String> {
    let at = seen.tip.height;
    (at > Height::GENESIS).then(|| match trusted {
        Some(trusted) => format!(
            "this node was not level yet and is at height {at}: it signs nothing before it has the trusted block {}",
            trusted.height
        ),
        None => format!(
            "this node was not level yet and its newest block, {at}, is {} hours old: it signs nothing before it has one that is \
             less than a day old",
            seen.age_ms() / HOUR_MS
        ),
    })
}

fn other_block(trusted: TrustedBlock, found: Hash) -> Failure {
    let TrustedBlock { height, hash } = trusted;
    Failure::new(
        "not_trusted",
        format!("block {height} of this node's peers is {found}, and the trusted one is {hash}"),
        "ask both sources again. If the trusted hash is mistyped, correct trusted under [p2p] in config.toml and start again. If it \
         is right, these peers follow another chain, of which nothing is believed: move data and snapshots out of the home, name \
         other peers there, and start again",
    )
}

fn not_kept(trusted: TrustedBlock) -> Failure {
    Failure::new(
        "not_trusted",
        format!(
            "this node does not keep block {}, so that it cannot be compared with the trusted one",
            trusted.height
        ),
        "name a newer block as trusted under [p2p] in config.toml, and start again",
    )
}

fn old_tip(tip: &Tip, age_ms: u64) -> Failure {
    let named = format!("{}:{}", tip.height, tip.hash);
    Failure::new(
        "old_tip",
        format!(
            "the newest block that this node's peers show, {}, is {} hours old, more than 24: validators that left long ago could \
             certify another past",
            tip.height,
            age_ms / HOUR_MS
        ),
        format!(
            "compare {named} with another source. If it is the consortium's, write trusted = \"{named}\" under [p2p] in config.toml, \
             as `aula join --trusted {named}` does, and start again. If the consortium is further, name other peers there; if it \
             makes blocks now, set this machine's clock"
        ),
    )
}

#[cfg(test)]
mod tests;
