//! What anybody may have: public records of the state, and acts of members as they stand in blocks.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{MAX_RECORDS, Proved, ProvedRow};
use crate::codec::at_most;
use crate::tx::MilestoneKind;
use crate::types::{
    AccountId, ClassId, DistrictId, Hash, Height, PoolId, ProposalId, RoundId, SchoolId, SchoolYear,
    ValidatorAddress,
};

/// A record that anybody may read; its number, account or year makes the key under which it stands. Records with counts
/// of students that the public does not see (rounds, decisions, trees) are not among these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum FigureKey {
    /// The parameters in force.
    Parameters = 1,
    /// A funder's budget of a school year.
    Budget {
        /// Whose.
        funder: AccountId,
        /// The year that the money is for.
        school_year: SchoolYear,
    } = 2,
    /// A class of resources: as it was defined, with its terms and where its rounds are.
    Class(ClassId) = 3,
    /// A pool of a class.
    Pool {
        /// The class that the pool is of: its key begins with it.
        class: ClassId,
        /// The pool's number, one in the consortium.
        pool: PoolId,
    } = 4,
    /// A decided round's published report, small cells withheld.
    Report(RoundId) = 5,
    /// The validator sets in force.
    Validators = 6,
    /// A validator's name and operator.
    Validator(ValidatorAddress) = 7,
    /// A member of the consortium.
    Member(AccountId) = 8,
    /// A district: its name, and whether it was closed.
    District(DistrictId) = 9,
    /// A school: its district, type, name and position, from which year on each.
    School(SchoolId) = 10,
    /// A proposed change with its votes.
    Proposal(ProposalId) = 11,
    /// How many milestones of a kind are published for a school year.
    Milestones {
        /// The school year of the handles that they were recorded under.
        school_year: SchoolYear,
        /// What was reached.
        kind: MilestoneKind,
    } = 12,
    /// The newest anchored head of a district's access log.
    AccessLog(DistrictId) = 13,
    /// A district's anchored buildings.
    Estate(DistrictId) = 14,
    /// Another consortium whose heads are anchored here, by the SHA-256 of its genesis file.
    Consortium(Hash) = 17,
    /// A certified block of another consortium.
    AnchoredHead {
        /// SHA-256 of that ledger's genesis file.
        genesis: Hash,
        /// Its height there.
        height: Height,
    } = 18,
}

/// A public record with its proof.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Figure {
    /// Its kind and its number: where it stands follows from them.
    pub key: FigureKey,
    /// It, as it stands in the state.
    pub record: Proved,
}

/// A transaction of a final block with what became of it. The block's header is that of a link or of the head.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Act {
    /// The block that executed it.
    pub height: Height,
    /// The transaction's canonical bytes, under the header's root of transactions.
    pub transaction: ProvedRow,
    /// Its receipt, at the same position under the header's root of receipts.
    pub receipt: ProvedRow,
}

/// Public records and acts, each proved for itself: no row, handle or withheld count is among them, so that anybody may
/// have it. There is at least one of either.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FiguresEvidence {
    /// Strictly ascending by key.
    #[borsh(deserialize_with = "at_most::<MAX_RECORDS, _, _>")]
    pub figures: Vec<Figure>,
    /// Strictly ascending by height and position.
    #[borsh(deserialize_with = "at_most::<MAX_RECORDS, _, _>")]
    pub acts: Vec<Act>,
}
