//! From a problem to a proved assignment.
//!
//! Flow: 32-bit kernel where costs allow it (else, or when a price outgrows it, the same in 64 bits) → least prices
//! → lottery on the tight arcs → certificate. Out of work in the first stage: the prices so far stay, a
//! breadth-first repair makes the assignment feasible, and the gap is proved instead of the optimum.
//!
//! Same problem and limit, same bytes: no clock, no randomness, no thread.

use std::fmt;

use super::bounded::{self, MAX_GAP_PPM};
use super::capacity_one::{self, Matching};
use super::certificate::{Certificate, DrawProof, Prices};
use super::engine::{Arcs, Engine, Meter, Stop};
use super::levels;
use super::lottery;
use super::network::Network;
use super::prices::{self, LeastPrices};
use super::problem::Problem;
use super::rows::{Columns, ProblemRows, RowSource};
use super::scalar::Scalar;
use thiserror::Error;

/// Default bound of a solution's work, in entries scanned.
pub const DEFAULT_WORK: u64 = 1_000_000_000;
/// Part of the work kept back for the repair: one in this many.
const REPAIR_SHARE: u64 = 4;

/// Passes over all pairs that any solution takes, so that what cannot be stopped half-way fits the limit.
const LEAST_PASSES: u64 = 8;

/// What a solution may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Cost and price entries that may be scanned, repair included.
    pub work: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { work: DEFAULT_WORK }
    }
}

/// A feasible assignment with its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    /// Pool of each student, by row.
    pub assignment: Vec<u32>,
    /// Weighted cost, penalties included.
    pub objective: i64,
    /// Proven lower bound.
    pub dual: i64,
    /// Proven gap in parts per million, rounded up; 0 is optimal.
    pub gap_ppm: u32,
    /// Proof of all of the above.
    pub certificate: Certificate,
    /// Least optimal price of each pool; `None` where a floor cannot be raised or optimality is not proved.
    pub published: Vec<Option<i64>>,
    /// Entries scanned.
    pub work: u64,
}

impl Solution {
    /// Whether the assignment is proved optimal.
    pub fn optimal(&self) -> bool {
        self.gap_ppm == 0
    }
}

/// Why a floor, a capacity or a guarantee cannot be met: a minimum cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The students who can only go to these pools (or these schools' guarantees keep them off the waitlist) are
    /// `short` more than the pools hold.
    Crowded {
        /// Pools that are too small together, ascending.
        pools: Vec<u32>,
        /// Schools whose guarantee takes part, ascending.
        schools: Vec<u32>,
        /// Places missing.
        short: u64,
    },
    /// The floors of these pools need `short` more students than can go there.
    Starved {
        /// Pools whose floors cannot be met together, ascending.
        pools: Vec<u32>,
        /// Schools that take part, ascending.
        schools: Vec<u32>,
        /// Students missing.
        short: u64,
    },
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pools, schools) = match self {
            Self::Crowded { pools, schools, .. } | Self::Starved { pools, schools, .. } => (pools, schools),
        };
        let named = |one: &str, many: &str, numbers: &[u32]| {
            let listed: Vec<String> = numbers.iter().map(u32::to_string).collect();
            format!("{} {}", if numbers.len() == 1 { one } else { many }, listed.join(", "))
        };
        let pool_words = named("pool", "pools", pools);
        let guarantees = match schools.as_slice() {
            [] => String::new(),
            schools => format!(" under the guarantees of {}", named("school", "schools", schools)),
        };
        match self {
            Self::Crowded { short, .. } | Self::Starved { short, .. } if pools.is_empty() => {
                let schools = named("school", "schools", schools);
                write!(f, "the guarantees of {schools} need {short} students more than there are")
            }
            Self::Crowded { short, .. } => {
                write!(
                    f,
                    "{pool_words}: {short} places too few for the students who can go nowhere else{guarantees}"
                )
            }
            Self::Starved { short, .. } => {
                write!(f, "{pool_words}: the floors need {short} students more than can go there{guarantees}")
            }
        }
    }
}

