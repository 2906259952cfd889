//! Receiving blocks from the network: part → stream → block → verdict → the engine.
//!
//! What a hostile peer can make this node do is bounded at each step. A head is looked at before anything is kept
//! (`super::heads`); a block that has a verdict is not received again; a round has two blocks, a round to come has one
//! place, and nothing of it is executed before the round begins; blocks are executed beside the loop
//! (`super::judging`), each once (`super::verdicts`). Whoever publishes what no honest node would is cut off
//! (`super::peers`).

use std::sync::Arc;

use arc_malachitebft_app_channel::app::types::ProposedValue;
use arc_malachitebft_core_types::Validity;
use aula_ledger::types::{Hash, TimeMs};

use super::heads::{ROUNDS_BEHIND, Setting};
use super::judging::{Done, Job};
use super::verdicts::Verdict;
use super::{Driver, blocking};
use crate::context::{AulaContext, ProposalInit, Value};
use crate::events::FatalError;
use crate::parts::inbox::Heard;
use crate::parts::{Added, Refused};
use crate::proposal::{ExecutedBlock, Fault, InvalidProposal};

/// Complete blocks of the next height that are kept, those of the lowest rounds, one a round of each who may propose in it.
pub(super) const EARLY_BLOCKS: usize = 4;
/// Blocks taken per round: one, and the other one of an equivocator.
const BLOCKS_PER_ROUND: usize = 2;
/// Streams that one publisher may begin at one height, and for each of its rounds. Honest nodes stream their own block,
/// and in late rounds the one they are locked on.
const STREAMS: u32 = 8;
const STREAMS_PER_ROUND: u32 = 4;
/// Blocks that are kept until the quorum that their heads name is seen here too.
pub(super) const CLAIMS: usize = 4;

impl Driver {
    /// One part of a block.
    pub(super) async fn received_part(&mut self, heard: Heard) -> Result<(), FatalError> {
        let Heard { publisher, part } = heard;
        let (mut starts, mut judged) = (false, None);
        let mut assembly = std::mem::take(&mut self.assembly);
        let mut begun = self.at_height.begun.get(&publisher).copied().unwrap_or(0);
        let most = STREAMS.saturating_add(STREAMS_PER_ROUND.saturating_mul(self.round.saturating_add(1)));
        let setting = self.setting();
        let added = assembly.add(publisher, part, |head| {
            setting.check(head)?;
            begun += 1;
            if begun > most {
                return Err(Refused::Junk("more streams than a height has use for"));
            }
            starts = head.height == setting.height;
            if starts && self.at_height.verdicts.of(&head.block_hash).is_some() {
                judged = Some(head.clone());
                return Err(Refused::Late("a block that is judged"));
            }
            self.has_place(head).then_some(()).ok_or(Refused::Late("its round has had its blocks"))
        });
        self.assembly = assembly;
        self.at_height.begun.insert(publisher, begun);
        if starts {
            // Somebody proposes for the height that we may be holding back: go on.
            self.go_on();
        }
        if let Some(head) = judged {
            return self.known_again(head).await;
        }
        match added {
            Added::Pending => Ok(()),
            Added::Refused(Refused::Late(why)) => {
                tracing::debug!(%publisher, why, "a stream of parts is not taken");
                Ok(())
            }
            Added::Refused(Refused::Junk(why)) => self.cut_off(publisher, why).await,
            Added::Complete(received) => self.complete(Job::new(publisher, *received)).await,
        }
    }

