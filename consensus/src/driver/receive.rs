//! Receiving: parts of proposals, blocks by value sync, and what is known when a round starts.

use std::sync::Arc;

use arc_malachitebft_app_channel::Reply;
use arc_malachitebft_app_channel::app::engine::host::SyncedValueOutcome;
use arc_malachitebft_app_channel::app::types::ProposedValue;
use arc_malachitebft_app_channel::app::types::streaming::StreamMessage;
use arc_malachitebft_core_consensus::{PeerId, Role};
use arc_malachitebft_core_types::{Round, Validity};
use aula_ledger::chain::Block;
use aula_ledger::codec::Canonical;
use aula_ledger::types::Hash;
use bytes::Bytes;

use super::{Driver, answer, blocking};
use crate::context::{Address, AulaContext, Height, ProposalInit, ProposalPart, ValidatorSet, Value};
use crate::events::{Event, Fatal};
use crate::parts::{Added, Received};
use crate::ports::Undecided;
use crate::proposal::{Judged, Wrong};
use crate::signing::{init_sign_bytes, is_valid};

/// Complete blocks of the next height but one that are kept: two proposers in two rounds.
const EARLY_BLOCKS: usize = 4;
/// Blocks taken per round: one, and the other one of an equivocator.
const BLOCKS_PER_ROUND: usize = 2;

/// Whether a stream of parts may begin: by the proposer of its round, for this height or the next.
fn check_head(
    genesis: &Hash,
    current: Height,
    validators: &ValidatorSet,
    head: &ProposalInit,
) -> Result<(), &'static str> {
    let Some(round) = head.round.as_u32() else { return Err("a stream without a round") };
    if head.valid_round.as_u32().is_some_and(|valid| valid >= round) {
        return Err("a valid round that is not below the round");
    }
    if head.height < current {
        return Err("a decided height");
    }
    if head.height.0 > current.0.saturating_add(1) {
        return Err("a height too far ahead");
    }
    let Some(sender) = validators.by_address(&head.proposer) else { return Err("not from a validator") };
    // The next height's set may differ by a validator; its heads are checked again when it is current.
    let expected = AulaContext::proposer_of(validators, head.height, head.round);
    if head.height == current && expected.map(|v| v.address) != Some(head.proposer) {
        return Err("not from the proposer of its round");
    }
    if !is_valid(&sender.public_key, &init_sign_bytes(genesis, head), &head.signature) {
        return Err("a head with a wrong signature");
    }
    Ok(())
}

impl Driver {
    /// ReceivedProposalPart: collect; when the block is complete, judge it, store it, reply with the verdict.
    pub(super) async fn received_part(
        &mut self,
        publisher: PeerId,
        part: StreamMessage<ProposalPart>,
        reply: Reply<Option<ProposedValue<AulaContext>>>,
    ) -> Result<(), Fatal> {
        let current = self.height();
        let mut starts = false;
        let (genesis, validators) = (&self.services.genesis, &self.validators);
        let added = self.assembly.add(publisher, part, |head| {
            check_head(genesis, current, validators, head)?;
            starts = head.height == current;
            Ok(())
        });
        if starts {
            // Somebody proposes for the height that we may be holding back: go on.
            self.proposed = true;
            self.release();
        }
        let value = match added {
            Added::Pending => None,
            Added::Refused(why) => {
                tracing::debug!(%publisher, why, "a stream of parts is refused");
                None
            }
            Added::Complete(received) if received.head.height > current => {
                self.keep_early(*received);
                None
            }
            Added::Complete(received) if received.head.height < current => None,
            Added::Complete(received) => {
                // Its head may have come while the height before was still being decided.
                self.proposed = true;
                self.release();
                self.judge_received(*received).await?
            }
        };
        answer(reply, value);
        Ok(())
    }

    fn keep_early(&mut self, received: Received) {
        let same = |other: &Received| {
            other.head.round == received.head.round && other.head.block_hash == received.head.block_hash
        };
        if self.early.len() < EARLY_BLOCKS && !self.early.iter().any(same) {
            self.early.push(received);
        }
    }

