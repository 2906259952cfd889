//! The proof that an assignment is optimal, and its check, which shares no code with the solver.
//!
//! Weak duality (Gale, Kuhn, Tucker 1951; for convex arcs Rockafellar, *Network Flows and Monotropic
//! Optimization*, 1984): for ANY prices y (pools) and μ (schools)
//!
//! ```text
//! cost(a) ≥ Σ_s min_p [c(s,p) + y_p + (p is the waitlist ? μ_σ(s) : 0)]
//!           − Σ_p max(y_p·capacity_p, y_p·floor_p) + Σ_σ min_{0 ≤ w ≤ n_σ − min_σ} [penalty_σ·max(0, n_σ − share_σ − w) − μ_σ·w]
//! ```
//!
//! Equality proves optimality. **Sign**: a price is what a place costs beyond the row's own cost; y_p > 0 only when
//! p is full, y_p < 0 only when p is down to its floor; μ_σ moves the waitlist entry of σ's rows and is negative
//! where the school exceeds its share.
//!
//! The second stage (ζ, ν) proves the lottery the same way, over the arcs tight under (y, μ) and with every bound
//! that the first stage's prices keep binding. Both checks are one pass over the pairs: O(n·k), or O(entries).
//!
//! Invariant: [`check`] never panics, whatever the bytes say. Absent: any claim that the inputs are true.

use super::draw::DrawKey;
use super::problem::{INELIGIBLE, Pool, Problem, Rows};
use borsh::{BorshDeserialize, BorshSerialize};
use std::io;
use thiserror::Error;

mod dual;
#[cfg(test)]
mod tests;

use dual::{Stage, Tickets};

/// Version byte that starts a stored certificate.
pub const CERTIFICATE_VERSION: u8 = 1;
/// Largest absolute price: three of them add up inside 63 bits.
pub const MAX_PRICE: i64 = 1 << 60;

/// Prices of one stage, in that stage's cost units, indexed as the problem's pools and schools.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Prices {
    /// Price of each pool (y, or ζ in the second stage), at most [`MAX_PRICE`] in absolute value.
    pub pools: Vec<i64>,
    /// Price of each school (μ, or ν in the second stage); empty without schools.
    pub schools: Vec<i64>,
}

/// Proof of the second stage: the assignment is the one the lottery drew.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DrawProof {
    /// Σ of the drawn tickets.
    pub ticket_sum: i64,
    /// (ζ, ν), in the places of (y, μ).
    pub prices: Prices,
}

/// What the solver hands over with an assignment. Stored as a version byte, then borsh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Weighted cost of the assignment, penalties included.
    pub objective: i64,
    /// The lower bound that `prices` prove; equal to `objective` when optimal.
    pub dual: i64,
    /// ⌈10^6·(objective − dual)/(U − dual)⌉ with U the worst possible cost; 0 when optimal.
    pub gap_ppm: u32,
    /// (y, μ), in the cost units of the rows.
    pub prices: Prices,
    /// The lottery's proof; absent without a lottery or when the first stage is not proved optimal.
    pub draw: Option<DrawProof>,
}

impl BorshSerialize for Certificate {
    fn serialize<W: io::Write>(&self, w: &mut W) -> io::Result<()> {
        CERTIFICATE_VERSION.serialize(w)?;
        self.objective.serialize(w)?;
        self.dual.serialize(w)?;
        self.gap_ppm.serialize(w)?;
        self.prices.serialize(w)?;
        self.draw.serialize(w)
    }
}

impl BorshDeserialize for Certificate {
    fn deserialize_reader<R: io::Read>(r: &mut R) -> io::Result<Self> {
        if u8::deserialize_reader(r)? != CERTIFICATE_VERSION {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "unknown certificate version"));
        }
        Ok(Self {
            objective: i64::deserialize_reader(r)?,
            dual: i64::deserialize_reader(r)?,
            gap_ppm: u32::deserialize_reader(r)?,
            prices: Prices::deserialize_reader(r)?,
            draw: Option::deserialize_reader(r)?,
        })
    }
}

/// What a certificate that passed proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Weighted cost of the assignment, recomputed.
    pub objective: i64,
    /// Proven lower bound, recomputed.
    pub dual: i64,
    /// Proven gap in parts per million; 0 means optimal.
    pub gap_ppm: u32,
    /// What is proved about the choice among optimal assignments.
    pub draw: DrawVerdict,
}

