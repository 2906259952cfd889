//! The authenticated map: every record under one root, with proofs that a record is there or is not.
//!
//! A Jellyfish Merkle tree (crate `jmt` over SHA-256), version = height. A record's place is the labelled
//! hash of its key, its leaf holds that and SHA-256 of the value. Nodes go through [`StateReader::map_node`]
//! and come back as writes; nodes that only older versions need are named stale at once, so the store may
//! drop them and proofs are made for the last decided height.
//!
//! Proofs have bytes of our own: hashes only, no claimed node types. For one root and key there is exactly one
//! valid proof; `jmt`'s verifier is not used by the auditor.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, RootHash, Sha256Jmt, Version};
use sha2::{Digest, Sha256};

use super::{StateReader, StoreError};
use crate::codec::{Canonical, at_most};
use crate::keys::{Label, hash};
pub use crate::proof::sparse::EMPTY_SUBTREE;
use crate::proof::sparse::{self, FormError, MAX_DEPTH, SparseLeaf};
use crate::types::{Hash, Height};

#[cfg(test)]
mod tests;

/// Where the record of this key stands: its labelled hash.
pub fn key_hash(key: &[u8]) -> Hash {
    hash(Label::StateKey, &[key])
}

/// The map after a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapUpdate {
    /// The root after the block.
    pub root: Hash,
    /// New nodes by encoded key.
    pub nodes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Encoded keys of nodes that this version replaced.
    pub stale: Vec<Vec<u8>>,
}

/// Applies records (`None` deletes) on the map of the height before.
///
/// Called at every height from 0, with or without changes: each version has a root of its own.
///
/// # Errors
/// [`StoreError`] when nodes cannot be read or are damaged.
pub fn update(
    state: &dyn StateReader,
    height: Height,
    changes: &BTreeMap<Vec<u8>, Option<Vec<u8>>>,
) -> Result<MapUpdate, StoreError> {
    let before = height.0.checked_sub(1).map(root_key).transpose()?;
    // Without the version before, jmt would silently start from an empty map.
    if let Some(key) = &before
        && state.map_node(key)?.is_none()
    {
        return Err(StoreError::Damaged(format!("authenticated map: no version below height {height}")));
    }
    let reader = Reader { state, value: None };
    let values = changes.iter().map(|(key, value)| (KeyHash(key_hash(key).0), value.clone()));
    let (RootHash(root), batch) =
        Sha256Jmt::new(&reader).put_value_set(values, height.0).map_err(|error| broken(&error))?;
    let mut nodes = BTreeMap::new();
    for (key, node) in batch.node_batch.nodes() {
        nodes.insert(encode_key(key)?, encode(node)?);
    }
    let mut stale = Vec::new();
    for index in &batch.stale_node_index_batch {
        stale.push(encode_key(&index.node_key)?);
    }
    // With nothing changed jmt copies the root to the new version without naming the old one stale.
    stale.extend(before.filter(|old_root| !stale.contains(old_root)));
    Ok(MapUpdate { root: Hash(root), nodes, stale })
}

/// The whole map of one height made from its records alone, without any version before it: a snapshot's. Its root is the
/// one that the heights before led to, since it depends on nothing but the records; every node is of this version.
///
/// # Errors
/// [`StoreError`] when jmt fails.
pub fn whole(
    height: Height,
    records: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
) -> Result<MapUpdate, StoreError> {
    let reader = Reader { state: &super::MemoryState::new(), value: None };
    let values = records.into_iter().map(|(key, value)| (KeyHash(key_hash(&key).0), Some(value)));
    let (RootHash(root), batch) =
        Sha256Jmt::new(&reader).put_value_set(values, height.0).map_err(|error| broken(&error))?;
    let nodes = batch.node_batch.nodes().iter();
    let nodes = nodes.map(|(key, node)| Ok((encode_key(key)?, encode(node)?)));
    Ok(MapUpdate { root: Hash(root), nodes: nodes.collect::<Result<_, StoreError>>()?, stale: Vec::new() })
}

/// The root after the block of this height.
///
/// # Errors
/// [`StoreError`] when the map has no such version, or nodes cannot be read.
pub fn root(state: &dyn StateReader, height: Height) -> Result<Hash, StoreError> {
    let reader = Reader { state, value: None };
    let RootHash(root) = Sha256Jmt::new(&reader).get_root_hash(height.0).map_err(|error| broken(&error))?;
    Ok(Hash(root))
}

/// Proves what the map holds under `key` after the block of this height, the last one decided: the record's
/// value and inclusion, or none and absence.
///
/// # Errors
/// [`StoreError`] when nodes cannot be read or do not belong together.
pub fn prove(
    state: &dyn StateReader,
    height: Height,
    key: &[u8],
) -> Result<(Option<Vec<u8>>, MapProof), StoreError> {
    let value = state.value(key)?;
    let place = KeyHash(key_hash(key).0);
    let reader = Reader { state, value: value.clone().map(|value| (place, value)) };
    let (found, proof) =
        Sha256Jmt::new(&reader).get_with_proof(place, height.0).map_err(|error| broken(&error))?;
    if found != value {
        return Err(StoreError::Damaged("a record and the authenticated map disagree".into()));
    }
    Ok((value, MapProof::from_jmt(&encode(&proof)?)?))
}

/// Shows jmt the nodes of a state, and the one value a proof is about.
struct Reader<'a> {
    state: &'a dyn StateReader,
    value: Option<(KeyHash, Vec<u8>)>,
}

