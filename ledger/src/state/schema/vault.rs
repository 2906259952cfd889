//! Records about districts' vaults: the access log's head, consents, erasures.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::chain::canonical;
use super::{Moment, Records};
use crate::access::{ConsentChoice, Purpose};
use crate::codec::{Canonical, at_most};
use crate::proof::TreeHead;
use crate::state::StoreError;
use crate::types::{AccountId, DistrictId, Hash, Height};

/// The newest anchored head of a district's access log; earlier ones stand in their blocks.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AccessLog {
    /// The district whose vault is read.
    pub district: DistrictId,
    /// Which of its logs: one more after each restore that lost entries.
    pub epoch: u32,
    /// How many entries the log has, and the root over them.
    pub head: TreeHead,
    /// How often a head of this epoch was anchored.
    pub anchors: u32,
    /// Who anchored this one.
    pub by: AccountId,
    /// The block that anchored this one.
    pub at: Moment,
}

/// Where the last head of an epoch that ended stays.
pub fn ended_access_log_key(district: DistrictId, epoch: u32) -> Vec<u8> {
    [ENDED, &district.0.to_be_bytes(), &epoch.to_be_bytes()].concat()
}

const ENDED: &[u8] = b"access_log_ended/";

/// Every district's newest anchored head, by district.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn access_logs(from: &(impl Records + ?Sized)) -> Result<Vec<AccessLog>, StoreError> {
    super::list(from, b"access_log/")
}

/// The last heads of every epoch that ended, by district and epoch.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn ended_access_logs(from: &(impl Records + ?Sized)) -> Result<Vec<AccessLog>, StoreError> {
    super::list(from, ENDED)
}

/// A family's newest word on one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ConsentWord {
    /// On which purpose.
    pub purpose: Purpose,
    /// Given or withdrawn.
    pub choice: ConsentChoice,
    /// SHA-256 of the signed form.
    pub evidence: Hash,
    /// In which block it was recorded.
    pub recorded: Height,
    /// How often the word on this purpose changed, the first time included.
    pub changes: u32,
}

/// What a family said: a row of the district's consents of a school year.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Consent {
    /// One word a purpose, strictly ascending by purpose.
    #[borsh(deserialize_with = "at_most::<16, _, _>")]
    pub words: Vec<ConsentWord>,
}

impl Consent {
    /// The newest word on a purpose, if there was one.
    pub fn on(&self, purpose: Purpose) -> Option<ConsentChoice> {
        self.words.iter().find(|word| word.purpose == purpose).map(|word| word.choice)
    }

    /// Takes a word; false when it changes nothing, which includes taking back what was never given.
    pub fn say(&mut self, purpose: Purpose, choice: ConsentChoice, evidence: Hash, recorded: Height) -> bool {
        let place = self.words.iter().position(|word| word.purpose >= purpose).unwrap_or(self.words.len());
        match self.words.get_mut(place).filter(|word| word.purpose == purpose) {
            Some(word) if word.choice == choice => false,
            Some(word) => {
                let changes = word.changes.saturating_add(1);
                *word = ConsentWord { purpose, choice, evidence, recorded, changes };
                true
            }
            None if choice == ConsentChoice::Withdrawn => false,
            None => {
                self.words.insert(place, ConsentWord { purpose, choice, evidence, recorded, changes: 1 });
                true
            }
        }
    }
}

/// That a student was erased: a row of the district's erasures of a school year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Erasure {
    /// Name of the keystore that was destroyed.
    pub destroyed_keystore: Hash,
    /// In which block it was recorded.
    pub recorded: Height,
}

canonical! {
    AccessLog = "access log head", 128;
    Consent = "consent", 1024;
    Erasure = "erasure", 64;
}
