//! A student's names: the district's own identifier, and the handle of a year.

use aula_ledger::keys::{Label, hash};
use aula_ledger::types::{Handle, SchoolYear};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::owner::Owner;
use crate::secret::SecretKey;

/// A student's identifier in the district's own systems, 1 to 128 bytes; the keystore holds its hash only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalId(String);

impl LocalId {
    /// Checks the text: 1 to 128 bytes without control characters or outer spaces.
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=128).contains(&text.len()) && text.trim() == text;
        (fits && !text.chars().any(char::is_control)).then(|| Self(text.to_owned()))
    }

    /// As the district writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn digest(&self, owner: &Owner) -> [u8; 32] {
        hash(Label::VaultStudent, &[&owner.bytes(), self.0.as_bytes()]).0
    }
}

/// The student's pseudonym of a school year: HMAC-SHA-256 under the student's secret over the labelled year.
pub fn handle_of(secret: &SecretKey, year: SchoolYear) -> Handle {
    // Padding the key to a block is HMAC's own first step, so no length can be wrong.
    let mut block = zeroize::Zeroizing::new([0u8; 64]);
    block[..32].copy_from_slice(secret.as_bytes());
    let mut mac = <Hmac<Sha256> as Mac>::new((&*block).into());
    mac.update(&Label::Handle.prefixed(&year.0.to_le_bytes()));
    Handle(mac.finalize().into_bytes().into())
}
