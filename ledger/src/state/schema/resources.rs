//! Records of money and resources: budgets, classes, pools, rounds and their rows.

use aula_allocation::equity::Plain;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::chain::canonical;
use super::{Moment, Window};
use crate::code::Code;
use crate::codec::Canonical;
use crate::keys::{Label, hash};
use crate::params::Params;
use crate::proof::TreeHead;
use crate::proof::need::NeedClaim;
use crate::state::schema::{ClassTerms, DefineClass, Mandate};
use crate::types::{
    AccountId, Band, Cents, ClassId, CommitmentBytes, DistrictId, Handle, Hash, Height, KindId, PoolId,
    RoundId, SchoolId, SchoolYear, TimeMs,
};

/// A funder's budget of a school year. Invariant: `charged_cents <= funded_cents`.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Budget {
    /// The funder whose money it is.
    pub funder: AccountId,
    /// The year whose classes' pools may be charged to it.
    pub school_year: SchoolYear,
    /// All that FundBudget ever added.
    pub funded_cents: Cents,
    /// What pools that are not retired have charged.
    pub charged_cents: Cents,
}

/// What a funder lets a class's steward charge to its budget of the class's school year. Invariant:
/// `spent_cents <= granted_cents`.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Grant {
    /// The funder whose budget it is.
    pub funder: AccountId,
    /// For pools of which class.
    pub class: ClassId,
    /// Who may charge it.
    pub steward: AccountId,
    /// What the funder set last; never less than what is spent.
    pub granted_cents: Cents,
    /// Charged by pools that are not retired.
    pub spent_cents: Cents,
}

/// A class with where its rounds are.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Class {
    /// As it was defined.
    pub definition: DefineClass,
    /// Who defines its pools, opens and runs its rounds and sets its terms.
    pub steward: AccountId,
    /// What it asks beyond its costs.
    pub terms: ClassTerms,
    /// How many pools were defined, retired ones included: none can be left out of what an auditor is shown.
    pub pools: u32,
    /// How many of them are retired.
    pub retired: u32,
    /// The round that is open: at most one a class, none between rounds.
    pub open_round: Option<RoundId>,
    /// The round whose decision stands: places belong to it alone, so that none is given twice.
    pub standing_round: Option<RoundId>,
    /// When its newest round was opened; none before the first, and when that round's decision was reverted.
    pub opened_ms: Option<TimeMs>,
    /// The newest round that something was drawn for.
    pub last_draw: Option<RoundId>,
}

/// Places of one kind at one school, as the steward defined them.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct PoolRecord {
    /// Its number.
    pub pool: PoolId,
    /// The class whose rounds give its places out.
    pub class: ClassId,
    /// Where its places are.
    pub school: SchoolId,
    /// Index in the class's list of kinds.
    pub kind: KindId,
    /// How many places.
    pub capacity: u32,
    /// How many must be used.
    pub floor: u32,
    /// What a place cost.
    pub unit_cost_cents: Cents,
    /// Whose budget was charged.
    pub funder: AccountId,
    /// Who defined it; where the funder is another, by a grant.
    pub steward: AccountId,
    /// In which block it was defined: decided rounds were about the pools from before.
    pub defined: Height,
    /// In which block it was retired: later rounds are not about it.
    pub retired: Option<Height>,
}

/// Where a round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum RoundStatus {
    /// Not decided.
    Open = 0,
    /// RunRound ended with a decision, which may have been taken back or replaced since.
    Decided {
        /// In which block.
        height: Height,
    } = 1,
    /// Never decided: another round of the class took its place, or a vote cancelled it.
    GivenUp {
        /// In which block.
        height: Height,
    } = 2,
}

/// A round: what was fixed at its opening, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Round {
    /// Its number.
    pub round: RoundId,
    /// The class whose pools it gives out.
    pub class: ClassId,
    /// The school year of its handles.
    pub school_year: SchoolYear,
    /// In which block it was opened; a state anchored there or later is too late.
    pub opened: Height,
    /// That block's time.
    pub opened_ms: TimeMs,
    /// Block time for requests and commitments, in milliseconds; as long for the commitments of a further attempt.
    pub request_window_ms: u64,
    /// Block time for reveals, in milliseconds.
    pub reveal_window_ms: u64,
    /// Which attempt at its seed is under way or was the last, from 1.
    pub attempt: u32,
    /// Which window is open.
    pub window: Window,
    /// The block that opened the window, or closed the last one: the window holds from the next on, if it opened by a
    /// transaction, otherwise from this one.
    pub since: Moment,
    /// The window ends with the first block above this height that is not before this time.
    pub ends: Moment,
    /// Last height that took requests, once there is one.
    pub requests_until: Option<Height>,
    /// The round whose place it took without a vote, if something was drawn for that one: what it may be drawn for is the
    /// same requests alone.
    pub follows: Option<RoundId>,
    /// Version of the twins' parameters in force for its school year when it was opened: requests go by it.
    pub parameters: u32,
    /// Equity weight when it was opened.
    pub equity: u32,
    /// The class's terms when it was opened.
    pub terms: ClassTerms,
    /// How many requests count.
    pub requests: u32,
    /// Pairs of a request and an eligible pool, waiting included: the size of its problem.
    pub pairs: u64,
    /// Where it is.
    pub status: RoundStatus,
}

