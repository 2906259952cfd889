//! The graph of the pools: for every ordered pair (p, q) the cheapest student to move from p to q.
//!
//! Each pool's students stand in slots; a group of slots keeps one vector of minima over all columns, 16 groups
//! share a vector above them, and so on to the root row. A moved student dirties one group and its ancestors, which
//! are rebuilt together at the end of a phase ([`PoolGraph::settle`]); during a phase a departed student's slot is
//! vacant and an arrival is not yet visible, so every value read is that of the phase's start.
//!
//! Invariant after `settle`: `row(p)[q]` = min over students s in p of cost(s, q) − cost(s, p).

use super::lanes::widest;
use super::rows::RowSource;
use super::scalar::Scalar;

/// Work of an entry that is not read in the order of memory: about what such a read costs beside one in a row.
pub(super) const SCATTERED: u64 = 8;
const FAN: usize = 16;
const VACANT: u32 = u32::MAX;
/// Heads are listed when at most one pool pair in this many can have an arc.
const FEW_PAIRS_ONE_IN: usize = 8;

/// The students of one column, with their tree of minima.
struct Bucket<V> {
    students: Vec<u32>,
    own: Vec<V>,
    /// `levels[0]` holds one vector a group, each further level one a 16 of the level below; empty when one group
    /// suffices. The root row lies in the graph's table.
    levels: Vec<Vec<V>>,
    departed: Vec<u32>,
    arrived: Vec<(u32, V)>,
}

/// What a reseating changed in one group.
struct Change<V> {
    group: usize,
    /// Somebody left the group.
    left: bool,
    /// New in the group, when nobody left.
    joined: Vec<(u32, V)>,
}

/// Students in columns, and the table of cheapest moves.
pub(super) struct PoolGraph<V> {
    columns: usize,
    group: usize,
    buckets: Vec<Bucket<V>>,
    table: Vec<V>,
    /// The table transposed, except for the rows listed in `stale`.
    across: Vec<V>,
    /// Heads of each row's arcs, ascending; kept only when few pairs have one.
    heads: Option<Vec<Vec<u32>>>,
    stale: Vec<u32>,
    touched: Vec<u32>,
}

impl<V: Scalar> PoolGraph<V> {
    /// A graph without students, to be filled from these rows.
    pub(super) fn new<R: RowSource<V>>(columns: usize, rows: &R) -> Self {
        let group = rows.group();
        let few = rows.total().saturating_mul(FEW_PAIRS_ONE_IN) < columns * columns;
        let heads = few.then(|| vec![Vec::new(); columns]);
        let bucket = |_| Bucket {
            students: Vec::new(),
            own: Vec::new(),
            levels: Vec::new(),
            departed: Vec::new(),
            arrived: Vec::new(),
        };
        let buckets = (0..columns).map(bucket).collect();
        let table = vec![V::INF; columns * columns];
        let across = Vec::new();
        Self { columns, group, buckets, table, across, heads, stale: Vec::new(), touched: Vec::new() }
    }

    /// Cheapest moves out of column `p`.
    #[inline]
    pub(super) fn row(&self, p: usize) -> &[V] {
        &self.table[p * self.columns..][..self.columns]
    }

    /// Heads of every column's arcs, when few pairs have one.
    pub(super) fn heads(&self) -> Option<&[Vec<u32>]> {
        self.heads.as_deref()
    }

    /// Cheapest moves into column `q`, as of the last [`PoolGraph::transpose`].
    #[inline]
    pub(super) fn column(&self, q: usize) -> &[V] {
        &self.across[q * self.columns..][..self.columns]
    }

    /// Brings the columns up to date with the rows. Returns the work done.
    pub(super) fn transpose(&mut self) -> u64 {
        if self.across.is_empty() {
            self.across = vec![V::INF; self.columns * self.columns];
        }
        self.stale.sort_unstable();
        self.stale.dedup();
        // Blocks of rows, so that the cache lines written are used for more than one value.
        for rows in self.stale.chunks(16) {
            for q in 0..self.columns {
                let line = &mut self.across[q * self.columns..][..self.columns];
                for &p in rows {
                    line[p as usize] = self.table[p as usize * self.columns + q];
                }
            }
        }
        let work = self.stale.len() * self.columns;
        self.stale.clear();
        work as u64
    }

    /// Students of column `p`.
    pub(super) fn students(&self, p: usize) -> &[u32] {
        &self.buckets[p].students
    }

    /// Announces a student; visible after [`PoolGraph::settle`].
    pub(super) fn arrive(&mut self, column: usize, student: u32, own: V) {
        self.touch(column);
        self.buckets[column].arrived.push((student, own));
    }

    /// Takes a student out of a slot; the row keeps its value until [`PoolGraph::settle`].
    pub(super) fn depart(&mut self, column: usize, slot: usize) -> u32 {
        self.touch(column);
        let bucket = &mut self.buckets[column];
        let student = std::mem::replace(&mut bucket.students[slot], VACANT);
        bucket.departed.push(slot as u32);
        student
    }

