//! What followed from a round: its published report, missing reveals, acknowledgements, reversion, use, audit.

use aula_ledger::rounds::PublishedReport;
use aula_ledger::state::schema::{Acknowledgement, DecisionStanding, Moment, RoundStatus};
use aula_ledger::types::{
    AccountId, ClassId, DistrictId, Hash, Height, PoolId, ProposalId, RoundId, SchoolId, TimeMs,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::records;

/// A round's report and what followed from it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RoundReport {
    /// What schools acknowledged, and what they owe still: a line for each pool that got places.
    pub acknowledgements: Vec<AcknowledgementLine>,
    /// The final block whose state this is.
    #[schema(value_type = u64)]
    pub as_of_height: Height,
    /// The round's class.
    #[schema(value_type = u64)]
    pub class: ClassId,
    /// The ledger's published report; none before the decision.
    #[schema(value_type = Option<records::PublishedReport>)]
    pub report: Option<PublishedReport>,
    /// That a vote took the decision back; none while that has not happened.
    pub reverted: Option<Reverted>,
    /// The round that was asked for.
    #[schema(value_type = u64)]
    pub round: RoundId,
    /// Who committed to the seed, and who revealed.
    pub seed: SeedReport,
    /// Whether the decision stands; none before it is decided.
    #[schema(value_type = Option<records::DecisionStanding>)]
    pub standing: Option<DecisionStanding>,
    /// True when the decision places students now.
    pub stands: bool,
    /// Where the round is.
    #[schema(value_type = records::RoundStatus)]
    pub status: RoundStatus,
    /// The newest reports of use of the class's pools; pools that never reported are left out.
    pub utilisation: Vec<UseLine>,
}

/// An acknowledgement of a pool's places.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AcknowledgementLine {
    /// The last block time that is in time, ms since 1970 UTC.
    #[schema(value_type = u64)]
    pub due_ms: TimeMs,
    /// That it was recorded as missed, and in which block; none when it was not.
    #[schema(value_type = Option<records::Moment>)]
    pub escalated: Option<Moment>,
    /// Places given; none where the report withholds them.
    pub places: Option<u32>,
    /// The pool whose places were given.
    #[schema(value_type = u64)]
    pub pool: PoolId,
    /// The block that recorded the school's word; none while it has not come.
    #[schema(value_type = Option<records::Moment>)]
    pub received: Option<Moment>,
    /// The school that must acknowledge.
    #[schema(value_type = u64)]
    pub school: SchoolId,
    /// Where it stands.
    pub state: Owed,
}

/// A decision that was taken back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Reverted {
    /// The block that applied the vote.
    #[schema(value_type = records::Moment)]
    pub at: Moment,
    /// Places that were freed; none where the report withholds the count.
    pub freed: Option<u32>,
    /// The proposal that was voted for.
    #[schema(value_type = u64)]
    pub proposal: ProposalId,
    /// SHA-256 of the document that says why, if the proposal named one.
    #[schema(value_type = Option<String>)]
    pub reason_sha256: Option<Hash>,
    /// The decision that stands again; none when there is no earlier one.
    #[schema(value_type = Option<u64>)]
    pub standing: Option<RoundId>,
}

/// A round's seed: the attempt that drew or is under way, and those before it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SeedReport {
    /// Whether the seed is drawn; nothing is allocated before.
    pub drawn: bool,
    /// The how manieth draw of the class and period it is, from 1; none before it is drawn.
    pub draw: Option<u32>,
    /// The attempts before, oldest first.
    pub earlier_attempts: Vec<SeedShares>,
    /// The draw before it in the class and period; none for the first.
    #[schema(value_type = Option<u64>)]
    pub previous_draw: Option<RoundId>,
    /// The round whose shares these are: an earlier one, if that had the same requests.
    #[schema(value_type = u64)]
    pub round: RoundId,
    /// Who committed and who revealed in the attempt that drew, or is under way.
    #[serde(flatten)]
    pub shares: SeedShares,
}

/// Shares of one attempt. Each member who is missing could choose between two seeds, so f of them among 2^f.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SeedShares {
    /// Which attempt at the seed, from 1.
    pub attempt: u32,
    /// Who committed and did not reveal.
    #[schema(value_type = Vec<String>)]
    pub missing: Vec<AccountId>,
    /// The voting power of all validators.
    pub of_power: Option<u64>,
    /// The voting power of those who revealed.
    pub power: Option<u64>,
    /// Who revealed: accounts of 40 hex digits.
    #[schema(value_type = Vec<String>)]
    pub revealed: Vec<AccountId>,
    /// Among how many seeds the missing could choose together; none beyond 2^63.
    pub seeds_open_to_the_missing: Option<u64>,
}

