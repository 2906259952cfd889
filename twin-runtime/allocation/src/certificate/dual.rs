//! The arithmetic of the check: one [`Stage`] holds prices and bounds, adds up both sides and tests slackness.
//!
//! A stage is built either from the problem (cost) or from a proved first stage (tickets), with the bounds that the
//! first stage's prices keep binding. Sums of students are i128, single entries i64 or, when every price is small,
//! i32, which is what makes a dense pass as fast as memory.

use super::{CertificateError, INELIGIBLE, MAX_PRICE, Prices, Problem, Rows, Usage};
use crate::draw::DrawKey;
use crate::problem::{Entry, School};

mod rows;

use rows::{DrawPrices, best_and_worst, best_and_worst_narrow, best_plain};

/// Prices up to this go through the 32-bit pass: with a cost below 2^30 no sum leaves 31 bits.
const SMALL_PRICE: i64 = 1 << 29;

/// A school's convex cost of `w` waitlisted students on `low..=high`: slope −`penalty` up to `knee`, then 0.
#[derive(Clone, Copy)]
pub(super) struct Segments {
    low: i64,
    high: i64,
    knee: i64,
    penalty: i64,
}

impl Segments {
    /// Penalty paid with `w` students waitlisted.
    pub(super) fn value(&self, w: i64) -> i128 {
        i128::from(self.penalty) * i128::from((self.knee - w).max(0))
    }

    /// The largest penalty: nobody waitlisted.
    pub(super) fn most(&self) -> i128 {
        self.value(0)
    }

    /// Least of value(w) − price·w, and the interval of w that attains it.
    fn best(&self, price: i64) -> (i128, i64, i64) {
        let corner = self.knee.clamp(self.low, self.high);
        let at = |w: i64| self.value(w) - i128::from(price) * i128::from(w);
        let least = at(self.low).min(at(corner)).min(at(self.high));
        let attaining = [self.low, corner, self.high].into_iter().filter(|&w| at(w) == least);
        let (from, to) = attaining.fold((self.high, self.low), |(a, b), w| (a.min(w), b.max(w)));
        (least, from, to)
    }
}

/// The convex costs of the problem's schools; refuses a school with too few placed.
pub(super) fn segments(problem: &Problem, usage: &Usage) -> Result<Vec<Segments>, CertificateError> {
    let Some(layer) = problem.schools() else { return Ok(Vec::new()) };
    let sizes = usage.size.iter().zip(&usage.waitlisted);
    let one = |((at, school), (&size, &waitlisted)): ((u32, &School), (&i64, &i64))| {
        let high = size - i64::from(school.min_placed);
        if waitlisted > high {
            return Err(CertificateError::SchoolShort(at));
        }
        let knee = (size - i64::from(school.share)).max(0);
        Ok(Segments { low: 0, high, knee, penalty: i64::from(school.penalty) })
    };
    (0u32..).zip(&layer.schools).zip(sizes).map(one).collect()
}

/// Σ over students of a stage.
pub(super) struct Sums {
    pub(super) objective: i128,
    pub(super) best: i128,
    pub(super) worst: i128,
}

/// One stage's prices with the bounds they act on.
pub(super) struct Stage<'a> {
    number: u8,
    prices: &'a Prices,
    floors: Vec<i64>,
    capacities: Vec<i64>,
    schools: Vec<Segments>,
}

impl<'a> Stage<'a> {
    /// The cost stage: bounds of the problem itself.
    pub(super) fn first(
        problem: &Problem,
        prices: &'a Prices,
        schools: &[Segments],
    ) -> Result<Self, CertificateError> {
        let floors: Vec<i64> = problem.pools().iter().map(|p| i64::from(p.floor)).collect();
        let capacities = problem.pools().iter().map(|p| i64::from(p.capacity)).collect();
        Self { number: 1, prices, floors, capacities, schools: schools.to_vec() }.checked()
    }

