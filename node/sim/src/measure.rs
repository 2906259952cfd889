//! How a consortium does: finality, bytes and certificates of a run without faults, with costs charged as simulated time.
//!
//! Flow: [`plan`] → [`crate::measured`] → the world tells [`Measure`] of proposals, decisions, bytes and copies → [`Measured`].
//! The first heights ([`WARM_UP`]) are left out: members start one after another.

use std::collections::BTreeMap;

use aula_consensus::ports::ChainStore;
use aula_ledger::codec::Canonical;
use aula_ledger::types::Height;
use serde::Serialize;

use crate::charges::Charges;
use crate::network::REGIONS;
use crate::plan::{MOST_SECONDS, Plan};
use crate::store::Store;

/// Heights at the beginning that no figure counts.
pub const WARM_UP: u64 = 3;

/// A consortium without faults: so many validators, in all regions in turn.
pub fn plan(seed: u64, nodes: u8, charges: Charges) -> Plan {
    Plan {
        name: format!("{nodes} validators measured"),
        seed,
        nodes,
        // It ends at a height, not at a time.
        seconds: MOST_SECONDS,
        healed_at: MOST_SECONDS,
        ends_level: false,
        regions: (0..usize::from(nodes)).map(|member| member % REGIONS.len()).collect(),
        loss_e4: 0,
        duplicate_e4: 0,
        jitter_ms: 0,
        transaction_every_ms: 0,
        upgrade: None,
        membership: None,
        charges: Some(charges),
        deviants: Vec::new(),
        faults: Vec::new(),
    }
}

/// What a run without faults shows. Times are simulated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Heights that count: those after the first few.
    pub heights: u64,
    /// Rounds beyond the first, summed over those heights.
    pub further_rounds: u64,
    /// From the moment a proposer begins to build until a member has decided, each member and height a sample; milliseconds.
    pub finality_ms: Shares,
    /// From one height's first decision to the next one's, mean, milliseconds.
    pub interval_ms: f64,
    /// Records final a second.
    pub records_s: f64,
    /// Bytes that a member sends a height: the mean, and the member with the most.
    pub sent_bytes: MeanAndMost,
    /// The same over a day at this interval.
    pub sent_bytes_day: MeanAndMost,
    /// Copies of messages that a member receives a height, and how many of them it had; means.
    pub copies: f64,
    /// Of those, the ones that it had already.
    pub known_copies: f64,
    /// Cores' time that verifying took of a member, of one core, 0 to the number of cores.
    pub verifying_cores: f64,
    /// Canonical bytes of a certificate: mean and most.
    pub certificate_bytes: MeanAndMost,
    /// Canonical bytes of a block without records.
    pub block_bytes: f64,
}

/// Values below which half, 99 of 100 and all of the samples lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shares {
    /// Half.
    pub p50: f64,
    /// 99 of 100.
    pub p99: f64,
    /// All.
    pub most: f64,
}

/// A mean and the most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MeanAndMost {
    /// Over all members or heights.
    pub mean: f64,
    /// Of one.
    pub most: f64,
}

/// What is collected while a world runs.
pub struct Measure {
    until: u64,
    began: BTreeMap<u64, u64>,
    first: BTreeMap<u64, u64>,
    rounds: BTreeMap<u64, u32>,
    samples_us: Vec<u64>,
    certificates: Vec<u64>,
    blocks: Vec<u64>,
    reached: Vec<u64>,
    counted: Vec<Counted>,
    /// What each member had counted when the warm-up was over everywhere.
    warm: Option<(u64, Vec<Counted>)>,
}

/// One member's counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counted {
    /// Bytes that left it.
    pub sent: u64,
    /// Copies that came.
    pub copies: u64,
    /// Copies that came and were known.
    pub known: u64,
    /// Microseconds of a core that verifying took.
    pub verifying_us: u64,
}

impl Measure {
    /// Nothing yet, of so many members, until all have decided a height.
    pub fn new(nodes: u8, until: u64) -> Self {
        Self {
            until,
            began: BTreeMap::new(),
            first: BTreeMap::new(),
            rounds: BTreeMap::new(),
            samples_us: Vec::new(),
            certificates: Vec::new(),
            blocks: Vec::new(),
            reached: vec![0; nodes.into()],
            counted: vec![Counted::default(); nodes.into()],
            warm: None,
        }
    }

    /// A member's counts, to be added to; `None` for the second half of a twin.
    pub fn of(&mut self, member: usize) -> Option<&mut Counted> {
        self.counted.get_mut(member)
    }

