//! Who votes on blocks, and with which power.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::codec::Canonical;
use crate::keys::{Label, PublicKey, hash};
use crate::types::{Hash, ValidatorAddress};

/// The most validators of a set: every one of them signs every certificate.
pub const MAX_VALIDATORS: usize = 200;

/// A node with voting power.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Validator {
    /// Derived from the key, see [`address`].
    pub address: ValidatorAddress,
    /// The key that signs its votes.
    pub public_key: PublicKey,
    /// Voting power, at least 1; 1 at genesis.
    pub power: u64,
}

impl Validator {
    /// A validator of this key and power; the address follows from the key.
    pub fn new(public_key: PublicKey, power: u64) -> Self {
        Self { address: address(&public_key), public_key, power }
    }
}

/// A key's validator address: the first 20 bytes of its labelled hash.
pub fn address(public_key: &PublicKey) -> ValidatorAddress {
    let Hash(bytes) = hash(Label::ValidatorAddress, &[&public_key.0]);
    let mut first = [0u8; 20];
    first.copy_from_slice(bytes.first_chunk::<20>().unwrap_or(&[0; 20]));
    ValidatorAddress(first)
}

/// A set of validators, strictly ascending by address, each power at least 1, at most 200 of them.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, Serialize, Deserialize)]
#[serde(try_from = "Vec<Validator>")]
pub struct ValidatorSet(Vec<Validator>);

impl TryFrom<Vec<Validator>> for ValidatorSet {
    type Error = ValidatorSetError;

    fn try_from(validators: Vec<Validator>) -> Result<Self, Self::Error> {
        Self::from_sorted(validators)
    }
}

/// Why validators make no set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// No validator, or more than 200.
    #[error("a validator set has 1 to {MAX_VALIDATORS} validators, not {0}")]
    Size(usize),
    /// Two validators of one key, or an address that is not its key's.
    #[error("a validator's key appears twice or its address is not its key's")]
    Key,
    /// A power of zero, or powers whose sum does not fit `u64` three times over.
    #[error("a validator's power is zero or the total is too large")]
    Power,
}

impl ValidatorSet {
    /// Sorts by address and checks the rules above.
    ///
    /// # Errors
    /// [`ValidatorSetError`] names the rule that is broken.
    pub fn new(mut validators: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        validators.sort_by_key(|v| v.address);
        Self::from_sorted(validators)
    }

    fn from_sorted(validators: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        if validators.is_empty() || validators.len() > MAX_VALIDATORS {
            return Err(ValidatorSetError::Size(validators.len()));
        }
        let ascending = validators.iter().zip(validators.iter().skip(1)).all(|(a, b)| a.address < b.address);
        if !ascending || validators.iter().any(|v| v.address != address(&v.public_key)) {
            return Err(ValidatorSetError::Key);
        }
        let total = validators.iter().try_fold(0u64, |sum, v| sum.checked_add(v.power));
        let fits = total.and_then(|t| t.checked_mul(3)).is_some();
        if !fits || validators.iter().any(|v| v.power == 0) {
            return Err(ValidatorSetError::Power);
        }
        Ok(Self(validators))
    }

    /// The validators, ascending by address.
    pub fn validators(&self) -> &[Validator] {
        &self.0
    }

    /// The validator of this address.
    pub fn get(&self, address: &ValidatorAddress) -> Option<&Validator> {
        let at = self.0.binary_search_by_key(address, |v| v.address).ok()?;
        self.0.get(at)
    }

    /// The sum of all powers.
    pub fn total_power(&self) -> u64 {
        self.0.iter().fold(0, |sum, v| sum.saturating_add(v.power))
    }

    /// True when `power` is more than two thirds of the total.
    pub fn is_quorum(&self, power: u64) -> bool {
        u128::from(power) * 3 > u128::from(self.total_power()) * 2
    }

    /// The labelled hash of the canonical bytes; stands in headers.
    pub fn hash(&self) -> Hash {
        hash(Label::ValidatorSet, &[&self.to_canonical()])
    }
}

impl BorshDeserialize for ValidatorSet {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let validators = Vec::<Validator>::deserialize_reader(reader)?;
        Self::from_sorted(validators).map_err(std::io::Error::other)
    }
}

impl Canonical for ValidatorSet {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "validator set";
    const MAX_BYTES: u64 = 64 * 1024;
}
