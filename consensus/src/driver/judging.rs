//! Judging beside the loop: blocks are executed on a thread that may block, one at a time, while the loop goes on.
//!
//! The queue is bounded, each publisher's share of it too, and what does not fit is dropped: a block that is needed
//! comes again, with the next round or by value sync.

use std::collections::VecDeque;
use std::sync::Arc;

use arc_malachitebft_core_consensus::PeerId;
use aula_ledger::types::Hash;
use tokio::sync::oneshot;

use super::verdicts::fingerprint;
use crate::context::ProposalInit;
use crate::events::FatalError;
use crate::parts::Received;
use crate::ports::{ChainStore, Runtime, Undecided};
use crate::proposal::{Base, BlockBuilder, ExecutedBlock, InvalidProposal};

/// Blocks that wait to be judged, of up to 4 MiB each.
const WAITING: usize = 8;
/// Those, and the one under judgement.
pub(super) const UNJUDGED: usize = WAITING + 1;
/// Of one publisher: its proposal, and somebody else's that it streams again.
const OF_ONE_PUBLISHER: usize = 2;

/// A block to be judged, with whoever published it.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) publisher: PeerId,
    pub(super) received: Received,
    pub(super) fingerprint: [u8; 32],
}

impl Job {
    pub(super) fn new(publisher: PeerId, received: Received) -> Self {
        let fingerprint = fingerprint(&received.block);
        Self { publisher, received, fingerprint }
    }

    /// What is judged: bytes under a block's name.
    fn subject(&self) -> (Hash, [u8; 32]) {
        (self.received.head.block_hash, self.fingerprint)
    }
}

/// A judged block.
pub(super) struct Done {
    pub(super) publisher: PeerId,
    pub(super) head: ProposalInit,
    pub(super) fingerprint: [u8; 32],
    pub(super) verdict: Result<Arc<ExecutedBlock>, InvalidProposal>,
}

/// The queue and the block under judgement.
pub(super) struct Judging {
    blocks: Arc<BlockBuilder>,
    store: Arc<dyn ChainStore>,
    waiting: VecDeque<(Base, Job)>,
    subject: Option<(Hash, [u8; 32])>,
    running: Option<oneshot::Receiver<Result<Done, FatalError>>>,
    runtime: Arc<dyn Runtime>,
}

impl Judging {
    pub(super) fn new(
        blocks: Arc<BlockBuilder>,
        store: Arc<dyn ChainStore>,
        runtime: Arc<dyn Runtime>,
    ) -> Self {
        Self { blocks, store, waiting: VecDeque::new(), subject: None, running: None, runtime }
    }

    /// Takes a block, to be judged on this base, unless the same bytes are in hand. False: there is no room for it.
    pub(super) fn add(&mut self, base: &Base, job: Job) -> bool {
        let subject = job.subject();
        if self.subject == Some(subject) || self.waiting.iter().any(|(_, other)| other.subject() == subject) {
            return true;
        }
        let of_publisher = self.waiting.iter().filter(|(_, other)| other.publisher == job.publisher).count();
        if self.waiting.len() >= WAITING || of_publisher >= OF_ONE_PUBLISHER {
            return false;
        }
        self.waiting.push_back((base.clone(), job));
        self.start();
        true
    }

    /// Blocks that wait, and the one under judgement.
    pub(super) fn holds(&self) -> usize {
        self.waiting.len() + usize::from(self.running.is_some())
    }

    /// Forgets what waits: the tip has moved.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// The next judged block. Never completes while there is none.
    pub(super) async fn done(&mut self) -> Result<Done, FatalError> {
        let Some(running) = self.running.as_mut() else { return std::future::pending().await };
        let done = running.await;
        (self.running, self.subject) = (None, None);
        self.start();
        done.map_err(|_| FatalError::program("judging a block failed inside this program"))?
    }

    fn start(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some((base, job)) = self.waiting.pop_front() else { return };
        let (blocks, store) = (Arc::clone(&self.blocks), Arc::clone(&self.store));
        self.subject = Some(job.subject());
        let (done, judged) = oneshot::channel();
        self.running = Some(judged);
        // It goes on by itself; a driver that is gone needs no answer.
        drop(self.runtime.run(Box::new(move || {
            let _ = done.send(judge(&blocks, store.as_ref(), &base, job));
        })));
    }
}

/// Judges a block and stores it if it is valid, whatever a clock may say of it: it may come again with a quorum behind
/// it.
fn judge(blocks: &BlockBuilder, store: &dyn ChainStore, base: &Base, job: Job) -> Result<Done, FatalError> {
    let Job { publisher, received: Received { head, block }, fingerprint } = job;
    let fresh = head.valid_round.is_nil().then_some(head.proposer.0);
    let verdict = blocks.judge(base, block, head.block_hash, fresh)?;
    if let Ok(judged) = &verdict
        && let Some(value) = undecided(&head, judged)
    {
        store.put_undecided(&value)?;
    }
    Ok(Done { publisher, head, fingerprint, verdict })
}

/// A proposed block with the signed head of its stream, as it is stored.
pub(super) fn undecided(head: &ProposalInit, judged: &ExecutedBlock) -> Option<Undecided> {
    Some(Undecided {
        height: head.height.into(),
        round: head.round.as_u32()?,
        valid_round: head.valid_round.as_u32(),
        proposer: head.proposer.0,
        hash: head.block_hash,
        block: judged.bytes.to_vec(),
        head: borsh::to_vec(head).unwrap_or_default(),
    })
}