    /// A member begins to build a block.
    pub fn proposes(&mut self, height: u64, round: u32, now_us: u64) {
        self.began.entry(height).or_insert(now_us);
        let rounds = self.rounds.entry(height).or_default();
        *rounds = (*rounds).max(round);
    }

    /// A member has decided a height.
    pub fn decided(&mut self, member: usize, height: u64, now_us: u64, store: &Store) {
        if let Some(reached) = self.reached.get_mut(member) {
            *reached = height;
        }
        if self.warm.is_none() && self.reached.iter().all(|reached| *reached >= WARM_UP) {
            self.warm = Some((now_us, self.counted.clone()));
        }
        if height <= WARM_UP {
            return;
        }
        if let Some(began) = self.began.get(&height) {
            self.samples_us.push(now_us.saturating_sub(*began));
        }
        if self.first.contains_key(&height) {
            return;
        }
        self.first.insert(height, now_us);
        if let Ok(Some(decided)) = store.decided(Height(height)) {
            self.certificates.push(decided.certificate.to_canonical().len() as u64);
            self.blocks.push(decided.block.len() as u64);
        }
    }

    /// Whether every member has come as far as was asked for.
    pub fn is_over(&self) -> bool {
        self.reached.iter().all(|reached| *reached >= self.until)
    }

    /// The figures at the end; `None` when the run ended before two heights that count.
    pub fn finish(mut self, now_us: u64, charges: &Charges) -> Option<Measured> {
        let (first, last) = (*self.first.values().next()?, *self.first.values().next_back()?);
        let heights = self.first.len() as u64;
        let (warm_us, warm) = self.warm?;
        let window_s = now_us.saturating_sub(warm_us) as f64 / 1e6;
        if heights < 2 || window_s <= 0.0 {
            return None;
        }
        self.samples_us.sort_unstable();
        let interval_ms = (last - first) as f64 / 1e3 / (heights - 1) as f64;
        let since = |of: fn(&Counted) -> u64| {
            let pairs = self.counted.iter().zip(&warm);
            pairs.map(|(now, then)| of(now).saturating_sub(of(then))).collect::<Vec<u64>>()
        };
        let a_second = summed(&since(|one| one.sent)).times(1.0 / window_s);
        let a_height = interval_ms / 1e3;
        Some(Measured {
            heights,
            further_rounds: self.rounds.range(WARM_UP + 1..).map(|(_, round)| u64::from(*round)).sum(),
            finality_ms: Shares {
                p50: share_ms(&self.samples_us, 50),
                p99: share_ms(&self.samples_us, 99),
                most: share_ms(&self.samples_us, 100),
            },
            interval_ms: rounded(interval_ms),
            records_s: rounded(charges.records as f64 / a_height),
            sent_bytes: a_second.times(a_height),
            sent_bytes_day: a_second.times(86_400.0),
            copies: rounded(summed(&since(|one| one.copies)).mean / window_s * a_height),
            known_copies: rounded(summed(&since(|one| one.known)).mean / window_s * a_height),
            verifying_cores: (summed(&since(|one| one.verifying_us)).mean / 1e6 / window_s * 1e4).round()
                / 1e4,
            certificate_bytes: summed(&self.certificates).times(1.0),
            block_bytes: rounded(summed(&self.blocks).mean),
        })
    }
}

impl MeanAndMost {
    fn times(self, factor: f64) -> Self {
        Self { mean: rounded(self.mean * factor), most: rounded(self.most * factor) }
    }
}

/// To a tenth: nobody reads more, and a line of JSON stays one line.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn summed(values: &[u64]) -> MeanAndMost {
    let sum: u64 = values.iter().sum();
    let most = values.iter().copied().max().unwrap_or(0);
    MeanAndMost { mean: sum as f64 / values.len().max(1) as f64, most: most as f64 }
}

/// The value below which so many of a hundred ascending ones lie (nearest rank), in milliseconds.
fn share_ms(ascending_us: &[u64], of_a_hundred: usize) -> f64 {
    let rank = (ascending_us.len() * of_a_hundred).div_ceil(100);
    let value = ascending_us.get(rank.saturating_sub(1)).copied().unwrap_or(0);
    rounded(value as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_values_that_occurred_and_nothing_is_nought() {
        let values: Vec<u64> = (1..=200).map(|ms| ms * 1_000).collect();
        assert_eq!(
            (share_ms(&values, 50), share_ms(&values, 99), share_ms(&values, 100)),
            (100.0, 198.0, 200.0)
        );
        assert_eq!(share_ms(&[], 99), 0.0);
        let told = summed(&[10, 20, 60]);
        assert_eq!((told.mean, told.most), (30.0, 60.0));
    }
}