/// Why there is no solution.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SolveError {
    /// No assignment meets every bound.
    #[error("the bounds cannot be met: {0}")]
    Infeasible(Cut),
    /// The work ran out before any feasible assignment was found.
    #[error("no feasible assignment within {0} units of work")]
    OutOfWork(u64),
    /// The work ran out and the proven gap is above [`MAX_GAP_PPM`].
    #[error("the proven gap of {0} ppm is above {MAX_GAP_PPM}")]
    Gap(u32),
    /// The work ran out in the lottery.
    #[error("the lottery did not finish within {0} units of work")]
    DrawOutOfWork(u64),
    /// A value left 64 bits; impossible within the documented limits.
    #[error("a value left its range")]
    Range,
}

impl SolveError {
    /// Stable number of the refusal, for receipts.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Infeasible(_) => 1,
            Self::OutOfWork(_) => 2,
            Self::Gap(_) => 3,
            Self::DrawOutOfWork(_) => 4,
            Self::Range => 5,
        }
    }
}

/// What the first stage leaves: columns by student and node prices.
struct First {
    columns: Vec<u32>,
    prices: Vec<i64>,
    bounded: Vec<bool>,
    proved: bool,
}

/// Finds the assignment of least cost, draws among equals, and proves both.
///
/// # Errors
/// See [`SolveError`]; infeasible bounds come with a minimum cut.
pub fn solve(problem: &Problem, limits: &Limits) -> Result<Solution, SolveError> {
    let network = Network::of(problem);
    refuse_impossible_guarantees(problem, &network)?;
    if limits.work < LEAST_PASSES * problem.pairs() as u64 {
        return Err(SolveError::OutOfWork(0));
    }
    let mut meter = Meter { used: 0, limit: limits.work };
    let mut first = first_stage(problem, &network, &mut meter)?;
    let bound = (!first.proved).then(|| bounded::bound(problem, &network, &first.prices));
    let drawn = match (problem.draw(), first.proved) {
        (Some(keys), true) => {
            let columns = &mut first.columns;
            let drawn = lottery::draw(problem, keys, &network, &first.prices, columns, &mut meter);
            Some(drawn.ok_or(SolveError::DrawOutOfWork(meter.used))?)
        }
        _ => None,
    };
    let objective = objective(problem, &network, &first.columns);
    let (dual, gap_ppm) = bound.map_or((objective, 0), |b| (b.dual, bounded::gap_ppm(objective, &b)));
    if gap_ppm > MAX_GAP_PPM {
        return Err(SolveError::Gap(gap_ppm));
    }
    let view = Columns::of(problem);
    let assignment: Vec<u32> = first.columns.iter().map(|&c| view.pool(c as usize)).collect();
    let objective = i64::try_from(objective).map_err(|_| SolveError::Range)?;
    let dual = i64::try_from(dual).map_err(|_| SolveError::Range)?;
    let draw = drawn.map(|d| DrawProof { ticket_sum: d.ticket_sum, prices: split(&network, &d.prices) });
    let prices = split(&network, &first.prices);
    let known = |(node, &price): (usize, &i64)| (first.proved && first.bounded[node]).then_some(price);
    let nodes = (0..network.plain).chain(network.split().then(|| network.last_pool()));
    let published = nodes.map(|node| known((node, &first.prices[node]))).collect();
    let certificate = Certificate { objective, dual, gap_ppm, prices, draw };
    Ok(Solution { assignment, objective, dual, gap_ppm, certificate, published, work: meter.used })
}

/// Node prices as pools' and schools' prices.
fn split(network: &Network, nodes: &[i64]) -> Prices {
    let last = nodes[network.last_pool()];
    let mut pools = nodes[..network.plain].to_vec();
    if network.split() {
        pools.push(last);
    }
    let schools = nodes[network.plain..network.columns].iter().map(|v| v - last).collect();
    Prices { pools, schools: if network.split() { schools } else { Vec::new() } }
}

