//! Instance files: SRAP0001 (students × pools) and SRAP0002 (with schools), little endian, no padding.
//!
//! ```text
//! SRAP0001: magic, u32 n, u32 k, i32[k] capacity, i32[k] floor, i32[n·k] cost (−1: not eligible)
//! SRAP0002: magic, u32 n, u32 k, u32 m, i32[k] capacity, i32[k] floor, i32[n] school, i32[m] min_placed,
//!           i32[m] share, i32[m] penalty, i32[n·k] cost; the last pool is the waitlist
//! ```
//!
//! Costs are taken raw (no weights); the lottery uses the row index as handle and a seed of zeros. Rows become lists
//! when at most one pair in [`SPARSE_ONE_IN`] is eligible, else they are a matrix; the answer is the same.
//!
//! Costs are read in blocks straight into the storage of the problem: lists until the pairs read are too many for
//! them, then the matrix. The file is never held whole, and both kinds of rows only where its start misleads.

use super::draw::{DrawKey, SEED_BYTES};
use super::problem::{Entry, MAX_PAIRS, Pool, Problem, ProblemError, School, SchoolLayer};
use std::io::{ErrorKind, Read};
use thiserror::Error;

/// Rows are stored as lists when at most one pair in this many is eligible.
pub const SPARSE_ONE_IN: usize = 4;
/// Bytes of costs read at a time.
const BLOCK_BYTES: usize = 1 << 16;

/// Why bytes are not an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SrapError {
    /// Neither magic is present.
    #[error("not an SRAP0001 or SRAP0002 file")]
    Magic,
    /// The file ends early, goes on after its end, or declares more than memory allows.
    #[error("the file's length does not fit its header")]
    Length,
    /// A count that must not be negative is, or a school index is.
    #[error("a count of the header is negative")]
    Negative,
    /// The source failed before its end.
    #[error("the instance cannot be read: {0}")]
    Read(ErrorKind),
    /// The contents are not a valid problem.
    #[error("the instance is not a valid problem")]
    Problem(#[from] ProblemError),
}

/// Reads an instance file held in memory.
///
/// # Errors
/// See [`SrapError`].
pub fn parse(bytes: &[u8]) -> Result<Problem, SrapError> {
    read(bytes, bytes.len() as u64)
}

/// Reads an instance of `length` bytes. The header is held against the length before anything of its size is reserved.
///
/// # Errors
/// See [`SrapError`].
pub fn read(mut source: impl Read, length: u64) -> Result<Problem, SrapError> {
    read_from(&mut source, length)
}

/// The same, compiled with this crate: at a caller's it would be as quick as that one is optimized (decision 0123).
fn read_from(source: &mut dyn Read, length: u64) -> Result<Problem, SrapError> {
    let mut reader = Reader { source };
    let layered =
        match &reader.word::<8>().map_err(|e| if e == SrapError::Length { SrapError::Magic } else { e })? {
            b"SRAP0001" => false,
            b"SRAP0002" => true,
            _ => return Err(SrapError::Magic),
        };
    let (n, k) = (reader.size()?, reader.size()?);
    let m = if layered { reader.size()? } else { 0 };
    if u128::from(length) != file_length(n, k, layered.then_some(m)) {
        return Err(SrapError::Length);
    }
    let (capacity, floor) = (reader.counts(k)?, reader.counts(k)?);
    let pools = capacity.into_iter().zip(floor).map(|(capacity, floor)| Pool { capacity, floor }).collect();
    let layer = if layered { Some(reader.layer(n, m)?) } else { None };
    let mut problem = reader.rows(n, k)?.problem(pools)?;
    if let Some(layer) = layer {
        problem = problem.with_schools(layer)?;
    }
    let keys = (0..n as u64).map(|row| DrawKey::of_row(&[0; SEED_BYTES], row)).collect();
    Ok(problem.with_draw(keys)?)
}

