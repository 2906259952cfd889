//! What an accepted transaction did, as it stands in its receipt.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use crate::types::{
    AccountId, Cents, ClassId, DistrictId, Handle, Hash, Height, PoolId, ProposalId, RoundId, SchoolYear,
};

/// What an accepted transaction did. Numbers follow the transactions' and are never reused.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[non_exhaustive]
pub enum Event {
    /// A candidate is known.
    MemberRegistered {
        /// Its account.
        account: AccountId,
    } = 1,
    /// A change may be voted on.
    ChangeProposed {
        /// Its number, which votes name.
        proposal: ProposalId,
    } = 2,
    /// A vote was counted and decides nothing yet.
    ChangeVoted {
        /// On which change.
        proposal: ProposalId,
        /// Members for it so far.
        approvals: u32,
        /// Members who may vote.
        members: u32,
    } = 3,
    /// More than two thirds approved: the change is applied.
    ChangeApplied {
        /// Which change.
        proposal: ProposalId,
        /// First height that it governs whole: the next, or for validators two later.
        in_force: Height,
    } = 4,
    /// Approval is out of reach: the change is refused.
    ChangeRefused {
        /// Which change.
        proposal: ProposalId,
    } = 5,
    /// An account has a new key.
    KeyRotated {
        /// Whose.
        account: AccountId,
    } = 6,
    /// States were anchored.
    StatesAnchored {
        /// The district.
        district: DistrictId,
        /// The school year.
        school_year: SchoolYear,
        /// How many leaves.
        leaves: u32,
    } = 20,
    /// A milestone was recorded.
    MilestoneRecorded {
        /// Whose.
        handle: Handle,
        /// The record's number among the handle's.
        number: u16,
    } = 21,
    /// Money was added to a budget.
    BudgetFunded {
        /// The funder.
        funder: AccountId,
        /// The school year.
        school_year: SchoolYear,
        /// Funded in all.
        funded_cents: Cents,
    } = 40,
    /// A class was defined.
    ClassDefined {
        /// Which.
        class: ClassId,
    } = 60,
    /// A pool was opened.
    PoolDefined {
        /// Which.
        pool: PoolId,
        /// Charged to its budget.
        charged_cents: Cents,
    } = 61,
    /// A round was opened.
    RoundOpened {
        /// Its number, which requests name.
        round: RoundId,
        /// Last height for commits and requests.
        requests_until: Height,
        /// Last height for reveals.
        reveals_until: Height,
    } = 62,
    /// A share of a seed was committed to.
    SeedCommitted {
        /// Of which round.
        round: RoundId,
    } = 63,
    /// Requests were taken.
    RequestsTaken {
        /// In which round.
        round: RoundId,
        /// How many count.
        counted: u32,
        /// How many were of handles that had one already: the first counts.
        repeated: u32,
    } = 64,
    /// A committed share was revealed.
    SeedRevealed {
        /// Of which round.
        round: RoundId,
    } = 65,
    /// A round was decided.
    RoundDecided {
        /// Which.
        round: RoundId,
        /// Its requests.
        requests: u32,
        /// How many got a place.
        placed: u32,
        /// How many wait.
        waitlisted: u32,
        /// The least cost, in weighted cost units.
        objective: i64,
        /// Proven gap in parts per million; 0 when optimal.
        gap_ppm: u32,
        /// The seed of the round.
        seed: Hash,
    } = 66,
}
