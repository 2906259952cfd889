//! `[reports]` and `[[report]]`: what is made by itself, when, and how long it is kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::home::Home;

/// What all scheduled reports share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reports {
    /// The IANA time zone of the schedules.
    pub time_zone: String,
    /// Where reports are delivered to; HOME/delivered when left out. Nodes that share one deliver each report once.
    pub outbox: Option<PathBuf>,
    /// Before the path of every proof: where readers reach a node.
    pub link: String,
    /// Whether the node publishes how many students of each school used a resource in an hour, as suppressed counts.
    pub hours: bool,
}

impl Default for Reports {
    fn default() -> Self {
        Self { time_zone: "UTC".into(), outbox: None, link: "http://127.0.0.1:8480".into(), hours: false }
    }
}

impl Reports {
    /// Where reports are delivered to.
    pub fn outbox_dir(&self, home: &Home) -> PathBuf {
        self.outbox.clone().unwrap_or_else(|| home.delivered_dir())
    }
}

/// A report made by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduledReport {
    /// What the operator calls it: the name of its folder in the outbox, 1 to 40 letters, digits and dashes.
    pub name: String,
    /// A district's, the state's, or the transparency report.
    pub kind: ReportKind,
    /// How often; a district's every day, the state's every month, the transparency report every quarter, when left out.
    pub every: Option<ReportEvery>,
    /// Local time of day.
    #[serde(default = "three")]
    pub at: String,
    /// Which district, for a district's report; every one when left out.
    pub district: Option<u16>,
    /// How long it is kept, in years, 1 to 100; the state's 5, others 7, when left out.
    pub keep_years: Option<u16>,
    /// Which `[[delivery]]` it goes to beside the outbox, by their names.
    #[serde(default)]
    pub deliver: Vec<String>,
}

/// Which of the three reports it is; in settings a word in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportKind {
    /// A district's report.
    District,
    /// The state's export.
    State,
    /// What the public is told; each quarter when nothing else is said.
    Transparency,
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportEvery {
    /// At the same local time each day.
    Day,
    /// The first of every month.
    Month,
    /// The first of every quarter.
    Quarter,
}

fn three() -> String {
    "03:00".into()
}

impl ScheduledReport {
    /// How often it is made.
    pub fn every(&self) -> ReportEvery {
        self.every.unwrap_or(match self.kind {
            ReportKind::District => ReportEvery::Day,
            ReportKind::State => ReportEvery::Month,
            ReportKind::Transparency => ReportEvery::Quarter,
        })
    }

    /// How long it is kept, in years.
    pub fn keep_years(&self) -> u16 {
        self.keep_years.unwrap_or(match self.kind {
            ReportKind::State => 5,
            ReportKind::District | ReportKind::Transparency => 7,
        })
    }

    /// Checks what its types do not say.
    pub(super) fn check(&self, all: &[Self], deliveries: &[super::Delivery]) -> Result<(), ConfigError> {
        let refused = |reason| Err(ConfigError::Report { name: self.name.clone(), reason });
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(plain) {
            return refused("name must be 1 to 40 letters, digits and dashes");
        }
        if all.iter().filter(|other| other.name == self.name).count() > 1 {
            return refused("another [[report]] has this name");
        }
        if !(1..=100).contains(&self.keep_years()) {
            return refused("keep_years must be 1 to 100");
        }
        if self.deliver.iter().any(|name| deliveries.iter().all(|delivery| delivery.name != *name)) {
            return refused("deliver names a [[delivery]] that is not there");
        }
        if self.district.is_some() && self.kind != ReportKind::District {
            return refused("district is of a district's report alone");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, refuses};

    const REPORT: &str =
        "[reports]\ntime_zone = 'America/Chicago'\n[[report]]\nname = 'nightly'\nkind = 'district'\n";

    #[test]
    fn a_schedule_has_the_rhythm_and_the_years_of_its_kind() -> Result<(), toml::de::Error> {
        let config: Config = toml::from_str(REPORT)?;
        assert!(config.check().is_ok());
        let report = &config.report[0];
        assert_eq!(
            (report.every(), report.at.as_str(), report.keep_years()),
            (super::ReportEvery::Day, "03:00", 7)
        );
        let state: Config = toml::from_str(&REPORT.replace("'district'", "'state'"))?;
        assert_eq!((state.report[0].every(), state.report[0].keep_years()), (super::ReportEvery::Month, 5));
        Ok(())
    }

    #[test]
    fn what_cannot_be_scheduled_is_refused() -> Result<(), toml::de::Error> {
        for line in ["keep_years = 0", "at = 3", "kind2 = 1", "[[report]]\nname = 'nightly'\nkind = 'state'"]
        {
            assert!(refuses(&format!("{REPORT}{line}\n")), "{line}");
        }
        for name in ["", "../up", "a b"] {
            let config: Config = toml::from_str(&REPORT.replace("nightly", name))?;
            assert!(config.check().is_err(), "{name}");
        }
        Ok(())
    }
}
