//! The allocation problem: pools with places, students with weighted costs, schools with a fair share.
//!
//! Minimise Σ cost(s, a(s)) + Σ penalty_σ · max(0, placed(σ) − share_σ) over assignments `a` of every student to
//! one eligible pool, with floor_p ≤ load_p ≤ capacity_p and placed(σ) ≥ min_placed_σ, where placed(σ) counts the
//! students of school σ that are not on the waitlist (the last pool). This is a transportation problem with unit
//! supplies (Hitchcock 1941); the school layer keeps it a convex minimum-cost flow (Ahuja, Magnanti, Orlin,
//! *Network Flows*, 1993, ch. 14).
//!
//! Costs arrive already weighted (W·c). A mandated student is one whose row has no entry at the waitlist. Rows are
//! lists in compressed form, pools strictly ascending, or one dense matrix.
//!
//! Invariants of a built [`Problem`]: every index is in range, every row has an eligible pool, every cost is in
//! `0..=MAX_COST`, floors do not exceed capacities. Whether the floors can be met is the solver's question, not
//! this module's. Absent on purpose: budgets (money is charged when a pool is defined), floats, identities.

use super::draw::DrawKey;
use thiserror::Error;

/// Largest weighted cost of a pair and largest school penalty: sums of any two stay inside 31 bits.
pub const MAX_COST: i32 = (1 << 30) - 1;
/// Largest number of pools: the solver keeps a table of pool pairs, so this bounds its memory.
pub const MAX_POOLS: usize = 4_096;
/// Largest number of schools, for the same reason.
pub const MAX_SCHOOLS: usize = 4_096;
/// Largest number of students in one round.
pub const MAX_STUDENTS: usize = 1 << 20;
/// Largest number of stored pairs (students × pools when dense): 1 GiB of costs.
pub const MAX_PAIRS: usize = 1 << 28;
/// Largest capacity of a pool, in places.
pub const MAX_CAPACITY: u32 = i32::MAX as u32;
/// How a dense matrix marks a pair that is not eligible: above every cost, below overflow in any sum of two.
pub(super) const INELIGIBLE: i32 = 1 << 30;

/// A pool of interchangeable places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Most students it takes, `0..=MAX_CAPACITY`.
    pub capacity: u32,
    /// Fewest students it must take, at most `capacity`.
    pub floor: u32,
}

/// One eligible pair of a row held as a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Index of the pool.
    pub pool: u32,
    /// Weighted cost, `0..=MAX_COST`.
    pub cost: i32,
}

/// A school's fair share. `placed` counts its students that are not on the waitlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct School {
    /// Fewest students that must be placed.
    pub min_placed: u32,
    /// Students placed beyond this many cost `penalty` each.
    pub share: u32,
    /// Weighted cost of each student placed beyond the share, `0..=MAX_COST`.
    pub penalty: i32,
}

/// The fair-share layer: the school of every student and the terms of every school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchoolLayer {
    /// School index of each student, by row.
    pub school_of: Vec<u32>,
    /// Terms by school index.
    pub schools: Vec<School>,
}

/// Whether the last pool is a waitlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waitlist {
    /// Every pool is a real place.
    Absent,
    /// The last pool is the waitlist; a row without an entry there is a mandate.
    LastPool,
}

/// Why a problem was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProblemError {
    /// No pool, or more than [`MAX_POOLS`].
    #[error("{0} pools; 1 to {MAX_POOLS} are possible")]
    PoolCount(usize),
    /// More than [`MAX_STUDENTS`] rows.
    #[error("{0} students; at most {MAX_STUDENTS} are possible")]
    StudentCount(usize),
    /// More than [`MAX_PAIRS`] pairs, or a matrix that is not a multiple of the pools.
    #[error("{0} pairs do not form rows, or are too many")]
    PairCount(usize),
    /// A pool's floor exceeds its capacity, or its capacity exceeds [`MAX_CAPACITY`].
    #[error("pool {0} has a floor above its capacity or a capacity out of range")]
    PoolBounds(u32),
    /// A cost or penalty outside `0..=MAX_COST` (in a matrix, −1 marks an ineligible pair).
    #[error("a cost of row {0} is out of range")]
    Cost(u32),
    /// Row starts do not ascend from zero to the number of entries.
    #[error("row starts are not a partition of the entries")]
    RowStarts,
    /// The pools of a list row are not strictly ascending or not in range.
    #[error("the pools of row {0} are not strictly ascending pool indices")]
    RowOrder(u32),
    /// A student with no eligible pool.
    #[error("student {0} has no eligible pool")]
    EmptyRow(u32),
    /// The number of schools is 0 or above [`MAX_SCHOOLS`].
    #[error("{0} schools; 1 to {MAX_SCHOOLS} are possible")]
    SchoolCount(usize),
    /// A student's school index is out of range, or not one per student is given.
    #[error("student {0} has no valid school")]
    StudentSchool(u32),
    /// A school's penalty is outside `0..=MAX_COST`.
    #[error("school {0} has a penalty out of range")]
    SchoolPenalty(u32),
    /// Not exactly one draw key a student.
    #[error("{0} draw keys do not match the students")]
    DrawKeys(usize),
}

