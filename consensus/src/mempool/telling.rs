//! What the others are told of again: a transaction is told once when it comes, and again until it is in a block.
//!
//! A message may be lost, a node may have had no peer, another may have restarted with an empty pool. What has been ready
//! for longer than the backlog before it explains is told again, ever more seldom; a node's own submissions first, and
//! after a new listener at once. What came from another node is left to that one for a long while.

use std::sync::Arc;

use aula_ledger::params::Params;
use aula_ledger::tx::TransactionId;
use aula_ledger::types::Height;

use super::quotas::Inner;
use super::shapes::{Origin, Waiting};

/// Heights after which a transaction is told again for the first time, if a block would have had room for it.
const PATIENCE: u64 = 3;
/// The same for one that another node was told first.
const PATIENCE_OF_OTHERS: u64 = 24;
/// Each time it is waited twice as long, up to this many doublings.
const DOUBLINGS: u32 = 4;
/// Most bytes told again at one height, but for one transaction however large.
const BYTES: usize = 256 * 1024;
/// Most bytes told a new listener at once; the rest follows with the heights.
const NEWCOMER_BYTES: usize = 1024 * 1024;

/// Why something is told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// A block was decided.
    Height,
    /// A peer listens that did not before.
    NewListener,
}

impl Inner {
    /// What to tell the others again now; notes that it is told.
    pub(super) fn due_to_tell(&mut self, occasion: Occasion) -> Vec<Arc<Vec<u8>>> {
        let (height, patience) = (self.next_height, PATIENCE.saturating_add(self.backlog()));
        let is_due = |waiting: &Waiting| match occasion {
            Occasion::NewListener => waiting.pooled.origin == Origin::Here,
            Occasion::Height => height.0 >= due(waiting, patience),
        };
        let ready = self.accounts.values_mut().flat_map(|account| {
            let run = account.view.map_or(0, |view| view.next_sequence)..account.end();
            account.waiting.range_mut(run.start..run.end.max(run.start)).map(|(_, waiting)| waiting)
        });
        let mut ready: Vec<&mut Waiting> = ready.filter(|waiting| is_due(waiting)).collect();
        ready.sort_by_key(|waiting| (waiting.pooled.origin == Origin::Peer, waiting.pooled.arrival));
        let most = if occasion == Occasion::NewListener { NEWCOMER_BYTES } else { BYTES };
        let mut bytes = 0usize;
        let within = ready.into_iter().take_while(|waiting| {
            let first = bytes == 0;
            bytes = bytes.saturating_add(waiting.pooled.size());
            first || bytes <= most
        });
        within.map(|waiting| tell(waiting, height)).collect()
    }

    /// What to tell the others because it was submitted again; at most once a height.
    pub(super) fn tell_known(&mut self, id: &TransactionId) -> Option<Arc<Vec<u8>>> {
        let height = self.next_height;
        let pooled = self.by_id.get(id)?;
        let waiting = self.accounts.get_mut(&pooled.account)?.waiting.get_mut(&pooled.sequence)?;
        (waiting.told_at < height).then(|| tell(waiting, height))
    }

    /// How many blocks what is ready would fill: so long it may have to wait without being lost.
    fn backlog(&self) -> u64 {
        let (ready, block) = (self.held.ready(), Params::default());
        let by_bytes = ready.bytes as u64 / u64::from(block.max_block_bytes.max(1));
        by_bytes.max(ready.transactions as u64 / u64::from(block.max_block_signatures.max(1)))
    }
}

/// The height from which a transaction is to be told again.
fn due(waiting: &Waiting, patience: u64) -> u64 {
    let patience = match waiting.pooled.origin {
        Origin::Here => patience,
        Origin::Peer => patience.saturating_add(PATIENCE_OF_OTHERS),
    };
    let wait = patience.saturating_mul(1 << waiting.told.min(DOUBLINGS));
    waiting.told_at.0.saturating_add(wait)
}

fn tell(waiting: &mut Waiting, height: Height) -> Arc<Vec<u8>> {
    waiting.told_at = height;
    waiting.told = waiting.told.saturating_add(1);
    Arc::clone(&waiting.pooled.bytes)
}
