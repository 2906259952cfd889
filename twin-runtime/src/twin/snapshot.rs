//! A state as bytes: what a vault keeps and a replica starts from.
//!
//! Purpose: canonical bytes and their digest. Invariants: a state has one snapshot; what decodes has ascending
//! tables within their limits, so every later step is safe on it. Absent: trust. A snapshot from elsewhere is
//! compared with the anchored hash by the caller.

use super::{MAX_ITEMS, MAX_RECORDED_INPUTS, MAX_SKILLS, TwinState};
use crate::life::{MAX_INTERVENTIONS, MAX_RESOURCES};
use crate::params::MAX_KINDS;
use borsh::BorshSerialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// First byte of a snapshot.
pub const SNAPSHOT_VERSION: u8 = 2;
/// Longest snapshot, bytes: all tables full take about 110,000.
pub const MAX_SNAPSHOT_BYTES: usize = 160_000;

/// Why bytes are not a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// Longer than a snapshot may be.
    #[error("{0} bytes: a snapshot has at most {MAX_SNAPSHOT_BYTES}")]
    TooLong(usize),
    /// A version this program does not know.
    #[error("snapshot version {0} is not {SNAPSHOT_VERSION}")]
    Version(u8),
    /// Not the canonical bytes of a state.
    #[error("malformed snapshot bytes")]
    Malformed,
    /// A table is too long or out of order.
    #[error("table of {0} is too long or not strictly ascending")]
    Table(&'static str),
}

impl TwinState {
    /// Canonical bytes: the version, then the fields.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512 + self.skills.len() * 32 + self.items.len() * 8);
        bytes.push(SNAPSHOT_VERSION);
        // Writing to a Vec has no failing path.
        let _ = self.serialize(&mut bytes);
        bytes
    }

    /// SHA-256 of a label and the snapshot.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"aula/twin/snapshot/v2");
        hash.update(self.snapshot());
        hash.finalize().into()
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// Any [`SnapshotError`].
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        if bytes.len() > MAX_SNAPSHOT_BYTES {
            return Err(SnapshotError::TooLong(bytes.len()));
        }
        let (version, rest) = bytes.split_first().ok_or(SnapshotError::Malformed)?;
        if *version != SNAPSHOT_VERSION {
            return Err(SnapshotError::Version(*version));
        }
        let state: Self = borsh::from_slice(rest).map_err(|_| SnapshotError::Malformed)?;
        state.check_tables()?;
        Ok(state)
    }

    fn check_tables(&self) -> Result<(), SnapshotError> {
        let tables = [
            ("skills", self.skills.len() <= MAX_SKILLS && self.skills.is_sorted_by(|a, b| a.skill < b.skill)),
            ("items", self.items.len() <= MAX_ITEMS && self.items.is_sorted_by(|a, b| a.item < b.item)),
            (
                "resources",
                self.resources.tracks.len() <= MAX_RESOURCES
                    && self.resources.tracks.is_sorted_by(|a, b| a.resource < b.resource),
            ),
            ("interventions", self.interventions.list.len() <= MAX_INTERVENTIONS),
            (
                "recorded inputs",
                self.inputs.len() <= MAX_RECORDED_INPUTS
                    && self.inputs.is_sorted_by(|a, b| a.input < b.input),
            ),
            ("recommended kinds", self.recommended.len() <= MAX_KINDS),
        ];
        match tables.into_iter().find(|(_, good)| !good) {
            Some((name, _)) => Err(SnapshotError::Table(name)),
            None => Ok(()),
        }
    }
}
