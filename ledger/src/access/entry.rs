//! One line of a district's access log, and the proof that the log holds it.
//!
//! Flow: the vault appends an [`AccessEntry`] before any data leaves, denials of readers whom it knows included; the entries' canonical
//! bytes are the leaves of an RFC 9162 tree; the district anchors its head. A family gets an [`AccessProof`] and
//! checks it with [`AccessProof::verify`] against the head that the ledger holds. Invariants: an entry's salt keeps
//! the hashes beside a path from telling who read another student; an entry names its own place, so that it cannot
//! be shown twice.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Basis, Denial, Relation};
use crate::codec::{Canonical, at_most};
use crate::names::{FieldName, Name, Term};
use crate::proof::InclusionPath;
use crate::proof::TreeHead;
use crate::proof::merkle::{PathError, leaf_hash};
use crate::types::{DistrictId, Handle, Hash, TimeMs};

#[cfg(test)]
mod tests;

/// Most fields of one read.
pub const MAX_ENTRY_FIELDS: usize = 64;

/// What was decided about a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "reason")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Verdict {
    /// The fields listed left the vault, or were about to when the entry was written.
    Granted = 0,
    /// Nothing left the vault, and this is why.
    Denied(Denial) = 1,
}

/// One read, or one refusal to read to a reader whom the district knows. Canonical bytes, version 4: 2 had no
/// basis, 3 no relation.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AccessEntry {
    /// Of which chain's district: SHA-256 of the genesis file.
    pub genesis: Hash,
    /// Its place in the log, from 0.
    pub number: u64,
    /// When, by the vault's clock; never before the entry above.
    pub time_ms: TimeMs,
    /// The district whose vault was asked.
    pub district: DistrictId,
    /// Of which student.
    pub handle: Handle,
    /// Who asked, as the district names its readers.
    pub reader: Name,
    /// In which role, as asked.
    pub role: Term,
    /// For which class of data, as asked.
    pub class: Term,
    /// For what, as asked.
    pub purpose: Term,
    /// On what it rests; none of a denial.
    pub basis: Option<Basis>,
    /// How the reader stands to the student; none of a denial, and of what is open to every reader.
    pub relation: Option<Relation>,
    /// Granted: the fields given. Denied: the fields asked for. At most 64.
    #[borsh(deserialize_with = "at_most::<MAX_ENTRY_FIELDS, _, _>")]
    pub fields: Vec<FieldName>,
    /// What was decided.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// 16 random bytes: nobody guesses an entry from its hash.
    #[serde(serialize_with = "hex_text", deserialize_with = "from_hex_text")]
    pub salt: [u8; 16],
}

impl Canonical for AccessEntry {
    const VERSION: u8 = 4;
    const WHAT: &'static str = "access log entry";
    const MAX_BYTES: u64 = 8 * 1024;
}

impl AccessEntry {
    /// The entry's leaf hash in the log's tree.
    pub fn hash(&self) -> Hash {
        leaf_hash(&self.to_canonical())
    }
}

fn hex_text<S: serde::Serializer>(salt: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&hex::encode(salt))
}

fn from_hex_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
    let text = <String as Deserialize>::deserialize(deserializer)?;
    let mut salt = [0; 16];
    hex::decode_to_slice(text, &mut salt).map_err(serde::de::Error::custom)?;
    Ok(salt)
}

/// An entry with its way to the log's root. Canonical bytes, version 3.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AccessProof {
    /// The entry whose place in the log is shown.
    pub entry: AccessEntry,
    /// The hashes beside its way up to the root of `head`.
    pub path: InclusionPath,
    /// The head it leads to: to be compared with the one the ledger holds.
    pub head: TreeHead,
    /// The transaction that anchored this head.
    pub anchored_by: Hash,
}

impl Canonical for AccessProof {
    const VERSION: u8 = 3;
    const WHAT: &'static str = "access proof";
    const MAX_BYTES: u64 = 16 * 1024;
}

/// Why a proof does not show that a read is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessProofError {
    /// The district anchored another head.
    #[error("the ledger holds another head of this district's log")]
    OtherHead,
    /// The entry is of another chain.
    #[error("the entry is of another chain")]
    OtherChain,
    /// The entry is another district's.
    #[error("the entry is another district's")]
    OtherDistrict,
    /// The entry says another place than the path.
    #[error("the entry names another place in the log than its path")]
    OtherPlace,
    /// The path does not lead from the entry to the head.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl AccessProof {
    /// Checks that the district's log with this anchored head holds the entry at the place it names. Pure: the head
    /// comes from the ledger (RecordAccess's receipt or the state), never from the proof.
    ///
    /// # Errors
    /// [`AccessProofError`] says which check fails.
    pub fn verify(
        &self,
        genesis: &Hash,
        district: DistrictId,
        anchored: &TreeHead,
    ) -> Result<(), AccessProofError> {
        if self.head != *anchored {
            return Err(AccessProofError::OtherHead);
        }
        if self.entry.genesis != *genesis {
            return Err(AccessProofError::OtherChain);
        }
        if self.entry.district != district {
            return Err(AccessProofError::OtherDistrict);
        }
        if self.entry.number != self.path.index {
            return Err(AccessProofError::OtherPlace);
        }
        Ok(self.path.verify(&self.entry.hash(), anchored)?)
    }
}
