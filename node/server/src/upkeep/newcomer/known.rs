//! What a newcomer found out about its peers since its process began.

use std::collections::{BTreeMap, BTreeSet};

use aula_ledger::types::{Hash, TimeMs};
use libp2p_identity::PeerId;

/// Why an offer is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Its sender lies, or is damaged.
    Lie(String),
    /// It is true as far as was seen, and may not be used.
    Unusable(String),
}

/// After so many times in which an answer was missing one peer is asked at a time, and more again after as many in which none was.
const MOST_UNANSWERED: u32 = 3;

/// What was found of answers, by their hashes: when a certified block was, or why it is not to be used, however old.
pub(super) type Judged = BTreeMap<Hash, Result<TimeMs, Refused>>;

/// Who lies, who is slow, and what was said of whom.
#[derive(Debug, Default)]
pub struct Known {
    /// Who was found to lie: asked no more.
    pub liars: BTreeSet<PeerId>,
    /// Who did not give what it offered: tried after the others.
    pub(super) slow: BTreeSet<PeerId>,
    /// This machine could not do what it was to: a moment passes before it tries again.
    pub(super) at_fault: bool,
    /// What was found of the answers of the last time.
    pub(super) judged: Judged,
    said: BTreeMap<PeerId, Hash>,
    /// How often somebody left its answer out of those that were asked at once, less how often nobody did since.
    unanswered: u32,
}

impl Known {
    /// How many peers are asked at once, of so many at most.
    pub(super) fn at_once(&self, most: usize) -> usize {
        (most >> self.unanswered).max(1)
    }

    /// Whether all have answered of those that were asked at once. One that says in a word that it has nothing does not show that the
    /// line carries the proofs of the others.
    pub(super) fn heard(&mut self, everybody: bool) {
        self.unanswered = if everybody {
            self.unanswered.saturating_sub(1)
        } else {
            (self.unanswered + 1).min(MOST_UNANSWERED)
        };
    }

    /// Whether nothing was said yet of why this offer of a peer is not used; from now on it was.
    pub(super) fn is_new(&mut self, peer: PeerId, manifest: Hash) -> bool {
        self.said.insert(peer, manifest) != Some(manifest)
    }

    /// Says why an offer is not used: once an offer, however often its peer makes it.
    pub(super) fn say(&mut self, peer: PeerId, manifest: Hash, why: &str) {
        if self.is_new(peer, manifest) {
            tracing::warn!(%peer, "a peer's snapshot is not used: {why}");
        }
    }
}
