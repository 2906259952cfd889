//! Proposing: a value for our own round, and streaming a block again.

use std::sync::Arc;

use arc_malachitebft_app_channel::Reply;
use arc_malachitebft_app_channel::app::types::LocallyProposedValue;
use arc_malachitebft_core_types::Round;
use aula_ledger::types::Hash;
use borsh::BorshDeserialize;

use super::{Driver, answer, blocking};
use crate::context::{Address, AulaContext, Height, ProposalInit, Value};
use crate::events::FatalError;
use crate::parts;
use crate::ports::Undecided;
use crate::proposal::ExecutedBlock;
use crate::signing::Signature;

impl Driver {
    /// GetValue: the block already built for this height and round, or a new one. Stored before the reply.
    pub(super) async fn get_value(
        &mut self,
        height: Height,
        round: Round,
        reply: Reply<LocallyProposedValue<AulaContext>>,
    ) -> Result<(), FatalError> {
        let (Some(own), Some(number)) = (self.own_address(), round.as_u32()) else { return Ok(()) };
        if height != self.height() {
            tracing::error!(%height, current = %self.height(), "asked for a block of another height");
            return Ok(());
        }
        let judged = match self.already_built(own, number).await? {
            Some(judged) => judged,
            None => {
                let (blocks, base) = (Arc::clone(&self.services.blocks), self.base.clone());
                blocking(&self.services.runtime, move || blocks.build(&base, own.0)).await??
            }
        };
        let Some(head) = self.keep_and_head(&judged, round, Round::Nil).await? else { return Ok(()) };
        answer(reply, LocallyProposedValue::new(height, round, Value(judged.hash)));
        self.stream(&head, &judged.bytes).await
    }

    /// RestreamProposal: our own proposal of an earlier block again, or, late in a height, somebody else's under
    /// the head that they signed.
    pub(super) async fn restream(
        &mut self,
        height: Height,
        round: Round,
        valid_round: Round,
        address: Address,
        hash: Hash,
    ) -> Result<(), FatalError> {
        if height != self.height() {
            return Ok(());
        }
        let store = Arc::clone(&self.services.store);
        let at = height.into();
        let stored = blocking(&self.services.runtime, move || store.undecided(at)).await??;
        if self.own_address() == Some(address) {
            let Some(block) = stored.iter().find(|value| value.hash == hash) else {
                tracing::warn!(%height, %hash, "asked to propose a block again that is not here");
                return Ok(());
            };
            let bytes = block.block.clone();
            let Some(head) = self.sign_head(hash, bytes.len(), round, valid_round) else { return Ok(()) };
            self.store_proposal(&head, &bytes).await?;
            return self.stream(&head, &bytes).await;
        }
        let same = |value: &&Undecided| value.hash == hash && Some(value.round) == round.as_u32();
        let Some(block) = stored.iter().find(same) else { return Ok(()) };
        match ProposalInit::try_from_slice(&block.head) {
            Ok(head) => self.stream(&head, &block.block).await,
            Err(_) => Ok(()),
        }
    }

    /// What this node built for this height and round before, perhaps before a restart.
    async fn already_built(
        &self,
        own: Address,
        round: u32,
    ) -> Result<Option<Arc<ExecutedBlock>>, FatalError> {
        let (store, blocks, base) =
            (Arc::clone(&self.services.store), Arc::clone(&self.services.blocks), self.base.clone());
        blocking(&self.services.runtime, move || {
            let mine = |value: &Undecided| {
                value.round == round && value.proposer == own.0 && value.valid_round.is_none()
            };
            let Some(value) = store.undecided(base.height())?.into_iter().find(mine) else { return Ok(None) };
            Ok(blocks.judge(&base, value.block, value.hash, None)?.ok())
        })
        .await?
    }

    async fn keep_and_head(
        &mut self,
        judged: &ExecutedBlock,
        round: Round,
        valid_round: Round,
    ) -> Result<Option<ProposalInit>, FatalError> {
        let Some(head) = self.sign_head(judged.hash, judged.bytes.len(), round, valid_round) else {
            return Ok(None);
        };
        self.store_proposal(&head, &judged.bytes).await?;
        Ok(Some(head))
    }

    fn sign_head(&self, hash: Hash, bytes: usize, round: Round, valid_round: Round) -> Option<ProposalInit> {
        let signer = self.signer.as_ref()?;
        let head = ProposalInit {
            height: self.height(),
            round,
            valid_round,
            proposer: signer.address(),
            block_hash: hash,
            // A block is at most a few MiB; one that is not is refused by everybody.
            block_bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            signature: Signature([0; 64]),
        };
        Some(signer.sign_init(head))
    }

    /// Stores a proposed block with the signed head of its stream, durably.
    pub(super) async fn store_proposal(
        &mut self,
        head: &ProposalInit,
        block: &[u8],
    ) -> Result<(), FatalError> {
        let Some(round) = head.round.as_u32() else { return Ok(()) };
        self.at_height.stored.insert((round, head.block_hash));
        self.store_undecided(Undecided {
            height: head.height.into(),
            round,
            valid_round: head.valid_round.as_u32(),
            proposer: head.proposer.0,
            hash: head.block_hash,
            block: block.to_vec(),
            head: borsh::to_vec(head).unwrap_or_default(),
        })
        .await
    }

    /// Stores a block that is not decided yet, durably.
    pub(super) async fn store_undecided(&self, value: Undecided) -> Result<(), FatalError> {
        let store = Arc::clone(&self.services.store);
        Ok(blocking(&self.services.runtime, move || store.put_undecided(&value)).await??)
    }

    async fn stream(&mut self, head: &ProposalInit, block: &[u8]) -> Result<(), FatalError> {
        self.stream = self.stream.wrapping_add(1);
        for part in parts::split(head, block, self.stream) {
            self.network.publish(part).await?;
        }
        Ok(())
    }
}
