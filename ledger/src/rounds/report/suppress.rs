//! THE rule of suppression: which counts of students may be shown. Every public figure of a round passes here, on the
//! ledger when the report is written and in a node's routes where they show a count of their own.
//!
//! A count is *small* when it is above zero and below the parameter `min_cell_students`. A group is withheld when any
//! count that follows from its figures is small; then more groups, the smallest first, until at least two are withheld
//! and their sums are not small either, so that subtracting the shown ones from the total tells nothing small. Groups
//! without students hide nobody and are not counted; where no other is left, the total is small itself and withheld.

/// A group's exact figures.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) group: u32,
    pub(super) students: u64,
    pub(super) first_choice: u64,
    pub(super) waitlisted: u64,
    pub(super) rate_e6: u64,
}

impl Tally {
    /// Every count of students that follows from the figures shown.
    pub(super) fn counts(&self) -> [u64; 6] {
        let rest = |part: u64| self.students.saturating_sub(part);
        let other = rest(self.first_choice.saturating_add(self.waitlisted));
        let (first, waits) = (self.first_choice, self.waitlisted);
        [self.students, first, rest(first), waits, rest(waits), other]
    }
}

/// Which cells to withhold; see the module.
pub(super) fn hidden(cells: &[Tally], least: u64) -> Vec<bool> {
    let mut hidden: Vec<bool> =
        cells.iter().map(|cell| cell.counts().into_iter().any(|n| small(n, least))).collect();
    loop {
        let withheld = || cells.iter().zip(&hidden).filter(|(_, hidden)| **hidden).map(|(cell, _)| cell);
        let mut sums = [0u64; 6];
        for cell in withheld() {
            sums.iter_mut().zip(cell.counts()).for_each(|(sum, n)| *sum = sum.saturating_add(n));
        }
        let count = withheld().filter(|cell| cell.students > 0).count();
        if count == 0 || (count > 1 && !sums.into_iter().any(|n| small(n, least))) {
            return hidden;
        }
        let shown = cells.iter().zip(&hidden).enumerate();
        let shown = shown.filter(|(_, (cell, hidden))| !**hidden && cell.students > 0);
        let Some((next, _)) = shown.min_by_key(|(at, (cell, _))| (cell.students, *at)) else { return hidden };
        hidden.get_mut(next).into_iter().for_each(|slot| *slot = true);
    }
}

/// Lowest over highest rate of the shown groups, so that no withheld rate follows from it.
pub(super) fn ratio_ppm(shown: &[&Tally], part: fn(&Tally) -> u64) -> Option<u32> {
    let cross = |a: &Tally, b: &Tally| u128::from(part(a)).saturating_mul(b.students.into());
    let order = |a: &&&Tally, b: &&&Tally| cross(a, b).cmp(&cross(b, a));
    let (low, high) = (shown.iter().min_by(order)?, shown.iter().max_by(order)?);
    if shown.len() < 2 {
        return None;
    }
    u32::try_from(cross(low, high).saturating_mul(1_000_000).checked_div(cross(high, low))?).ok()
}

pub(super) fn small(n: u64, least: u64) -> bool {
    n > 0 && n < least
}

/// Whether these counts of students may be shown together: none of them is small. Zero counts nobody.
pub fn may_show(counts: &[u32], min_cell_students: u32) -> bool {
    !counts.iter().any(|count| small(u64::from(*count), u64::from(min_cell_students)))
}