/// Bytes of a file with these counts.
fn file_length(n: usize, k: usize, schools: Option<usize>) -> u128 {
    let (n, k) = (n as u128, k as u128);
    let layer = schools.map_or(0, |m| 4 + 4 * n + 12 * m as u128);
    16 + 8 * k + layer + 4 * n * k
}

struct Reader<'a> {
    source: &'a mut dyn Read,
}

impl Reader<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SrapError> {
        self.source.read_exact(bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => SrapError::Length,
            other => SrapError::Read(other),
        })
    }

    fn word<const N: usize>(&mut self) -> Result<[u8; N], SrapError> {
        let mut word = [0; N];
        self.fill(&mut word)?;
        Ok(word)
    }

    fn size(&mut self) -> Result<usize, SrapError> {
        Ok(u32::from_le_bytes(self.word()?) as usize)
    }

    fn counts(&mut self, count: usize) -> Result<Vec<u32>, SrapError> {
        let mut bytes = vec![0; count.checked_mul(4).ok_or(SrapError::Length)?];
        self.fill(&mut bytes)?;
        let value = |v: i32| u32::try_from(v).map_err(|_| SrapError::Negative);
        integers(&bytes).map(value).collect()
    }

    fn layer(&mut self, n: usize, m: usize) -> Result<SchoolLayer, SrapError> {
        let school_of = self.counts(n)?;
        let (least, share, penalty) = (self.counts(m)?, self.counts(m)?, self.counts(m)?);
        let terms = least.into_iter().zip(share).zip(penalty);
        let schools =
            terms.map(|((min_placed, share), penalty)| School { min_placed, share, penalty: penalty as i32 });
        Ok(SchoolLayer { school_of, schools: schools.collect() })
    }

    fn rows(&mut self, n: usize, k: usize) -> Result<Growing, SrapError> {
        let pairs = n.checked_mul(k).ok_or(SrapError::Length)?;
        let mut rows = Growing::new(k, pairs);
        let mut block = vec![0; BLOCK_BYTES.min(pairs.saturating_mul(4))];
        let mut left = pairs.checked_mul(4).ok_or(SrapError::Length)?;
        while left > 0 {
            let size = block.len().min(left);
            let bytes = block.get_mut(..size).unwrap_or(&mut []);
            self.fill(bytes)?;
            left -= size;
            rows.extend(integers(bytes))?;
        }
        Ok(rows)
    }
}

/// Little-endian integers of four bytes.
fn integers(bytes: &[u8]) -> impl Iterator<Item = i32> + Clone + '_ {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|&word| i32::from_le_bytes(word))
}

/// Rows while they are read.
struct Growing {
    width: usize,
    pairs: usize,
    eligible: usize,
    rows: Kind,
}

enum Kind {
    Lists(Lists),
    Matrix(Vec<i32>),
}

impl Growing {
    fn new(width: usize, pairs: usize) -> Self {
        let rows = if width == 0 { Kind::Matrix(Vec::new()) } else { Kind::Lists(Lists::new(width)) };
        Self { width, pairs, eligible: 0, rows }
    }

    /// Adds a block. Lists give way to the matrix as soon as more than their part of what was read is eligible: held
    /// longer, they would leave a hole in memory where the solver wants room.
    fn extend(&mut self, costs: impl Iterator<Item = i32> + Clone) -> Result<(), ProblemError> {
        self.eligible += costs.clone().filter(|&cost| cost != -1).count();
        match &mut self.rows {
            Kind::Matrix(matrix) => matrix.extend(costs),
            Kind::Lists(lists) => {
                costs.for_each(|cost| lists.push(cost));
                if lists.entries.len() > lists.read() / SPARSE_ONE_IN {
                    let matrix = lists.matrix(self.pairs)?;
                    self.rows = Kind::Matrix(matrix);
                }
            }
        }
        Ok(())
    }

