//! Validators and their sets.

use std::sync::Arc;

use arc_malachitebft_core_types::{Validator as ValidatorTrait, ValidatorSet as ValidatorSetTrait};
use aula_ledger::chain;
use aula_ledger::chain::turns::Misses;
use aula_ledger::types::ValidatorAddress;
use ed25519_dalek::VerifyingKey;

use super::{Address, AulaContext};

/// One validator: key, address, power.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Derived from the key.
    pub address: Address,
    /// Decompressed once, here, and used for every vote of the height.
    pub public_key: VerifyingKey,
    /// Voting power, at least 1.
    pub power: u64,
}

impl ValidatorTrait<AulaContext> for Validator {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &VerifyingKey {
        &self.public_key
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

/// A validator's key is not a point of the curve: such a set can never reach a quorum, so it is refused whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the public key of validator {0} is not a point of the curve")]
pub struct BadKey(pub ValidatorAddress);

/// The validators of one height, sorted by address, and who of them missed a turn before. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    validators: Arc<[Validator]>,
    total_power: u64,
    ledger: Arc<chain::ValidatorSet>,
    misses: Arc<Misses>,
}

impl ValidatorSet {
    /// All of them, ascending.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.validators.iter().map(|validator| &validator.address)
    }

    /// The ledger's set with its keys decompressed, nobody having missed a turn. Order, uniqueness and powers were checked
    /// there.
    ///
    /// # Errors
    /// [`BadKey`] when a key does not decompress.
    pub fn of(set: &chain::ValidatorSet) -> Result<Self, BadKey> {
        let validators = set.validators().iter().map(|v| {
            let public_key = VerifyingKey::from_bytes(&v.public_key.0).map_err(|_| BadKey(v.address))?;
            Ok(Validator { address: Address(v.address), public_key, power: v.power })
        });
        let validators = validators.collect::<Result<Vec<_>, BadKey>>()?;
        let (total_power, ledger) = (set.total_power(), Arc::new(set.clone()));
        Ok(Self { validators: validators.into(), total_power, ledger, misses: Arc::default() })
    }

    /// The same after these misses: what was known below the height that it decides.
    pub fn after(self, misses: Arc<Misses>) -> Self {
        Self { misses, ..self }
    }

    /// As the ledger has it.
    pub fn ledger(&self) -> &chain::ValidatorSet {
        &self.ledger
    }

    /// Who missed a turn before.
    pub fn misses(&self) -> &Misses {
        &self.misses
    }

    /// All of them, in order of address; at least one.
    pub fn validators(&self) -> &[Validator] {
        &self.validators
    }

    /// The sum of their power; three times it fits `u64`.
    pub fn total_power(&self) -> u64 {
        self.total_power
    }

    /// The validator at an address.
    pub fn by_address(&self, address: &Address) -> Option<&Validator> {
        self.validators.binary_search_by_key(address, |v| v.address).ok().map(|index| &self.validators[index])
    }
}

impl ValidatorSetTrait<AulaContext> for ValidatorSet {
    fn count(&self) -> usize {
        self.validators.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.total_power
    }

    fn get_by_address(&self, address: &Address) -> Option<&Validator> {
        self.by_address(address)
    }

    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        self.validators.get(index)
    }
}
