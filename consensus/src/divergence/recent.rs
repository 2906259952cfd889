//! The newest blocks' facts, kept for peers whose execution parts from this node's.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use aula_ledger::types::Hash;

use super::Facts;

/// Most blocks that are remembered: ten seconds of the fastest pace.
const BLOCKS: usize = 256;
/// Most bytes of them together.
const BYTES: usize = 32 << 20;
/// Most bytes of one; a larger one is not kept.
const BLOCK_BYTES: usize = 8 << 20;

#[derive(Debug, Default)]
struct Inner {
    kept: VecDeque<(Hash, Vec<u8>)>,
    bytes: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Inner>);

impl Recent {
    /// Keeps a final block's.
    pub fn keep(&self, block: Hash, facts: &Facts) {
        let bytes = borsh::to_vec(facts).unwrap_or_default();
        if bytes.is_empty() || bytes.len() > BLOCK_BYTES {
            return;
        }
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += bytes.len();
        inner.kept.push_back((block, bytes));
        while inner.kept.len() > BLOCKS || inner.bytes > BYTES {
            let Some((_, oldest)) = inner.kept.pop_front() else { break };
            inner.bytes -= oldest.len();
        }
    }

    /// A block's facts, encoded.
    pub fn of(&self, block: &Hash) -> Option<Vec<u8>> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.kept.iter().rev().find(|(known, _)| known == block).map(|(_, bytes)| bytes.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_the_oldest_go_first() {
        let recent = Recent::default();
        let facts = |bytes: usize| Facts { receipts: vec![vec![7; bytes]], ..Facts::default() };
        for n in 0..=u8::MAX {
            recent.keep(Hash([n; 32]), &facts(1 << 20));
        }
        let kept = (0..=u8::MAX).filter(|n| recent.of(&Hash([*n; 32])).is_some()).count();
        assert_eq!(kept, 31);
        assert!(recent.of(&Hash([255; 32])).is_some() && recent.of(&Hash([0; 32])).is_none());
        recent.keep(Hash([1; 32]), &facts(BLOCK_BYTES + 1));
        assert!(recent.of(&Hash([1; 32])).is_none(), "too large");
        for n in 0..1_000u32 {
            recent.keep(Hash([(n % 251) as u8; 32]), &facts(1));
        }
        let inner = recent.0.lock().unwrap();
        assert!(inner.kept.len() == BLOCKS && inner.bytes < 1 << 20);
    }
}
