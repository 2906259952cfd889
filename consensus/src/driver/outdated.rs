//! A program that does not know the next height's protocol: it stops before that height.

use std::time::Duration;

use aula_ledger::protocol::Outdated;

use super::Driver;
use crate::events::FatalError;
use crate::ports::Moment;

/// How long it goes on to serve what is final: a peer that has not decided the last height yet needs this node's vote, or
/// the block.
const LINGER: Duration = Duration::from_secs(5);

/// Why this program goes no further, and until when it serves the others.
pub(super) struct Last {
    outdated: Outdated,
    pub(super) until: Moment,
}

impl From<Last> for FatalError {
    fn from(last: Last) -> Self {
        Self::Outdated(last.outdated)
    }
}

impl Driver {
    /// Looks whether the height after the tip is one for this program. One that is not is never started.
    pub(super) fn look_ahead(&mut self) -> Result<(), FatalError> {
        let found = self.services.executor.outdated(self.base.state.as_ref(), self.base.tip.height)?;
        if let Some(outdated) = found {
            tracing::error!("{outdated}; {}", outdated.next_step());
            self.last = Some(Last { outdated, until: self.services.runtime.now() + LINGER });
        }
        Ok(())
    }
}
