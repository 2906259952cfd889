//! Instance files: SRAP0001 (students × pools) and SRAP0002 (with schools), little endian, no padding.
//!
//! ```text
//! SRAP0001: magic, u32 n, u32 k, i32[k] capacity, i32[k] floor, i32[n·k] cost (−1: not eligible)
//! SRAP0002: magic, u32 n, u32 k, u32 m, i32[k] capacity, i32[k] floor, i32[n] school, i32[m] min_placed,
//!           i32[m] share, i32[m] penalty, i32[n·k] cost; the last pool is the waitlist
//! ```
//!
//! Costs are taken raw (no weights); the lottery uses the row index as handle and a seed of zeros. Rows become lists
//! when at most one pair in [`SPARSE_ONE_IN`] is eligible, else they stay a matrix; the answer is the same.

use super::draw::{DrawKey, SEED_BYTES};
use super::problem::{Entry, Pool, Problem, ProblemError, School, SchoolLayer};
use thiserror::Error;

/// Rows are stored as lists when at most one pair in this many is eligible.
pub const SPARSE_ONE_IN: usize = 4;

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
    /// The contents are no valid problem.
    #[error("the instance is not a valid problem")]
    Problem(#[from] ProblemError),
}

/// Reads an instance file.
///
/// # Errors
/// See [`SrapError`].
pub fn parse(bytes: &[u8]) -> Result<Problem, SrapError> {
    let (magic, rest) = bytes.split_at_checked(8).ok_or(SrapError::Magic)?;
    let layered = match magic {
        b"SRAP0001" => false,
        b"SRAP0002" => true,
        _ => return Err(SrapError::Magic),
    };
    let mut reader = Reader { rest };
    let (n, k) = (reader.size()?, reader.size()?);
    let m = if layered { reader.size()? } else { 0 };
    let (capacity, floor) = (reader.counts(k)?, reader.counts(k)?);
    let pools = capacity.into_iter().zip(floor).map(|(capacity, floor)| Pool { capacity, floor }).collect();
    let layer = if layered { Some(reader.layer(n, m)?) } else { None };
    let costs = reader.integers(n.checked_mul(k).ok_or(SrapError::Length)?)?;
    if !reader.rest.is_empty() {
        return Err(SrapError::Length);
    }
    let mut problem = rows(pools, costs, k)?;
    if let Some(layer) = layer {
        problem = problem.with_schools(layer)?;
    }
    let keys = (0..n as u64).map(|row| DrawKey::of_row(&[0; SEED_BYTES], row)).collect();
    Ok(problem.with_draw(keys)?)
}

/// A matrix, or lists when few pairs are eligible.
fn rows(pools: Vec<Pool>, costs: &[u8], k: usize) -> Result<Problem, ProblemError> {
    let values =
        || costs.chunks_exact(4).map(|word| word.iter().rev().fold(0, |v, &b| (v << 8) | i32::from(b)));
    let eligible = values().filter(|&c| c != -1).count();
    if eligible * SPARSE_ONE_IN > costs.len() / 4 || k == 0 {
        return Problem::dense(pools, values().collect());
    }
    let mut row_start = vec![0u32];
    let mut entries = Vec::with_capacity(eligible);
    let mut pool = 0;
    for cost in values() {
        if cost != -1 {
            entries.push(Entry { pool, cost });
        }
        pool += 1;
        if pool as usize == k {
            pool = 0;
            row_start.push(entries.len() as u32);
        }
    }
    Problem::lists(pools, row_start, entries)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn integers(&mut self, count: usize) -> Result<&'a [u8], SrapError> {
        let length = count.checked_mul(4).ok_or(SrapError::Length)?;
        let (words, rest) = self.rest.split_at_checked(length).ok_or(SrapError::Length)?;
        self.rest = rest;
        Ok(words)
    }

    fn size(&mut self) -> Result<usize, SrapError> {
        let word = self.integers(1)?;
        Ok(word.iter().rev().fold(0usize, |v, &b| (v << 8) | usize::from(b)))
    }

    fn counts(&mut self, count: usize) -> Result<Vec<u32>, SrapError> {
        let words = self.integers(count)?.chunks_exact(4);
        let value = |word: &[u8]| word.iter().rev().fold(0u32, |v, &b| (v << 8) | u32::from(b));
        words.map(|w| i32::try_from(value(w)).map(|v| v as u32).map_err(|_| SrapError::Negative)).collect()
    }

    fn layer(&mut self, n: usize, m: usize) -> Result<SchoolLayer, SrapError> {
        let school_of = self.counts(n)?;
        let (least, share, penalty) = (self.counts(m)?, self.counts(m)?, self.counts(m)?);
        let terms = least.into_iter().zip(share).zip(penalty);
        let schools =
            terms.map(|((min_placed, share), penalty)| School { min_placed, share, penalty: penalty as i32 });
        Ok(SchoolLayer { school_of, schools: schools.collect() })
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