    /// The lottery stage: priced pools and schools stay where their first-stage price keeps them.
    pub(super) fn second(&self, prices: &'a Prices) -> Result<Self, CertificateError> {
        let mut next = Self {
            number: 2,
            prices,
            floors: self.floors.clone(),
            capacities: self.capacities.clone(),
            schools: self.schools.clone(),
        };
        let bounds = next.floors.iter_mut().zip(&mut next.capacities).zip(&self.prices.pools);
        for ((floor, capacity), &price) in bounds {
            match price {
                1.. => *floor = *capacity,
                0 => {}
                _ => *capacity = *floor,
            }
        }
        for (school, &price) in next.schools.iter_mut().zip(&self.prices.schools) {
            let (_, low, high) = school.best(price);
            *school = Segments { low, high, knee: low, penalty: 0 };
        }
        next.checked()
    }

    fn checked(self) -> Result<Self, CertificateError> {
        if self.prices.pools.len() != self.floors.len() || self.prices.schools.len() != self.schools.len() {
            return Err(CertificateError::Length);
        }
        let inside = |p: &i64| (-MAX_PRICE..=MAX_PRICE).contains(p);
        if !self.prices.pools.iter().chain(&self.prices.schools).all(inside) {
            return Err(CertificateError::PriceRange);
        }
        Ok(self)
    }

    /// The bound: Σ best rows, less what the pools' prices collect, plus the schools' least.
    pub(super) fn dual(&self, best_rows: i128) -> i128 {
        let bounds = self.floors.iter().zip(&self.capacities).zip(&self.prices.pools);
        let collected: i128 =
            bounds.map(|((&f, &c), &y)| i128::from(y) * i128::from(if y > 0 { c } else { f })).sum();
        let schools = self.schools.iter().zip(&self.prices.schools);
        best_rows - collected + schools.map(|(s, &price)| s.best(price).0).sum::<i128>()
    }

    /// Every price stands for a bound that holds with equality.
    pub(super) fn slackness(&self, load: &[i64], waitlisted: &[i64]) -> Result<(), CertificateError> {
        let stage = self.number;
        let bounds = self.floors.iter().zip(&self.capacities).zip(&self.prices.pools).zip(load);
        for (pool, (((&floor, &capacity), &price), &load)) in (0u32..).zip(bounds) {
            let tight = match price {
                1.. => load == capacity,
                0 => (floor..=capacity).contains(&load),
                _ => load == floor,
            };
            if !tight {
                return Err(CertificateError::PoolSlack { stage, pool });
            }
        }
        let schools = self.schools.iter().zip(&self.prices.schools).zip(waitlisted);
        for (school, ((segments, &price), &w)) in (0u32..).zip(schools) {
            let (_, from, to) = segments.best(price);
            if !(from..=to).contains(&w) {
                return Err(CertificateError::SchoolSlack { stage, school });
            }
        }
        Ok(())
    }

    /// Row prices of a student: the pools', with the school's added at the waitlist.
    fn row_prices(&self, problem: &Problem, student: usize, row: &mut [i64]) {
        let school = problem.schools().and_then(|layer| layer.school_of.get(student));
        let Some(extra) = school.and_then(|&s| self.prices.schools.get(s as usize)) else { return };
        if let (Some(last), Some(base)) = (row.last_mut(), self.prices.pools.last()) {
            *last = base + extra;
        }
    }

    /// The cost stage's sums over students; with `strict`, a student not on a best place is refused and the worst
    /// cost, which only a gap needs, is not added up. `beside` is told every student and pool while the row is at
    /// hand.
    pub(super) fn costs(
        &self,
        problem: &Problem,
        assignment: &[u32],
        strict: bool,
        mut beside: impl FnMut(usize, u32),
    ) -> Result<Sums, CertificateError> {
        let mut sums = Sums { objective: 0, best: 0, worst: 0 };
        let mut prices = self.prices.pools.clone();
        let small = self.small();
        let plain = strict && self.marks_never_win(problem);
        let mut narrow: Vec<i32> = prices.iter().map(|&p| p as i32).collect();
        for (student, &pool) in assignment.iter().enumerate() {
            self.row_prices(problem, student, &mut prices);
            if let (true, Some(to), Some(&from)) = (small, narrow.last_mut(), prices.last()) {
                *to = from as i32;
            }
            let (best, worst) = if plain {
                (best_plain(problem, student, &narrow), 0)
            } else if small {
                best_and_worst_narrow(problem, student, &narrow)
            } else {
                best_and_worst(problem, student, &prices)
            };
            let cost = problem.cost(student, pool).map(i64::from);
            let (Some(cost), Some(&price)) = (cost, prices.get(pool as usize)) else {
                return Err(CertificateError::NotEligible(student as u32));
            };
            if strict && cost + price != best {
                return Err(CertificateError::NotBest { stage: self.number, student: student as u32 });
            }
            sums.objective += i128::from(cost);
            sums.best += i128::from(best);
            sums.worst += i128::from(worst);
            beside(student, pool);
        }
        Ok(sums)
    }