impl Round {
    /// Whether it takes requests.
    pub fn takes_requests(&self) -> bool {
        self.status == RoundStatus::Open && self.window == Window::Requests
    }

    /// Whether it takes commitments to shares of its seed.
    pub fn takes_commitments(&self) -> bool {
        self.status == RoundStatus::Open && matches!(self.window, Window::Requests | Window::Commits)
    }

    /// Whether a block of this height may run it: never the very one that closes the reveals, whose work was counted on
    /// the state before it.
    pub fn may_run(&self, height: Height) -> bool {
        self.reveals_closed().is_some_and(|closed| self.status == RoundStatus::Open && height > closed.height)
    }

    /// The block that closed its reveals for good.
    pub fn reveals_closed(&self) -> Option<Moment> {
        (self.window == Window::Closed).then_some(self.since)
    }

    /// Whether its window ends with this block.
    pub fn window_ends(&self, at: Moment) -> bool {
        self.status == RoundStatus::Open
            && self.window != Window::Closed
            && at.height > self.ends.height
            && at.time_ms >= self.ends.time_ms
    }
}

/// That a round was run and had no result, with the parameters that would have to change before another run could end
/// otherwise: its rows, pools and seed cannot, so running it again would be work for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RefusedRun {
    /// The round, which stays open.
    pub round: RoundId,
    /// The block that ran it.
    pub height: Height,
    /// The code of that RunRound's receipt.
    pub code: Code,
    /// Work it was allowed.
    pub max_round_work: u64,
    /// Largest gap that would have been accepted.
    pub max_gap_ppm: u32,
}

impl RefusedRun {
    /// Of a run in a block of this height under these parameters.
    pub const fn new(round: RoundId, height: Height, code: Code, params: &Params) -> Self {
        let (max_round_work, max_gap_ppm) = (params.max_round_work, params.max_gap_ppm);
        Self { round, height, code, max_round_work, max_gap_ppm }
    }

    /// Whether another run under these parameters would end the same way.
    pub const fn stands(&self, params: &Params) -> bool {
        self.max_round_work == params.max_round_work && self.max_gap_ppm == params.max_gap_ppm
    }
}

/// What of a round one district took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Intake {
    /// Requests that count.
    pub requests: u32,
    /// Pairs of them and an eligible pool.
    pub pairs: u64,
}

/// A request that counts: a row of the round's requests, under [`RequestRow::key`].
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct RequestRow {
    /// The district that submitted it.
    pub district: DistrictId,
    /// Whose; another district may have the same handle, which is another student.
    pub handle: Handle,
    /// The student's school.
    pub home_school: SchoolId,
    /// The need band.
    pub band: Band,
    /// Whether the student must be placed.
    pub mandate: Mandate,
    /// Wanted kinds, best first.
    pub kinds: Vec<KindId>,
    /// SHA-256 of the student's row in the district's tree: the state, and its commitments, that it speaks of.
    pub state_row: Hash,
    /// The commitments to the inputs of the need rule in that state, of which the band was proved.
    pub inputs: Vec<CommitmentBytes>,
}

impl RequestRow {
    /// What was proved when this request was taken.
    pub fn claim(&self) -> NeedClaim {
        NeedClaim { handle: self.handle, band: self.band, inputs: self.inputs.clone() }
    }

    /// Where this request and its decision stand in the round's trees.
    pub fn key(&self) -> Handle {
        round_row_key(self.district, &self.handle)
    }
}

/// Where a student's request and decision stand in a round's trees: handles are in the clear, so that a key made of the
/// handle alone would belong to whichever district requests first. Of a handle's shape, as the keys of all bulk trees
/// are, and no handle: SHA-256 over a label, the district (two bytes, little endian) and the handle.
pub fn round_row_key(district: DistrictId, handle: &Handle) -> Handle {
    Handle(hash(Label::RoundRow, &[&district.0.to_le_bytes(), &handle.0]).0)
}

/// Where a student is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "placement", rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Placement {
    /// Has no place: the student waits.
    Waitlist = 0,
    /// Has a place.
    Pool {
        /// The pool that the place is of.
        pool: PoolId,
        /// The pool's kind, as ranked by the request: 0 is the first choice.
        rank: u8,
        /// 0 own school, 1 own district, 2 same type of school.
        tier: u8,
    } = 1,
}

