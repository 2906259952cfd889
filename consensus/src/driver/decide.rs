//! Deciding: the synced write, the pace of heights, and serving value sync.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_malachitebft_app_channel::Reply;
use arc_malachitebft_app_channel::app::engine::host::Next;
use arc_malachitebft_app_channel::app::types::MisbehaviorEvidence;
use arc_malachitebft_app_channel::app::types::sync::RawDecidedValue;
use arc_malachitebft_core_types::{
    CommitCertificate, ExtendedCommitCertificate, ExtendedCommitSignature, Round,
};
use aula_ledger::chain;

use super::{AtHeight, Driver, Held, answer, blocking, sets};
use crate::context::{Address, AulaContext, Height};
use crate::divergence::Facts;
use crate::events::{Event, FatalError};
use crate::evidence;
use crate::mempool::AtTip;
use crate::pace::ANSWER_BYTES;
use crate::ports::{Commit, Decided};
use crate::proposal::{ExecutedBlock, InvalidProposal};

/// The certificate as the ledger keeps it: signatures ascending by address, each once.
fn certificate_of(certificate: &CommitCertificate<AulaContext>) -> chain::CommitCertificate {
    let mut signatures: Vec<_> =
        certificate.commit_signatures.iter().map(|s| (s.address.0, s.signature.into())).collect();
    signatures.sort_by_key(|(address, _)| *address);
    signatures.dedup_by_key(|(address, _)| *address);
    chain::CommitCertificate {
        height: certificate.height.into(),
        // The engine decides in a round; nil does not occur.
        round: certificate.round.as_u32().unwrap_or(0),
        block_hash: certificate.value_id,
        signatures,
    }
}

/// A stored block as value sync sends it.
fn to_sync(decided: Decided) -> RawDecidedValue<AulaContext> {
    let certificate = decided.certificate;
    let commit_signatures = certificate
        .signatures
        .into_iter()
        .map(|(address, signature)| ExtendedCommitSignature::new(Address(address), signature.into(), None))
        .collect();
    let certificate = ExtendedCommitCertificate {
        height: certificate.height.into(),
        round: Round::new(certificate.round),
        value_id: certificate.block_hash,
        commit_signatures,
    };
    RawDecidedValue::new(decided.block.into(), certificate)
}

impl Driver {
    /// Decided: one synced batch, then the reply, then everything that depends on the new tip.
    pub(super) async fn decided(
        &mut self,
        certificate: CommitCertificate<AulaContext>,
        reply: Reply<()>,
    ) -> Result<(), FatalError> {
        if certificate.height != self.height() {
            // After a crash the engine may repeat a decision that is persisted.
            tracing::warn!(height = %certificate.height, "a decision that is persisted already");
            answer(reply, ());
            return Ok(());
        }
        let judged = self.decided_block(&certificate).await?;
        let commit = Commit {
            block: Arc::clone(&judged.block),
            block_bytes: Arc::clone(&judged.bytes),
            hash: judged.hash,
            outcome: Arc::clone(&judged.outcome),
            certificate: certificate_of(&certificate),
        };
        let round = commit.certificate.round;
        let (store, blocks) = (Arc::clone(&self.services.store), Arc::clone(&self.services.blocks));
        let recent = Arc::clone(&self.services.recent);
        self.base = blocking(&self.services.runtime, move || {
            store.commit(&commit)?;
            recent.keep(commit.hash, &Facts::of(&commit.outcome));
            blocks.decided();
            blocks.base(store.as_ref())
        })
        .await??;
        answer(reply, ());
        self.services.height.store(self.base.tip.height.0, Ordering::Relaxed);
        self.services.time_ms.store(self.base.tip.time_ms.0, Ordering::Relaxed);
        self.note_age(certificate.height, round, judged.hash, self.base.tip.time_ms);
        self.look_ahead()?;
        self.deciders = self.validators.ledger().clone();
        (self.validators, self.following) = sets(&self.base)?;
        self.assembly.decided(certificate.height);
        self.at_height = AtHeight::default();
        self.judging.clear();
        self.round = 0;
        self.proposed = false;
        self.tell(Event::Decided {
            height: judged.block.header.height,
            round,
            hash: judged.hash,
            time_ms: judged.block.header.time_ms,
            transactions: judged.block.transactions.len(),
        });
        self.refresh_pool(&judged).await?;
        self.adopt_early().await?;
        if !judged.block.transactions.is_empty() {
            self.update_peers().await?;
        }
        Ok(())
    }

