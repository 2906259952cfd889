//! Records of validators that signed two things where one is allowed.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::chain::canonical;
use super::{Moment, Records, list, misbehaviour_key, misbehaviour_prefix, read};
use crate::chain::misbehaviour::Equivocation;
use crate::codec::Canonical;
use crate::state::StoreError;
use crate::types::{AccountId, Height, ValidatorAddress};

/// Heights of one validator of which evidence is kept. More would say nothing new, and cost everybody's state.
pub const MAX_OFFENCES: usize = 16;

/// A height at which a validator signed two things where one is allowed.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Offence {
    /// Both, with their signatures: anybody checks them again.
    pub evidence: Equivocation,
    /// Who reported it.
    pub by: AccountId,
    /// The block that took the report.
    pub at: Moment,
}

/// What the ledger holds against a validator. It stays when the validator goes.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Misbehaviour {
    /// The address that signed both.
    pub validator: ValidatorAddress,
    /// Strictly ascending by height, [`MAX_OFFENCES`] at most.
    pub offences: Vec<Offence>,
}

impl Misbehaviour {
    /// True when evidence of this height is kept.
    pub fn has(&self, height: Height) -> bool {
        self.offences.iter().any(|one| one.evidence.height == height)
    }

    /// What it is about, in a sentence without its full stop.
    pub fn words(&self) -> String {
        let told = self.offences.iter().map(|one| {
            let evidence = &one.evidence;
            format!(
                "two {}s at height {} round {}",
                evidence.first.said.kind(),
                evidence.height,
                evidence.round
            )
        });
        format!("it signed {}", told.collect::<Vec<_>>().join(", "))
    }
}

canonical! {
    Misbehaviour = "record of misbehaviour", 16_384;
}

/// What is held against a validator.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn misbehaviour(
    from: &(impl Records + ?Sized),
    validator: &ValidatorAddress,
) -> Result<Option<Misbehaviour>, StoreError> {
    read(from, &misbehaviour_key(validator))
}

/// All that is held against validators, ascending by address.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn misbehaviours(from: &(impl Records + ?Sized)) -> Result<Vec<Misbehaviour>, StoreError> {
    list(from, &misbehaviour_prefix())
}
