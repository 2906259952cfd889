//! Places in the pool that are kept for what must not wait behind anybody's bulk.
//!
//! Governance, so that a flooder can be voted out while he floods; and what has a deadline, so that he cannot make
//! others miss it. Each lane has room of its own for every account: whoever fills the lane of votes takes no room from
//! acknowledgements. What is beyond an account's part of a lane waits as everything else does.

use aula_ledger::tx::PayloadKind;

/// What a part of the pool is reserved for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Candidates, proposals, votes.
    Governance,
    /// Shares of a round's seed: committed and revealed within windows.
    Seeds,
    /// Running a round that may be run.
    Runs,
    /// Acknowledgements, due hours after a decision.
    Acknowledgements,
    /// New keys, and nodes that are ready.
    Rotations,
}

impl Lane {
    /// How many there are.
    pub const COUNT: usize = 5;

    /// The lane of a kind of transaction, if there is one.
    pub const fn of(kind: PayloadKind) -> Option<Self> {
        match kind {
            PayloadKind::RegisterMember | PayloadKind::ProposeChange | PayloadKind::VoteChange => {
                Some(Self::Governance)
            }
            PayloadKind::CommitSeed | PayloadKind::RevealSeed => Some(Self::Seeds),
            PayloadKind::RunRound => Some(Self::Runs),
            PayloadKind::Acknowledge => Some(Self::Acknowledgements),
            PayloadKind::RotateKey | PayloadKind::Ready => Some(Self::Rotations),
            _ => None,
        }
    }

    /// Whether a few of an account's may be in a block before anybody's turn. Running a round may not: it takes as
    /// much of a block as there is of it, so accounts take turns.
    pub const fn goes_ahead(self) -> bool {
        !matches!(self, Self::Runs)
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

/// Where in the pool a transaction waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Among all others.
    Open,
    /// In the room that its lane keeps for every account.
    Reserved(Lane),
    /// Behind a sequence number that has not come, or that found no room.
    Gap,
}

impl Place {
    /// True for what a block could hold.
    pub(super) fn is_ready(self) -> bool {
        self != Self::Gap
    }
}
