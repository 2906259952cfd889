//! Transactions: one file each, with payload, rules, effect and tests.
//!
//! [`Payload`] lists them; the number in front of each is part of the bytes and is never reused: 1 to 19
//! administration, 20 to 39 students, 40 to 59 money, 60 to 79 resources. What a kind may do and who may
//! send it stand in [`handler`] and [`crate::roles`]. Numbers left out are reserved for the design's other
//! transactions; 68 was RevertDecision, which is a vote now ([`Change::RevertDecision`]).

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;

pub mod admin;
mod event;
pub mod handler;
pub mod money;
mod places;
mod prospect;
mod receipt;
pub mod resources;
pub mod rights;
pub mod students;
#[cfg(test)]
mod tests;
pub mod transaction;

pub use crate::state::schema::{
    Cadence, Calendar, Change, Choice, Claims, ClassTerms, DefineClass, FairShare, Finding, Mandate,
    MilestoneKind, NewDistrict, NodeRequest, RecordsSay, Replay, SeedSecret,
};
pub use admin::{
    AnchorEstate, AnchorHead, ChangeSchool, ProposeChange, Ready, RecordAccess, RegisterMember,
    ReportMisbehaviour, RotateKey, SchoolChange, VoteChange,
};
pub use event::{Event, RefusedEntry, Shortage};
pub use money::{BudgetStatement, EquityStatement, FundBudget, GrantBudget};
pub use prospect::prospect;
pub use receipt::Receipt;
pub(crate) use resources::run_round::may_send as may_send_run;
pub use resources::{
    Acknowledge, Arrival, CommitSeed, DefinePool, Escalation, OpenRound, ReportUtilisation, Request,
    RetirePool, RevealSeed, RunRound, SetClassTerms, SubmitRequests, seed_commitment, seed_share,
};
pub use students::{
    AnchorStates, ConsentEntry, MasteryProof, RecordAudit, RecordConsent, RecordErasure, RecordMilestone,
    StudentState, TakeRows,
};
pub use transaction::{Body, Transaction, TransactionId};

/// Declares [`Payload`], [`PayloadKind`] and the dispatch in one list, so that none is forgotten.
macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What a transaction does. In JSON the field `transaction` names it.
        #[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
        #[serde(tag = "transaction")]
        #[borsh(use_discriminant = true)]
        #[repr(u8)]
        #[non_exhaustive]
        #[allow(clippy::large_enum_variant, reason = "one a transaction; a milestone's proof is the largest")]
        pub enum Payload {
            $($(#[$doc])* $name($name) = $number,)*
        }

        /// Which transaction, without its content.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum PayloadKind {
            $($(#[$doc])* $name = $number,)*
        }

        impl PayloadKind {
            /// All kinds, by ascending number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The kind's name as in the documentation, for example `AnchorStates`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The kind of a name as [`Self::name`] has it.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }
        }

        impl Payload {
            /// Which transaction it is.
            pub const fn kind(&self) -> PayloadKind {
                match self {
                    $(Self::$name(_) => PayloadKind::$name,)*
                }
            }

            /// Its rules and its effect.
            pub fn handler(&self) -> &dyn handler::Handler {
                match self {
                    $(Self::$name(payload) => payload,)*
                }
            }
        }

        $(impl From<$name> for Payload {
            fn from(payload: $name) -> Self {
                Self::$name(payload)
            }
        })*
    };
}

payloads! {
    /// Makes a candidate known; a vote admits it.
    RegisterMember = 1,
    /// Puts a change to the vote.
    ProposeChange = 2,
    /// Votes on a proposed change; the deciding vote applies it.
    VoteChange = 3,
    /// Replaces the sender's key.
    RotateKey = 4,
    /// Anchors the head of a district's access log.
    RecordAccess = 5,
    /// An admitted node says that it is ready to vote.
    Ready = 6,
    /// Enters, renames or closes a school of the sender's district.
    ChangeSchool = 7,
    /// Anchors a version of a building of the sender's district.
    AnchorEstate = 8,
    /// Shows that a validator signed two things where one is allowed.
    ReportMisbehaviour = 9,
    /// Anchors a certified block of another consortium's ledger.
    AnchorHead = 10,
    /// Puts a district's state hashes on the ledger.
    AnchorStates = 20,
    /// Records a student's milestone, for good.
    RecordMilestone = 21,
    /// Records families' consent to a purpose, or its withdrawal.
    RecordConsent = 22,
    /// Records that students' keys were destroyed.
    RecordErasure = 23,
    /// Records what an audit of a drawn student found.
    RecordAudit = 24,
    /// Lists an auditor who takes a round's rows.
    TakeRows = 25,
    /// Adds money to the sender's budget of a school year.
    FundBudget = 40,
    /// Shows that amounts by school are what pools were charged; before protocol 3 that they sum to a budget, without the amounts.
    BudgetStatement = 41,
    /// Shows that every school got a floor for each weighted pupil, without the weights.
    EquityStatement = 42,
    /// Lets a class's steward charge pools to the sender's budget.
    GrantBudget = 43,
    /// Defines a class of resources: kinds, costs, calendar.
    DefineClass = 60,
    /// Opens a pool of places and charges its budget.
    DefinePool = 61,
    /// Opens a round of a class.
    OpenRound = 62,
    /// Commits to a validator's share of the round's seed.
    CommitSeed = 63,
    /// Submits a district's requests.
    SubmitRequests = 64,
    /// Reveals the committed share.
    RevealSeed = 65,
    /// Runs the optimizer over the round's requests.
    RunRound = 66,
    /// Acknowledges a pool's places, or records that nobody did in time.
    Acknowledge = 67,
    /// Says how many of a pool's places are in use.
    ReportUtilisation = 69,
    /// Sets what a class asks beyond its costs.
    SetClassTerms = 70,
    /// Takes a pool away that places nobody, and refunds it.
    RetirePool = 71,
}

impl Payload {
    /// Rules that need no state.
    ///
    /// # Errors
    /// The code the submitter is told.
    pub fn check(&self) -> Result<(), Code> {
        self.handler().check()
    }

    /// How many signatures it costs to check, the envelope's included, for the block's limit.
    pub fn signatures(&self) -> u32 {
        match self {
            Self::RegisterMember(_) | Self::Ready(_) => 2,
            Self::ReportMisbehaviour(_) => 3,
            Self::RotateKey(rotation) if rotation.replaces.is_none() => 2,
            Self::RotateKey(_) => 3,
            Self::AnchorHead(head) => head.signatures().saturating_add(1),
            Self::ProposeChange(proposal) => proposal.change.signatures().saturating_add(1),
            _ => 1,
        }
    }

    /// How many range-proved values it carries, for the block's limit.
    pub fn range_values(&self) -> u32 {
        let values = match self {
            Self::SubmitRequests(batch) => batch.values(),
            Self::RecordMilestone(RecordMilestone { mastery: Some(_), .. }) => MasteryProof::VALUES,
            Self::BudgetStatement(statement) => statement.lines.len(),
            Self::EquityStatement(statement) => statement.blindings.len(),
            _ => 0,
        };
        u32::try_from(values).unwrap_or(u32::MAX)
    }
}
