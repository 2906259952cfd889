//! What a transaction did, as anybody may see it: without handles, and without counts that are withheld.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ConsentChoice, Purpose};

/// What a transaction did. Later versions have further kinds, and kinds further fields: pass over what you do not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A candidate is known.
    MemberRegistered {
        /// Its account: 40 hex digits.
        account: String,
    },
    /// A change may be voted on.
    ChangeProposed {
        /// The proposal's number.
        proposal: u32,
    },
    /// A vote was counted and decides nothing yet.
    ChangeVoted {
        /// The proposal's number.
        proposal: u32,
        /// Members for it so far.
        approvals: u32,
        /// Members who may vote.
        members: u32,
    },
    /// More than two thirds approved: the change is applied.
    ChangeApplied {
        /// The proposal's number.
        proposal: u32,
        /// First height that it governs whole.
        in_force: u64,
    },
    /// Approval is out of reach: the change is refused.
    ChangeRefused {
        /// The proposal's number.
        proposal: u32,
    },
    /// An account has a new key.
    KeyRotated {
        /// The account, which stays the same.
        account: String,
    },
    /// A head of an access log was anchored.
    AccessRecorded {
        /// The number of the district whose reads it lists.
        district: u16,
        /// Which of its logs.
        epoch: u32,
        /// Its entries.
        log_size: u64,
        /// The root over them.
        root: String,
    },
    /// A restored vault has lost entries: another log begins, this one's last head stays.
    AccessLogEnded {
        /// The number of the district whose reads it lists.
        district: u16,
        /// Which of its logs.
        epoch: u32,
        /// Its entries.
        log_size: u64,
        /// The root over them.
        root: String,
    },
    /// A validator said that it is ready: it has power from this height on.
    ValidatorReady {
        /// The address that it votes under.
        validator: String,
        /// First height that it votes on.
        in_force: u64,
    },
    /// A validator has another key, and so another address.
    ValidatorRotated {
        /// Its address until then.
        validator: String,
        /// Its address from then on.
        successor: String,
        /// First height that the new key votes on.
        in_force: u64,
    },
    /// A node has another network key, and so another identity.
    PeerRotated {
        /// Its identity until now.
        peer: String,
        /// Its identity from now on.
        successor: String,
    },
    /// A school was entered, renamed or closed.
    SchoolChanged {
        /// The number of its district.
        district: u16,
        /// The school's number.
        school: u32,
        /// From which school year on.
        from_year: u16,
    },
    /// A district was admitted, by vote.
    DistrictAdmitted {
        /// Its number.
        district: u16,
        /// The account of the member who acts for it.
        operator: String,
    },
    /// A district was closed, by vote.
    DistrictClosed {
        /// Its number.
        district: u16,
        /// The number of the district that has its business now; none: nobody has.
        successor: Option<u16>,
    },
    /// A node was admitted, by vote: it votes once it has said that it is ready.
    NodeAdmitted {
        /// The new member's account.
        account: String,
        /// The address it will vote under.
        validator: String,
        /// The last block time at which it may say so.
        ready_until_ms: u64,
    },
    /// A vote added a version of the twins' parameters.
    TwinParametersSet {
        /// The version's number.
        version: u32,
        /// The first school year that it is in force for.
        from_year: u16,
    },
    /// A version of a building was anchored.
    EstateAnchored {
        /// The number of the building's district.
        district: u16,
        /// The building's id, as the district writes it.
        building: String,
        /// How often it was anchored by now.
        version: u32,
        /// The root over its rows.
        root: String,
        /// How many rows.
        leaf_count: u64,
    },
    /// A validator signed two things where one is allowed: the evidence is on record.
    MisbehaviourRecorded {
        /// The address that signed both.
        validator: String,
        /// The height that both are about.
        height: u64,
        /// The round of that height, from 0.
        round: u32,
    },
    /// A certified block of another consortium was anchored.
    HeadAnchored {
        /// SHA-256 of that consortium's genesis file.
        consortium: String,
        /// The block's height there.
        height: u64,
        /// The block's hash.
        block_hash: String,
    },
    /// Students' states were anchored.
    StatesAnchored {
        /// The number of the students' district.
        district: u16,
        /// The calendar year in which the school year starts.
        school_year: u16,
        /// How many; none when withheld.
        leaves: Option<u32>,
    },
    /// A milestone was recorded.
    MilestoneRecorded {
        /// The record's number among the student's.
        number: u16,
    },
    /// Families' words on a purpose were recorded.
    ConsentRecorded {
        /// The number of the students' district.
        district: u16,
        /// The calendar year in which the school year starts.
        school_year: u16,
        /// On which purpose.
        purpose: Purpose,
        /// Given or withdrawn.
        choice: ConsentChoice,
        /// How many; none when withheld.
        entries: Option<u32>,
    },
    /// Students were recorded as erased.
    ErasureRecorded {
        /// The number of the district whose students they were.
        district: u16,
        /// The calendar year in which the school year starts.
        school_year: u16,
        /// How many; none when withheld.
        handles: Option<u32>,
    },
    /// An auditor took a round's rows.
    RowsTaken {
        /// The round's number.
        round: u32,
        /// How often it did.
        times: u32,
    },
    /// An audit's result is on record.
    AuditRecorded {
        /// The number of the round whose seed drew the student.
        round: u32,
        /// What was found.
        finding: Finding,
    },
    /// Money was added to a budget.
    BudgetFunded {
        /// The account of the funder.
        funder: String,
        /// The calendar year in which the school year starts.
        school_year: u16,
        /// Funded by now, this time included, in cents.
        funded_cents: u64,
    },
    /// A class's steward may charge a budget.
    BudgetGranted {
        /// The account of the funder.
        funder: String,
        /// The number of the class whose pools it is for.
        class: u16,
        /// The account that may charge it.
        steward: String,
        /// What may be charged from now on, spent parts included, in cents.
        granted_cents: u64,
        /// Of it spent already.
        spent_cents: u64,
    },
    /// A budget is stated by school.
    BudgetStated {
        /// The account of the funder.
        funder: String,
        /// The calendar year in which the school year starts.
        school_year: u16,
        /// What the committed amounts sum to, in cents.
        total_cents: u64,
    },
    /// A floor per weighted pupil is shown to hold.
    EquityStated {
        /// The account of the funder.
        funder: String,
        /// The calendar year in which the school year starts.
        school_year: u16,
        /// The number of the round whose requests weigh the pupils.
        round: u32,
        /// Cents for each hundredth of a weighted pupil.
        floor_cents: u32,
    },
    /// A class was defined.
    ClassDefined {
        /// Its number.
        class: u16,
    },
    /// A class has new terms.
    ClassTermsSet {
        /// Its number.
        class: u16,
    },
    /// A class has another steward, by vote.
    StewardReplaced {
        /// Its number.
        class: u16,
        /// The new steward's account.
        steward: String,
    },
    /// A pool was opened.
    PoolDefined {
        /// Its number.
        pool: u32,
        /// Charged to its budget, in cents.
        charged_cents: u64,
    },
    /// A pool was taken away.
    PoolRetired {
        /// Its number, which no other pool gets.
        pool: u32,
        /// Given back to its budget, in cents.
        refunded_cents: u64,
    },
    /// A round was opened.
    RoundOpened {
        /// Its number.
        round: u32,
        /// Requests are taken through this height at least.
        requests_until: u64,
        /// And in every block before this time, in ms since 1970 UTC.
        requests_until_ms: u64,
    },
    /// A share of a seed was committed to.
    SeedCommitted {
        /// The round's number.
        round: u32,
    },
    /// A committed share was revealed.
    SeedRevealed {
        /// The round's number.
        round: u32,
    },
    /// Requests were taken.
    RequestsTaken {
        /// The round's number.
        round: u32,
        /// How many count; always withheld.
        counted: Option<u32>,
        /// How many were of students that had one already; always withheld.
        repeated: Option<u32>,
        /// The entries that were refused; always withheld.
        refused: Option<Vec<RefusedEntry>>,
    },
    /// A round was decided.
    RoundDecided {
        /// Its number.
        round: u32,
        /// Requests that count; none when withheld.
        requests: Option<u32>,
        /// How many got a place; none when withheld.
        placed: Option<u32>,
        /// How many wait; none when withheld.
        waitlisted: Option<u32>,
        /// Weighted cost of the assignment.
        objective: i64,
        /// Proven gap in parts per million; 0 is optimal.
        gap_ppm: u32,
        /// What ties are broken by.
        seed: String,
    },
    /// Of a rejected run: what cannot be met together. The round stays open.
    RoundInfeasible {
        /// Its number.
        round: u32,
        /// Which way it cannot be met.
        shortage: Shortage,
        /// Numbers of the pools that take part, ascending.
        pools: Vec<u32>,
        /// Numbers of the schools whose fair share takes part, ascending.
        schools: Vec<u32>,
        /// Places or students missing.
        short: u64,
        /// The same in a sentence.
        words: String,
    },
    /// An open round was cancelled, by vote.
    RoundCancelled {
        /// Its number.
        round: u32,
    },
    /// A decision was taken back, by vote.
    DecisionReverted {
        /// The number of the round whose decision it was.
        round: u32,
        /// Places freed; always withheld.
        freed: Option<u32>,
        /// The number of the round whose decision stands again; none without one.
        standing: Option<u32>,
    },
    /// A school acknowledged its places, or a missed deadline was recorded.
    Acknowledged {
        /// The number of the round that gave the places.
        round: u32,
        /// The number of the pool whose places they are.
        pool: u32,
        /// What was recorded.
        arrival: Arrival,
        /// Whether this recorded that the deadline is past.
        escalated: Escalation,
    },
    /// A pool's use was reported.
    UtilisationReported {
        /// The pool's number.
        pool: u32,
        /// Places in use; none when withheld.
        in_use: Option<u32>,
        /// Places there are.
        capacity: u32,
        /// Requests that could have had the pool; none if too few to publish, or without a standing round.
        demand: Option<u32>,
    },
}

/// An entry of a batch that was not taken, while others were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedEntry {
    /// Its position in the batch, from 0.
    pub entry: u32,
    /// Why: the ledger's number.
    pub code: u8,
}

/// What an auditor found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Replayed, and the district's records bear out all claims.
    Confirmed,
    /// The replayed events give another state, or a record contradicts a claim.
    Contradicted,
    /// The district did not give what was asked for.
    Withheld,
    /// The replayed events give the anchored state; not all claims were held against records.
    Replayed,
    /// The student was erased once the round's requests were fixed.
    ErasedAfterDraw,
    /// The student was erased before.
    ErasedBeforeDraw,
}

/// Which way bounds cannot be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// More students must go to the pools than these hold.
    Places,
    /// The floors ask for more students than can go there.
    Students,
}

/// What was recorded of a pool's places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// The school has what it was given.
    Received,
    /// The deadline passed without a word of the school.
    Missed,
}

/// Whether a transaction recorded that a deadline is past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Escalation {
    /// In time, or recorded before.
    NotNow,
    /// The deadline is past, and this transaction recorded it.
    Now,
}