    fn problem(self, pools: Vec<Pool>) -> Result<Problem, ProblemError> {
        match self.rows {
            Kind::Matrix(costs) if self.width == 0 || self.eligible > self.pairs / SPARSE_ONE_IN => {
                Problem::dense(pools, costs)
            }
            Kind::Matrix(costs) => {
                let mut lists = Lists::new(self.width);
                costs.into_iter().for_each(|cost| lists.push(cost));
                Problem::lists(pools, lists.row_start, lists.entries)
            }
            Kind::Lists(lists) => Problem::lists(pools, lists.row_start, lists.entries),
        }
    }
}

/// Compressed rows, filled pair by pair.
struct Lists {
    width: usize,
    row_start: Vec<u32>,
    entries: Vec<Entry>,
    /// The pool of the next pair.
    pool: u32,
}

impl Lists {
    fn new(width: usize) -> Self {
        Self { width, row_start: vec![0], entries: Vec::new(), pool: 0 }
    }

    fn push(&mut self, cost: i32) {
        if cost != -1 {
            self.entries.push(Entry { pool: self.pool, cost });
        }
        self.pool += 1;
        if self.pool as usize == self.width {
            self.pool = 0;
            self.row_start.push(self.entries.len() as u32);
        }
    }

    /// Pairs pushed.
    fn read(&self) -> usize {
        (self.row_start.len() - 1) * self.width + self.pool as usize
    }