/// What is proved about the choice among the optimal assignments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawVerdict {
    /// No lottery: the problem has none, or the first stage is not proved optimal.
    NoLottery,
    /// The assignment has the least ticket sum among the optimal ones.
    Proved {
        /// Σ of the drawn tickets.
        ticket_sum: i64,
    },
}

/// Why a certificate does not prove its assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// Assignment or prices do not have one entry for each student, pool or school.
    #[error("the certificate's lengths do not fit the problem")]
    Length,
    /// A price beyond [`MAX_PRICE`].
    #[error("a price is out of range")]
    PriceRange,
    /// A student sits in a pool that is not eligible for them (a mandate at the waitlist, for one).
    #[error("student {0} is not eligible for the assigned pool")]
    NotEligible(u32),
    /// A pool holds more than its capacity or less than its floor.
    #[error("pool {0} is over its capacity or under its floor")]
    PoolLoad(u32),
    /// A school has fewer students placed than guaranteed.
    #[error("school {0} has fewer students placed than guaranteed")]
    SchoolShort(u32),
    /// At the prices of the stage a student has a better place than the assigned one.
    #[error("stage {stage}: student {student} has a better place at these prices")]
    NotBest {
        /// 1 for cost, 2 for the lottery.
        stage: u8,
        /// Row index.
        student: u32,
    },
    /// A priced pool is not at the bound its price pays for.
    #[error("stage {stage}: pool {pool} has a price but not the load it stands for")]
    PoolSlack {
        /// 1 for cost, 2 for the lottery.
        stage: u8,
        /// Pool index.
        pool: u32,
    },
    /// A school's waitlisted students are not on the segment its price stands for.
    #[error("stage {stage}: school {school} has a price but not the share it stands for")]
    SchoolSlack {
        /// 1 for cost, 2 for the lottery.
        stage: u8,
        /// School index.
        school: u32,
    },
    /// The recomputed objective or ticket sum differs from the claimed one.
    #[error("stage {0}: the objective is not the claimed one")]
    Objective(u8),
    /// The recomputed bound or gap differs from the claimed one.
    #[error("stage {0}: the prices do not prove the claimed bound")]
    Dual(u8),
    /// A lottery proof is missing where one is due, or present where none is possible.
    #[error("the lottery's proof is missing or out of place")]
    Draw,
}

impl CertificateError {
    /// Stable number of the refusal.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Length => 1,
            Self::PriceRange => 2,
            Self::NotEligible(_) => 3,
            Self::PoolLoad(_) => 4,
            Self::SchoolShort(_) => 5,
            Self::NotBest { .. } => 6,
            Self::PoolSlack { .. } => 7,
            Self::SchoolSlack { .. } => 8,
            Self::Objective(_) => 9,
            Self::Dual(_) => 10,
            Self::Draw => 11,
        }
    }
}

/// What an assignment uses, recounted.
struct Usage {
    load: Vec<i64>,
    waitlisted: Vec<i64>,
    size: Vec<i64>,
}

/// Checks that `assignment` (a pool index a student) is feasible and that `certificate` proves what it claims.
///
/// # Errors
/// The first thing that does not hold; see [`CertificateError`].
pub fn check(
    problem: &Problem,
    assignment: &[u32],
    certificate: &Certificate,
) -> Result<Verdict, CertificateError> {
    let usage = feasible(problem, assignment)?;
    let schools = dual::segments(problem, &usage)?;
    let stage = Stage::first(problem, &certificate.prices, &schools)?;
    let proved = certificate.gap_ppm == 0;
    // Both stages read a row while it is at hand; what the second says counts only once the first holds.
    let lottery = drawn(problem, certificate);
    let lottery = lottery.and_then(|lottery| {
        lottery.map(|(keys, proof)| Ok((keys, proof.ticket_sum, stage.second(&proof.prices)?))).transpose()
    });
    let mut tickets = match &lottery {
        Ok(Some((keys, _, second))) => Some(Tickets::new(problem, keys, &stage, second)),
        _ => None,
    };
    let sums = stage.costs(problem, assignment, proved, |student, pool| {
        tickets.iter_mut().for_each(|tickets| tickets.add(student, pool));
    })?;
    if proved {
        stage.slackness(&usage.load, &usage.waitlisted)?;
    }
    let penalties: i128 = schools.iter().zip(&usage.waitlisted).map(|(s, &w)| s.value(w)).sum();
    let objective = sums.objective + penalties;
    if objective != i128::from(certificate.objective) {
        return Err(CertificateError::Objective(1));
    }
    let dual = stage.dual(sums.best);
    let worst = sums.worst + schools.iter().map(dual::Segments::most).sum::<i128>();
    let claimed =
        if proved { dual == objective } else { gap(objective, dual, worst) == Some(certificate.gap_ppm) };
    if dual != i128::from(certificate.dual) || !claimed {
        return Err(CertificateError::Dual(1));
    }
    let draw = match (&lottery, tickets) {
        (Err(refused), _) => return Err(*refused),
        (Ok(Some((_, ticket_sum, second))), Some(tickets)) => {
            check_draw(second, tickets.sums()?, *ticket_sum, &usage)?
        }
        _ => DrawVerdict::NoLottery,
    };
    Ok(Verdict {
        objective: certificate.objective,
        dual: certificate.dual,
        gap_ppm: certificate.gap_ppm,
        draw,
    })
}

