//! Records of nodes: validators, those that wait to be ones, who proposed lately, and keys that were once in use.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::chain::canonical;
use super::{Records, missed_turns_key, proposers_key, read, used_key_key, used_peer_key, write};
use crate::chain::ValidatorSet;
use crate::chain::turns::Misses;
use crate::codec::Canonical;
use crate::keys::PublicKey;
use crate::names::{Name, PeerName};
use crate::protocol::Protocol;
use crate::state::{Overlay, StoreError};
use crate::types::{AccountId, Height, TimeMs, ValidatorAddress};

/// Block time in milliseconds within which an admitted node says that it is ready: seven days.
pub const READY_WITHIN_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// A validator is taken for live that proposed within this many turns of everybody.
const LIVE_TURNS: u64 = 4;

/// A validator's name, operator and peer; its key and power stand in the sets.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ValidatorInfo {
    /// The address of the key in force, by which the sets know it.
    pub address: ValidatorAddress,
    /// What people call it; stays when the key changes.
    pub name: Name,
    /// The member that answers for it.
    pub operator: AccountId,
    /// The identity that its peers' allow-lists name.
    pub peer_id: PeerName,
    /// The time of the block that replaced its key; none of one whose first key is in force.
    pub rotated_ms: Option<TimeMs>,
    /// The account with which its node sends shares of seeds.
    pub seed: AccountId,
}

/// A node that a vote admitted as validator. It follows, and has no power before it has said itself that it is ready: a
/// silent one must not stop the chain.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct WaitingValidator {
    /// The address it will vote under.
    pub address: ValidatorAddress,
    /// The name it will have in the set.
    pub name: Name,
    /// The key that will sign its votes.
    pub public_key: PublicKey,
    /// The voting power it will have.
    pub power: u64,
    /// The member that answers for it.
    pub operator: AccountId,
    /// The identity that its peers' allow-lists name.
    pub peer_id: PeerName,
    /// The key with which its node will sign shares of seeds.
    pub seed_key: PublicKey,
    /// In which block it was admitted.
    pub admitted: Height,
    /// That block's time.
    pub admitted_ms: TimeMs,
}

impl WaitingValidator {
    /// The last block time at which it may say that it is ready.
    pub const fn ready_until_ms(&self) -> TimeMs {
        TimeMs(self.admitted_ms.0.saturating_add(READY_WITHIN_MS))
    }
}

/// When each validator last proposed a block that was decided: what the ledger can know of who is live.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Proposers {
    /// Strictly ascending by address.
    pub newest: Vec<(ValidatorAddress, Height)>,
}

impl Proposers {
    /// The last height that a validator proposed.
    pub fn last(&self, address: &ValidatorAddress) -> Option<Height> {
        let at = self.newest.binary_search_by_key(address, |(known, _)| *known).ok()?;
        self.newest.get(at).map(|(_, height)| *height)
    }

    fn note(&mut self, address: ValidatorAddress, height: Height) {
        match self.newest.binary_search_by_key(&address, |(known, _)| *known) {
            Ok(at) => self.newest.get_mut(at).into_iter().for_each(|known| known.1 = height),
            Err(at) => self.newest.insert(at, (address, height)),
        }
    }
}

/// Who proposed lately.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn proposers(from: &(impl Records + ?Sized)) -> Result<Proposers, StoreError> {
    Ok(read(from, &proposers_key())?.unwrap_or_default())
}

/// Who missed their last turn to propose: with the set of the next height, whose turns that one has.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn missed_turns(from: &(impl Records + ?Sized)) -> Result<Misses, StoreError> {
    Ok(read(from, &missed_turns_key())?.unwrap_or_default())
}

/// Notes who proposed a block of this height, decided by this set, and who missed a turn before, if the block's protocol
/// leaves them out. Those who left the set are forgotten.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn note_proposer(
    overlay: &mut Overlay<'_>,
    set: &ValidatorSet,
    proposer: ValidatorAddress,
    height: Height,
    protocol: Protocol,
) -> Result<(), StoreError> {
    if set.get(&proposer).is_none() {
        return Ok(());
    }
    let mut known = proposers(overlay)?;
    known.newest.retain(|(address, _)| set.get(address).is_some());
    known.note(proposer, height);
    write(overlay, proposers_key(), &known);
    if !protocol.leaves_out_the_silent() {
        return Ok(());
    }
    let mut misses = missed_turns(overlay)?;
    if misses.note(set, height, proposer) {
        match misses.latest.is_empty() {
            true => overlay.delete(missed_turns_key()),
            false => write(overlay, missed_turns_key(), &misses),
        }
    }
    Ok(())
}

/// The power of those of a set who proposed within its last four turns of everybody.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn live_power(
    from: &(impl Records + ?Sized),
    set: &ValidatorSet,
    now: Height,
) -> Result<u64, StoreError> {
    let known = proposers(from)?;
    let turns = LIVE_TURNS.saturating_mul(set.validators().len() as u64);
    let since = now.0.saturating_sub(turns);
    let live = set.validators().iter().filter(|one| known.last(&one.address).is_some_and(|h| h.0 >= since));
    Ok(live.fold(0, |sum, one| sum.saturating_add(one.power)))
}

/// Whether an account or a validator ever had this key on this chain.
///
/// # Errors
/// [`StoreError`] when the store fails.
pub fn key_was_used(from: &(impl Records + ?Sized), key: &PublicKey) -> Result<bool, StoreError> {
    Ok(from.record(&used_key_key(key))?.is_some())
}

/// Notes a key for good.
pub fn use_key(overlay: &mut Overlay<'_>, key: &PublicKey) {
    overlay.put(used_key_key(key), Vec::from([1]));
}

/// Whether this peer was ever admitted on this chain.
///
/// # Errors
/// [`StoreError`] when the store fails.
pub fn peer_was_used(from: &(impl Records + ?Sized), peer: &PeerName) -> Result<bool, StoreError> {
    Ok(from.record(&used_peer_key(peer))?.is_some())
}

/// Notes a peer for good.
pub fn use_peer(overlay: &mut Overlay<'_>, peer: &PeerName) {
    overlay.put(used_peer_key(peer), Vec::from([1]));
}

impl Canonical for ValidatorInfo {
    const VERSION: u8 = 3;
    const WHAT: &'static str = "validator record";
    const MAX_BYTES: u64 = 256;
}

canonical! {
    WaitingValidator = "waiting validator", 512;
    Proposers = "newest proposers", 16 * 1024;
}