    /// What was pushed, as the start of a matrix with room for all `pairs`.
    fn matrix(&self, pairs: usize) -> Result<Vec<i32>, ProblemError> {
        if pairs > MAX_PAIRS {
            return Err(ProblemError::PairCount(pairs));
        }
        let mut matrix = Vec::with_capacity(pairs);
        let ends = self.row_start.iter().skip(1).map(|&end| end as usize).chain([self.entries.len()]);
        let mut start = 0;
        for (row, end) in ends.enumerate() {
            for entry in self.entries.get(start..end).unwrap_or(&[]) {
                matrix.resize(row * self.width + entry.pool as usize, -1);
                matrix.push(entry.cost);
            }
            start = end;
        }
        matrix.resize(self.read(), -1);
        Ok(matrix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(magic: &[u8; 8], words: &[i32]) -> Vec<u8> {
        let body = words.iter().flat_map(|w| w.to_le_bytes());
        magic.iter().copied().chain(body).collect()
    }

    #[test]
    fn a_plain_instance_is_read_as_written() {
        let problem = parse(&bytes(b"SRAP0001", &[2, 2, 1, 2, 0, 1, 5, -1, 7, 300])).unwrap();
        assert_eq!(problem.pools(), [Pool { capacity: 1, floor: 0 }, Pool { capacity: 2, floor: 1 }]);
        assert_eq!((problem.cost(0, 0), problem.cost(0, 1), problem.cost(1, 1)), (Some(5), None, Some(300)));
        assert_eq!(problem.draw().map(<[_]>::len), Some(2));
    }

    #[test]
    fn schools_are_read_and_the_last_pool_is_the_waitlist() {
        let words = [2, 2, 1, 1, 2, 0, 0, 0, 0, 1, 1, 9, 5, 6, 7, 8];
        let problem = parse(&bytes(b"SRAP0002", &words)).unwrap();
        let school = School { min_placed: 1, share: 1, penalty: 9 };
        assert_eq!(problem.schools().map(|l| l.schools.clone()), Some(vec![school]));
        assert_eq!(problem.waitlist_pool(), Some(1));
    }

    #[test]
    fn few_eligible_pairs_become_lists_with_the_same_costs() {
        let mut words = vec![1, 8];
        words.extend([1; 8]);
        words.extend([0; 8]);
        words.extend([-1, -1, 4, -1, -1, -1, -1, 3]);
        let problem = parse(&bytes(b"SRAP0001", &words)).unwrap();
        assert_eq!(problem.pairs(), 2);
        assert_eq!((problem.cost(0, 2), problem.cost(0, 7), problem.cost(0, 0)), (Some(4), Some(3), None));
    }

    #[test]
    fn lists_and_matrices_part_at_one_eligible_pair_in_four_wherever_they_stand() {
        // Seven rows of 3,000 pools, so that rows cross blocks. 5,250 pairs are eligible or one more: spread, in the
        // first rows (the matrix has to become lists again) or in the last (lists give way late).
        let spread: fn(usize) -> bool = |at| at % 4 == 3;
        let places = [spread, |at| at < 4_500 || (at > 15_000 && at % 8 == 1), |at| at >= 21_000 - 5_250];
        for place in places {
            for more in [0, 1] {
                let cost = |at: usize| if place(at) { at as i32 } else { -1 };
                let mut costs: Vec<i32> = (0..21_000).map(cost).collect();
                // Every row has an eligible pair, and the whole exactly the number wanted.
                (0..7).for_each(|row| costs[row * 3_000 + 7] = 9);
                let wanted = 5_250 + more;
                for at in (0..21_000).filter(|at| at % 3_000 > 7).rev() {
                    let eligible = costs.iter().filter(|c| **c != -1).count();
                    match (eligible.cmp(&wanted), costs[at]) {
                        (std::cmp::Ordering::Less, -1) => costs[at] = 4,
                        (std::cmp::Ordering::Greater, 0..) => costs[at] = -1,
                        (std::cmp::Ordering::Equal, _) => break,
                        _ => {}
                    }
                }
                let head: Vec<i32> = [7, 3_000].into_iter().chain([7; 3_000]).chain([0; 3_000]).collect();
                let problem = parse(&bytes(b"SRAP0001", &[head, costs.clone()].concat())).unwrap();
                assert_eq!(problem.pairs(), if more == 1 { 21_000 } else { 5_250 });
                let pairs = (0..7).flat_map(|s| (0..3_000).map(move |p| (s, p)));
                let read: Vec<i32> = pairs.map(|(s, p)| problem.cost(s, p).unwrap_or(-1)).collect();
                assert_eq!(read, costs);
            }
        }
    }

    #[test]
    fn a_source_that_fails_or_has_another_length_is_refused() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(ErrorKind::PermissionDenied.into())
            }
        }
        assert_eq!(read(Failing, 28), Err(SrapError::Read(ErrorKind::PermissionDenied)));
        let good = bytes(b"SRAP0001", &[1, 1, 1, 0, 5]);
        assert_eq!(read(good.as_slice(), 28), parse(&good));
        assert_eq!(read(good.as_slice(), 32), Err(SrapError::Length));
        assert_eq!(read(&good[..24], 28), Err(SrapError::Length));
        // A header that asks for 2^64 bytes is refused before anything is reserved.
        let vast = bytes(b"SRAP0002", &[-1, -1, -1, 0]);
        assert_eq!(parse(&vast), Err(SrapError::Length));
    }

    #[test]
    fn damaged_files_are_refused() {
        let good = bytes(b"SRAP0001", &[1, 1, 1, 0, 5]);
        assert!(parse(&good).is_ok());
        assert_eq!(parse(&good[..good.len() - 1]), Err(SrapError::Length));
        assert_eq!(parse(&[good.as_slice(), &[0]].concat()), Err(SrapError::Length));
        assert_eq!(parse(b"SRAP0003"), Err(SrapError::Magic));
        assert_eq!(parse(b"SRAP"), Err(SrapError::Magic));
        assert_eq!(parse(&bytes(b"SRAP0001", &[1, 1, -1, 0, 5])), Err(SrapError::Negative));
        assert_eq!(parse(&bytes(b"SRAP0001", &[-1, -1])), Err(SrapError::Length));
        let empty = parse(&bytes(b"SRAP0001", &[1, 1, 1, 0, -1]));
        assert_eq!(empty, Err(SrapError::Problem(ProblemError::EmptyRow(0))));
    }
}