/// Keys and proof of the lottery; `None` where there is none to prove.
fn drawn<'a>(
    problem: &'a Problem,
    certificate: &'a Certificate,
) -> Result<Option<(&'a [DrawKey], &'a DrawProof)>, CertificateError> {
    match (problem.draw(), &certificate.draw, certificate.gap_ppm) {
        (None, None, _) => Ok(None),
        (Some(_), None, gap) if gap > 0 => Ok(None),
        (Some(keys), Some(proof), 0) => Ok(Some((keys, proof))),
        _ => Err(CertificateError::Draw),
    }
}

/// What the lottery stage's sums have to show.
fn check_draw(
    second: &Stage,
    sums: dual::Sums,
    ticket_sum: i64,
    usage: &Usage,
) -> Result<DrawVerdict, CertificateError> {
    second.slackness(&usage.load, &usage.waitlisted)?;
    if sums.objective != i128::from(ticket_sum) {
        return Err(CertificateError::Objective(2));
    }
    if second.dual(sums.best) != sums.objective {
        return Err(CertificateError::Dual(2));
    }
    Ok(DrawVerdict::Proved { ticket_sum })
}

/// ⌈10^6·(objective − dual)/(worst − dual)⌉; 0 when the denominator is; `None` when it cannot be a gap.
fn gap(objective: i128, dual: i128, worst: i128) -> Option<u32> {
    let (over, room) = (objective.checked_sub(dual)?, worst.checked_sub(dual)?);
    if over < 0 || room < over {
        return None;
    }
    if room == 0 {
        return Some(0);
    }
    u32::try_from(over.checked_mul(1_000_000)?.checked_add(room - 1)? / room).ok()
}

/// Counts loads and refuses what breaks a bound of the problem itself.
fn feasible(problem: &Problem, assignment: &[u32]) -> Result<Usage, CertificateError> {
    if assignment.len() != problem.students() {
        return Err(CertificateError::Length);
    }
    let count = problem.schools().map_or(0, |layer| layer.schools.len());
    let mut usage =
        Usage { load: vec![0; problem.pools().len()], waitlisted: vec![0; count], size: vec![0; count] };
    for (student, &pool) in assignment.iter().enumerate() {
        let load = usage.load.get_mut(pool as usize);
        let (Some(load), Some(_)) = (load, problem.cost(student, pool)) else {
            return Err(CertificateError::NotEligible(student as u32));
        };
        *load += 1;
        let school = problem.schools().and_then(|layer| layer.school_of.get(student)).map(|&s| s as usize);
        let Some(school) = school else { continue };
        usage.size.get_mut(school).into_iter().for_each(|n| *n += 1);
        if problem.waitlist_pool() == Some(pool) {
            usage.waitlisted.get_mut(school).into_iter().for_each(|n| *n += 1);
        }
    }
    let bad = |(pool, load): (&Pool, &i64)| *load > i64::from(pool.capacity) || *load < i64::from(pool.floor);
    match problem.pools().iter().zip(&usage.load).position(bad) {
        Some(pool) => Err(CertificateError::PoolLoad(pool as u32)),
        None => Ok(usage),
    }
}
