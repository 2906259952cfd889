//! What a driver keeps of blocks that are not decided, for whoever bounds a node's memory from outside: the loop has the driver to
//! itself, so it writes the most down as it goes.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::heads::ROUNDS_AHEAD;
use super::judging::UNJUDGED;
use super::receive::{CLAIMS, EARLY_BLOCKS};
use super::{AtHeight, Driver};

/// Most complete blocks of others that are kept at once: of the next height, of rounds to come, with a quorum that was not seen here, and
/// those that wait to be judged or are.
pub(crate) const MOST_BLOCKS: usize = EARLY_BLOCKS + ROUNDS_AHEAD as usize + CLAIMS + UNJUDGED;

/// The most that was kept since a session began.
#[derive(Debug, Default)]
pub(crate) struct Holding {
    assembly_bytes: AtomicUsize,
    blocks: AtomicUsize,
}

impl Holding {
    /// Bytes of blocks whose parts are not all there.
    pub(crate) fn assembly_bytes(&self) -> usize {
        self.assembly_bytes.load(Ordering::Relaxed)
    }

    /// Complete blocks.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks.load(Ordering::Relaxed)
    }

    fn note(&self, assembly_bytes: usize, blocks: usize) {
        self.assembly_bytes.fetch_max(assembly_bytes, Ordering::Relaxed);
        self.blocks.fetch_max(blocks, Ordering::Relaxed);
    }
}

impl Driver {
    pub(super) fn note_holding(&self) {
        let AtHeight { parked, claims, .. } = &self.at_height;
        let blocks = self.early.len() + parked.len() + claims.len() + self.judging.holds();
        self.holding.note(self.assembly.bytes(), blocks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_of_each_is_remembered() {
        let holding = Holding::default();
        for (bytes, blocks) in [(5, 1), (9, 0), (2, 3)] {
            holding.note(bytes, blocks);
        }
        assert_eq!((holding.assembly_bytes(), holding.blocks()), (9, 3));
    }
}