    /// Whether the mark of an ineligible pair exceeds every priced cost, so that a row's minimum needs no test.
    fn marks_never_win(&self, problem: &Problem) -> bool {
        let most =
            self.prices.pools.iter().chain(&self.prices.schools).fold(0i64, |most, p| most.max(p.abs()));
        self.small()
            && matches!(problem.rows, Rows::Dense { .. })
            && i64::from(problem.largest_cost()) + 4 * most < i64::from(INELIGIBLE)
    }

    /// Whether every row price fits the 32-bit pass.
    fn small(&self) -> bool {
        let all = self.prices.pools.iter().chain(&self.prices.schools);
        all.fold(0i64, |most, p| most.max(p.abs())) <= SMALL_PRICE / 2
    }
}

/// The lottery stage's pass: tickets over the arcs tight under the first stage's prices, a student at a time.
pub(super) struct Tickets<'a> {
    problem: &'a Problem,
    keys: &'a [DrawKey],
    first: &'a Stage<'a>,
    second: &'a Stage<'a>,
    cost_prices: Vec<i64>,
    prices: Vec<i64>,
    narrow: Option<DrawPrices>,
    sums: Result<Sums, CertificateError>,
}

impl<'a> Tickets<'a> {
    pub(super) fn new(
        problem: &'a Problem,
        keys: &'a [DrawKey],
        first: &'a Stage<'a>,
        second: &'a Stage<'a>,
    ) -> Self {
        let (cost_prices, prices) = (first.prices.pools.clone(), second.prices.pools.clone());
        let narrow = DrawPrices::new(&cost_prices, &prices, &second.prices.schools);
        let narrow = narrow.filter(|_| first.small());
        let sums = Ok(Sums { objective: 0, best: 0, worst: 0 });
        Self { problem, keys, first, second, cost_prices, prices, narrow, sums }
    }

    /// Adds a student; after the first refusal nothing more is looked at.
    pub(super) fn add(&mut self, student: usize, pool: u32) {
        if self.sums.is_err() {
            return;
        }
        let refused = CertificateError::NotBest { stage: self.second.number, student: student as u32 };
        let held = self.held(student, pool);
        match (held, &mut self.sums) {
            (Some((ticket, held)), Ok(sums)) => {
                sums.objective += i128::from(ticket);
                sums.best += i128::from(held);
            }
            _ => self.sums = Err(refused),
        }
    }

    /// The student's ticket, and ticket + price, unless another tight pool would be better.
    fn held(&mut self, student: usize, pool: u32) -> Option<(u32, i64)> {
        let key = *self.keys.get(student)?;
        self.first.row_prices(self.problem, student, &mut self.cost_prices);
        self.second.row_prices(self.problem, student, &mut self.prices);
        let own = i64::from(self.problem.cost(student, pool)?);
        let least = own + self.cost_prices.get(pool as usize)?;
        let prices = &self.prices;
        let priced = |at: u32| i64::from(key.ticket(at)) + prices.get(at as usize).copied().unwrap_or(0);
        let held = priced(pool);
        let better = match (&self.problem.rows, self.narrow.as_mut()) {
            (Rows::Dense { costs }, Some(narrow)) => {
                let ends = self.cost_prices.last().zip(prices.last());
                ends.into_iter().for_each(|(&y, &z)| narrow.set_last(y, z));
                let width = prices.len();
                let line = costs.get(student * width..(student + 1) * width).unwrap_or(&[]);
                narrow.better(line, least as i32, held, key)
            }
            _ => {
                let first = &self.cost_prices;
                let tight =
                    |e: &Entry| first.get(e.pool as usize).is_some_and(|&y| i64::from(e.cost) + y == least);
                self.problem.row(student).filter(tight).any(|e| priced(e.pool) < held)
            }
        };
        (!better).then(|| (key.ticket(pool), held))
    }

    /// The sums over all students added.
    pub(super) fn sums(self) -> Result<Sums, CertificateError> {
        self.sums
    }
}