/// The newest report of a pool's use.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UseLine {
    /// The block that recorded it.
    #[schema(value_type = records::Moment)]
    pub at: Moment,
    /// The account that sent it: 40 hex digits.
    #[schema(value_type = String)]
    pub by: AccountId,
    /// Places of the pool then.
    pub capacity: u32,
    /// Requests of `demand_of_round` that could have had it; none without a round, or where the count is withheld.
    pub demand: Option<u32>,
    /// The round whose decision stood then; none when none did.
    #[schema(value_type = Option<u64>)]
    pub demand_of_round: Option<RoundId>,
    /// Places in use; none where the count is withheld.
    pub in_use: Option<u32>,
    /// The pool that the report is about.
    #[schema(value_type = u64)]
    pub pool: PoolId,
    /// How many reports of this pool there were, this one included.
    pub reports: u32,
}

/// A round's truth audit, of a height.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OneAudit {
    /// The final block whose state this is.
    #[schema(value_type = u64)]
    pub as_of_height: Height,
    /// What became of the students that the seed drew.
    #[serde(flatten)]
    pub audit: RoundAudit,
}

/// Where an acknowledgement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owed {
    /// Acknowledged in time.
    Received,
    /// Acknowledged after it had been recorded as missed.
    ReceivedLate,
    /// Missed, and recorded so.
    Escalated,
    /// Missed, and nobody has recorded it yet.
    Overdue,
    /// Not due yet.
    Waiting,
    /// Nobody owes it any more: the school's district was closed without a successor.
    Closed,
}

impl Owed {
    /// Of an acknowledgement that somebody owes, at a block time.
    pub const fn at(owed: &Acknowledgement, now: TimeMs) -> Self {
        match (owed.received.is_some(), owed.escalated.is_some()) {
            (true, false) => Self::Received,
            (true, true) => Self::ReceivedLate,
            (false, true) => Self::Escalated,
            (false, false) if now.0 > owed.due_ms.0 => Self::Overdue,
            (false, false) => Self::Waiting,
        }
    }

    /// The state as people read it in a table.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::ReceivedLate => "received late",
            Self::Escalated => "missed, and escalated",
            Self::Overdue => "overdue",
            Self::Waiting => "waiting",
            Self::Closed => "closed: its district is, and nobody has its business",
        }
    }

    /// True when the school has let the time pass and has not acknowledged yet.
    pub const fn is_late(self) -> bool {
        matches!(self, Self::Escalated | Self::Overdue)
    }
}

/// An acknowledgement that a school owes for a pool's places, and where it stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OwedLine {
    /// The round that gave the places.
    #[schema(value_type = u64)]
    pub round: RoundId,
    /// Of which pool's places.
    #[schema(value_type = u64)]
    pub pool: PoolId,
    /// The school that must acknowledge.
    #[schema(value_type = u64)]
    pub school: SchoolId,
    /// Places given; none where the round's report withholds them.
    pub places: Option<u32>,
    /// The last block time that is in time, in ms since 1970 UTC.
    #[schema(value_type = u64)]
    pub due_ms: TimeMs,
    /// Where it stands.
    pub state: Owed,
}

/// What became of a number of drawn students.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Drawn by the round's seed to be audited.
    pub drawn: u32,
    /// The events give the anchored state; whether they are true was not looked at.
    pub replayed: u32,
    /// The same, and the district's records bear the events out.
    pub confirmed: u32,
    /// The events give another state, or a record speaks against them.
    pub contradicted: u32,
    /// The district gave nothing.
    pub withheld: u32,
    /// Erased once the requests were fixed, so that nothing could be given.
    pub erased_after_draw: u32,
    /// Erased while requests were still taken, so that nothing could be given.
    pub erased_before_draw: u32,
    /// Nothing is on record yet.
    pub open: u32,
}

/// A district's part of a round's audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DistrictAudit {
    /// The district whose students they are.
    #[schema(value_type = u64)]
    pub district: DistrictId,
    /// What became of its drawn students.
    #[serde(flatten)]
    pub counts: Counts,
}

/// An auditor who took the round's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Taken {
    /// The account that took them: 40 hex digits.
    #[schema(value_type = String)]
    pub auditor: AccountId,
    /// The member's name; empty where the ledger has no such member any more.
    pub name: String,
    /// In which block it did first.
    #[schema(value_type = u64)]
    pub first: Height,
    /// In which block it did last.
    #[schema(value_type = u64)]
    pub newest: Height,
    /// How often.
    pub times: u32,
}

/// A round's truth audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoundAudit {
    /// The round that was audited.
    #[schema(value_type = u64)]
    pub round: RoundId,
    /// Drawn students of all districts together.
    pub all: Counts,
    /// Each district's part, ascending by number; only districts of which a student was drawn.
    pub districts: Vec<DistrictAudit>,
    /// Of whom the seed drew besides, for their mandate alone; none where the number of mandates is withheld.
    pub mandates: Option<Counts>,
    /// Auditors who took the round's rows; empty while nobody did.
    pub rows_taken: Vec<Taken>,
}
