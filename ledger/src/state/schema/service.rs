//! Records of what follows a decision: acknowledgements, reversions, use of pools.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::chain::canonical;
use super::{Records, Round, RoundStatus};
use crate::codec::Canonical;
use crate::state::StoreError;
use crate::types::{AccountId, Hash, Height, PoolId, ProposalId, RoundId, SchoolId, TimeMs};

/// A block's height and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Moment {
    /// The block's height; 0 is the genesis.
    pub height: Height,
    /// The time in the block's header, in milliseconds: no node's clock.
    pub time_ms: TimeMs,
}

/// What a school owes an acknowledgement for: a pool's places in a decision. Nothing here is ever taken back.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The round whose decision gave the places.
    pub round: RoundId,
    /// The pool whose places are acknowledged, all at once.
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
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Reversion {
    /// The round whose decision it was; its rows and figures stay readable.
    pub round: RoundId,
    /// The change that was voted for.
    pub proposal: ProposalId,
    /// The block that took it back.
    pub at: Moment,
    /// SHA-256 of the document that says why, if the proposal named one.
    pub reason: Option<Hash>,
    /// Places freed.
    pub freed: u32,
    /// The decision that stands again.
    pub standing: Option<RoundId>,
}

/// Whether a decision is the one that places students now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecisionStanding {
    /// Its placements are those in force.
    Stands,
    /// It was taken back.
    Reverted,
    /// A later decision of the class took its place.
    Replaced,
}

impl DecisionStanding {
    /// The word in JSON and CSV.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stands => "stands",
            Self::Reverted => "reverted",
            Self::Replaced => "replaced",
        }
    }

    /// Of a decided round, by its class's record and by whether there is a [`Reversion`] of it.
    pub fn of(round: RoundId, standing_round: Option<RoundId>, is_reverted: bool) -> Self {
        match standing_round {
            Some(standing) if standing == round => Self::Stands,
            _ if is_reverted => Self::Reverted,
            _ => Self::Replaced,
        }
    }
}

/// Whether a round's decision stands; none before it is decided.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn decision_standing(
    from: &(impl Records + ?Sized),
    round: &Round,
) -> Result<Option<DecisionStanding>, StoreError> {
    if !matches!(round.status, RoundStatus::Decided { .. }) {
        return Ok(None);
    }
    let standing = super::class(from, round.class)?.and_then(|class| class.standing_round);
    let is_reverted = super::reversion(from, round.round)?.is_some();
    Ok(Some(DecisionStanding::of(round.round, standing, is_reverted)))
}

/// Milliseconds of block time for which a round's rows are open to an auditor who took them.
pub const ROWS_OPEN_MS: u64 = 86_400_000;

/// That an auditor took a round's rows.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct RowsTaken {
    /// A decided round, its decision in force or not.
    pub round: RoundId,
    /// The member with the role auditor to whom nodes give the rows.
    pub auditor: AccountId,
    /// When it did first.
    pub first: Moment,
    /// When it did last.
    pub newest: Moment,
    /// How often the auditor took them, from 1.
    pub times: u32,
}

impl RowsTaken {
    /// True while nodes give the rows on it, at a block time.
    pub const fn is_open(&self, now: TimeMs) -> bool {
        now.0 <= self.newest.time_ms.0.saturating_add(ROWS_OPEN_MS)
    }
}

/// A pool's newest report of use.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Utilisation {
    /// The pool's number on the ledger.
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
    /// The block that took the report.
    pub at: Moment,
    /// Reports of this pool so far, this one included.
    pub reports: u32,
}

canonical! {
    Acknowledgement = "acknowledgement", 128;
    Reversion = "reversion", 128;
    RowsTaken = "taking of rows", 128;
    Utilisation = "utilisation", 128;
}