/// Weighted cost of an assignment by columns, with penalties.
fn objective(problem: &Problem, network: &Network, columns: &[u32]) -> i128 {
    let view = Columns::of(problem);
    let cost = |(student, &column): (usize, &u32)| {
        problem.cost(student, view.pool(column as usize)).map_or(0, i128::from)
    };
    let mut waitlisted = vec![0i64; network.schools.len()];
    if network.split() {
        let late = columns.iter().filter(|&&c| c as usize >= network.plain);
        late.for_each(|&c| waitlisted[c as usize - network.plain] += 1);
    }
    let penalty = |(school, &w): (&super::network::Convex, &i64)| {
        i128::from(school.penalty) * i128::from((school.knee - w).max(0))
    };
    columns.iter().enumerate().map(cost).sum::<i128>()
        + network.schools.iter().zip(&waitlisted).map(penalty).sum::<i128>()
}

/// A school cannot place more students than it has.
fn refuse_impossible_guarantees(problem: &Problem, network: &Network) -> Result<(), SolveError> {
    let short: Vec<u32> =
        (0u32..).zip(&network.schools).filter(|(_, s)| s.high < 0).map(|(at, _)| at).collect();
    if short.is_empty() {
        return Ok(());
    }
    let missing = network.schools.iter().map(|s| (-s.high).max(0) as u64).sum();
    let pools = problem.waitlist_pool().into_iter().collect();
    Err(SolveError::Infeasible(Cut::Starved { pools, schools: short, short: missing }))
}

/// Runs the narrow kernel if costs allow it, and the wide one if they do not or prices outgrow it.
fn first_stage(problem: &Problem, network: &Network, meter: &mut Meter) -> Result<First, SolveError> {
    let penalties = network.schools.iter().map(|s| s.penalty).max().unwrap_or(0);
    if i64::from(problem.largest_cost()).max(penalties) <= i64::from(i32::LIMIT)
        && let Some(first) = kernel::<i32>(problem, network, meter)?
    {
        return Ok(first);
    }
    kernel::<i64>(problem, network, meter)?.ok_or(SolveError::Range)
}

/// One width of the kernel over the problem's kind of rows; `None` when the width does not suffice.
fn kernel<V: Scalar>(
    problem: &Problem,
    network: &Network,
    meter: &mut Meter,
) -> Result<Option<First>, SolveError> {
    match ProblemRows::of(problem) {
        ProblemRows::Dense(rows) => match capacity_one::solve(problem, network, meter) {
            Some(matching) => Ok(Some(match capacity_one::least(problem, network, &matching, meter) {
                Some(prices) => matched(matching, prices),
                None => finish(proved_matching::<V, _>(&rows, network, matching, meter), true, meter),
            })),
            None => over_rows::<V, _>(problem, &rows, network, meter),
        },
        ProblemRows::Lists(rows) => over_rows::<V, _>(problem, &rows, network, meter),
    }
}

/// The answer of the capacity-one path with its least prices, the idle node's being zero.
fn matched(matching: Matching, mut prices: Vec<i64>) -> First {
    prices.push(0);
    First { columns: matching.columns, bounded: vec![true; prices.len()], prices, proved: true }
}

/// The engine at the answer of the capacity-one path; its prices are shifted to be non-negative, which every pool
/// being full allows.
fn proved_matching<'a, V: Scalar, R: RowSource<V>>(
    rows: &'a R,
    network: &Network,
    matching: Matching,
    meter: &mut Meter,
) -> Engine<'a, V, R> {
    let least = matching.prices.iter().copied().min().unwrap_or(0);
    let mut prices: Vec<V> = matching.prices.iter().map(|y| V::from_i64(y - least)).collect();
    prices.push(V::ZERO);
    Engine::resume(rows, network.clone(), &matching.columns, prices, meter)
}

