//! `[quotas]`: what a district may use of a machine that it shares with others.

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// A district's shares. What waits for its vault has its own, `[feeds] spool_mib`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// What metrics call the district, 1 to 40 of a-z, 0-9 and `-`.
    pub tenant: String,
    /// Readings a second that the node answers to all callers together, beyond those answered from the cache, and as many submissions,
    /// 0 (no limit) to 1,000,000; more are told 429.
    pub requests_per_second: u32,
    /// Long pieces of work at once, 1 to 64: threads of the district's duties in `aula district run`, and exports that the node writes;
    /// more duties wait, more exports are told 503.
    pub long_work: usize,
    /// Disk of the vault's data, in MiB, 0 (as much as there is) to 1,048,576: above it no feed and no import of files enters. What is read,
    /// corrected, listed and erased goes on, and so do rosters that a system is asked for.
    pub vault_mib: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { tenant: "own".into(), requests_per_second: 2_500, long_work: 4, vault_mib: 0 }
    }
}

impl Quotas {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(1..=40).contains(&self.tenant.len()) || !self.tenant.chars().all(plain) {
            return Err(ConfigError::Quotas("tenant is 1 to 40 of a-z, 0-9 and -"));
        }
        let long = u64::try_from(self.long_work).unwrap_or(u64::MAX);
        for (field, found, allowed, range) in [
            ("quotas.requests_per_second", self.requests_per_second.into(), 0..=1_000_000, "0 to 1000000"),
            ("quotas.long_work", long, 1..=64, "1 to 64"),
            ("quotas.vault_mib", self.vault_mib, 0..=1_048_576, "0 to 1048576 MiB"),
        ] {
            if !allowed.contains(&found) {
                return Err(ConfigError::Range { field, found, range });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, refuses};

    #[test]
    fn a_node_without_a_gateway_answers_as_many_as_one_lets_through() -> Result<(), toml::de::Error> {
        let sample = include_str!("../../../../scripts/packaging/gateway/tenants.toml");
        let sample: toml::Table = toml::from_str(sample)?;
        let a_minute = sample["limits"]["tenant_per_minute"].as_integer();
        let a_second = Config::default().quotas.requests_per_second;
        assert_eq!(a_minute, Some(60 * i64::from(a_second)));
        Ok(())
    }

    #[test]
    fn a_share_has_a_name_for_metrics_and_a_range() {
        assert!(Config::default().check().is_ok());
        assert!(!refuses(
            "[quotas]\ntenant = 'lake-7'\nrequests_per_second = 0\nlong_work = 1\nvault_mib = 50000"
        ));
        for wrong in
            ["tenant = ''", "tenant = 'a\"b'", "long_work = 0", "vault_mib = 1048577", "disk_mib = 1"]
        {
            assert!(refuses(&format!("[quotas]\n{wrong}")), "{wrong}");
        }
    }
}
