//! `[lake]`: where the district's lake lies, and what it takes beside the vault and the ledger.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::home::Home;

/// The district's lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LakePlace {
    /// Its folder; HOME/lake when left out.
    pub folder: Option<PathBuf>,
    /// Hours for which older snapshots stay, 0 to 8,760.
    pub keep_snapshots_hours: u64,
    /// Hours between two syncs by `aula district run`, 0 (by command alone) to 8,760.
    pub every_hours: u64,
    /// A folder of CSV files with readings of meters; none when left out.
    pub readings: Option<PathBuf>,
}

impl Default for LakePlace {
    fn default() -> Self {
        Self { folder: None, keep_snapshots_hours: 24, every_hours: 0, readings: None }
    }
}

impl LakePlace {
    /// The setting, else the `lake/` of the home.
    pub fn folder(&self, home: &Home) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| home.lake_dir())
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (field, found) in
            [("lake.keep_snapshots_hours", self.keep_snapshots_hours), ("lake.every_hours", self.every_hours)]
        {
            if found > 8_760 {
                return Err(ConfigError::Range { field, found, range: "0 to 8760 h, a year" });
            }
        }
        Ok(())
    }
}
