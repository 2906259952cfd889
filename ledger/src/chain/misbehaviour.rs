//! Two things that one validator signed where the rules allow one: evidence that anybody checks with nothing but the genesis
//! hash.
//!
//! A validator votes once a round and kind, and proposes once a round. Its sign guard holds an honest one to that, so two
//! different signed statements of one kind for the same height and round show a liar, or a key that runs twice.
//! What a proposer signs is fixed here beside what a voter signs ([`Vote`]), so that the consensus engine and whoever looks at
//! evidence build the same bytes.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::certificate::{Vote, VoteType};
use super::validators::address;
use crate::codec::Canonical;
use crate::keys::{Label, PublicKey, Signature};
use crate::types::{Hash, Height, ValidatorAddress};

/// The version of the bytes that a proposer signs: 2 binds the whole genesis hash.
const PROPOSAL_VERSION: u8 = 2;

/// What a validator said of a round.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(tag = "said", rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Said {
    /// Its first vote.
    Prevote {
        /// For which block; none: for no block.
        block: Option<Hash>,
    } = 1,
    /// Its second vote.
    Precommit {
        /// For which block; none: for no block.
        block: Option<Hash>,
    } = 2,
    /// What it proposed.
    Proposal {
        /// The hash of the block that it proposed.
        block: Hash,
        /// The round whose quorum of prevotes it claimed; none for a fresh block.
        valid_round: Option<u32>,
    } = 3,
}

impl Said {
    /// Which of the three, in a word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Prevote { .. } => "prevote",
            Self::Precommit { .. } => "precommit",
            Self::Proposal { .. } => "proposal",
        }
    }
}

/// Something that was said, with the signature over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Statement {
    /// What was said.
    pub said: Said,
    /// The validator's signature, over the bytes of its kind.
    pub signature: Signature,
}

/// Two statements of one validator, of which the rules allow one.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equivocation {
    /// On which chain: SHA-256 of its genesis file.
    pub genesis: Hash,
    /// The key that signed both.
    pub public_key: PublicKey,
    /// The height that both were said for.
    pub height: Height,
    /// Of which round, from 0.
    pub round: u32,
    /// The one that comes first by what it says.
    pub first: Statement,
    /// The other one.
    pub second: Statement,
}

impl Equivocation {
    /// The evidence that these two make, in its one order; none if they may stand beside each other.
    pub fn of(
        genesis: Hash,
        public_key: PublicKey,
        height: Height,
        round: u32,
        statements: [Statement; 2],
    ) -> Option<Self> {
        let [one, other] = statements;
        let (first, second) = if one.said <= other.said { (one, other) } else { (other, one) };
        let evidence = Self { genesis, public_key, height, round, first, second };
        evidence.contradicts().then_some(evidence)
    }

    /// True when both are of one kind, differ, and stand in their order.
    pub fn contradicts(&self) -> bool {
        self.first.said.kind() == self.second.said.kind() && self.first.said < self.second.said
    }

    /// Whose it is.
    pub fn validator(&self) -> ValidatorAddress {
        address(&self.public_key)
    }

    /// True when the key signed both. Whether the key was a validator's then, the chain says.
    pub fn is_signed(&self) -> bool {
        [&self.first, &self.second].into_iter().all(|statement| {
            let (label, bytes) = self.signed_bytes(&statement.said);
            self.public_key.verifies(label, &bytes, &statement.signature)
        })
    }

    /// What the validator signed when it said so.
    fn signed_bytes(&self, said: &Said) -> (Label, Vec<u8>) {
        let (genesis, height, round, validator) = (self.genesis, self.height, self.round, self.validator());
        let vote = |vote_type, block_hash| {
            let vote = Vote { genesis, vote_type, height, round, block_hash, validator };
            (Label::Vote, vote.to_canonical())
        };
        match *said {
            Said::Prevote { block } => vote(VoteType::Prevote, block),
            Said::Precommit { block } => vote(VoteType::Precommit, block),
            Said::Proposal { block, valid_round } => {
                let rounds = [Some(round), valid_round];
                (Label::Proposal, proposal_bytes(&genesis, height, rounds, &block, &validator))
            }
        }
    }
}

/// What a proposer signs under [`Label::Proposal`]: version, genesis hash, height, round, block hash, valid round, address. Little
/// endian; rounds as eight bytes with a sign, no round is −1. `rounds` are the proposal's and its valid one.
pub fn proposal_bytes(
    genesis: &Hash,
    height: Height,
    rounds: [Option<u32>; 2],
    block: &Hash,
    proposer: &ValidatorAddress,
) -> Vec<u8> {
    let [round, valid_round] = rounds.map(|round| round.map_or(-1, i64::from).to_le_bytes());
    let parts: [&[u8]; 7] = [
        &[PROPOSAL_VERSION],
        &genesis.0,
        &height.0.to_le_bytes(),
        &round,
        &block.0,
        &valid_round,
        &proposer.0,
    ];
    parts.concat()
}
