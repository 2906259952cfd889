//! AnchorStates: a district puts the hashes of its students' states on the ledger.
//!
//! The leaves go into the district's bulk tree of that school year, one leaf a handle; a later anchor of a
//! handle replaces its leaf and must carry a higher version. What a state holds is never seen here.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::chain::Code;
use crate::params::MAX_COMMITMENTS;
use crate::tx::handler::{Handler, ascends, require};
use crate::types::{CommitmentBytes, Handle, Hash, SchoolId, SchoolYear};

/// One student's state, as hashes and commitments.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StudentState {
    /// The student's pseudonym of that school year.
    pub handle: Handle,
    /// Counts the states of this handle; strictly increasing, from 1.
    pub version: u32,
    /// Root of the salted fields of the state.
    pub state_hash: Hash,
    /// The school the student attends; one of the sender's district.
    pub home_school: SchoolId,
    /// Commitments to fields that proofs speak about, need first; at most 8.
    pub commitments: Vec<CommitmentBytes>,
    /// How many events of the student's telemetry the state has seen.
    pub event_watermark: u64,
}

/// A batch of states of one district and school year.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AnchorStates {
    /// The school year of the handles.
    pub school_year: SchoolYear,
    /// Digest of the model that computed the states.
    pub model_digest: Hash,
    /// Strictly ascending by handle; at least one.
    pub states: Vec<StudentState>,
}

impl Handler for AnchorStates {
    fn check(&self) -> Result<(), Code> {
        require(!self.states.is_empty())?;
        require(ascends(self.states.iter().map(|state| &state.handle)))?;
        require(self.states.iter().all(|s| s.version > 0 && s.commitments.len() <= MAX_COMMITMENTS))
    }
}
