//! `[district]`: what `aula district run` does by itself, and how often.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::home::Home;

/// What the district's service does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct District {
    /// Seconds between two looks at what is to be done, 1 to 3,600.
    pub look_every_s: u64,
    /// Seconds between two anchors of the states that changed, 1 to 604,800.
    pub anchor_every_s: u64,
    /// Seconds between two anchors of the access log, 1 to 604,800.
    pub log_every_s: u64,
    /// Whether places are asked for as soon as a round is open.
    pub requests: Policy,
    /// The folder of wishes: `round-N.csv`, else `class-N.csv`; HOME/wishes when left out.
    pub wishes: Option<PathBuf>,
    /// Whether rounds of the home's own classes are run as soon as they may be.
    pub rounds: Policy,
    /// Who owns an intervention that opened by itself, as the register names it.
    pub interventions_by: String,
    /// Origins of other members' nodes that are asked for a fitted model when the home's own node has it not.
    pub models_from: Vec<String>,
    /// Which results of imports are of which skill of the twins' parameters.
    pub subject: Vec<Subject>,
}

/// Who begins a piece of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The service, when it is due.
    #[default]
    Automatic,
    /// The operator, by a command.
    Waits,
}

/// A subject by a word of what is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// A word of the measure, else of the instrument, whatever its case.
    pub word: String,
    /// The skill's number in the twins' parameters.
    pub skill: u16,
}

impl Default for District {
    fn default() -> Self {
        Self {
            look_every_s: 10,
            anchor_every_s: 3_600,
            log_every_s: 3_600,
            requests: Policy::Automatic,
            wishes: None,
            rounds: Policy::Automatic,
            interventions_by: "counselor".into(),
            models_from: Vec::new(),
            subject: Vec::new(),
        }
    }
}

impl District {
    /// The folder of wishes.
    pub fn wishes_dir(&self, home: &Home) -> PathBuf {
        self.wishes.clone().unwrap_or_else(|| home.path().join("wishes"))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (field, found, most, range) in [
            ("district.look_every_s", self.look_every_s, 3_600, "1 to 3600 s"),
            ("district.anchor_every_s", self.anchor_every_s, 604_800, "1 to 604800 s, a week"),
            ("district.log_every_s", self.log_every_s, 604_800, "1 to 604800 s, a week"),
        ] {
            if !(1..=most).contains(&found) {
                return Err(ConfigError::Range { field, found, range });
            }
        }
        Ok(())
    }
}
