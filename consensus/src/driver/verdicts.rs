//! What is known of the blocks of the height that is being decided, so that each is judged once.
//!
//! A verdict is on a block as such. It holds in every round and under every head, and is final: a block whose bytes
//! are those of its hash is valid or invalid for good. Bytes that are not the block of the announced hash say nothing
//! about that block; they are remembered themselves. What a clock says is not a verdict and is not here.

use std::collections::{BTreeMap, VecDeque};

use aula_ledger::types::{Hash, TimeMs, ValidatorAddress};
use sha2::{Digest, Sha256};

use crate::proposal::ExecutedBlock;

/// Garbled bytes remembered, by their hash; the oldest are forgotten first. Each cost its publisher the connection.
const GARBLED: usize = 64;

/// The verdict on a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It follows the tip, and executing it gives its header.
    Valid {
        /// Who built it.
        proposer: ValidatorAddress,
        /// What it says about the time.
        time_ms: TimeMs,
    },
    /// It does not.
    Invalid,
}

impl Verdict {
    /// The verdict on a block that is valid.
    pub(super) fn of(judged: &ExecutedBlock) -> Self {
        let header = &judged.block.header;
        Self::Valid { proposer: header.proposer, time_ms: header.time_ms }
    }
}

/// The SHA-256 of a block's bytes as they were received.
pub(super) fn fingerprint(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The verdicts of one height.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    blocks: BTreeMap<Hash, Verdict>,
    garbled: VecDeque<(Hash, [u8; 32])>,
    told: BTreeMap<(u32, Hash), bool>,
}

impl Verdicts {
    pub(super) fn of(&self, block: &Hash) -> Option<&Verdict> {
        self.blocks.get(block)
    }

    pub(super) fn keep(&mut self, block: Hash, verdict: Verdict) {
        self.blocks.insert(block, verdict);
    }

    /// Whether these very bytes were garbled before.
    pub(super) fn is_garbled(&self, announced: &Hash, bytes: &[u8; 32]) -> bool {
        self.garbled.contains(&(*announced, *bytes))
    }

    pub(super) fn keep_garbled(&mut self, announced: Hash, bytes: [u8; 32]) {
        if self.garbled.len() >= GARBLED {
            self.garbled.pop_front();
        }
        self.garbled.push_back((announced, bytes));
    }

    /// Whether the engine has to be told this of a block in a round: it has not been told it yet, nor that the block is
    /// valid, which is not taken back.
    pub(super) fn is_news(&mut self, round: u32, block: Hash, valid: bool) -> bool {
        match self.told.insert((round, block), valid) {
            Some(true) => {
                self.told.insert((round, block), true);
                false
            }
            before => before != Some(valid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_is_told_each_thing_once_and_valid_is_not_taken_back() {
        let (mut verdicts, block) = (Verdicts::default(), Hash([1; 32]));
        let told =
            [(false, true), (false, false), (true, true), (true, false), (false, false), (true, false)];
        for (valid, news) in told {
            assert_eq!(verdicts.is_news(0, block, valid), news);
        }
        assert!(verdicts.is_news(1, block, false), "another round is another matter");
    }

    #[test]
    fn attack_02_garbled_bytes_are_remembered_by_what_they_are_and_bounded() {
        let mut verdicts = Verdicts::default();
        for n in 0..2 * GARBLED {
            let bytes = fingerprint(&n.to_le_bytes());
            assert!(!verdicts.is_garbled(&Hash([1; 32]), &bytes));
            verdicts.keep_garbled(Hash([1; 32]), bytes);
            assert!(verdicts.is_garbled(&Hash([1; 32]), &bytes));
            assert!(!verdicts.is_garbled(&Hash([2; 32]), &bytes), "of another block they say nothing");
            assert!(verdicts.garbled.len() <= GARBLED);
        }
        assert_eq!(verdicts.of(&Hash([1; 32])), None, "nothing is held against the block");
    }
}
