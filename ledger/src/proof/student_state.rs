//! A student's state as an RFC 9162 tree over salted fields: what `StudentState::state_hash` stands for.
//!
//! Flow: the district lists the fields of a state, ascending by name, each with a salt of its own that only the
//! district can derive → [`state_hash`] → the leaf of AnchorStates. One field is opened with its value, its salt and
//! about ten hashes; the other fields stay hidden, because a salt of 32 bytes cannot be guessed.
//!
//! Invariants: equal fields and salts give equal roots; no two lists of fields share their bytes, since name and
//! value carry their lengths. Absent: who may see a field, and the derivation of salts.

use super::merkle;
use crate::chain::TreeHead;
use crate::keys::{Label, hash};
use crate::types::Hash;

/// A field of a state with the salt that hides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaltedField {
    /// Its name; names are strictly ascending in a state.
    pub field: String,
    /// Canonical bytes of its value.
    pub value: Vec<u8>,
    /// 32 bytes, never used for another state or field.
    pub salt: [u8; 32],
}

impl SaltedField {
    /// The leaf's bytes: label, salt, then name and value, each after its length (u32, little endian).
    pub fn leaf(&self) -> Vec<u8> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        let (name, value) = (self.field.as_bytes(), self.value.as_slice());
        let body = [&self.salt[..], &length(name), name, &length(value), value].concat();
        Label::StudentField.prefixed(&body)
    }

    /// The leaf's hash in the tree.
    pub fn hash(&self) -> Hash {
        merkle::leaf_hash(&self.leaf())
    }
}

/// The head of the tree over these fields.
pub fn head(fields: &[SaltedField]) -> TreeHead {
    let hashes: Vec<Hash> = fields.iter().map(SaltedField::hash).collect();
    merkle::head_of_hashes(&hashes)
}

/// A state's hash: over how many fields it has and their root, so that a proof cannot lie about the number.
pub fn state_hash(fields: &[SaltedField]) -> Hash {
    hash_of_head(&head(fields))
}

/// The labelled hash of leaf count (u64, little endian) and root.
pub fn hash_of_head(head: &TreeHead) -> Hash {
    hash(Label::StudentState, &[&head.leaf_count.to_le_bytes(), &head.root.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Vec<SaltedField> {
        let field = |name: &str, value: &[u8], salt| SaltedField {
            field: name.to_owned(),
            value: value.to_vec(),
            salt: [salt; 32],
        };
        vec![field("attendance", &[1], 1), field("need", &[0, 9], 2), field("skill/00001", &[7], 3)]
    }

    #[test]
    fn one_field_opens_against_the_root_and_a_changed_one_does_not() {
        let fields = fields();
        let hashes: Vec<Hash> = fields.iter().map(SaltedField::hash).collect();
        let path = merkle::path(&hashes, 1).expect("the tree has three leaves");
        assert!(path.verify(&fields[1].hash(), &head(&fields)).is_ok());
        let changes: [fn(&mut SaltedField); 3] =
            [|f| f.value[1] ^= 1, |f| f.salt[0] ^= 1, |f| f.field.push('s')];
        for change in changes {
            let mut changed = fields[1].clone();
            change(&mut changed);
            assert!(path.verify(&changed.hash(), &head(&fields)).is_err());
        }
    }

    #[test]
    fn a_byte_moved_from_the_name_to_the_value_is_another_leaf() {
        let one = SaltedField { field: "ab".into(), value: b"c".to_vec(), salt: [0; 32] };
        let other = SaltedField { field: "a".into(), value: b"bc".to_vec(), salt: [0; 32] };
        assert_ne!(one.hash(), other.hash());
    }
}