    /// The decided block with its outcome: kept in memory, or stored and executed once more.
    async fn decided_block(
        &self,
        certificate: &CommitCertificate<AulaContext>,
    ) -> Result<Arc<ExecutedBlock>, FatalError> {
        let hash = certificate.value_id;
        if let Some(judged) = self.services.blocks.kept(&self.base, &hash) {
            return Ok(judged);
        }
        let (store, blocks, base) =
            (Arc::clone(&self.services.store), Arc::clone(&self.services.blocks), self.base.clone());
        let found = blocking(&self.services.runtime, move || {
            let stored = store.undecided(base.height())?.into_iter().find(|value| value.hash == hash);
            let judged = stored.map(|value| {
                let bytes = value.block.clone();
                blocks.judge(&base, value.block, hash, None).map(|verdict| (bytes, verdict))
            });
            judged.transpose()
        })
        .await??;
        match found {
            Some((_, Ok(judged))) => Ok(judged),
            Some((_, Err(InvalidProposal { why, .. }))) if self.is_own_damage(&why) => {
                Err(FatalError::engine(format!(
                    "block {hash} at height {} is final and cannot be executed here: {why}",
                    certificate.height
                )))
            }
            Some((bytes, Err(InvalidProposal { why, .. }))) => Err(self.diverged(bytes, hash, &why).await?),
            None => Err(FatalError::engine(format!(
                "block {hash} at height {} is final but not stored here; start again to fetch it by sync",
                certificate.height
            ))),
        }
    }

    async fn refresh_pool(&self, decided: &Arc<ExecutedBlock>) -> Result<(), FatalError> {
        let (pool, executor) = (Arc::clone(&self.services.pool), Arc::clone(&self.services.executor));
        if decided.block.transactions.is_empty() && pool.size().0 == 0 {
            pool.set_next_height(self.base.height());
            return Ok(());
        }
        let (base, decided) = (self.base.clone(), Arc::clone(decided));
        let dropped = blocking(&self.services.runtime, move || {
            let settled = pool.settled(&decided.block.transactions, &decided.outcome.receipts);
            let tip = AtTip::new(executor.as_ref(), base.state.as_ref(), base.height());
            let builder = decided.block.header.proposer;
            pool.after_block(base.height(), builder, &settled, &tip)
        })
        .await??;
        if !dropped.is_empty() {
            self.tell(Event::Dropped(dropped));
        }
        Ok(())
    }

    /// Finalized: go on at once when there is something to do or to catch up with, else hold the reply back.
    pub(super) fn finalized(
        &mut self,
        evidence: &MisbehaviorEvidence<AulaContext>,
        reply: Reply<Next<AulaContext>>,
    ) {
        let height = self.base.tip.height;
        for (validator, evidence) in evidence::of(&self.services.genesis, &self.deciders, evidence) {
            self.tell(Event::Equivocation { height, validator, evidence: evidence.map(Box::new) });
        }
        let behind = self.synced.is_some_and(|height| height.0 == self.base.tip.height.0);
        self.held = Some(Held { reply, until: self.due });
        // What waits in the pool is the loop's to see.
        if behind || self.proposed || self.waits_in_vain() {
            self.release();
        }
    }

    /// Whether whoever proposes next missed its last turn, or has left: holding back what it is to propose would only add
    /// to the time that is lost if it does not.
    fn waits_in_vain(&self) -> bool {
        let next = AulaContext::proposer_of(&self.validators, self.height(), Round::new(0));
        next.is_some_and(|next| {
            let peer = self.speaks.get(&next.address.0);
            self.base.misses.of(&next.address.0).is_some()
                || peer.is_some_and(|peer| self.services.heights.has_left(peer))
        })
    }

    /// Starts the next height if it is held back.
    pub(super) fn release(&mut self) {
        if self.last.is_some() {
            return;
        }
        if let Some(held) = self.held.take() {
            self.started = self.services.runtime.now();
            answer(held.reply, Next::Start(self.height(), self.params()));
        }
    }

    /// GetDecidedValues: as many of the range as fit, in order, without a gap.
    pub(super) async fn decided_values(
        &self,
        range: RangeInclusive<Height>,
        reply: Reply<Vec<RawDecidedValue<AulaContext>>>,
    ) -> Result<(), FatalError> {
        let store = Arc::clone(&self.services.store);
        let tip = self.base.tip.height.0;
        let values = blocking(&self.services.runtime, move || -> Result<_, FatalError> {
            let (mut values, mut bytes) = (Vec::new(), 0usize);
            for height in range.start().0..=range.end().0.min(tip) {
                let Some(decided) = store.decided(aula_ledger::types::Height(height))? else { break };
                bytes += decided.block.len();
                if bytes > ANSWER_BYTES && !values.is_empty() {
                    break;
                }
                values.push(to_sync(decided));
            }
            Ok(values)
        })
        .await??;
        answer(reply, values);
        Ok(())
    }
}
