//! How a node's feeds get on: HOME/feeds/health.json, written every few seconds while it runs, read by the district's service.
//!
//! The service is another process and has no business in the node's vault every ten seconds. Absent: judging it, which alerts do.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use aula_files::{Access, private_folder, replace};
use aula_home::{Advise, Failure, Home};
use serde::{Deserialize, Serialize};

/// How often a node writes it.
pub const TOLD_EVERY: Duration = Duration::from_secs(5);

/// How they get on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// When it was written, milliseconds since 1970.
    pub at_ms: u64,
    /// Why nothing enters the vault now.
    pub attention: Option<String>,
    /// Since when, milliseconds since 1970; none while everything enters.
    pub attention_since_ms: Option<u64>,
    /// Age of the oldest event that waits, milliseconds.
    pub lag_ms: u64,
    /// When an event of a feed came last, or the node began, milliseconds since 1970; by the feed's name.
    pub last_ms: BTreeMap<String, u64>,
}

fn path(home: &Home) -> PathBuf {
    home.feeds_dir().join("health.json")
}

impl Health {
    /// As the node wrote it; none where it never did.
    pub fn read(home: &Home) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path(home)).ok()?).ok()
    }

    /// Writes it whole.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, home: &Home) -> Result<(), Failure> {
        let hint = "check the folder's owner and the space left";
        private_folder(&home.feeds_dir()).advise("the folder of feeds cannot be made", hint)?;
        let bytes = serde_json::to_vec(self).advise("the feeds' health cannot be written", hint)?;
        let path = path(home);
        replace(&path, Access::Private, &bytes).advise(format!("cannot write {}", path.display()), hint)
    }
}
