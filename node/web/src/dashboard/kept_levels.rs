//! Students' levels by day, computed for a heatmap at most every five minutes. Who may see them is asked every time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aula_district::levels::Levels;
use aula_ledger::types::Handle;
use aula_twin_runtime::clock::DAY_MS;

/// How long levels hold.
const EVERY: Duration = Duration::from_secs(300);
/// Most students whose levels are kept: 50 units of 30 days take 6 kB.
const MAX_KEPT: usize = 20_000;

/// When they were computed, by the process's clock and by the day's, and the levels.
type Kept = (Instant, u64, Arc<Levels>);

/// Levels computed lately.
#[derive(Debug, Default)]
pub struct KeptLevels(Mutex<HashMap<Handle, Kept>>);

impl KeptLevels {
    /// A student's, with when they were computed, while they hold: five minutes, and no longer than the day.
    pub fn find(&self, handle: &Handle, now_ms: u64) -> Option<(u64, Arc<Levels>)> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, at_ms, levels) = kept.get(handle)?;
        let holds = at.elapsed() < EVERY && at_ms / DAY_MS == now_ms / DAY_MS;
        holds.then(|| (*at_ms, levels.clone()))
    }

    /// Keeps a student's.
    pub fn keep(&self, handle: Handle, now_ms: u64, levels: Arc<Levels>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, (at, ..)| at.elapsed() < EVERY);
        }
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(handle, (Instant::now(), now_ms, levels));
    }
}
