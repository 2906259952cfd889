//! The types that the BFT engine is generic over, and the one rule it asks of us: who proposes.
//!
//! Purpose: give Malachite small, canonical types. A `Value` is a block hash and nothing else; blocks travel
//! as proposal parts and are kept by the application.
//!
//! Invariants: a validator set is sorted by address and has no duplicates; the proposer is a pure function of
//! (validator set of the height with the misses known below it, height, round), so that a node that syncs an old height
//! finds the same proposer as those who voted then.
//!
//! Absent on purpose: vote extensions. Everything a block needs is in the block.

use std::fmt;

use arc_malachitebft_core_types::{
    Context, Height as HeightTrait, LinearTimeouts, NilOrVal, Round, Value as ValueTrait, VoteType,
};
use aula_ledger::chain::turns::Turns;
use aula_ledger::types::{self, Hash, ValidatorAddress};
use borsh::{BorshDeserialize, BorshSerialize};

mod messages;
mod validators;

pub use messages::{Proposal, ProposalInit, ProposalPart, Vote};
pub use validators::{BadKey, Validator, ValidatorSet};

use crate::scheme::Ed25519;

/// A validator's address, as the ledger derives it from the key.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Address(pub ValidatorAddress);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl arc_malachitebft_core_types::Address for Address {}

/// A block height. 0 is genesis, 1 the first block that is voted on.
#[derive(
    Copy, Clone, Default, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Height(pub u64);

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<types::Height> for Height {
    fn from(height: types::Height) -> Self {
        Self(height.0)
    }
}

impl From<Height> for types::Height {
    fn from(height: Height) -> Self {
        Self(height.0)
    }
}

impl HeightTrait for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// The value consensus decides: a block hash. Its id is itself.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Value(pub Hash);

impl ValueTrait for Value {
    type Id = Hash;

    fn id(&self) -> Hash {
        self.0
    }
}

/// The engine's context. Carries nothing: what a height needs comes with its parameters.
#[derive(Copy, Clone, Debug, Default)]
pub struct AulaContext;

impl AulaContext {
    /// The proposer of (`height`, `round`) under `set` and the misses known below that height: the ledger's rule
    /// ([`Turns`]).
    ///
    /// Total: a nil round counts as round 0. `None` only for an empty set, which the engine refuses to start.
    pub fn proposer_of(set: &ValidatorSet, height: Height, round: Round) -> Option<&Validator> {
        let turns = Turns::new(set.ledger(), set.misses(), height.into());
        set.validators().get(turns.position(round.as_u32().unwrap_or(0))?)
    }
}

impl Context for AulaContext {
    type Address = Address;
    type Height = Height;
    type ProposalPart = ProposalPart;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = ValidatorSet;
    type Timeouts = LinearTimeouts;
    type Value = Value;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(&self, set: &'a ValidatorSet, height: Height, round: Round) -> &'a Validator {
        // A checked set is never empty and every power is positive, so the walk always ends at a validator.
        Self::proposer_of(set, height, round).unwrap_or_else(|| &set.validators()[0])
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: Value,
        pol_round: Round,
        address: Address,
    ) -> Proposal {
        Proposal { height, round, value, pol_round, address }
    }

    fn new_prevote(&self, height: Height, round: Round, value: NilOrVal<Hash>, address: Address) -> Vote {
        Vote { kind: VoteType::Prevote, height, round, value, address }
    }

    fn new_precommit(&self, height: Height, round: Round, value: NilOrVal<Hash>, address: Address) -> Vote {
        Vote { kind: VoteType::Precommit, height, round, value, address }
    }
}

#[cfg(test)]
mod tests;