    fn touch(&mut self, column: usize) {
        let bucket = &self.buckets[column];
        if bucket.departed.is_empty() && bucket.arrived.is_empty() {
            self.touched.push(column as u32);
        }
    }

    /// The first slot at or after `from` whose student moves from `p` to `q` at the row's value, and the work done.
    pub(super) fn cheapest<R: RowSource<V>>(
        &self,
        rows: &R,
        p: usize,
        q: usize,
        from: usize,
    ) -> (Option<usize>, u64) {
        let value = self.table[p * self.columns + q];
        let bucket = &self.buckets[p];
        let mut read = 0;
        let found = match bucket.levels.len() {
            0 => self.in_slots(rows, bucket, (q, value), from..bucket.students.len(), &mut read),
            depth => self.in_level(rows, bucket, depth - 1, 0, (q, value, from), &mut read),
        };
        (found, read * SCATTERED)
    }

    fn in_slots<R: RowSource<V>>(
        &self,
        rows: &R,
        bucket: &Bucket<V>,
        (q, value): (usize, V),
        slots: std::ops::Range<usize>,
        read: &mut u64,
    ) -> Option<usize> {
        let fits = |&slot: &usize| {
            let student = bucket.students[slot];
            *read += 1;
            student != VACANT && rows.cost(student, q).minus(bucket.own[slot]) == value
        };
        (slots.start..slots.end.min(bucket.students.len())).find(fits)
    }

