//! Whether a stream of parts may begin: looked at when its head comes, before anything of it is kept.
//!
//! A head is refused as junk when no honest node would have sent it, whatever that node knows: its sender answers for
//! it. It is refused as late when it is of no use here and now: a decided height, a round that is past or far ahead.

use std::collections::BTreeSet;

use aula_ledger::chain::turns::Turns;
use aula_ledger::types::Hash;

use crate::context::{AulaContext, Height, ProposalInit, ValidatorSet};
use crate::parts::Refused;
use crate::quorums::Quorums;
use crate::signing::{init_sign_bytes, is_valid};

/// Rounds ahead of the present one from which blocks are taken; the engine takes votes and proposals as far.
pub(super) const ROUNDS_AHEAD: u32 = 10;
/// Rounds behind the present one from which blocks are taken that have no quorum behind them: one that was late.
pub(super) const ROUNDS_BEHIND: u32 = 2;

/// What heads are looked at with.
pub(super) struct Setting<'a> {
    pub(super) genesis: &'a Hash,
    /// The height that is being decided.
    pub(super) height: Height,
    /// Its present round.
    pub(super) round: u32,
    /// Who decides it.
    pub(super) validators: &'a ValidatorSet,
    /// Who decides the next one: changes enter two heights after the block that decides them, so this is settled.
    pub(super) following: &'a ValidatorSet,
    /// The quorums that this node saw at this height.
    pub(super) quorums: &'a Quorums,
    /// The blocks of this height that this node has stored, by round.
    pub(super) stored: &'a BTreeSet<(u32, Hash)>,
}

impl Setting<'_> {
    /// Whether a stream may begin: by the proposer of its round, for this height or the next, in a window of rounds.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) fn check(&self, head: &ProposalInit) -> Result<(), Refused> {
        let Some(round) = head.round.as_u32() else { return Err(Refused::Junk("a stream without a round")) };
        if head.valid_round.as_u32().is_some_and(|valid| valid >= round) {
            return Err(Refused::Junk("a valid round that is not below the round"));
        }
        if head.height < self.height {
            return Err(Refused::Late("a decided height"));
        }
        if head.height.0 > self.height.0.saturating_add(1) {
            return Err(Refused::Late("a height too far ahead"));
        }
        let current = head.height == self.height;
        let present = if current { self.round } else { 0 };
        if round > present.saturating_add(ROUNDS_AHEAD) {
            return Err(Refused::Late("a round too far ahead"));
        }
        if round.saturating_add(ROUNDS_BEHIND) < present && !self.has_quorum(round, &head.block_hash) {
            return Err(Refused::Late("a round that is past"));
        }
        let validators = if current { self.validators } else { self.following };
        let Some(sender) = validators.by_address(&head.proposer) else {
            return Err(Refused::Junk("not from a validator"));
        };
        if current && !self.is_turn(head) {
            return Err(Refused::Junk("not from the proposer of its round"));
        }
        if !is_valid(&sender.public_key, &init_sign_bytes(self.genesis, head), &head.signature) {
            return Err(Refused::Junk("a head with a wrong signature"));
        }
        if !current && !self.may_be_turn(head) {
            return Err(Refused::Late("a turn that follows from what is not decided yet"));
        }
        Ok(())
    }

    /// Whether the round of a head of this height is its sender's.
    pub(super) fn is_turn(&self, head: &ProposalInit) -> bool {
        let expected = AulaContext::proposer_of(self.validators, head.height, head.round);
        head.height == self.height && expected.map(|validator| validator.address) == Some(head.proposer)
    }

    /// Whether the round of a head of the next height may be its sender's. Who is left out of that height follows from who
    /// builds the block of this one, which this node may not know yet: whoever has a turn until a few rounds from now.
    fn may_be_turn(&self, head: &ProposalInit) -> bool {
        let Some(round) = head.round.as_u32() else { return false };
        let (set, height) = (self.validators.ledger(), self.height.into());
        let known = Turns::new(set, self.validators.misses(), height);
        let rounds = 0..=self.round.saturating_add(ROUNDS_BEHIND).min(ROUNDS_AHEAD);
        let builders: BTreeSet<_> =
            rounds.filter_map(|round| known.proposer(round)).map(|builder| builder.address).collect();
        builders.into_iter().any(|builder| {
            let mut misses = self.validators.misses().clone();
            misses.note(set, height, builder);
            let turns = Turns::new(self.following.ledger(), &misses, head.height.into());
            turns.proposer(round).is_some_and(|proposer| proposer.address == head.proposer.0)
        })
    }

    /// Whether a block may be judged: one that is proposed again must be stored here for the round that its head names,
    /// or this node must have seen a quorum of prevotes for it there. Without the second, a node that missed the block
    /// could never vote for it. The quorum may come a moment after the block, by another way.
    pub(super) fn knows_claim(&self, head: &ProposalInit) -> bool {
        let known = |valid| {
            self.stored.contains(&(valid, head.block_hash)) || self.quorums.polka(valid, &head.block_hash)
        };
        head.valid_round.as_u32().is_none_or(known)
    }

    fn has_quorum(&self, round: u32, block: &Hash) -> bool {
        self.quorums.polka(round, block) || self.quorums.commit(round, block)
    }
}

#[cfg(test)]
mod tests;
