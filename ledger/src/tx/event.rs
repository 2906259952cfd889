//! What an accepted transaction did, as it stands in its receipt.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use crate::access::{ConsentChoice, Purpose};
use crate::code::Code;
use crate::names::{PeerName, Title};
use crate::tx::{Arrival, Escalation, Finding};
use crate::types::{
    AccountId, Cents, ClassId, DistrictId, Handle, Hash, Height, PoolId, ProposalId, RoundId, SchoolId,
    SchoolYear, TimeMs, ValidatorAddress,
};

/// What an accepted transaction did. Numbers follow the transactions' and are never reused.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Event {
    /// A candidate is known.
    MemberRegistered {
        /// Derived from its first key; stays when keys change.
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
        /// The account, which stays the same.
        account: AccountId,
    } = 6,
    /// A head of an access log was anchored.
    AccessRecorded {
        /// The district whose reads it lists.
        district: DistrictId,
        /// Which of its logs.
        epoch: u32,
        /// Its entries.
        log_size: u64,
        /// The root over them.
        root: Hash,
    } = 7,
    /// A district's vault was restored and has lost entries: another log begins, this one's last head stays.
    AccessLogEnded {
        /// The district whose reads it lists.
        district: DistrictId,
        /// Which of its logs.
        epoch: u32,
        /// Its entries.
        log_size: u64,
        /// The root over them.
        root: Hash,
    } = 8,
    /// A validator said that it is ready: it has power from this height on.
    ValidatorReady {
        /// The address that it votes under.
        validator: ValidatorAddress,
        /// First height that it votes on.
        in_force: Height,
    } = 9,
    /// A validator has another key, and so another address, from this height on.
    ValidatorRotated {
        /// Its address until then.
        validator: ValidatorAddress,
        /// Its address from then on.
        successor: ValidatorAddress,
        /// First height that the new key votes on.
        in_force: Height,
    } = 10,
    /// A node has another network key, and so another peer identity.
    PeerRotated {
        /// Its identity until now.
        peer: PeerName,
        /// Its identity from now on.
        successor: PeerName,
    } = 11,
    /// A school was entered, renamed or closed.
    SchoolChanged {
        /// The district of the sender.
        district: DistrictId,
        /// The school's number, new for one that entered.
        school: SchoolId,
        /// From which school year on.
        from_year: SchoolYear,
    } = 12,
    /// A district was admitted, by vote.
    DistrictAdmitted {
        /// The number that the vote gave it.
        district: DistrictId,
        /// Who acts for it.
        operator: AccountId,
    } = 13,
    /// A district was closed, by vote.
    DistrictClosed {
        /// The number that nobody gets again.
        district: DistrictId,
        /// Who has its business now.
        successor: Option<DistrictId>,
    } = 14,
    /// A node was admitted, by vote: it follows, and votes once it has said that it is ready.
    NodeAdmitted {
        /// The new member's account, which runs it.
        account: AccountId,
        /// The address it will vote under.
        validator: ValidatorAddress,
        /// The last block time at which it may say so.
        ready_until_ms: TimeMs,
    } = 15,
    /// A vote added a version of the twins' parameters.
    TwinParametersSet {
        /// The version's number, one more than the last.
        version: u32,
        /// The first school year that it is in force for.
        from_year: SchoolYear,
    } = 16,
    /// A version of a building was anchored.
    EstateAnchored {
        /// The district of the sender.
        district: DistrictId,
        /// The building's id, as the district's estate writes it.
        building: Title,
        /// How often it was anchored by now.
        version: u32,
        /// The root over its rows.
        root: Hash,
        /// How many rows.
        leaf_count: u64,
    } = 17,
    /// A validator signed two things where one is allowed: the evidence is on record.
    MisbehaviourRecorded {
        /// The address that signed both.
        validator: ValidatorAddress,
        /// The height that both statements are about.
        height: Height,
        /// The round of that height, from 0.
        round: u32,
    } = 18,
    /// A certified block of another consortium was anchored.
    HeadAnchored {
        /// SHA-256 of that consortium's genesis file.
        consortium: Hash,
        /// The block's height there.
        height: Height,
        /// What that consortium's validators certified at this height.
        block_hash: Hash,
    } = 19,
    /// States were anchored.
    StatesAnchored {
        /// The district of the sender, whose tree took the leaves.
        district: DistrictId,
        /// The year of the handles, which names the tree.
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
    /// Families' words on a purpose were recorded.
    ConsentRecorded {
        /// The district of the sender, whose students they are about.
        district: DistrictId,
        /// The year of the handles.
        school_year: SchoolYear,
        /// On which purpose.
        purpose: Purpose,
        /// Given or withdrawn.
        choice: ConsentChoice,
        /// How many.
        entries: u32,
    } = 22,
    /// Students were recorded as erased.
    ErasureRecorded {
        /// The district of the sender, whose students they were.
        district: DistrictId,
        /// The year of the handles.
        school_year: SchoolYear,
        /// How many.
        handles: u32,
    } = 23,
    /// An auditor took a round's rows.
    RowsTaken {
        /// The decided round.
        round: RoundId,
        /// How often it did.
        times: u32,
    } = 25,
    /// Money was added to a budget.
    BudgetFunded {
        /// The sender, whose budget it is.
        funder: AccountId,
        /// The year that the money is for.
        school_year: SchoolYear,
        /// Funded by now, this time included.
        funded_cents: Cents,
    } = 40,
    /// A class's steward may charge a budget.
    BudgetGranted {
        /// Whose budget.
        funder: AccountId,
        /// For pools of which class.
        class: ClassId,
        /// Who may charge it.
        steward: AccountId,
        /// What may be charged from now on, spent parts included.
        granted_cents: Cents,
        /// Of it spent already.
        spent_cents: Cents,
    } = 43,
    /// A class was defined.
    ClassDefined {
        /// The number that its definition chose.
        class: ClassId,
    } = 60,
    /// A pool was opened.
    PoolDefined {
        /// The number that its definition chose.
        pool: PoolId,
        /// Charged to its budget.
        charged_cents: Cents,
    } = 61,
    /// A round was opened.
    RoundOpened {
        /// Its number, which requests name.
        round: RoundId,
        /// Requests are taken through this height at least,
        requests_until: Height,
        /// and in every block before this time, in milliseconds.
        requests_until_ms: TimeMs,
    } = 62,
    /// A share of a seed was committed to.
    SeedCommitted {
        /// The round of the seed.
        round: RoundId,
    } = 63,
    /// Requests were taken.
    RequestsTaken {
        /// The round that is open for them.
        round: RoundId,
        /// How many count.
        counted: u32,
        /// How many were of handles that had one already: the first counts.
        repeated: u32,
        /// The entries that were refused, ascending by position; as many as a batch has at most.
        refused: Vec<RefusedEntry>,
    } = 64,
    /// A committed share was revealed.
    SeedRevealed {
        /// The round of the seed.
        round: RoundId,
    } = 65,
    /// A round was decided.
    RoundDecided {
        /// The round that was run.
        round: RoundId,
        /// Requests that count: those placed and those that wait.
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
    /// A school acknowledged its places, or a missed deadline was recorded.
    Acknowledged {
        /// The round whose decision gave the places.
        round: RoundId,
        /// Which pool's places.
        pool: PoolId,
        /// What was recorded.
        arrival: Arrival,
        /// Whether this was the escalation.
        escalated: Escalation,
    } = 67,
    /// A decision was taken back, by vote.
    DecisionReverted {
        /// The round whose decision it was.
        round: RoundId,
        /// Places freed.
        freed: u32,
        /// The decision that stands again.
        standing: Option<RoundId>,
    } = 68,
    /// A pool's use was reported.
    UtilisationReported {
        /// The pool's number on the ledger.
        pool: PoolId,
        /// Places in use.
        in_use: u32,
        /// Places there are.
        capacity: u32,
        /// Requests that could have had the pool; none if too few to publish, or without a standing round.
        demand: Option<u32>,
    } = 69,
    /// A class has new terms.
    ClassTermsSet {
        /// The class, which has no round open.
        class: ClassId,
    } = 70,
    /// A pool was taken away.
    PoolRetired {
        /// The pool's number, which no other pool gets.
        pool: PoolId,
        /// Given back to its budget.
        refunded_cents: Cents,
    } = 71,
    /// An open round was cancelled, by vote.
    RoundCancelled {
        /// The round that ends undecided.
        round: RoundId,
    } = 72,
    /// A class has another steward, by vote.
    StewardReplaced {
        /// The class whose pools, rounds and terms are another's now.
        class: ClassId,
        /// Who it is now.
        steward: AccountId,
    } = 73,
    /// An audit's result is on record.
    AuditRecorded {
        /// The round whose seed drew the student.
        round: RoundId,
        /// The district that requested for the student.
        district: DistrictId,
        /// The drawn student's pseudonym.
        handle: Handle,
        /// What was found.
        finding: Finding,
    } = 24,
    /// A budget is stated by school.
    BudgetStated {
        /// The sender, whose budget it is.
        funder: AccountId,
        /// The year that the money is for.
        school_year: SchoolYear,
        /// What the committed amounts sum to.
        total_cents: Cents,
    } = 41,
    /// A floor per weighted pupil is shown to hold.
    EquityStated {
        /// Whose money.
        funder: AccountId,
        /// The year of the stated budget and of the round.
        school_year: SchoolYear,
        /// The round whose requests weigh the pupils.
        round: RoundId,
        /// Cents for each hundredth of a weighted pupil.
        floor_cents: u32,
    } = 42,
    /// Of a rejected RunRound: what cannot be met together, as a minimum cut. The round stays open.
    RoundInfeasible {
        /// The round that was run.
        round: RoundId,
        /// Which way it cannot be met.
        shortage: Shortage,
        /// Pools that take part, ascending.
        pools: Vec<PoolId>,
        /// Schools whose fair share takes part, ascending.
        schools: Vec<SchoolId>,
        /// Places or students missing.
        short: u64,
    } = 79,
}

/// An entry of a batch that was not taken, while others were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct RefusedEntry {
    /// Its position in the batch, from 0.
    pub entry: u32,
    /// Why.
    pub code: Code,
}

/// Which way bounds cannot be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Shortage {
    /// More students must go to the pools than these hold.
    Places = 0,
    /// The floors ask for more students than can go there.
    Students = 1,
}

impl Event {
    /// For a round that cannot be met: the minimum cut in words; none for other events.
    pub fn explain(&self) -> Option<String> {
        let Self::RoundInfeasible { shortage, pools, schools, short, .. } = self else { return None };
        let list = |ids: Vec<String>| ids.join(", ");
        let pools = list(pools.iter().map(PoolId::to_string).collect());
        let mut words = match shortage {
            Shortage::Places if pools.is_empty() => format!("places are missing: {short}"),
            Shortage::Places => format!(
                "students who may only go to pools {pools} or may not wait need {short} more places than these have"
            ),
            Shortage::Students if pools.is_empty() => format!("students are missing: {short}"),
            Shortage::Students => {
                format!("the guaranteed use of pools {pools} needs {short} more students than may go there")
            }
        };
        if !schools.is_empty() {
            let schools = list(schools.iter().map(SchoolId::to_string).collect());
            words.push_str(&format!("; the guaranteed shares of schools {schools} take part"));
        }
        Some(words)
    }
}
