//! `[sensors]`: building automation whose points `aula district run` reads.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::home::Home;

/// Where the table of points lies, and where readings go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sensors {
    /// The table of points; nothing is read without it.
    pub points: Option<PathBuf>,
    /// The folder of the days' CSV files; HOME/readings when left out.
    pub folder: Option<PathBuf>,
}

impl Sensors {
    /// The folder of the days' files.
    pub fn folder(&self, home: &Home) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| home.path().join("readings"))
    }
}