impl ProblemError {
    /// Stable number of the refusal, for receipts.
    pub const fn code(&self) -> u16 {
        match self {
            Self::PoolCount(_) => 1,
            Self::StudentCount(_) => 2,
            Self::PairCount(_) => 3,
            Self::PoolBounds(_) => 4,
            Self::Cost(_) => 5,
            Self::RowStarts => 6,
            Self::RowOrder(_) => 7,
            Self::EmptyRow(_) => 8,
            Self::SchoolCount(_) => 9,
            Self::StudentSchool(_) => 10,
            Self::SchoolPenalty(_) => 11,
            Self::DrawKeys(_) => 12,
        }
    }
}

/// The rows' storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// Row-major matrix, [`INELIGIBLE`] where a pair is not possible.
    Dense { costs: Vec<i32> },
    /// Compressed rows: row s holds `entries[row_start[s]..row_start[s + 1]]`.
    Lists { row_start: Vec<u32>, entries: Vec<Entry> },
}

/// A checked allocation problem. Built by [`Problem::dense`] or [`Problem::lists`], extended by the `with_` calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub(super) pools: Vec<Pool>,
    pub(super) rows: Rows,
    students: usize,
    largest_cost: i32,
    waitlist: Waitlist,
    pub(super) layer: Option<SchoolLayer>,
    pub(super) draw: Option<Vec<DrawKey>>,
}

impl Problem {
    /// A problem whose costs are one row-major matrix, students × pools; −1 marks an ineligible pair.
    ///
    /// # Errors
    /// Counts, bounds or a cost out of range, or a student with no eligible pool.
    pub fn dense(pools: Vec<Pool>, mut costs: Vec<i32>) -> Result<Self, ProblemError> {
        check_pools(&pools)?;
        if costs.len() > MAX_PAIRS || !costs.len().is_multiple_of(pools.len()) {
            return Err(ProblemError::PairCount(costs.len()));
        }
        let students = costs.len() / pools.len();
        check_students(students)?;
        let mut largest_cost = 0;
        for (row, line) in (0u32..).zip(costs.chunks_exact_mut(pools.len())) {
            let (least, most) = line.iter().fold((0, -1), |(a, b), &c| (c.min(a), c.max(b)));
            if least < -1 || most > MAX_COST {
                return Err(ProblemError::Cost(row));
            }
            if most == -1 {
                return Err(ProblemError::EmptyRow(row));
            }
            largest_cost = most.max(largest_cost);
            line.iter_mut().for_each(|c| *c = if *c < 0 { INELIGIBLE } else { *c });
        }
        Ok(Self::plain(pools, Rows::Dense { costs }, students, largest_cost))
    }

    /// A problem whose rows are lists: row s is `entries[row_start[s]..row_start[s + 1]]`, pools strictly ascending.
    ///
    /// # Errors
    /// Counts, bounds, order or a cost out of range, or a student with no eligible pool.
    pub fn lists(pools: Vec<Pool>, row_start: Vec<u32>, entries: Vec<Entry>) -> Result<Self, ProblemError> {
        check_pools(&pools)?;
        if entries.len() > MAX_PAIRS {
            return Err(ProblemError::PairCount(entries.len()));
        }
        let students = row_start.len().checked_sub(1).ok_or(ProblemError::RowStarts)?;
        check_students(students)?;
        if row_start.first() != Some(&0) || row_start.last().map(|&e| e as usize) != Some(entries.len()) {
            return Err(ProblemError::RowStarts);
        }
        for (row, ends) in (0u32..).zip(row_start.windows(2)) {
            let line = match ends {
                [a, b] => entries.get(*a as usize..*b as usize).ok_or(ProblemError::RowStarts)?,
                _ => return Err(ProblemError::RowStarts),
            };
            check_list(row, line, pools.len())?;
        }
        let largest_cost = entries.iter().map(|e| e.cost).max().unwrap_or(0);
        Ok(Self::plain(pools, Rows::Lists { row_start, entries }, students, largest_cost))
    }

