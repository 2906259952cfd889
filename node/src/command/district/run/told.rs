//! What became of each duty: HOME/service/status.json, whole at any time, read by `aula district status` and after a restart.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aula_files::{Access, private_folder, replace};
use aula_home::{Home, fault};
use serde::{Deserialize, Serialize};

use super::duties::Duty;
use crate::command::{Advise, Failure};

/// What became of one duty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it was done last, milliseconds since 1970; none when it never was.
    pub last_ms: Option<u64>,
    /// What was done then.
    pub did: Option<String>,
    /// When it is due next, milliseconds since 1970.
    pub next_ms: Option<u64>,
    /// Why it was not done the last time; none when it was.
    pub error: Option<String>,
    /// How often it was done.
    pub done: u64,
    /// How often it failed.
    pub failed: u64,
}

/// What became of all of a home's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// By duty; one that was never begun is missing.
    pub duties: BTreeMap<Duty, Line>,
}

fn path(home: &Home) -> PathBuf {
    home.service_dir().join("status.json")
}

impl Told {
    /// What the home's file says; nothing where there is none, or one of another version.
    pub fn load(home: &Home) -> Self {
        let bytes = std::fs::read(path(home)).unwrap_or_default();
        // A time that cannot be read makes a duty come early, which changes nothing.
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Writes it.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn keep(&self, home: &Home) -> Result<(), Failure> {
        let hint = "check the folder's owner and the space left";
        let (folder, path) = (home.service_dir(), path(home));
        private_folder(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
        let bytes = serde_json::to_vec(self).advise("the status cannot be written", hint)?;
        fault::point();
        replace(&path, Access::Private, &bytes).advise(format!("cannot write {}", path.display()), hint)?;
        fault::point();
        Ok(())
    }

    /// Whether a duty is due at this time.
    pub fn is_due(&self, duty: Duty, now_ms: u64, every_s: u64) -> bool {
        let next = self.duties.get(&duty).and_then(|line| line.next_ms);
        // A clock that was set back does not hold a duty up: no wait is longer than its period.
        let furthest = now_ms.saturating_add(every_s.saturating_mul(1_000));
        next.is_none_or(|next| next <= now_ms || next > furthest)
    }

    /// Notes what became of a duty.
    pub fn note(&mut self, duty: Duty, outcome: &Result<String, Failure>, now_ms: u64, every_s: u64) {
        let line = self.duties.entry(duty).or_default();
        line.next_ms = Some(now_ms.saturating_add(every_s.saturating_mul(1_000)));
        match outcome {
            Ok(did) => {
                (line.last_ms, line.did, line.error) = (Some(now_ms), Some(did.clone()), None);
                line.done = line.done.saturating_add(1);
            }
            Err(failure) => {
                line.error = Some(format!("{}; next: {}", failure.message, failure.hint));
                line.failed = line.failed.saturating_add(1);
            }
        }
    }
}
