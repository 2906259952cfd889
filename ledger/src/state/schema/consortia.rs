//! Records of other consortia whose certified heads are anchored here: what makes this ledger a parent of theirs.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::chain::canonical;
use super::{Moment, Records, list, read};
use crate::chain::ValidatorSet;
use crate::codec::Canonical;
use crate::names::Title;
use crate::state::StoreError;
use crate::types::{AccountId, Hash, Height, TimeMs};

/// A consortium with a ledger of its own, admitted here by vote.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Consortium {
    /// SHA-256 of its genesis file: which ledger it is.
    pub genesis: Hash,
    /// What people call it.
    pub name: Title,
    /// The time of its genesis.
    pub founded_ms: TimeMs,
    /// Hash of the validators that its genesis names; whoever has that file compares them.
    pub founders_hash: Hash,
    /// When it was admitted here.
    pub admitted: Height,
    /// How many of its heads are anchored.
    pub heads: u64,
    /// The newest of them; none before the first.
    pub newest: Option<AnchoredHead>,
    /// The validators that decide the block after the newest head.
    pub next: ValidatorSet,
}

/// A block of another consortium whose certificate this ledger has checked. Each stands for good under its height.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AnchoredHead {
    /// SHA-256 of that ledger's genesis file.
    pub genesis: Hash,
    /// The block's height there.
    pub height: Height,
    /// The time in its header; that chain's clock, not this one's.
    pub time_ms: TimeMs,
    /// The hash of its header, which that ledger's validators signed.
    pub block_hash: Hash,
    /// The root of that ledger's state after it.
    pub state_root: Hash,
    /// Who brought it. The certificate spoke, not the account.
    pub by: AccountId,
    /// When it was anchored here.
    pub at: Moment,
}

canonical! {
    Consortium = "consortium", 16 * 1024;
    AnchoredHead = "anchored head", 256;
}

/// The key of a consortium, by the SHA-256 of its genesis file.
pub fn consortium_key(genesis: &Hash) -> Vec<u8> {
    [b"consortium/".as_slice(), &genesis.0].concat()
}

/// The key of an anchored head: the ledger that it is of, then the height there, big endian, so that heads list in order.
pub fn anchored_head_key(genesis: &Hash, height: Height) -> Vec<u8> {
    [b"consortium_head/".as_slice(), &genesis.0, &height.0.to_be_bytes()].concat()
}

/// A consortium whose heads may be anchored here.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn consortium(from: &(impl Records + ?Sized), genesis: &Hash) -> Result<Option<Consortium>, StoreError> {
    read(from, &consortium_key(genesis))
}

/// All consortia, by the hash of their genesis files.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn consortia(from: &(impl Records + ?Sized)) -> Result<Vec<Consortium>, StoreError> {
    list(from, b"consortium/")
}

/// A consortium's anchored head of this height.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn anchored_head(
    from: &(impl Records + ?Sized),
    genesis: &Hash,
    height: Height,
) -> Result<Option<AnchoredHead>, StoreError> {
    read(from, &anchored_head_key(genesis, height))
}
