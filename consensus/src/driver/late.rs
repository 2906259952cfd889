//! What the age of a block says of this machine's clock, see [`crate::lateness`].

use aula_ledger::types::TimeMs;

use super::Driver;
use crate::context::Height;
use crate::lateness::News;

impl Driver {
    /// Notes how old the block is that has just become final, where its age is the clock's doing: it is of a first round, and
    /// this node was level when it came, by votes or as the peers' newest.
    pub(super) fn note_age(&self, height: Height, round: u32, time_ms: TimeMs) {
        let highest = self.services.heights.highest();
        let by_votes = self.synced != Some(height);
        let is_level = by_votes || highest.is_some_and(|highest| highest <= height.0.saturating_add(1));
        if round > 0 || !is_level {
            return;
        }
        // A clock that cannot be read is said elsewhere.
        let Ok(now_ms) = self.services.clock.now_ms() else { return };
        match self.services.lateness.came(now_ms.saturating_sub(time_ms.0)) {
            Some(News::Late) => {
                let words = self.services.lateness.words().unwrap_or_default();
                tracing::error!(%height, "{words}");
            }
            Some(News::Fresh) => {
                tracing::warn!(%height, "blocks arrive fresh again: this clock agrees with the chain's");
            }
            None => {}
        }
    }
}
