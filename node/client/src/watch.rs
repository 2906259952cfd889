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
    /// When they are not final within `limit`, or the node cannot be reached.
    pub async fn until(&mut self, ids: &[TransactionId], limit: Duration) -> Result<Vec<Final>, ClientError> {
        let start = Instant::now();
        loop {
            let missing = ids.iter().filter(|id| !self.seen.contains_key(id)).count();
            if missing == 0 {
                return Ok(ids.iter().filter_map(|id| self.seen.remove(id)).collect());
            }
            self.step(start, limit, || format!("{missing} of {} transactions are not final", ids.len()))
                .await?;
        }
    }

    /// Reads blocks through `height`.
    ///
    /// # Errors
    /// As [`Self::until`].
    pub async fn until_height(&mut self, height: u64, limit: Duration) -> Result<(), ClientError> {
        let start = Instant::now();
        while self.height() < height {
            self.step(start, limit, || format!("block {height} is not final")).await?;
        }
        Ok(())
    }

    async fn step(
        &mut self,
        start: Instant,
        limit: Duration,
        what: impl Fn() -> String,
    ) -> Result<(), ClientError> {
        if self.advance().await?.is_none() {
            if start.elapsed() > limit {
                let (what, after) = (what(), limit.as_secs());
                let late = format!("{what} after {after} s; the last block is {}", self.height());
                return Err(ClientError::NotFinal(late));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
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
