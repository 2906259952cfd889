//! The duties, by name: what each does, and how often.

use aula_home::config::Policy;
use aula_vault::vault::is_there;
use serde::{Deserialize, Serialize};

use super::office::Office;
use super::{acknowledgements, alerts, log, milestones, rosters, rounds, states};
use crate::command::{Failure, lake};

/// One thing that the service does by itself, and repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Settles what an earlier process sent and did not see final.
    Outbox,
    /// Asks the systems that config.toml names for their rosters.
    Rosters,
    /// Folds students' events, opens and closes interventions, anchors the states that changed.
    Anchor,
    /// Records milestones of anchored states, with their proofs.
    Milestones,
    /// Asks for places in rounds that are open.
    Requests,
    /// Runs rounds of the home's own classes.
    Rounds,
    /// Chases schools' acknowledgements, and records those that are missed.
    Acknowledgements,
    /// Anchors the access log.
    Log,
    /// Brings the lake what is new, where config.toml asks for it.
    Lake,
    /// Tells people what they should know of, once.
    Alerts,
}

impl Duty {
    /// All, in the order in which they are done.
    pub const ALL: [Self; 10] = [
        Self::Outbox,
        Self::Rosters,
        Self::Anchor,
        Self::Milestones,
        Self::Requests,
        Self::Rounds,
        Self::Acknowledgements,
        Self::Log,
        Self::Lake,
        Self::Alerts,
    ];

    /// The word in status, metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Rosters => "rosters",
            Self::Anchor => "anchor",
            Self::Milestones => "milestones",
            Self::Requests => "requests",
            Self::Rounds => "rounds",
            Self::Acknowledgements => "acknowledgements",
            Self::Log => "log",
            Self::Lake => "lake",
            Self::Alerts => "alerts",
        }
    }

    /// Seconds between two times.
    pub(super) fn every_s(self, office: &Office) -> u64 {
        let settings = &office.settings;
        match self {
            Self::Anchor => settings.anchor_every_s,
            Self::Log => settings.log_every_s,
            Self::Lake if office.lake.every_hours > 0 => office.lake.every_hours.saturating_mul(3_600),
            Self::Alerts => settings.look_every_s.min(alerts::EVERY_S),
            _ => settings.look_every_s,
        }
    }

    /// Does it once; gives what was done, in words.
    ///
    /// # Errors
    /// Why it could not be done, or not all of it: it is tried again.
    pub(super) async fn run(self, office: &Office) -> Result<String, Failure> {
        let has_vault = is_there(&office.place.folders(&office.context)?.data);
        if !has_vault && !matches!(self, Self::Outbox | Self::Rounds | Self::Alerts) {
            return Ok("this home has no vault".into());
        }
        match self {
            Self::Outbox => {
                let recovered = office.posting().await?.recovered;
                Ok(match recovered {
                    0 => "nothing was left".into(),
                    some => format!("{some} transactions of an earlier process settled"),
                })
            }
            Self::Rosters => rosters::follow(office).await,
            Self::Anchor => states::anchor(office).await,
            Self::Milestones => milestones::record(office).await,
            Self::Requests => match office.settings.requests {
                Policy::Automatic => rounds::request(office).await,
                Policy::Waits => Ok("waits for `aula district request`".into()),
            },
            Self::Rounds => match office.settings.rounds {
                Policy::Automatic => rounds::run(office).await,
                Policy::Waits => Ok("waits for `aula steward run`".into()),
            },
            Self::Acknowledgements => acknowledgements::chase(office).await,
            Self::Log => log::anchor(office).await,
            Self::Lake if office.lake.every_hours > 0 => {
                lake::by_schedule(&office.context, &office.place, &office.ledger.rpc).await
            }
            Self::Lake => Ok("waits for `aula lake sync`".into()),
            Self::Alerts => alerts::look(office).await,
        }
    }
}
