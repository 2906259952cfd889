//! `[alerts]`: what the district's service tells people about at once, where, and when it is quiet.

use serde::{Deserialize, Serialize};

use super::{ConfigError, Delivery, DeliveryBy};

/// Of what people are told at once, where, and when not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// Names of `[[delivery]]` tables of kind mail or webhook; none: alerts stand in `aula district alerts list` alone.
    pub deliver: Vec<String>,
    /// Of what people are told; of nothing else.
    pub kinds: Vec<AlertKind>,
    /// A time of day within which nothing is sent, `hh:mm-hh:mm` in the zone of `[reports]`; it is sent when that is over.
    pub quiet: Option<String>,
    /// Seconds without an event after which a feed fails, 0 for never, at most 2,592,000.
    pub silent_after_s: u64,
    /// Seconds between two looks at students to whom imports and commands brought events, 1 to 1,500: with what the look and its note
    /// take it is less than half an hour. Events of feeds are noted as they are folded.
    pub risk_every_s: u64,
}

/// What an alert is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A student whose engagement is low for longer than the parameters' time.
    AtRisk,
    /// A feed that brings nothing, or whose events do not enter the vault.
    Feeds,
    /// Places that a school has not acknowledged in time.
    Acknowledgements,
    /// A node whose state is not the others'.
    Divergence,
    /// A vault near its share of the disk, `[quotas] vault_mib`.
    VaultQuota,
    /// One of a pair that acts alone.
    Pair,
}

impl AlertKind {
    /// Every kind, in the order in which notes are planned.
    pub const ALL: [Self; 6] =
        [Self::AtRisk, Self::Feeds, Self::Acknowledgements, Self::Divergence, Self::VaultQuota, Self::Pair];

    /// The word in settings and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtRisk => "at_risk",
            Self::Feeds => "feeds",
            Self::Acknowledgements => "acknowledgements",
            Self::Divergence => "divergence",
            Self::VaultQuota => "vault_quota",
            Self::Pair => "pair",
        }
    }
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            deliver: Vec::new(),
            kinds: AlertKind::ALL.to_vec(),
            quiet: None,
            silent_after_s: 0,
            risk_every_s: 300,
        }
    }
}

impl Alerts {
    pub(super) fn check(&self, deliveries: &[Delivery]) -> Result<(), ConfigError> {
        let refused = |reason| Err(ConfigError::Alerts(reason));
        for name in &self.deliver {
            match deliveries.iter().find(|delivery| delivery.name == *name).map(|delivery| &delivery.by) {
                None => return refused("deliver names a [[delivery]] that is not there"),
                Some(DeliveryBy::Sftp(_) | DeliveryBy::Bucket(_)) => {
                    return refused("deliver names an upload; mail and webhook alone take notes");
                }
                Some(DeliveryBy::Mail(_) | DeliveryBy::Webhook(_)) => {}
            }
        }
        if self.quiet.as_deref().is_some_and(|quiet| span(quiet).is_none()) {
            return refused("quiet must be hh:mm-hh:mm, two different times of day");
        }
        if !(1..=1_500).contains(&self.risk_every_s) {
            let (field, found) = ("alerts.risk_every_s", self.risk_every_s);
            return Err(ConfigError::Range { field, found, range: "1 to 1500 s" });
        }
        if self.silent_after_s > 2_592_000 {
            let (field, found) = ("alerts.silent_after_s", self.silent_after_s);
            return Err(ConfigError::Range { field, found, range: "0 to 2592000 s, 30 days" });
        }
        Ok(())
    }

    /// The quiet time in minutes of the day: from, until; the second may be the smaller.
    pub fn quiet_minutes(&self) -> Option<(u16, u16)> {
        span(self.quiet.as_deref()?)
    }
}

fn span(text: &str) -> Option<(u16, u16)> {
    let (from, until) = text.split_once('-')?;
    let (from, until) = (minutes(from)?, minutes(until)?);
    (from != until).then_some((from, until))
}

fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let part = |text: &str, most: u16| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|number| plain && *number <= most)
    };
    Some(part(hour, 23)? * 60 + part(minute, 59)?)
}

#[cfg(test)]
mod tests {
    use super::super::{Config, refuses};

    const GOOD: &str = "[alerts]\ndeliver = ['board']\nquiet = '21:00-06:30'\n[[delivery]]\nname = 'board'\nkind = 'mail'\n\
                        from = 'a@example.org'\nto = ['b@example.org']\n";

    #[test]
    fn alerts_go_to_notes_alone_and_quiet_is_two_times_of_day() -> Result<(), toml::de::Error> {
        let config: Config = toml::from_str(GOOD)?;
        assert!(config.check().is_ok());
        assert_eq!(config.alerts.quiet_minutes(), Some((21 * 60, 6 * 60 + 30)));
        for (from, to) in [
            ("deliver = ['board']", "deliver = ['bord']"),
            ("21:00-06:30", "21:00"),
            ("21:00-06:30", "24:00-06:30"),
            ("21:00-06:30", "06:30-06:30"),
            ("21:00-06:30", "9:00-10:00"),
            ("deliver = ['board']", "kinds = ['weather']"),
            ("deliver = ['board']", "silent_after_s = 2592001"),
            ("deliver = ['board']", "risk_every_s = 0"),
            ("deliver = ['board']", "risk_every_s = 1501"),
        ] {
            assert!(refuses(&GOOD.replace(from, to)), "{to}");
        }
        Ok(())
    }
}
