//! Which figures may be published.

use borsh::{BorshDeserialize, BorshSerialize};

/// A published number, or the note that it is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Figure {
    /// The number.
    Exact(u64),
    /// Withheld, because it or its complement would describe too few students.
    Suppressed,
}

/// A count among `whole`, withheld when it or the rest is small but not empty.
pub(super) fn count(part: u64, whole: u64, min_cell: u32) -> Figure {
    let small = |n: u64| n > 0 && n < u64::from(min_cell);
    if small(part) || small(whole.saturating_sub(part)) { Figure::Suppressed } else { Figure::Exact(part) }
}

/// Which groups to withhold: the small ones, then the next smallest until the withheld part cannot be worked out
/// from the total.
pub(super) fn hidden(sizes: &[u64], min_cell: u32) -> Vec<bool> {
    let least = u64::from(min_cell);
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&at| (sizes.get(at).copied().unwrap_or(0), at));
    let mut hidden = vec![false; sizes.len()];
    let (mut groups, mut students) = (0, 0);
    for at in order {
        let size = sizes.get(at).copied().unwrap_or(0);
        let enough = groups == 0 || (groups > 1 && students >= least);
        if size >= least && enough {
            break;
        }
        hidden.get_mut(at).into_iter().for_each(|h| *h = true);
        (groups, students) = (groups + 1, students + size);
    }
    hidden
}