    /// Judges a block of the current height. `None`: not heard, because its round has had its two.
    async fn judge_received(
        &mut self,
        received: Received,
    ) -> Result<Option<ProposedValue<AulaContext>>, Fatal> {
        let head = received.head;
        let Some(round) = head.round.as_u32() else { return Ok(None) };
        let of_round = self.received.entry(round).or_default();
        if !of_round.contains(&head.block_hash) && of_round.len() >= BLOCKS_PER_ROUND {
            return Ok(None);
        }
        let fresh = head.valid_round.is_nil();
        let judged = self.judge(received.block, head.block_hash, fresh.then_some(head.proposer)).await?;
        if let Err(Wrong { why, genuine: false }) = &judged {
            tracing::warn!(height = %head.height, round, why, "a block that was garbled on the way");
            return Ok(None);
        }
        self.received.entry(round).or_default().insert(head.block_hash);
        let valid = match judged {
            Ok(judged) => {
                // Stored whatever the clock says: the block may come again with a quorum behind it.
                self.store_proposal(&head, &judged.bytes).await?;
                let timely = !fresh || self.services.blocks.is_timely(&self.base, &judged.block);
                if !timely {
                    let time_ms = judged.block.header.time_ms;
                    tracing::warn!(height = %head.height, round, %time_ms, "a block ahead of this clock");
                    self.untimely.insert((round, head.block_hash));
                }
                timely
            }
            Err(Wrong { why, .. }) => {
                tracing::warn!(height = %head.height, round, proposer = %head.proposer, why, "a wrong block");
                false
            }
        };
        Ok(Some(proposed(&head, valid)))
    }

    async fn judge(
        &self,
        block: Vec<u8>,
        hash: Hash,
        fresh_proposer: Option<Address>,
    ) -> Result<Result<Arc<Judged>, Wrong>, Fatal> {
        let (blocks, base) = (Arc::clone(&self.services.blocks), self.base.clone());
        Ok(blocking(move || blocks.judge(&base, block, hash, fresh_proposer.map(|a| a.0))).await??)
    }

    /// StartedRound: what is stored for this height and round, judged again. No clock is asked: what this clock
    /// refused while the process ran is still refused, nothing else is.
    pub(super) async fn started_round(
        &mut self,
        height: Height,
        round: Round,
        proposer: Address,
        _role: Role,
        reply: Reply<Vec<ProposedValue<AulaContext>>>,
    ) -> Result<(), Fatal> {
        let number = round.as_u32().unwrap_or(0);
        if number == 0 {
            self.started = std::time::Instant::now();
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
        let store = Arc::clone(&self.services.store);
        let mut values = Vec::new();
        for value in blocking(move || store.undecided(height.into())).await?? {
            if value.round != number {
                continue;
            }
            let Undecided { hash, block, head, valid_round, proposer, .. } = value;
            // A block that came by value sync has no head, and need not be by its round's proposer.
            let fresh = (valid_round.is_none() && !head.is_empty()).then_some(Address(proposer));
            let valid = self.judge(block, hash, fresh).await?.is_ok();
            values.push(ProposedValue {
                height,
                round,
                valid_round: valid_round.into(),
                proposer: Address(proposer),
                value: Value(hash),
                validity: Validity::from_bool(valid && !self.untimely.contains(&(number, hash))),
            });
        }
        answer(reply, values);
        Ok(())
    }

    /// Blocks that came before their height did: checked again now that the validator set is known, and stored,
    /// so that the start of their round finds them.
    pub(super) async fn adopt_early(&mut self) -> Result<(), Fatal> {
        let current = self.height();
        let early = std::mem::take(&mut self.early);
        for received in early {
            if check_head(&self.services.genesis, current, &self.validators, &received.head).is_err() {
                continue;
            }
            if received.head.height > current {
                self.keep_early(received);
            } else {
                self.proposed = true;
                self.judge_received(received).await?;
            }
        }
        Ok(())
    }

    /// ProcessSyncedValue: a decided block. The engine has checked its certificate; it need not be fresh, and its
    /// proposer need not be its round's.
    pub(super) async fn synced_value(
        &mut self,
        height: Height,
        round: Round,
        proposer: Address,
        bytes: Bytes,
        reply: Reply<SyncedValueOutcome<AulaContext>>,
    ) -> Result<(), Fatal> {
        if height != self.height() {
            answer(reply, SyncedValueOutcome::LocalTransientError);
            return Ok(());
        }
        let Ok(block) = Block::from_canonical(&bytes) else {
            answer(reply, SyncedValueOutcome::PeerFault);
            return Ok(());
        };
        let hash = block.header.hash();
        let outcome = match self.judge(bytes.to_vec(), hash, None).await? {
            Ok(judged) => {
                // Stored: after a crash the engine may decide it from its log without asking again.
                self.store_undecided(Undecided {
                    height: height.into(),
                    round: round.as_u32().unwrap_or(0),
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
                    round,
                    valid_round: Round::Nil,
                    proposer,
                    value: Value(hash),
                    validity: Validity::Valid,
                })
            }
            Err(Wrong { why, genuine }) => {
                tracing::error!(%height, why, "a synced block is wrong; asking another peer");
                if genuine {
                    self.tell(Event::CannotFollow { height: height.into(), why });
                }
                SyncedValueOutcome::PeerFault
            }
        };
        answer(reply, outcome);
        Ok(())
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

#[cfg(test)]
mod tests;