    fn plain(pools: Vec<Pool>, rows: Rows, students: usize, largest_cost: i32) -> Self {
        Self { pools, rows, students, largest_cost, waitlist: Waitlist::Absent, layer: None, draw: None }
    }

    /// The largest cost of any eligible pair.
    pub fn largest_cost(&self) -> i32 {
        self.largest_cost
    }

    /// Declares the last pool to be the waitlist.
    #[must_use]
    pub fn with_waitlist(mut self) -> Self {
        self.waitlist = Waitlist::LastPool;
        self
    }

    /// Adds the fair-share layer; the last pool becomes the waitlist.
    ///
    /// # Errors
    /// A school index, count or penalty out of range.
    pub fn with_schools(mut self, layer: SchoolLayer) -> Result<Self, ProblemError> {
        let count = layer.schools.len();
        if count == 0 || count > MAX_SCHOOLS {
            return Err(ProblemError::SchoolCount(count));
        }
        if layer.school_of.len() != self.students {
            return Err(ProblemError::StudentSchool(layer.school_of.len().min(self.students) as u32));
        }
        if let Some(row) = layer.school_of.iter().position(|&s| s as usize >= count) {
            return Err(ProblemError::StudentSchool(row as u32));
        }
        if let Some(at) = layer.schools.iter().position(|s| !(0..=MAX_COST).contains(&s.penalty)) {
            return Err(ProblemError::SchoolPenalty(at as u32));
        }
        self.waitlist = Waitlist::LastPool;
        self.layer = Some(layer);
        Ok(self)
    }

    /// Adds the lottery among the optimal assignments: one draw key a student, by row.
    ///
    /// # Errors
    /// [`ProblemError::DrawKeys`] when the lengths differ.
    pub fn with_draw(mut self, keys: Vec<DrawKey>) -> Result<Self, ProblemError> {
        if keys.len() != self.students {
            return Err(ProblemError::DrawKeys(keys.len()));
        }
        self.draw = Some(keys);
        Ok(self)
    }

    /// The same problem with one student's row replaced: the input of an exact counterfactual.
    ///
    /// # Errors
    /// What a new row may get wrong: order, cost, emptiness; [`ProblemError::PairCount`] for a row out of range.
    pub fn with_row(&self, student: usize, row: &[Entry]) -> Result<Self, ProblemError> {
        if student >= self.students {
            return Err(ProblemError::PairCount(student));
        }
        check_list(student as u32, row, self.pools.len())?;
        let mut other = self.clone();
        match &mut other.rows {
            Rows::Dense { costs } => {
                let width = self.pools.len();
                let line = costs.get_mut(student * width..(student + 1) * width).unwrap_or(&mut []);
                line.fill(INELIGIBLE);
                for entry in row {
                    line.get_mut(entry.pool as usize).into_iter().for_each(|c| *c = entry.cost);
                }
            }
            Rows::Lists { row_start, entries } => {
                let old = list_row(row_start, entries, student).len();
                let start = row_start.get(student).map_or(0, |&a| a as usize);
                entries.splice(start..start + old, row.iter().copied());
                let shift = |end: &mut u32| *end = (*end as usize + row.len() - old) as u32;
                row_start.iter_mut().skip(student + 1).for_each(shift);
            }
        }
        other.largest_cost = row.iter().fold(self.largest_cost, |most, e| most.max(e.cost));
        Ok(other)
    }

    /// The same problem with every cost divided by its student's weight and no lottery: equity 0.
    ///
    /// # Errors
    /// [`ProblemError::DrawKeys`] when there is not one positive weight a student.
    pub fn unweighted(&self, weights: &[u32]) -> Result<Self, ProblemError> {
        if weights.len() != self.students || weights.contains(&0) {
            return Err(ProblemError::DrawKeys(weights.len()));
        }
        let mut other = Self { draw: None, ..self.clone() };
        let plain = |cost: i32, weight: u32| (i64::from(cost) / i64::from(weight)) as i32;
        match &mut other.rows {
            Rows::Dense { costs } => {
                for (line, &weight) in costs.chunks_exact_mut(self.pools.len()).zip(weights) {
                    line.iter_mut().filter(|c| **c != INELIGIBLE).for_each(|c| *c = plain(*c, weight));
                }
            }
            Rows::Lists { row_start, entries } => {
                for (ends, &weight) in row_start.windows(2).zip(weights) {
                    let range = ends.first().zip(ends.last()).map_or(0..0, |(&a, &b)| a as usize..b as usize);
                    let line = entries.get_mut(range).unwrap_or(&mut []);
                    line.iter_mut().for_each(|e| e.cost = plain(e.cost, weight));
                }
            }
        }
        Ok(other)
    }

