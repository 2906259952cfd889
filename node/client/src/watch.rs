//! What becomes of many transactions: the final blocks of one node, read one after another.
//!
//! Flow: [`Watcher::from_now`] before anything is submitted → [`Watcher::until`] reads blocks until all of the
//! named transactions are final. Invariants: no block is skipped or read twice. It polls, so a block is seen at
//! most `POLL` and one request after it is final.

use std::collections::BTreeMap;
use std::time::Duration;

use aula_api::chain::BlockDetail;
use aula_api::paths;
use aula_api::transactions::Outline;
use aula_ledger::tx::TransactionId;
use tokio::time::Instant;

use super::{Client, ClientError};

/// How long to wait before asking again for a block that is not final yet.
pub const POLL: Duration = Duration::from_millis(5);

/// A transaction in a final block.
#[derive(Debug, Clone)]
pub struct Final {
    /// The block's height.
    pub height: u64,
    /// What the public sees of it.
    pub outline: Outline,
}

impl std::ops::Deref for Final {
    type Target = Outline;

    fn deref(&self) -> &Outline {
        &self.outline
    }
}

/// Reads final blocks in order and remembers their transactions.
#[derive(Debug)]
pub struct Watcher {
    client: Client,
    next: u64,
    seen: BTreeMap<TransactionId, Final>,
}

impl Watcher {
    /// From the block after the node's last.
    ///
    /// # Errors
    /// When the node cannot be reached.
    pub async fn from_now(client: &Client) -> Result<Self, ClientError> {
        Ok(Self {
            client: client.clone(),
            next: client.height().await?.saturating_add(1),
            seen: BTreeMap::new(),
        })
    }

    /// The last block read.
    pub fn height(&self) -> u64 {
        self.next.saturating_sub(1)
    }

    /// A transaction that was read, not asked for by [`Self::until`], and rejected.
    pub fn rejected(&self) -> Option<&Final> {
        self.seen.values().find(|one| one.code != 0)
    }

    /// Reads the next block, if it is final; gives the transactions in it.
    ///
    /// # Errors
    /// When the node cannot be reached.
    pub async fn advance(&mut self) -> Result<Option<Vec<TransactionId>>, ClientError> {
        let found: Option<BlockDetail> = self.client.find(&paths::block(self.next)).await?;
        let Some(block) = found else { return Ok(None) };
        self.next = self.next.saturating_add(1);
        let height = block.summary.height.0;
        let ids = block.outlines.iter().map(|outline| outline.id).collect();
        let outlines = block.outlines.into_iter().map(|outline| (outline.id, Final { height, outline }));
        self.seen.extend(outlines);
        Ok(Some(ids))
    }

    /// Reads blocks until all of these are final; gives them in the order asked for.
    ///
    /// # Errors
    /// When none more of them becomes final within `limit`, or the node cannot be reached.
    pub async fn until(&mut self, ids: &[TransactionId], limit: Duration) -> Result<Vec<Final>, ClientError> {
        let mut patience = Patience::new(limit);
        loop {
            let missing = ids.iter().filter(|id| !self.seen.contains_key(id)).count();
            if missing == 0 {
                return Ok(ids.iter().filter_map(|id| self.seen.remove(id)).collect());
            }
            let what = || format!("{missing} of {} transactions are not final", ids.len());
            self.step(&mut patience, missing as u64, what).await?;
        }
    }

    /// Reads blocks through `height`.
    ///
    /// # Errors
    /// When no block becomes final within `limit`, or the node cannot be reached.
    pub async fn until_height(&mut self, height: u64, limit: Duration) -> Result<(), ClientError> {
        let mut patience = Patience::new(limit);
        while self.height() < height {
            let left = height.saturating_sub(self.height());
            self.step(&mut patience, left, || format!("block {height} is not final")).await?;
        }
        Ok(())
    }

    async fn step(
        &mut self,
        patience: &mut Patience,
        left: u64,
        what: impl Fn() -> String,
    ) -> Result<(), ClientError> {
        if self.advance().await?.is_none() {
            if patience.is_over(left, Instant::now()) {
                let (what, after, height) = (what(), patience.limit.as_secs(), self.height());
                let late = format!("{what}, and no more came within {after} s; the last block is {height}");
                return Err(ClientError::NotFinal(late));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

/// How long nothing may come of what is waited for. A slow machine that goes on is waited for, however much is to come.
#[derive(Debug)]
struct Patience {
    limit: Duration,
    least: Option<(u64, Instant)>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, least: None }
    }

    /// Whether as much was left for the whole limit. Asked for the first time, it never is.
    fn is_over(&mut self, left: u64, now: Instant) -> bool {
        match self.least {
            Some((least, since)) if left >= least => now.duration_since(since) > self.limit,
            _ => {
                self.least = Some((left, now));
                false
            }
        }
    }
}

impl Client {
    /// The node's last final height.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn height(&self) -> Result<u64, ClientError> {
        Ok(self.status().await?.height.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_that_goes_on_is_waited_for_and_one_that_stands_is_not() {
        let (start, limit) = (Instant::now(), Duration::from_secs(120));
        let mut patience = Patience::new(limit);
        let mut over = |left, seconds| patience.is_over(left, start + Duration::from_secs(seconds));
        for (left, seconds) in [(92, 0), (92, 119), (80, 120), (80, 239), (14, 240), (14, 360)] {
            assert!(!over(left, seconds), "{left} left after {seconds} s");
        }
        assert!(over(14, 361), "nothing came for more than the limit");
        assert!(!over(0, 362));
    }
}
