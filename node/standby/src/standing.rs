//! What is told of a pair: HOME/pair/standing.json, written by the running node every second.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// How one of a pair stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What `[pair] name` of its settings says: which of the two this is.
    pub name: String,
    /// `acting`, `standby`, or `nobody` while it knows of no lease, or has one that it may not write by.
    pub role: String,
    /// The lease's epoch.
    pub epoch: u64,
    /// Who has the lease: its name, and of a namesake of this one the id too.
    pub holder: Option<String>,
    /// Who has everything beside the holder; none while the holder goes on alone.
    pub level: Option<String>,
    /// Which change of the lease's record was seen last; none where there is no record.
    #[serde(default)]
    pub turn: Option<u64>,
    /// Nobody acts by it: it was not renewed for a whole lease, or was released.
    #[serde(default)]
    pub over: bool,
    /// Writes that the standby lacks, as the acting one knows; none where it does not.
    pub behind: Option<u64>,
    /// Since when the role is this, milliseconds since 1970.
    pub since_ms: u64,
    /// When this was written.
    pub at_ms: u64,
    /// What somebody should know: why it is alone, why nobody acts.
    pub why: Option<String>,
}

/// Older than this it says nothing: the node does not run.
pub const STALE_MS: u64 = 10_000;

impl Standing {
    /// What the file in this folder says; none where there is none that can be read.
    pub fn load(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(folder.join("standing.json")).ok()?).ok()
    }

    /// Writes it, whole; a crash may leave an older one.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn keep(&self, folder: &Path) -> io::Result<()> {
        let (path, aside) = (folder.join("standing.json"), folder.join(".standing.new"));
        std::fs::write(&aside, serde_json::to_vec(self)?)?;
        std::fs::rename(aside, path)
    }

    /// True where the holder acknowledges what only it has.
    pub fn is_alone(&self) -> bool {
        self.holder.is_some() && self.level.is_none()
    }

    /// One line for people.
    pub fn words(&self, now_ms: u64) -> String {
        if now_ms.saturating_sub(self.at_ms) > STALE_MS {
            return format!("{}: the node does not run", self.name);
        }
        let holder = self.holder.as_deref().unwrap_or("nobody");
        let copy = match (&self.level, self.behind) {
            (Some(level), _) => format!("{level} has every acknowledged write"),
            (None, Some(behind)) if behind > 0 => format!("ALONE: {behind} writes are nowhere else"),
            (None, _) => "ALONE: what is acknowledged is nowhere else".to_owned(),
        };
        let why = self.why.as_ref().map_or_else(String::new, |why| format!("; {why}"));
        format!("{}: {}, epoch {} of {holder}; {copy}{why}", self.name, self.role, self.epoch)
    }
}