    /// Searches the vectors of `level` below parent `parent`.
    fn in_level<R: RowSource<V>>(
        &self,
        rows: &R,
        bucket: &Bucket<V>,
        level: usize,
        parent: usize,
        sought: (usize, V, usize),
        read: &mut u64,
    ) -> Option<usize> {
        let (q, value, from) = sought;
        let vectors = &bucket.levels[level];
        let span = self.group * FAN.pow(level as u32);
        let end = (vectors.len() / self.columns).min((parent + 1) * FAN);
        let start = (parent * FAN).max(from / span);
        for at in start..end {
            *read += 1;
            if vectors[at * self.columns + q] != value {
                continue;
            }
            let slots = from.max(at * span)..(at + 1) * span;
            let found = match level {
                0 => self.in_slots(rows, bucket, (q, value), slots, read),
                _ => self.in_level(rows, bucket, level - 1, at, sought, read),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Makes arrivals and departures visible and rebuilds what they dirtied. Returns the work done.
    pub(super) fn settle<R: RowSource<V>>(&mut self, rows: &R) -> u64 {
        let mut work = 0;
        for column in std::mem::take(&mut self.touched) {
            let at = column as usize * self.columns;
            let root = &mut self.table[at..at + self.columns];
            work += self.buckets[column as usize].rebuild(rows, self.group, root);
            if let Some(heads) = self.heads.as_mut() {
                let arcs = (0u32..).zip(root.iter()).filter(|(_, cost)| **cost < V::NONE);
                heads[column as usize] = arcs.map(|(q, _)| q).collect();
            }
            self.stale.push(column);
        }
        work
    }
}

impl<V: Scalar> Bucket<V> {
    /// Fills vacated slots with arrivals, then with students from the end; returns what changed, groups ascending.
    fn reseat(&mut self, group: usize) -> Vec<Change<V>> {
        let mut moves: Vec<(usize, Option<(u32, V)>)> = Vec::new();
        let mut holes = std::mem::take(&mut self.departed);
        holes.sort_unstable();
        moves.extend(holes.iter().map(|&slot| (slot as usize / group, None)));
        for (student, own) in std::mem::take(&mut self.arrived) {
            let slot = match holes.pop() {
                Some(hole) => hole as usize,
                None => {
                    self.students.push(VACANT);
                    self.own.push(V::ZERO);
                    self.students.len() - 1
                }
            };
            (self.students[slot], self.own[slot]) = (student, own);
            moves.push((slot / group, Some((student, own))));
        }
        while let Some(hole) = holes.pop() {
            // Holes descend, so the last slot is either this hole or occupied.
            moves.push(((self.students.len() - 1) / group, None));
            self.students.swap_remove(hole as usize);
            self.own.swap_remove(hole as usize);
        }
        moves.sort_by_key(|m| m.0);
        let mut changes: Vec<Change<V>> = Vec::new();
        for (at, joined) in moves {
            if changes.last().is_none_or(|c| c.group != at) {
                changes.push(Change { group: at, left: false, joined: Vec::new() });
            }
            if let Some(change) = changes.last_mut() {
                change.left |= joined.is_none();
                change.joined.extend(joined);
            }
        }
        changes
    }

    fn rebuild<R: RowSource<V>>(&mut self, rows: &R, group: usize, root: &mut [V]) -> u64 {
        let columns = root.len();
        let changes = self.reseat(group);
        let groups = self.students.len().div_ceil(group);
        if groups <= 1 {
            let whole = !self.levels.is_empty() || changes.len() > 1;
            self.levels.clear();
            return match changes.first() {
                Some(change) if !whole => self.mend(rows, change, 0..self.students.len(), root),
                _ => self.refill(rows, 0..self.students.len(), root),
            };
        }
        let fresh = self.levels.is_empty();
        let mut work = 0;
        let mut vectors = if fresh { Vec::new() } else { std::mem::take(&mut self.levels[0]) };
        vectors.resize(groups * columns, V::INF);
        let slots = |g: usize| g * group..((g + 1) * group).min(self.students.len());
        let mut dirty: Vec<usize> = changes.iter().map(|c| c.group).collect();
        if fresh {
            dirty = (0..groups).collect();
            for &g in &dirty {
                work += self.refill(rows, slots(g), &mut vectors[g * columns..(g + 1) * columns]);
            }
        }
        // A group that vanished keeps its place in the list: its parent has to forget it.
        for change in changes.iter().filter(|c| !fresh && c.group < groups) {
            let g = change.group;
            work += self.mend(rows, change, slots(g), &mut vectors[g * columns..(g + 1) * columns]);
        }
        if fresh {
            self.levels.push(vectors);
        } else {
            self.levels[0] = vectors;
        }
        work + self.raise(dirty, groups, root)
    }

    /// Computes a group's vector anew.
    fn refill<R: RowSource<V>>(&self, rows: &R, slots: std::ops::Range<usize>, vector: &mut [V]) -> u64 {
        let work = vector.len() as u64;
        let members = self.students[slots.clone()].iter().zip(&self.own[slots]);
        vector.fill(V::INF);
        work + relax_all(rows, members.map(|(&student, &own)| (student, own)), vector)
    }

    /// Brings a group's vector up to date. Who left was the minimum somewhere, so the group is computed anew; who
    /// only joined is folded in. (Recomputing just the columns that lost their minimum was tried and is slower: its
    /// reads are scattered, a whole pass is not.)
    fn mend<R: RowSource<V>>(
        &self,
        rows: &R,
        change: &Change<V>,
        slots: std::ops::Range<usize>,
        vector: &mut [V],
    ) -> u64 {
        if change.left {
            return self.refill(rows, slots, vector);
        }
        relax_all(rows, change.joined.iter().copied(), vector)
    }

    /// Rebuilds the ancestors of dirty groups up to the root row.
    fn raise(&mut self, mut dirty: Vec<usize>, groups: usize, root: &mut [V]) -> u64 {
        let columns = root.len();
        let (mut level, mut units, mut work) = (0, groups, 0);
        while units > FAN {
            let above = units.div_ceil(FAN);
            let fresh = self.levels.len() == level + 1;
            if fresh {
                self.levels.push(Vec::new());
            }
            let (low, high) = self.levels.split_at_mut(level + 1);
            let (low, high) = (&low[level], &mut high[0]);
            high.resize(above * columns, V::INF);
            dirty = if fresh { (0..above).collect() } else { parents(&dirty, above) };
            for &g in &dirty {
                let children = g * FAN..((g + 1) * FAN).min(units);
                work += children.len() as u64 * columns as u64;
                let vector = &mut high[g * columns..(g + 1) * columns];
                fold_minima(vector, &low[children.start * columns..children.end * columns]);
            }
            (level, units) = (level + 1, above);
        }
        self.levels.truncate(level + 1);
        fold_minima(root, &self.levels[level]);
        work + (units * columns) as u64
    }
}

/// Parents of ascending indices, ascending, below `count`.
fn parents(dirty: &[usize], count: usize) -> Vec<usize> {
    let mut above: Vec<usize> = dirty.iter().map(|g| g / FAN).filter(|&g| g < count).collect();
    above.dedup();
    above
}

/// Folds the rows of students, each with the cost of the own column, into a vector. Returns the work done.
fn relax_all<V: Scalar, R: RowSource<V>>(
    rows: &R,
    members: impl Iterator<Item = (u32, V)>,
    vector: &mut [V],
) -> u64 {
    widest(
        #[inline(always)]
        || {
            let mut work = 0;
            for (student, own) in members {
                rows.relax(student, own, vector);
                work += rows.entries(student);
            }
            work
        },
    )
}

/// `into` = entrywise minimum of the vectors.
fn fold_minima<V: Scalar>(into: &mut [V], vectors: &[V]) {
    widest(
        #[inline(always)]
        || {
            into.fill(V::INF);
            for vector in vectors.chunks_exact(into.len()) {
                for (to, &value) in into.iter_mut().zip(vector) {
                    *to = (*to).min(value);
                }
            }
        },
    );
}
