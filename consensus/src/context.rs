//! The types that the BFT engine is generic over, and the one rule it asks of us: who proposes.
//!
//! Purpose: give Malachite small, canonical types. A `Value` is a block hash and nothing else; blocks travel
//! as proposal parts and are kept by the application.
//!
//! Invariants: a validator set is sorted by address and has no duplicates; the proposer is a pure function of
//! (validator set of the height, height, round), so that a node that syncs an old height with an old set finds
//! the same proposer as those who voted then.
//!
//! Absent on purpose: vote extensions. Everything a block needs is in the block.

use std::fmt;

use arc_malachitebft_core_types::{
    Context, Height as HeightTrait, LinearTimeouts, NilOrVal, Round, Value as ValueTrait, VoteType,
};
use aula_ledger::types::{self, Hash, ValidatorAddress};
use borsh::{BorshDeserialize, BorshSerialize};

mod messages;
mod validators;

pub use messages::{Proposal, ProposalInit, ProposalPart, Vote};
pub use validators::{BadKey, Validator, ValidatorSet};

use crate::signing::Ed25519;

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
    /// The proposer of (`height`, `round`) under `set`: position (height + round) modulo the total power, spread over the
    /// validators in order of address. Each has as many of these positions as it has power. With equal power this is a
    /// plain rotation; else the positions of one lie apart, so that a dead validator of much power does not cost one
    /// failed round after another.
    ///
    /// Total: a nil round counts as round 0. `None` only for an empty set, which the engine refuses to start.
    pub fn proposer_of(set: &ValidatorSet, height: Height, round: Round) -> Option<&Validator> {
        let round = round.as_u32().unwrap_or(0);
        let powers = set.validators().iter().map(|validator| validator.power);
        set.validators().get(turn(powers, set.total_power(), height.0, round)?)
    }
}

/// The same for the ledger's own set, by address: who was to propose in a round that may have decided nothing.
pub fn proposer_at(
    set: &aula_ledger::chain::ValidatorSet,
    height: types::Height,
    round: u32,
) -> Option<ValidatorAddress> {
    let powers = set.validators().iter().map(|validator| validator.power);
    let at = turn(powers, set.total_power(), height.0, round)?;
    set.validators().get(at).map(|validator| validator.address)
}

/// Whose turn it is among validators of these powers.
fn turn(powers: impl Iterator<Item = u64> + Clone, total: u64, height: u64, round: u32) -> Option<usize> {
    if total == 0 {
        return None;
    }
    let count = u128::from(height) + u128::from(round);
    let first = powers.clone().next()?;
    if powers.clone().all(|power| power == first) {
        return usize::try_from(count % (powers.count() as u128)).ok();
    }
    let total = u128::from(total);
    let mut position = (count % total) * stride(total) % total;
    for (at, power) in powers.enumerate() {
        let power = u128::from(power);
        if position < power {
            return Some(at);
        }
        position -= power;
    }
    None
}

/// How far neighbouring turns lie apart on the line of all power: the golden section of it, which spreads any stretch of
/// the line evenly over the turns, moved up until it has no factor in common with the whole, so that each position comes
/// once.
fn stride(total: u128) -> u128 {
    let mut stride = (total * 618 / 1000).max(1);
    while gcd(stride, total) != 1 {
        stride += 1;
    }
    stride
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
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