/// A decision: a row of the round's decisions, one for each request and under its key.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct DecisionRow {
    /// Where the student is placed.
    pub placement: Placement,
    /// The request's weight W.
    pub weight: u32,
    /// W times the place's cost.
    pub cost: u32,
}

/// A pool's price in a decision.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct PoolPrice {
    /// The pool's number on the ledger.
    pub pool: PoolId,
    /// The least optimal price: what one more place would save, if above 0; none where it is unbounded.
    pub price: Option<i64>,
    /// How many of its places are used.
    pub used: u32,
}

/// A school's price in a decision with a fair share.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SchoolPrice {
    /// The school that the students come from.
    pub school: SchoolId,
    /// What waiting costs its students beyond the table; negative where the school is beyond its share.
    pub price: i64,
}

/// How a need band fared.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct BandCounts {
    /// Requests of this band that count.
    pub requests: u32,
    /// Of them, those that got a place.
    pub placed: u32,
    /// Placed in the first-ranked kind.
    pub first_choice: u32,
}

/// What a round's report counts. Cells under the parameter `min_cell_students` are not published.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct RoundReport {
    /// Requests that count; one of a district and handle.
    pub requests: u32,
    /// Of them, those that got a place.
    pub placed: u32,
    /// Of them, those that got none.
    pub waitlisted: u32,
    /// Placed in the first-ranked kind.
    pub first_choice: u32,
    /// Placed by tier: own school, own district, same type.
    pub by_tier: [u32; 3],
    /// Mandated requests.
    pub mandated: u32,
    /// Mandated and placed; equals `mandated` in every decision.
    pub mandates_met: u32,
    /// By need band 0..=9.
    pub by_band: [BandCounts; 10],
}

/// A round's decision.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Decision {
    /// The round that was run.
    pub round: RoundId,
    /// The class of the round, as its record says too.
    pub class: ClassId,
    /// The block that decided it.
    pub height: Height,
    /// The requests that were decided.
    pub requests: TreeHead,
    /// The decisions, one for each request, in the same order.
    pub decisions: TreeHead,
    /// The seed of the lottery.
    pub seed: Hash,
    /// The round whose shares are in it: this one, or an earlier one of the class and period with these very requests.
    pub seed_round: RoundId,
    /// That round's attempt, from 1.
    pub attempt: u32,
    /// The how manieth draw of the class and period it is, from 1.
    pub draw: u32,
    /// Validators' accounts whose shares are in the seed, ascending.
    pub revealed: Vec<AccountId>,
    /// Those that committed and did not reveal, ascending: each could choose between two seeds.
    pub withheld: Vec<AccountId>,
    /// Weighted cost of the assignment.
    pub objective: i64,
    /// Proven lower bound; equal to the objective when optimal.
    pub dual: i64,
    /// Proven gap in parts per million, rounded up; 0 is optimal.
    pub gap_ppm: u32,
    /// Entries the optimizer scanned.
    pub work: u64,
    /// Work it was allowed.
    pub max_work: u64,
    /// Gap it was allowed.
    pub max_gap_ppm: u32,
    /// SHA-256 of the certificate's bytes, which stand in a record of their own.
    pub certificate_sha256: Hash,
    /// Prices and use of the class's pools, ascending.
    pub prices: Vec<PoolPrice>,
    /// Price of waiting, by school; empty without a fair share. Ascending.
    pub school_prices: Vec<SchoolPrice>,
    /// What the report counts.
    pub report: RoundReport,
    /// The decision that stood before.
    pub replaces: Option<RoundId>,
}

impl Decision {
    /// Whether the round was about this pool of its class: none appears or is retired while a round is open, so all that
    /// were there before are. In its own block a pool may only be retired after the decision.
    pub fn concerns(&self, pool: &PoolRecord) -> bool {
        pool.defined < self.height && pool.retired.is_none_or(|at| self.height <= at)
    }

    /// True when the certificate proves the optimum.
    pub fn is_optimal(&self) -> bool {
        self.gap_ppm == 0 && self.objective == self.dual
    }
}

/// A round at equity 0, solved: what its price of fairness compares with. For auditors, as the round's rows are.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StoredPlain {
    /// None when it was not solved within its own work.
    pub solved: Option<Plain>,
}

/// The optimizer's certificate, as bytes of its own format.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StoredCertificate {
    /// Borsh of [`aula_allocation::certificate::Certificate`], which has a version of its own.
    pub bytes: Vec<u8>,
}

canonical! {
    Budget = "budget", 128;
    Grant = "grant", 128;
    Class = "class", 4 * 1024;
    PoolRecord = "pool", 128;
    Round = "round", 256;
    RefusedRun = "refused run", 64;
    Intake = "intake", 32;
    RequestRow = "request", 512;
    DecisionRow = "decision row", 64;
    Decision = "decision", 512 * 1024;
    StoredCertificate = "stored certificate", 4 * 1024 * 1024;
    StoredPlain = "round at equity 0", 8 * 1024 * 1024;
}
