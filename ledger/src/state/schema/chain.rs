//! Records of the chain itself: identity, validators, members, votes.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::chain::ValidatorSet;
use crate::codec::Canonical;
use crate::keys::PublicKey;
use crate::names::{ListenHint, Name, PeerName, Title};
use crate::roles::RoleSet;
use crate::state::schema::{Change, Choice};
use crate::types::{AccountId, ChainId, DistrictId, Hash, Height, ProposalId, SchoolId, TimeMs};

macro_rules! canonical {
    ($($type:ty = $what:literal, $max:expr;)*) => {
        $(impl Canonical for $type {
            const VERSION: u8 = 1;
            const WHAT: &'static str = $what;
            const MAX_BYTES: u64 = $max;
        })*
    };
}
pub(super) use canonical;

/// Which chain, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ChainRecord {
    /// Its identity.
    pub chain_id: ChainId,
    /// SHA-256 of the genesis file.
    pub genesis_sha256: Hash,
    /// The height this state is after.
    pub height: Height,
    /// That block's time; at height 0 the genesis's.
    pub time_ms: TimeMs,
}

/// The sets that decide this height, the next, and the one after.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ValidatorSchedule {
    /// Decides the state's height.
    pub now: ValidatorSet,
    /// Decides the next height.
    pub next: ValidatorSet,
    /// Decides the height after the next: where a vote's change enters.
    pub after: ValidatorSet,
}

impl ValidatorSchedule {
    /// The same set for all three: a genesis.
    pub fn constant(set: &ValidatorSet) -> Self {
        Self { now: set.clone(), next: set.clone(), after: set.clone() }
    }

    /// One height on: the next becomes now.
    pub fn advanced(self) -> Self {
        Self { now: self.next, next: self.after.clone(), after: self.after }
    }

    /// True when the three are not all the same, so that advancing changes something.
    pub fn is_moving(&self) -> bool {
        self.now != self.next || self.next != self.after
    }
}

/// What the ledger counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Counters {
    /// Admitted members with the role consortium: who may vote.
    pub consortium_members: u32,
    /// The next proposal's number.
    pub next_proposal: u32,
    /// The next round's number.
    pub next_round: u32,
}

/// An account's key and sequence.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Account {
    /// The key its transactions are signed with.
    pub public_key: PublicKey,
    /// The sequence number of its next transaction.
    pub sequence: u64,
}

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Standing {
    /// Registered, not admitted.
    Candidate = 0,
    /// Admitted: its transactions count.
    Admitted = 1,
    /// Removed by vote.
    Removed = 2,
}

impl Standing {
    /// The word in JSON, on pages and in exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Admitted => "admitted",
            Self::Removed => "removed",
        }
    }
}

/// A member of the consortium.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Member {
    /// The account that its transactions name; it stays when the key changes.
    pub account: AccountId,
    /// Unique among all that were ever registered.
    pub name: Name,
    /// What it may send and vote on, once admitted.
    pub roles: RoleSet,
    /// The district it acts for.
    pub district: Option<DistrictId>,
    /// The school it acts for.
    pub school: Option<SchoolId>,
    /// Whether it is admitted.
    pub standing: Standing,
    /// Since which height it stands so.
    pub since: Height,
}

/// A peer that may connect.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Peer {
    /// Its network identity.
    pub peer_id: PeerName,
    /// Where it may be reached.
    pub listen: ListenHint,
    /// Who runs it.
    pub operator: AccountId,
}

/// What became of a proposed change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum ProposalStatus {
    /// May be voted on through its last height.
    Open = 0,
    /// More than two thirds of the members approved.
    Applied {
        /// In which block.
        height: Height,
    } = 1,
    /// Refused: approval went out of reach.
    Refused {
        /// In which block.
        height: Height,
    } = 2,
}

/// A proposed change with its votes.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Proposal {
    /// Its number.
    pub proposal: ProposalId,
    /// The member who sent ProposeChange; to be counted it votes like all others.
    pub proposer: AccountId,
    /// What would change.
    pub change: Change,
    /// In which block it was proposed.
    pub proposed: Height,
    /// The last height for votes.
    pub open_until: Height,
    /// The votes, strictly ascending by account; one each, never changed.
    pub votes: Vec<(AccountId, Choice)>,
    /// What became of it.
    pub status: ProposalStatus,
}

/// A program version that operators run from a height.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct UpgradeNote {
    /// From which height.
    pub height: Height,
    /// The version and what to do.
    pub note: Title,
    /// The change that agreed on it.
    pub proposal: ProposalId,
}

canonical! {
    ChainRecord = "chain record", 256;
    ValidatorSchedule = "validator schedule", 3 * 64 * 1024;
    Counters = "counters", 64;
    Account = "account", 64;
    Member = "member", 256;
    Peer = "peer", 512;
    Proposal = "proposal", 256 * 1024;
    UpgradeNote = "upgrade note", 256;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_standing_is_its_word_in_json() {
        for standing in [Standing::Candidate, Standing::Admitted, Standing::Removed] {
            assert_eq!(serde_json::to_value(standing).unwrap(), standing.name());
        }
    }
}
