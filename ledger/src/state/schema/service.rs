//! Records of what follows a decision: acknowledgements, reversions, use of pools.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use super::chain::canonical;
use crate::codec::Canonical;
use crate::types::{AccountId, Hash, Height, PoolId, RoundId, SchoolId, TimeMs};

/// A block's height and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct Moment {
    /// Its height.
    pub height: Height,
    /// Its time.
    pub time_ms: TimeMs,
}

/// What a school owes an acknowledgement for: a pool's places in a decision. Nothing here is ever taken back.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct Acknowledgement {
    /// In which round.
    pub round: RoundId,
    /// Which pool.
    pub pool: PoolId,
    /// The school that must acknowledge.
    pub school: SchoolId,
    /// Places given.
    pub places: u32,
    /// The last block time that is in time.
    pub due_ms: TimeMs,
    /// When the school acknowledged.
    pub received: Option<Moment>,
    /// When it was recorded that the deadline was missed; stays when the school acknowledges later.
    pub escalated: Option<Moment>,
}

/// A decision that was taken back.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct Reversion {
    /// Of which round.
    pub round: RoundId,
    /// Who did.
    pub by: AccountId,
    /// When.
    pub at: Moment,
    /// SHA-256 of the document that says why.
    pub reason: Hash,
    /// Places freed.
    pub freed: u32,
    /// The decision that stands again.
    pub standing: Option<RoundId>,
}

/// A pool's newest report of use.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct Utilisation {
    /// Which pool.
    pub pool: PoolId,
    /// Its places.
    pub capacity: u32,
    /// Places in use.
    pub in_use: u32,
    /// The round whose decision stood.
    pub round: Option<RoundId>,
    /// Requests of that round that could have had the pool; none without a round, or too few to publish.
    pub demand: Option<u32>,
    /// Who reported.
    pub by: AccountId,
    /// When.
    pub at: Moment,
    /// Reports of this pool so far, this one included.
    pub reports: u32,
}

canonical! {
    Acknowledgement = "acknowledgement", 128;
    Reversion = "reversion", 128;
    Utilisation = "utilisation", 128;
}
