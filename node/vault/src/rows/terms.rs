//! What rows are found by: HMACs under the district's index key, and sets of them.

use borsh::{BorshDeserialize, BorshSerialize};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::keystore::ROW_INDEX_KEY;
use crate::vault::Vault;

/// An HMAC-SHA-256 by which rows are found.
pub type RowTerm = [u8; 32];

/// Terms in their order, each once, in one piece of memory. Encoded as a set is.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize)]
pub struct TermSet(Vec<RowTerm>);

impl TermSet {
    /// Ascending, each once.
    pub fn iter(&self) -> std::slice::Iter<'_, RowTerm> {
        self.0.iter()
    }

    /// Those that the other one has not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|term| other.0.binary_search(term).is_err()).copied().collect())
    }

    /// Keeps those of which this is true.
    pub fn retain(&mut self, keep: impl FnMut(&RowTerm) -> bool) {
        self.0.retain(keep);
    }
}

/// A disk may hold what nobody wrote, so order is made again.
impl BorshDeserialize for TermSet {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        Ok(Vec::<RowTerm>::deserialize_reader(reader)?.into_iter().collect())
    }
}

impl Extend<RowTerm> for TermSet {
    fn extend<I: IntoIterator<Item = RowTerm>>(&mut self, terms: I) {
        *self = std::mem::take(&mut self.0).into_iter().chain(terms).collect();
    }
}

impl FromIterator<RowTerm> for TermSet {
    fn from_iter<I: IntoIterator<Item = RowTerm>>(terms: I) -> Self {
        let mut all: Vec<RowTerm> = terms.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }
}

impl<'a> IntoIterator for &'a TermSet {
    type Item = &'a RowTerm;
    type IntoIter = std::slice::Iter<'a, RowTerm>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Computes terms under the district's index key.
#[derive(Clone)]
pub struct Terms(Hmac<Sha256>);

impl std::fmt::Debug for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Terms(secret)")
    }
}

impl Terms {
    pub(super) fn of(vault: &Vault) -> Result<Self, VaultError> {
        let key = vault.keystore().district_key(ROW_INDEX_KEY)?;
        // Padding the key to a block is HMAC's own first step, so no length can be wrong.
        let mut block = Zeroizing::new([0u8; 64]);
        block[..32].copy_from_slice(key.as_bytes());
        Ok(Self(<Hmac<Sha256> as Mac>::new((&*block).into())))
    }

    /// The term of these bytes.
    pub fn term(&self, bytes: &[u8]) -> RowTerm {
        self.term_of(&[bytes])
    }

    /// The term of these bytes one after the other.
    pub fn term_of(&self, parts: &[&[u8]]) -> RowTerm {
        let mut mac = self.0.clone();
        mac.update(b"aula/v1/vault-row-term");
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }
}
