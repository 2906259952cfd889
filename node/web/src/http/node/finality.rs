//! How long blocks take to be final, as this node sees it: from the time in the header to the stored block.
//!
//! The proposer's clock and this node's both enter; with clocks apart by a second the figure is off by as much.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

pub use aula_api::chain::Finality;

/// Blocks looked back on.
const KEPT: usize = 200;

/// The newest blocks' times to final, in ms.
#[derive(Debug, Default)]
pub struct Latency(Mutex<VecDeque<u64>>);

impl Latency {
    /// A block was final and stored so many ms after its own time.
    pub fn saw(&self, took_ms: u64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(took_ms);
    }

    /// The summary; none before the first block.
    pub fn summary(&self) -> Option<Finality> {
        let mut sorted: Vec<u64> =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        sorted.sort_unstable();
        let at =
            |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Finality { p50_ms: at(50)?, p99_ms: at(99)?, blocks: sorted.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_of_the_newest_blocks() {
        let latency = Latency::default();
        assert_eq!(latency.summary(), None);
        (0..1_000).for_each(|ms| latency.saw(ms));
        assert_eq!(latency.summary(), Some(Finality { p50_ms: 899, p99_ms: 997, blocks: 200 }));
    }
}