    /// What heads are looked at with.
    fn setting(&self) -> Setting<'_> {
        Setting {
            genesis: &self.services.genesis,
            height: self.height(),
            round: self.round,
            validators: &self.validators,
            following: &self.following,
            quorums: &self.services.quorums,
            stored: &self.at_height.stored,
        }
    }

    /// Somebody proposes for the height that we may be holding back.
    fn go_on(&mut self) {
        self.proposed = true;
        self.release();
    }

    /// Whether the round of a head still takes a block.
    fn has_place(&self, head: &ProposalInit) -> bool {
        let Some(round) = head.round.as_u32() else { return false };
        if head.height != self.height() {
            let kept = self.early.get(&(round, head.proposer));
            return kept.is_none_or(|job| job.received.head.block_hash == head.block_hash);
        }
        if round > self.round {
            return !self.at_height.parked.contains_key(&round);
        }
        self.at_height
            .taken
            .get(&round)
            .is_none_or(|taken| taken.contains(&head.block_hash) || taken.len() < BLOCKS_PER_ROUND)
    }

    /// A block is complete: judge it, or keep it until its height, its round or its quorum has come.
    async fn complete(&mut self, job: Job) -> Result<(), FatalError> {
        let head = &job.received.head;
        let Some(round) = head.round.as_u32() else { return Ok(()) };
        if head.height.0 == self.height().0.saturating_add(1) {
            self.keep_early(round, job);
            return Ok(());
        }
        if head.height != self.height() || !self.has_place(head) {
            return Ok(());
        }
        self.go_on();
        if round > self.round {
            self.at_height.parked.insert(round, job);
            return Ok(());
        }
        self.consider(job).await
    }

    fn keep_early(&mut self, round: u32, job: Job) {
        self.early.entry((round, job.received.head.proposer)).or_insert(job);
        if self.early.len() > EARLY_BLOCKS {
            self.early.pop_last();
        }
    }

    /// A block whose round has begun.
    async fn consider(&mut self, job: Job) -> Result<(), FatalError> {
        let head = &job.received.head;
        if self.at_height.verdicts.of(&head.block_hash).is_some() {
            return self.known_again(head.clone()).await;
        }
        if self.at_height.verdicts.is_garbled(&head.block_hash, &job.fingerprint) {
            return self.cut_off(job.publisher, "garbled bytes that others sent before").await;
        }
        let (Some(round), hash) = (head.round.as_u32(), head.block_hash) else { return Ok(()) };
        if !self.setting().knows_claim(head) {
            let same =
                |other: &Job| other.publisher == job.publisher && other.received.head.round == head.round;
            self.at_height.claims.retain(|other| !same(other));
            self.at_height.claims.truncate(CLAIMS - 1);
            self.at_height.claims.push(job);
            return Ok(());
        }
        let publisher = job.publisher;
        if self.judging.add(&self.base, job) {
            self.at_height.taken.entry(round).or_default().insert(hash);
        } else {
            tracing::debug!(%publisher, round, "no room to judge another block");
        }
        Ok(())
    }

    /// Looks again at blocks whose quorum was not seen here when they came.
    pub(super) async fn claims_again(&mut self) -> Result<(), FatalError> {
        for job in std::mem::take(&mut self.at_height.claims) {
            self.consider(job).await?;
        }
        Ok(())
    }

    /// Blocks that came before their round did.
    pub(super) async fn unpark(&mut self) -> Result<(), FatalError> {
        let later = self.at_height.parked.split_off(&self.round.saturating_add(1));
        let due = std::mem::replace(&mut self.at_height.parked, later);
        for (round, job) in due {
            if round.saturating_add(ROUNDS_BEHIND) >= self.round {
                self.consider(job).await?;
            }
        }
        Ok(())
    }

    /// Blocks that came before their height did. Whose turn its rounds are is known only now.
    pub(super) async fn adopt_early(&mut self) -> Result<(), FatalError> {
        for (_, job) in std::mem::take(&mut self.early) {
            if self.setting().is_turn(&job.received.head) {
                self.complete(job).await?;
            }
        }
        Ok(())
    }

    /// A block has been judged.
    pub(super) async fn judged(&mut self, done: Done) -> Result<(), FatalError> {
        let Done { publisher, head, fingerprint, verdict } = done;
        if head.height != self.height() {
            return Ok(());
        }
        let (height, round, proposer) = (head.height, head.round, head.proposer);
        match verdict {
            Ok(judged) => {
                self.at_height.verdicts.keep(judged.hash, Verdict::of(&judged));
                self.at_height.stored.extend(round.as_u32().map(|round| (round, judged.hash)));
                self.tell_verdict(&head);
                Ok(())
            }
            Err(InvalidProposal { why, fault: Fault::Block }) => {
                tracing::warn!(%height, %round, %proposer, why, "a wrong block");
                self.at_height.verdicts.keep(head.block_hash, Verdict::Invalid);
                self.tell_verdict(&head);
                Ok(())
            }
            Err(InvalidProposal { why, fault: Fault::Head }) => {
                tracing::warn!(%height, %round, %proposer, why, "a proposal is ignored");
                Ok(())
            }
            Err(InvalidProposal { why, fault: Fault::Bytes }) => {
                self.at_height.verdicts.keep_garbled(head.block_hash, fingerprint);
                self.cut_off(publisher, &why).await
            }
        }
    }

    /// A block that has its verdict comes again, or under another head: nothing of it is received or executed.
    async fn known_again(&mut self, head: ProposalInit) -> Result<(), FatalError> {
        let Some(round) = head.round.as_u32().filter(|round| *round <= self.round) else { return Ok(()) };
        if !self.setting().knows_claim(&head) || !self.has_place(&head) {
            return Ok(());
        }
        if let Some(Verdict::Valid { proposer, .. }) = self.at_height.verdicts.of(&head.block_hash) {
            if head.valid_round.is_nil() && *proposer != head.proposer.0 {
                return Ok(());
            }
            self.at_height.taken.entry(round).or_default().insert(head.block_hash);
            if !self.at_height.stored.contains(&(round, head.block_hash)) {
                let Some(judged) = self.executed_block(&head).await? else { return Ok(()) };
                self.store_proposal(&head, &judged.bytes).await?;
            }
        }
        self.tell_verdict(&head);
        Ok(())
    }

    /// A valid block with its outcome: kept, or executed once more.
    async fn executed_block(&self, head: &ProposalInit) -> Result<Option<Arc<ExecutedBlock>>, FatalError> {
        let (blocks, base, hash) = (Arc::clone(&self.services.blocks), self.base.clone(), head.block_hash);
        if let Some(judged) = blocks.kept(&base, &hash) {
            return Ok(Some(judged));
        }
        let store = Arc::clone(&self.services.store);
        blocking(&self.services.runtime, move || {
            let stored = store.undecided(base.height())?.into_iter().find(|value| value.hash == hash);
            let judged = stored.map(|value| blocks.judge(&base, value.block, hash, None)).transpose()?;
            Ok(judged.and_then(Result::ok))
        })
        .await?
    }

    /// Tells the engine what is to be thought of a judged block in a round, once.
    fn tell_verdict(&mut self, head: &ProposalInit) {
        let Some(round) = head.round.as_u32() else { return };
        let (right, timely) = match self.at_height.verdicts.of(&head.block_hash) {
            Some(Verdict::Valid { time_ms, .. }) => {
                (true, self.is_timely(head.valid_round.as_u32(), head.block_hash, *time_ms))
            }
            Some(Verdict::Invalid) => (false, true),
            None => return,
        };
        if self.at_height.verdicts.is_news(round, head.block_hash, right && timely) {
            if !timely {
                tracing::warn!(height = %head.height, round, "a block ahead of this clock");
            }
            self.engine.proposed(proposed(head, right && timely));
        }
    }

    /// Whether this node's clock has nothing against a block that came over the network, in this round. It is not asked
    /// about a block for which this node itself saw a quorum of prevotes in the round that the head names: they asked
    /// theirs. The answer holds for this round and is stored nowhere.
    pub(super) fn is_timely(&self, valid_round: Option<u32>, hash: Hash, time_ms: TimeMs) -> bool {
        valid_round.is_some_and(|valid| self.services.quorums.polka(valid, &hash))
            || self.services.blocks.is_timely(&self.base, time_ms)
    }
}

fn proposed(head: &ProposalInit, valid: bool) -> ProposedValue<AulaContext> {
    ProposedValue {
        height: head.height,
        round: head.round,
        valid_round: head.valid_round,
        proposer: head.proposer,
        value: Value(head.block_hash),
        validity: Validity::from_bool(valid),
    }
}
