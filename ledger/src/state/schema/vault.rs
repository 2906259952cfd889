//! Records about districts' vaults: the access log's head, consents, erasures.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use super::Moment;
use super::chain::canonical;
use crate::access::{ConsentChoice, Purpose};
use crate::chain::TreeHead;
use crate::codec::{Canonical, at_most};
use crate::types::{AccountId, DistrictId, Hash, Height};

/// The newest anchored head of a district's access log; earlier ones stand in their blocks.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct AccessLog {
    /// Whose vault.
    pub district: DistrictId,
    /// Entries and root.
    pub head: TreeHead,
    /// How often a head was anchored.
    pub anchors: u32,
    /// Who anchored this one.
    pub by: AccountId,
    /// When.
    pub at: Moment,
}

/// A family's newest word on one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
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