    /// Number of students.
    pub fn students(&self) -> usize {
        self.students
    }

    /// The pools, by index.
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// Whether the last pool is a waitlist.
    pub fn waitlist(&self) -> Waitlist {
        self.waitlist
    }

    /// Index of the waitlist, if there is one.
    pub fn waitlist_pool(&self) -> Option<u32> {
        match self.waitlist {
            Waitlist::Absent => None,
            Waitlist::LastPool => (self.pools.len() as u32).checked_sub(1),
        }
    }

    /// The fair-share layer, if there is one.
    pub fn schools(&self) -> Option<&SchoolLayer> {
        self.layer.as_ref()
    }

    /// The draw keys of the lottery, if there is one.
    pub fn draw(&self) -> Option<&[DrawKey]> {
        self.draw.as_deref()
    }

    /// The eligible pairs of a student, pools ascending; empty for a row out of range.
    pub fn row(&self, student: usize) -> impl Iterator<Item = Entry> + '_ {
        let (line, list) = match &self.rows {
            Rows::Dense { costs } => {
                let width = self.pools.len();
                let at = student.saturating_mul(width);
                (costs.get(at..at.saturating_add(width)).unwrap_or(&[]), &[][..])
            }
            Rows::Lists { row_start, entries } => (&[][..], list_row(row_start, entries, student)),
        };
        let dense = (0u32..).zip(line).filter(|(_, c)| **c != INELIGIBLE);
        dense.map(|(pool, &cost)| Entry { pool, cost }).chain(list.iter().copied())
    }

    /// Weighted cost of a pair, `None` when it is not eligible or out of range.
    pub fn cost(&self, student: usize, pool: u32) -> Option<i32> {
        match &self.rows {
            Rows::Dense { costs } => {
                let at = student.checked_mul(self.pools.len())?.checked_add(pool as usize)?;
                let inside = (pool as usize) < self.pools.len();
                costs.get(at).copied().filter(|&c| inside && c != INELIGIBLE)
            }
            Rows::Lists { row_start, entries } => {
                let line = list_row(row_start, entries, student);
                let at = line.binary_search_by_key(&pool, |e| e.pool).ok()?;
                line.get(at).map(|e| e.cost)
            }
        }
    }

    /// Stored pairs: entries of the lists, or students × pools.
    pub fn pairs(&self) -> usize {
        match &self.rows {
            Rows::Dense { costs } => costs.len(),
            Rows::Lists { entries, .. } => entries.len(),
        }
    }
}

fn list_row<'a>(row_start: &[u32], entries: &'a [Entry], student: usize) -> &'a [Entry] {
    let start = row_start.get(student).map(|&a| a as usize);
    let end = student.checked_add(1).and_then(|next| row_start.get(next)).map(|&b| b as usize);
    start.zip(end).and_then(|(a, b)| entries.get(a..b)).unwrap_or(&[])
}

fn check_pools(pools: &[Pool]) -> Result<(), ProblemError> {
    if pools.is_empty() || pools.len() > MAX_POOLS {
        return Err(ProblemError::PoolCount(pools.len()));
    }
    match pools.iter().position(|p| p.floor > p.capacity || p.capacity > MAX_CAPACITY) {
        Some(at) => Err(ProblemError::PoolBounds(at as u32)),
        None => Ok(()),
    }
}

fn check_students(students: usize) -> Result<(), ProblemError> {
    if students > MAX_STUDENTS { Err(ProblemError::StudentCount(students)) } else { Ok(()) }
}

fn check_list(row: u32, line: &[Entry], pools: usize) -> Result<(), ProblemError> {
    if line.is_empty() {
        return Err(ProblemError::EmptyRow(row));
    }
    let ascending = line.windows(2).all(|w| matches!(w, [a, b] if a.pool < b.pool));
    if !ascending || line.last().is_some_and(|e| e.pool as usize >= pools) {
        return Err(ProblemError::RowOrder(row));
    }
    if line.iter().any(|e| !(0..=MAX_COST).contains(&e.cost)) {
        return Err(ProblemError::Cost(row));
    }
    Ok(())
}