impl TreeReader for Reader<'_> {
    fn get_node_option(&self, node_key: &NodeKey) -> Result<Option<Node>, JmtError> {
        let Some(bytes) = self.state.map_node(&encode_key(node_key)?)? else { return Ok(None) };
        Ok(Some(borsh::from_slice(&bytes)?))
    }

    fn get_value_option(&self, _: Version, key_hash: KeyHash) -> Result<Option<OwnedValue>, JmtError> {
        Ok(self.value.as_ref().filter(|(place, _)| *place == key_hash).map(|(_, value)| value.clone()))
    }

    fn get_rightmost_leaf(&self) -> Result<Option<(NodeKey, LeafNode)>, JmtError> {
        Ok(None)
    }
}

/// jmt's error type.
type JmtError = anyhow::Error;

fn broken(error: &JmtError) -> StoreError {
    // A failure of the store below keeps its kind; all else jmt finds is nodes that do not fit.
    let below = error.downcast_ref::<StoreError>().cloned();
    below.unwrap_or_else(|| StoreError::Damaged(format!("authenticated map: {error:#}")))
}

fn encode(value: &impl BorshSerialize) -> Result<Vec<u8>, StoreError> {
    borsh::to_vec(value).map_err(|error| StoreError::Failed(format!("authenticated map: {error}")))
}

/// A node's key in the store: version, big endian, so that a height's nodes lie together; then its path.
fn encode_key(key: &NodeKey) -> Result<Vec<u8>, StoreError> {
    let path = encode(key.nibble_path())?;
    Ok([&key.version().to_be_bytes()[..], &path].concat())
}

fn root_key(version: Version) -> Result<Vec<u8>, StoreError> {
    let path = std::iter::empty().collect::<jmt::storage::NibblePath>();
    encode_key(&NodeKey::new(version, path))
}

/// A leaf of the map: the labelled hash of the record's key, and SHA-256 of its value.
pub type MapLeaf = SparseLeaf;

/// What the map holds under one key: the leaf at the end of the key's way down, and the hashes beside the way.
///
/// Siblings run from the lowest to the highest; `None` is an empty subtree.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MapProof {
    /// The leaf the way ends at; none when it ends at an empty place.
    pub leaf: Option<MapLeaf>,
    /// The hashes beside the way: at most 256.
    #[borsh(deserialize_with = "at_most::<MAX_DEPTH, _, _>")]
    pub siblings: Vec<Option<Hash>>,
}

impl Canonical for MapProof {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "state proof";
    const MAX_BYTES: u64 = 16 * 1024;
}

/// Why a proof does not show what it claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MapProofError {
    /// More siblings than a key has bits, or an empty subtree spelled as a hash.
    #[error("the state proof is not in its one valid form")]
    Form,
    /// The leaf shown is not this record's (or is, where absence is claimed).
    #[error("the state proof is about another record or value")]
    Leaf,
    /// The hashes lead to another root.
    #[error("the state proof leads to another state root")]
    Root,
}

impl MapProof {
    /// Checks that the map with this root holds `value` under `key`.
    ///
    /// # Errors
    /// [`MapProofError`].
    pub fn verify_inclusion(&self, root: &Hash, key: &[u8], value: &[u8]) -> Result<(), MapProofError> {
        let expected = MapLeaf { key_hash: key_hash(key), value_hash: Hash(Sha256::digest(value).into()) };
        if self.leaf != Some(expected) {
            return Err(MapProofError::Leaf);
        }
        self.verify_way(root, &expected.key_hash, expected.hash())
    }

    /// Checks that the map with this root holds nothing under `key`.
    ///
    /// # Errors
    /// [`MapProofError`].
    pub fn verify_absence(&self, root: &Hash, key: &[u8]) -> Result<(), MapProofError> {
        let place = key_hash(key);
        let Some(leaf) = &self.leaf else { return self.verify_way(root, &place, EMPTY_SUBTREE) };
        // Another record alone holds the subtree in which this one would stand.
        let shared = sparse::shared_bits(&place, &leaf.key_hash);
        if leaf.key_hash == place || shared < self.siblings.len() {
            return Err(MapProofError::Leaf);
        }
        self.verify_way(root, &place, leaf.hash())
    }

    fn verify_way(&self, root: &Hash, place: &Hash, end: Hash) -> Result<(), MapProofError> {
        let found = sparse::root_of(place, end, &self.siblings).map_err(|FormError| MapProofError::Form)?;
        if found == *root { Ok(()) } else { Err(MapProofError::Root) }
    }

    /// Reads the borsh bytes of jmt's proof, whose fields are private: an optional leaf, then siblings as
    /// nothing (0), an inner node (1: left, right) or a leaf (2: key hash, value hash).
    fn from_jmt(bytes: &[u8]) -> Result<Self, StoreError> {
        let theirs: JmtProof = borsh::from_slice(bytes).map_err(|error| {
            StoreError::Damaged(format!("authenticated map: a proof of unknown form: {error}"))
        })?;
        let siblings = theirs.siblings.iter().map(|sibling| match sibling {
            JmtSibling::Nothing => None,
            JmtSibling::Inner(left, right) => Some(sparse::node_hash(left, right)),
            JmtSibling::Leaf(leaf) => Some(leaf.hash()),
        });
        Ok(Self { leaf: theirs.leaf, siblings: siblings.collect() })
    }
}

#[derive(BorshDeserialize)]
struct JmtProof {
    leaf: Option<MapLeaf>,
    siblings: Vec<JmtSibling>,
}

#[derive(BorshDeserialize)]
enum JmtSibling {
    Nothing,
    Inner(Hash, Hash),
    Leaf(MapLeaf),
}