fn over_rows<V: Scalar, R: RowSource<V>>(
    problem: &Problem,
    rows: &R,
    network: &Network,
    meter: &mut Meter,
) -> Result<Option<First>, SolveError> {
    let students: Vec<u32> = (0..network.students as u32).collect();
    let whole = meter.limit;
    meter.limit -= whole / REPAIR_SHARE;
    let (mut engine, mut stop) = levels::descend(rows, network, &students, meter);
    meter.limit = whole;
    let proved = stop == Stop::Done;
    if stop == Stop::OutOfWork {
        stop = engine.run(Arcs::Any, 0, meter);
    }
    match stop {
        // What the repair ends with may be optimal at the prices so far; then it is proved, lottery and all.
        Stop::Done => {
            let proved = proved || repaired_is_optimal(problem, &engine, meter);
            Ok(Some(finish(engine, proved, meter)))
        }
        Stop::Width => Ok(None),
        Stop::OutOfWork => Err(SolveError::OutOfWork(meter.used)),
        Stop::Infeasible => Err(SolveError::Infeasible(cut(&engine))),
    }
}

/// Column of each student of an engine in balance.
fn columns_of<V: Scalar, R: RowSource<V>>(engine: &Engine<V, R>) -> Vec<u32> {
    let mut columns = vec![0u32; engine.network.students as usize];
    for column in 0..engine.network.columns {
        engine.graph.students(column).iter().for_each(|&s| columns[s as usize] = column as u32);
    }
    columns
}

/// Prices of an engine by node, the idle node's being zero.
fn prices_of<V: Scalar, R: RowSource<V>>(engine: &Engine<V, R>) -> Vec<i64> {
    let base = engine.prices[engine.network.idle()].wide();
    engine.prices.iter().map(|p| p.wide() - base).collect()
}

/// Whether the prices prove what a repair has left: no gap, hence complementary slackness everywhere.
fn repaired_is_optimal<V: Scalar, R: RowSource<V>>(
    problem: &Problem,
    engine: &Engine<V, R>,
    meter: &mut Meter,
) -> bool {
    meter.used += problem.pairs() as u64;
    let bound = bounded::bound(problem, &engine.network, &prices_of(engine));
    bound.dual == objective(problem, &engine.network, &columns_of(engine))
}

/// Reads assignment and prices off an engine in balance.
fn finish<V: Scalar, R: RowSource<V>>(mut engine: Engine<V, R>, proved: bool, meter: &mut Meter) -> First {
    let columns = columns_of(&engine);
    let LeastPrices { values, bounded } = if proved {
        prices::least(&mut engine, meter)
    } else {
        let values = prices_of(&engine);
        LeastPrices { bounded: vec![false; values.len()], values }
    };
    First { columns, prices: values, bounded, proved }
}

/// The minimum cut that the last, fruitless search shows.
fn cut<V: Scalar, R: RowSource<V>>(engine: &Engine<V, R>) -> Cut {
    let network = &engine.network;
    let mut reached = vec![false; network.nodes()];
    engine.reached().iter().for_each(|&v| reached[v as usize] = true);
    let starved = reached[network.idle()];
    let side = |node: usize| reached[node] != starved;
    let counts = |pool: u32, node: usize| {
        side(node) && (!starved || network.pools.get(pool as usize).is_some_and(|p| p.floor > 0))
    };
    let mut pools: Vec<u32> = (0..network.plain).filter(|&p| counts(p as u32, p)).map(|p| p as u32).collect();
    if network.split() && counts(network.plain as u32, network.last_pool()) {
        pools.push(network.plain as u32);
    }
    let schools = (network.plain..network.columns).filter(|&c| side(c));
    let schools = schools.map(|c| (c - network.plain) as u32).collect();
    let short = engine.excess().unsigned_abs();
    if starved { Cut::Starved { pools, schools, short } } else { Cut::Crowded { pools, schools, short } }
}
