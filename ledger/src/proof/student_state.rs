//! A student's state as a sparse Merkle tree over salted fields: what a leaf's state hash stands for.
//!
//! Flow: the district lists the fields of a state, each with a salt of its own that only the district can derive →
//! [`state_hash`] → the leaf of AnchorStates. One field is opened with its value, its salt and about ten hashes; the
//! other fields stay hidden, because a salt of 32 bytes cannot be guessed.
//!
//! Invariants: a field's place is a hash of its NAME, so that one state hash opens to one value of a field, whoever
//! built the tree; equal fields and salts give equal roots. Absent: who may see a field, the derivation of salts, and
//! that the fields of a state agree with each other.

use std::collections::BTreeMap;

use super::sparse::{self, SparseLeaf};
use crate::keys::{Label, hash};
use crate::types::Hash;

/// A field of a state with the salt that hides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaltedField {
    /// Its name; a state has one field of a name.
    pub field: String,
    /// Canonical bytes of its value.
    pub value: Vec<u8>,
    /// 32 bytes, never used for another state or field.
    pub salt: [u8; 32],
}

impl SaltedField {
    /// Where it stands, the labelled hash of its name; and what stands there, that of its salt and value.
    pub fn leaf(&self) -> SparseLeaf {
        SparseLeaf {
            key_hash: place(&self.field),
            value_hash: hash(Label::StudentValue, &[&self.salt, &self.value]),
        }
    }
}

/// Where the field of this name stands in every state.
pub fn place(name: &str) -> Hash {
    hash(Label::StudentField, &[name.as_bytes()])
}

/// A state's hash: the root over its fields.
pub fn state_hash(fields: &[SaltedField]) -> Hash {
    sparse::root(&leaves(fields))
}

/// The hashes beside the way down to the field of this name, lowest first; none if the state has no such field.
pub fn siblings(fields: &[SaltedField], name: &str) -> Option<Vec<Option<Hash>>> {
    sparse::siblings(&leaves(fields), &place(name))
}

fn leaves(fields: &[SaltedField]) -> BTreeMap<Hash, Hash> {
    let leaf = |field: &SaltedField| {
        let SparseLeaf { key_hash, value_hash } = field.leaf();
        (key_hash, value_hash)
    };
    fields.iter().map(leaf).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &[u8], salt: u8) -> SaltedField {
        SaltedField { field: name.to_owned(), value: value.to_vec(), salt: [salt; 32] }
    }

    fn fields() -> Vec<SaltedField> {
        vec![field("attendance", &[1], 1), field("need", &[0, 9], 2), field("skill/00001", &[7], 3)]
    }

    fn root_with(field: &SaltedField, beside: &[Option<Hash>]) -> Hash {
        sparse::root_of(&place(&field.field), field.leaf().hash(), beside).unwrap()
    }

    #[test]
    fn one_field_opens_against_the_root_and_a_changed_one_does_not() {
        let fields = fields();
        let beside = siblings(&fields, "need").unwrap();
        assert_eq!(root_with(&fields[1], &beside), state_hash(&fields));
        let changes: [fn(&mut SaltedField); 3] =
            [|f| f.value[1] ^= 1, |f| f.salt[0] ^= 1, |f| f.field.push('s')];
        for change in changes {
            let mut changed = fields[1].clone();
            change(&mut changed);
            assert_ne!(root_with(&changed, &beside), state_hash(&fields));
        }
        assert_eq!(siblings(&fields, "needs"), None);
    }

    /// A tree that somebody builds with two leaves of one name: whatever shape it has, only one of them opens.
    #[test]
    fn a_name_listed_twice_opens_once() {
        let (first, second) = (field("need", &[0, 9], 2), field("need", &[0, 8], 4));
        let own = place("need");
        for other in fields() {
            if other.field == "need" {
                continue;
            }
            // The two side by side at the depth where the way to `other` leaves theirs: one stands off its place.
            let depth = sparse::shared_bits(&own, &place(&other.field));
            let (left, right) = if sparse::bit(&own, depth) { (&second, &first) } else { (&first, &second) };
            let beside = |sibling: Hash| {
                let above = std::iter::repeat_n(None, depth);
                std::iter::once(Some(sibling)).chain(above).collect::<Vec<_>>()
            };
            let root = root_with(&first, &beside(second.leaf().hash()));
            let opens = [left, right].map(|one| {
                let sibling = if one == &first { &second } else { &first };
                root_with(one, &beside(sibling.leaf().hash())) == root
            });
            assert_eq!(opens.iter().filter(|opens| **opens).count(), 1);
        }
    }
}
