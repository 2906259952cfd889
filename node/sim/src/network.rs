//! Ways between members: how long a message takes, and whether it arrives.

use std::collections::BTreeSet;

use crate::chance::Chance;

/// Where members may be.
pub const REGIONS: [&str; 7] =
    ["N. Virginia", "N. California", "Oregon", "Ireland", "Frankfurt", "Tokyo", "Singapore"];

/// Mean round trips between regions of one public cloud in hundredths of a millisecond, as measured in 2016 and 2017 and
/// tabled at <https://acomputerscientistlearnsaws.blogspot.com/2017/04/aws-regions.html>. Within a region half a
/// millisecond stands for the table's zero.
const ROUND_TRIP_E2: [[u64; 7]; 7] = [
    [50, 7_274, 8_698, 8_055, 8_866, 14_530, 21_670],
    [7_163, 50, 1_946, 15_320, 16_660, 10_250, 17_400],
    [8_868, 1_920, 50, 13_700, 15_950, 8_910, 16_140],
    [8_052, 15_320, 13_700, 50, 1_956, 21_240, 23_900],
    [8_862, 16_660, 15_950, 1_955, 50, 23_650, 32_590],
    [14_530, 10_250, 8_916, 21_240, 23_660, 50, 7_379],
    [21_670, 17_390, 16_140, 23_810, 32_590, 7_381, 50],
];

/// What is wrong with the ways at present.
#[derive(Debug, Default)]
pub struct Ways {
    /// Groups of members that reach each other; none: everybody does.
    pub groups: Vec<Vec<u8>>,
    /// Directions in which nothing arrives.
    pub cut: BTreeSet<(u8, u8)>,
    /// Precommits reach this member only.
    pub precommits_to: Option<u8>,
    /// Of ten thousand messages, how many more are lost.
    pub loss_e4: u32,
    /// How much longer everything takes, in microseconds.
    pub slower_us: u64,
}

impl Ways {
    /// Whether anything between two members is wrong for good, so that others must pass on.
    pub fn are_broken(&self) -> bool {
        !self.groups.is_empty() || !self.cut.is_empty() || self.precommits_to.is_some()
    }

    /// Whether a message may arrive.
    pub fn leads(&self, from: u8, to: u8, is_precommit: bool) -> bool {
        let together = self.groups.is_empty()
            || self.groups.iter().any(|group| group.contains(&from) && group.contains(&to));
        let hidden = is_precommit && self.precommits_to.is_some_and(|only| only != to);
        together && !hidden && !self.cut.contains(&(from, to))
    }

    /// How long a message takes between two regions, in microseconds.
    pub fn delay_us(&self, from: usize, to: usize, jitter_ms: u64, chance: &mut Chance) -> u64 {
        let way = ROUND_TRIP_E2.get(from).and_then(|row| row.get(to)).copied().unwrap_or(0) * 10 / 2;
        way + self.slower_us + chance.below(jitter_ms * 1_000 + 200)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_keeps_groups_apart_and_a_one_way_cut_one_direction() {
        let mut ways = Ways { groups: vec![vec![0, 1], vec![2]], ..Ways::default() };
        assert!(ways.leads(0, 1, false) && !ways.leads(0, 2, false) && !ways.leads(3, 0, false));
        ways = Ways { cut: BTreeSet::from([(0, 1)]), ..Ways::default() };
        assert!(!ways.leads(0, 1, false) && ways.leads(1, 0, false) && ways.are_broken());
        ways = Ways { precommits_to: Some(2), ..Ways::default() };
        assert!(ways.leads(0, 1, false) && !ways.leads(0, 1, true) && ways.leads(0, 2, true));
    }
}
