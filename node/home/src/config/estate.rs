//! `[estate]`: the folder of a district's buildings and schedules that its node shows.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// What the node shows of a district's estate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EstateShown {
    /// The folder; nothing is shown without one.
    pub folder: Option<PathBuf>,
    /// What the page is called.
    pub title: String,
    /// How many periods ahead of its history it tells, 1 to 100.
    pub periods: u32,
}

impl Default for EstateShown {
    fn default() -> Self {
        Self { folder: None, title: "The estate".into(), periods: 1 }
    }
}

impl EstateShown {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if (1..=100).contains(&self.periods) {
            return Ok(());
        }
        Err(ConfigError::Range { field: "estate.periods", found: self.periods.into(), range: "1 to 100" })
    }
}
