//! What travels between validators: proposals, votes, and the parts that carry a block.

use arc_malachitebft_core_types::{
    NilOrVal, Proposal as ProposalTrait, ProposalPart as ProposalPartTrait, Round, SignedExtension,
    Vote as VoteTrait, VoteType,
};
use borsh::{BorshDeserialize, BorshSerialize};

use aula_ledger::types::Hash;

use super::{Address, AulaContext, Height, Value};
use crate::scheme::Signature;

/// A proposer's statement "in this round, this block", signed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proposal {
    /// Height proposed for.
    pub height: Height,
    /// Round proposed for.
    pub round: Round,
    /// The block's hash.
    pub value: Value,
    /// The round in which this block was seen to have a quorum of prevotes, nil for a fresh block.
    pub pol_round: Round,
    /// The proposer.
    pub address: Address,
}

impl ProposalTrait<AulaContext> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn take_value(self) -> Value {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }
}

/// A prevote or a precommit. Carries no extension: two votes are equal when their signed bytes are.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Vote {
    /// Prevote or precommit.
    pub kind: VoteType,
    /// Height voted on.
    pub height: Height,
    /// Round voted in.
    pub round: Round,
    /// The block voted for, or nil.
    pub value: NilOrVal<Hash>,
    /// The voter.
    pub address: Address,
}

impl VoteTrait<AulaContext> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Hash> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<Hash> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }

    fn extension(&self) -> Option<&SignedExtension<AulaContext>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<AulaContext>> {
        None
    }

    // Extensions are disabled at every height, so the engine never has one to attach.
    fn extend(self, _extension: SignedExtension<AulaContext>) -> Self {
        self
    }
}

/// The head of a stream of parts: who sends which block for which round. Signed by that round's proposer, so
/// that nobody else's parts are ever buffered for long.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProposalInit {
    /// Height proposed for.
    pub height: Height,
    /// Round proposed for.
    pub round: Round,
    /// Nil for a fresh block, else the round in which the block had a quorum of prevotes.
    pub valid_round: Round,
    /// The proposer of `round`, who signs this head. The block's own proposer may be another one when
    /// `valid_round` is not nil.
    pub proposer: Address,
    /// Hash of the block that the parts carry.
    pub block_hash: Hash,
    /// Length of the block's canonical bytes.
    pub block_bytes: u32,
    /// The proposer's signature over [`crate::signing::init_sign_bytes`].
    pub signature: Signature,
}

/// One part of a proposed block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ProposalPart {
    /// The head, at sequence 0.
    Init(ProposalInit),
    /// A slice of the block's canonical bytes, at most [`crate::parts::PART_BYTES`] long.
    Data(Vec<u8>),
}

impl ProposalPartTrait<AulaContext> for ProposalPart {
    fn is_first(&self) -> bool {
        matches!(self, Self::Init(_))
    }

    // The end is told by the stream's own marker and by the length in the head, not by a part.
    fn is_last(&self) -> bool {
        false
    }
}
