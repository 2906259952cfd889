//! The start of a round, and decided blocks that come by value sync.

use std::sync::Arc;

use arc_malachitebft_app_channel::Reply;
use arc_malachitebft_app_channel::app::engine::host::SyncedValueOutcome;
use arc_malachitebft_app_channel::app::types::ProposedValue;
use arc_malachitebft_core_types::{Round, Validity};
use aula_ledger::chain::Block;
use aula_ledger::codec::Canonical;
use aula_ledger::types::Hash;
use bytes::Bytes;

use super::verdicts::Verdict;
use super::{Driver, answer, blocking};
use crate::context::{Address, AulaContext, Height, Value};
use crate::events::{Event, FatalError};
use crate::ports::{Moment, Undecided};
use crate::proposal::{ExecutedBlock, Fault, InvalidProposal};

/// Idle heights that may be made up for.
const MADE_UP: u32 = 4;

impl Driver {
    /// StartedRound: what is stored for this height and round, and its time asked of the clock if it came over the
    /// network; what waited for this round is judged from now on.
    pub(super) async fn started_round(
        &mut self,
        height: Height,
        round: Round,
        proposer: Address,
        reply: Reply<Vec<ProposedValue<AulaContext>>>,
    ) -> Result<(), FatalError> {
        let number = round.as_u32().unwrap_or(0);
        if number == 0 {
            self.begun(self.services.runtime.now());
        }
        if number > 0 {
            let proposer = proposer.0;
            tracing::warn!(%height, round = number, %proposer, "the round before failed; another proposer is asked");
        }
        self.note_round(number);
        self.tell(Event::Round { height: height.into(), round: number, proposer: proposer.0 });
        if height != self.height() {
            answer(reply, Vec::new());
            return Ok(());
        }
        self.round = number;
        answer(reply, self.stored_values(height, number).await?);
        self.claims_again().await?;
        self.unpark().await
    }

    /// A height begins: when the next one is due follows. Heights that took longer than their share are made up for by those
    /// after them, a few of them at most, so that blocks come at the idle pace in the mean though a turn is missed.
    fn begun(&mut self, now: Moment) {
        let idle = self.services.idle;
        let earliest = Moment::after(now.elapsed().saturating_sub(idle * MADE_UP));
        self.started = now;
        self.due = (self.due + idle).clamp(earliest, now + idle);
    }

    async fn stored_values(
        &mut self,
        height: Height,
        round: u32,
    ) -> Result<Vec<ProposedValue<AulaContext>>, FatalError> {
        let store = Arc::clone(&self.services.store);
        let stored = blocking(&self.services.runtime, move || store.undecided(height.into())).await??;
        self.at_height.stored.extend(stored.iter().map(|value| (value.round, value.hash)));
        let mut values = Vec::new();
        for value in stored.into_iter().filter(|value| value.round == round) {
            let (hash, proposer, valid_round) = (value.hash, Address(value.proposer), value.valid_round);
            let valid = self.is_valid_now(value).await?;
            // The same may be told once more by the judgement that has just stored it; that changes nothing.
            self.at_height.verdicts.is_news(round, hash, valid);
            values.push(ProposedValue {
                height,
                round: Round::new(round),
                valid_round: valid_round.into(),
                proposer,
                value: Value(hash),
                validity: Validity::from_bool(valid),
            });
        }
        Ok(values)
    }

    /// Whether a stored block may be voted for in the round it is stored for.
    async fn is_valid_now(&mut self, value: Undecided) -> Result<bool, FatalError> {
        let Undecided { hash, block, head, valid_round, proposer, .. } = value;
        let own = self.own_address() == Some(Address(proposer));
        // A block that came by value sync has no head, and need not be by its round's proposer.
        let synced = head.is_empty();
        if self.at_height.verdicts.of(&hash).is_none() {
            match self.judge(block, hash).await? {
                Ok(judged) => self.at_height.verdicts.keep(hash, Verdict::of(&judged)),
                Err(InvalidProposal { fault: Fault::Block, .. }) => {
                    self.at_height.verdicts.keep(hash, Verdict::Invalid)
                }
                Err(_) => return Ok(false),
            }
        }
        Ok(match self.at_height.verdicts.of(&hash) {
            Some(Verdict::Valid { proposer: builder, time_ms }) => {
                let in_turn = synced || valid_round.is_some() || *builder == proposer;
                in_turn && (own || synced || self.is_timely(valid_round, hash, *time_ms))
            }
            Some(Verdict::Invalid) | None => false,
        })
    }

    pub(super) async fn judge(
        &self,
        block: Vec<u8>,
        hash: Hash,
    ) -> Result<Result<Arc<ExecutedBlock>, InvalidProposal>, FatalError> {
        let (blocks, base) = (Arc::clone(&self.services.blocks), self.base.clone());
        Ok(blocking(&self.services.runtime, move || blocks.judge(&base, block, hash, None)).await??)
    }

    /// Whether a verdict is about this node's state, which cannot be read whole.
    pub(super) fn is_own_damage(&self, why: &str) -> bool {
        self.services.blocks.damage().as_deref() == Some(why)
    }

    /// ProcessSyncedValue: a decided block. The engine has checked its certificate, so this node has seen the quorum of
    /// precommits that it holds: bytes of another block are their sender's fault, and are not executed.
    pub(super) async fn synced_value(
        &mut self,
        height: Height,
        round: Round,
        proposer: Address,
        bytes: Bytes,
        reply: Reply<SyncedValueOutcome<AulaContext>>,
    ) -> Result<(), FatalError> {
        if height != self.height() {
            answer(reply, SyncedValueOutcome::LocalTransientError);
            return Ok(());
        }
        let certified = Block::from_canonical(&bytes).ok().map(|block| block.header.hash());
        let certified = certified.zip(round.as_u32());
        let Some((hash, round)) =
            certified.filter(|(hash, round)| self.services.quorums.commit(*round, hash))
        else {
            tracing::warn!(%height, "a peer sent other bytes than the block that its certificate is for");
            answer(reply, SyncedValueOutcome::PeerFault);
            return Ok(());
        };
        let outcome = match self.judge(bytes.to_vec(), hash).await? {
            // A quorum precommitted it: neither the peer that sent it nor another one can send anything better.
            Err(InvalidProposal { why, fault: Fault::Block }) if !self.is_own_damage(&why) => {
                self.tell(Event::CannotFollow { height: height.into(), why: why.clone() });
                return Err(self.diverged(bytes.to_vec(), hash, &why).await?);
            }
            Ok(judged) => {
                // Stored: after a crash the engine may decide it from its log without asking again.
                self.store_undecided(Undecided {
                    height: height.into(),
                    round,
                    valid_round: None,
                    proposer: proposer.0,
                    hash,
                    block: judged.bytes.to_vec(),
                    head: Vec::new(),
                })
                .await?;
                self.synced = Some(height);
                SyncedValueOutcome::Verdict(ProposedValue {
                    height,
                    round: Round::new(round),
                    valid_round: Round::Nil,
                    proposer,
                    value: Value(hash),
                    validity: Validity::Valid,
                })
            }
            Err(InvalidProposal { why, fault }) => {
                tracing::error!(%height, why, "a synced block is wrong; asking another peer");
                if fault == Fault::Block {
                    self.tell(Event::CannotFollow { height: height.into(), why });
                }
                SyncedValueOutcome::PeerFault
            }
        };
        answer(reply, outcome);
        Ok(())
    }
}
