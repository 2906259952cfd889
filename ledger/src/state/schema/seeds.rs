//! Records of the lottery's seed: whose shares count, what was committed and revealed, and what was drawn.

use std::collections::BTreeSet;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::chain::{Member, Standing, canonical};
use super::{
    Records, draw_key, kept_draw_key, list, read, seed_account_key, seed_power_key, seeds_prefix, window_key,
    windows_prefix,
};
use crate::codec::Canonical;
use crate::names::Name;
use crate::roles::{Role, RoleSet};
use crate::state::schema::SeedSecret;
use crate::state::{Overlay, StoreError};
use crate::types::{AccountId, ClassId, Hash, Height, RoundId, ValidatorAddress};

/// Which of a round's windows is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Window {
    /// For requests, and for commitments to shares of the seed.
    Requests = 0,
    /// For commitments alone, in an attempt after the first.
    Commits = 1,
    /// For the shares that were committed to; no requests and no further commitments.
    Reveals = 2,
    /// None: the seed is drawn, or no attempt had enough shares.
    Closed = 3,
}

/// The account with which a validator's node sends its shares of seeds, while the validator is in the set.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SeedAccount {
    /// Follows from the validator's seed key, as a member's does from its first key.
    pub account: AccountId,
    /// The validator's name.
    pub validator: Name,
    /// In which block it was admitted.
    pub since: Height,
}

impl SeedAccount {
    /// As the sender of a transaction: it is not a member, and has the one role.
    pub fn as_sender(&self) -> Member {
        Member {
            account: self.account,
            name: self.validator.clone(),
            roles: RoleSet::of(&[Role::Seed]),
            district: None,
            school: None,
            standing: Standing::Admitted,
            since: self.since,
        }
    }
}

/// A validator whose share of a round's seed counts.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Sharer {
    /// The account that sends the share.
    pub account: AccountId,
    /// Its address in that set.
    pub validator: ValidatorAddress,
    /// Who runs it.
    pub operator: AccountId,
    /// Its power in the set that decided the block which opened the round.
    pub power: u64,
}

/// Whose shares of a round's seed count, and how much: fixed by the block that opened the round.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SeedPower {
    /// The round of the seed.
    pub round: RoundId,
    /// The power of all validators.
    pub total: u64,
    /// Those with an account for it, strictly ascending by that account.
    pub sharers: Vec<Sharer>,
}

impl SeedPower {
    /// Whether this account's share counts.
    pub fn has(&self, account: &AccountId) -> bool {
        self.sharers.binary_search_by_key(account, |sharer| sharer.account).is_ok()
    }

    /// The power of the validators of these accounts, each once.
    pub fn of<'a>(&self, accounts: impl Iterator<Item = &'a AccountId>) -> u64 {
        let accounts: BTreeSet<&AccountId> = accounts.collect();
        let counted = self.sharers.iter().filter(|sharer| accounts.contains(&sharer.account));
        counted.fold(0, |sum, sharer| sum.saturating_add(sharer.power))
    }

    /// Whether shares of this much power make a seed: more than a third, so that one at least is not of the faulty.
    pub fn suffices(&self, revealed: u64) -> bool {
        u128::from(revealed).saturating_mul(3) > u128::from(self.total)
    }
}

/// A share of a round's seed.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SeedShare {
    /// Whose: the seed account of a validator.
    pub account: AccountId,
    /// What binds the share before anybody knows the others': see [`crate::tx::seed_commitment`].
    pub commitment: Hash,
    /// The share, once revealed.
    pub secret: Option<SeedSecret>,
}

/// What was drawn for a round when its reveals closed. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Draw {
    /// The round whose reveals closed.
    pub round: RoundId,
    /// The root of its requests.
    pub requests: Hash,
    /// What the lottery numbers of these requests are derived from.
    pub seed: Hash,
    /// The round whose shares are in it: this one, or an earlier one of the class and period with these very requests.
    pub source: RoundId,
    /// That round's attempt, from 1.
    pub attempt: u32,
    /// The how manieth draw of the class and period it is, from 1; that of the source.
    pub number: u32,
    /// The draw before it in the class and period.
    pub previous: Option<RoundId>,
    /// Whose shares are in the seed, ascending.
    pub revealed: Vec<AccountId>,
    /// Who committed and did not reveal, ascending: each could choose between two seeds.
    pub withheld: Vec<AccountId>,
}

/// The account of a validator for shares of seeds.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn seed_account(
    from: &(impl Records + ?Sized),
    id: &AccountId,
) -> Result<Option<SeedAccount>, StoreError> {
    read(from, &seed_account_key(id))
}

/// Whose shares of a round's seed count.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn seed_power(from: &(impl Records + ?Sized), round: RoundId) -> Result<Option<SeedPower>, StoreError> {
    read(from, &seed_power_key(round))
}

/// The shares of an attempt at a round's seed, by account.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn seed_shares(
    from: &(impl Records + ?Sized),
    round: RoundId,
    attempt: u32,
) -> Result<Vec<SeedShare>, StoreError> {
    list(from, &seeds_prefix(round, attempt))
}

/// What was drawn for a round; none before its reveals closed, or when nothing was.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn draw(from: &(impl Records + ?Sized), round: RoundId) -> Result<Option<Draw>, StoreError> {
    read(from, &draw_key(round))
}

/// The newest draw of a class for these very requests.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn kept_draw(
    from: &(impl Records + ?Sized),
    class: ClassId,
    requests: &Hash,
) -> Result<Option<Draw>, StoreError> {
    match from.record(&kept_draw_key(class, requests))? {
        Some(bytes) => draw(from, round_of(&bytes)?),
        None => Ok(None),
    }
}

/// Notes a draw, and that these requests of the class have it.
pub(crate) fn keep_draw(overlay: &mut Overlay<'_>, class: ClassId, draw: &Draw) {
    super::write(overlay, draw_key(draw.round), draw);
    overlay.put(kept_draw_key(class, &draw.requests), draw.round.0.to_be_bytes().to_vec());
}

/// The rounds that have a window open, ascending.
///
/// # Errors
/// [`StoreError`] when the store fails or a key is damaged.
pub fn open_windows(from: &(impl Records + ?Sized)) -> Result<Vec<RoundId>, StoreError> {
    from.records(&windows_prefix())?.iter().map(|(key, _)| round_of(key)).collect()
}

/// Notes that a round has a window open, or none any more.
pub(crate) fn note_window(overlay: &mut Overlay<'_>, round: RoundId, window: Window) {
    match window {
        Window::Closed => overlay.delete(window_key(round)),
        Window::Requests | Window::Commits | Window::Reveals => overlay.put(window_key(round), Vec::new()),
    }
}

fn round_of(bytes: &[u8]) -> Result<RoundId, StoreError> {
    let number = bytes.last_chunk::<4>().map(|number| RoundId(u32::from_be_bytes(*number)));
    number.ok_or_else(|| StoreError::Damaged("a round's number is damaged".into()))
}

canonical! {
    SeedAccount = "seed account", 128;
    SeedPower = "power over a seed", 16 * 1024;
    SeedShare = "seed share", 256;
    Draw = "draw", 16 * 1024;
}
