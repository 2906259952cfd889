//! `[oneroster]`: this district's roster and results given to its vendors (OneRoster 1.2). `[[roster]]`: rosters asked for at intervals.

use std::net::SocketAddr;
use std::path::PathBuf;

use aula_foreign::address::origin;
use serde::{Deserialize, Serialize};

/// Where the roster is given, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneRoster {
    /// Where the node listens: an address of loopback. A proxy in front of it ends TLS.
    pub listen: SocketAddr,
    /// Where clients reach it: `https://HOST`, without a slash at the end. Below it `/oauth2/token` and `/ims/oneroster/…`.
    pub url: String,
    /// A file of the operator's alone (mode 0600) with who may ask; read again when it changes.
    pub clients: PathBuf,
}

impl OneRoster {
    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if !self.listen.ip().is_loopback() {
            return Some(
                "oneroster.listen must be an address of loopback: put a proxy that ends TLS in front of it",
            );
        }
        if origin(&self.url).is_none() || self.url.ends_with('/') {
            return Some(
                "oneroster.url must be where clients reach it: https://HOST, without a slash at the end",
            );
        }
        None
    }
}

/// A system whose roster `aula district run` asks for, again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterSource {
    /// What the operator calls it.
    pub name: String,
    /// The provider's file, as `aula district import --from` reads it (mode 0600).
    pub from: PathBuf,
    /// A table local_id,school of its schools.
    #[serde(default)]
    pub schools: Option<PathBuf>,
    /// Minutes between two questions for what changed, 5 to 10,080.
    #[serde(default = "hour")]
    pub every_minutes: u64,
    /// Hours between two questions for the whole roster, which ends the enrolment of those it omits, 1 to 720; 0: only the first time.
    #[serde(default = "day")]
    pub whole_every_hours: u64,
}

fn hour() -> u64 {
    60
}

fn day() -> u64 {
    24
}

impl RosterSource {
    /// What is wrong with it, if anything.
    pub(super) fn fault(&self, all: &[Self]) -> Option<&'static str> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        match () {
            () if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(plain) => {
                Some("roster.name must be 1 to 40 lower-case letters, digits and dashes")
            }
            () if all.iter().filter(|other| other.name == self.name).count() > 1 => {
                Some("two [[roster]] have one name")
            }
            () if !(5..=10_080).contains(&self.every_minutes) => {
                Some("roster.every_minutes must be 5 to 10080")
            }
            () if self.whole_every_hours > 720 => Some("roster.whole_every_hours must be 0 to 720"),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    #[test]
    fn rosters_are_given_on_loopback_and_asked_for_at_intervals() -> Result<(), toml::de::Error> {
        let good = "[oneroster]\nlisten = '127.0.0.1:8497'\nurl = 'https://aula.example.org'\nclients = 'c.toml'\n\
                    [[roster]]\nname = 'sis'\nfrom = 'sis.toml'\nwhole_every_hours = 0\n";
        let read = toml::from_str::<Config>(good)?;
        assert!(read.check().is_ok());
        assert_eq!(read.roster.first().map(|one| (one.every_minutes, one.whole_every_hours)), Some((60, 0)));
        let twice = format!("{good}[[roster]]\nname = 'sis'\nfrom = 'b.toml'\n");
        assert!(toml::from_str::<Config>(&twice)?.check().is_err());
        for (from, to) in [
            ("127.0.0.1", "0.0.0.0"),
            ("https://", "http://"),
            ("example.org'", "example.org/'"),
            ("name = 'sis'", "name = 'S I S'"),
            ("hours = 0", "hours = 721"),
            ("whole_every_hours = 0", "every_minutes = 4"),
        ] {
            assert!(toml::from_str::<Config>(&good.replace(from, to))?.check().is_err(), "{to}");
        }
        Ok(())
    }
}
