//! `[pair]`: this home is one of two of a district, of which one acts.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::BucketPlace;

/// The other one, and where the lease is that says which of them acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// What this one is called, 1 to 40 letters, digits and dashes; the other has another name.
    pub name: String,
    /// Where the other is listened for; anything but loopback needs certificate and key in the file of secrets.
    pub listen: SocketAddr,
    /// `HOST:PORT` where the other listens; anything but loopback needs ca in the file of secrets.
    pub peer: String,
    /// A file of the operator's alone (mode 0600): the secret that both have, and the files of TLS.
    pub secret: PathBuf,
    /// A folder that both reach, for the lease's record; or `bucket`.
    pub lease: Option<PathBuf>,
    /// The mark of that folder, which `aula district lease` makes and writes here: without it there is no lease in it.
    pub lease_id: Option<String>,
    /// A bucket that refuses puts whose condition does not hold, for the lease's record.
    pub bucket: Option<BucketPlace>,
    /// How long the lease holds without a renewal, milliseconds, 500 to 60,000.
    #[serde(default = "a_second")]
    pub lease_ms: u64,
    /// Between two checks of the other one, of which three must be missed, milliseconds, 100 to 10,000.
    #[serde(default = "half_a_second")]
    pub check_ms: u64,
}

const fn a_second() -> u64 {
    1_000
}

const fn half_a_second() -> u64 {
    500
}

impl Pair {
    /// Whether this is a mark as it is made: 32 hex digits.
    pub fn is_lease_id(text: &str) -> bool {
        text.len() == 32 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
    }

    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        match () {
            () if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(plain) => {
                Some("name must be 1 to 40 letters, digits and dashes")
            }
            () if self.peer.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_err()) => {
                Some("peer must be HOST:PORT")
            }
            () if self.lease.is_some() == self.bucket.is_some() => {
                Some("either lease or bucket must say where the lease's record is")
            }
            () if self.lease_id.is_some() && self.lease.is_none() => {
                Some("lease_id is the mark of a folder: it stands beside lease")
            }
            () if !self.lease_id.as_deref().is_none_or(Self::is_lease_id) => {
                Some("lease_id must be what aula district lease --new printed: 32 hex digits")
            }
            () if !(500..=60_000).contains(&self.lease_ms) => Some("lease_ms must be 500 to 60000"),
            () if !(100..=10_000).contains(&self.check_ms) => Some("check_ms must be 100 to 10000"),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, refuses};

    #[test]
    fn a_pair_has_one_place_for_its_lease_and_numbers_in_range() -> Result<(), toml::de::Error> {
        let good = "[pair]\nname = 'east'\nlisten = '127.0.0.1:8499'\npeer = '127.0.0.1:8500'\nsecret = 's.toml'\nlease = '/shared'\n";
        let read = toml::from_str::<Config>(good)?;
        assert!(read.check().is_ok());
        assert_eq!(read.pair.map(|one| (one.lease_ms, one.check_ms)), Some((1_000, 500)));
        let marked = format!("{good}lease_id = '{}'\n", "0a".repeat(16));
        assert!(!refuses(&marked));
        assert!(refuses(&marked.replace("0a", "0g")) && refuses(&marked.replace("0a", "0A")));
        let bucket = "[pair.bucket]\nendpoint = 'https://s3.example'\nbucket = 'r'\nkey_id = 'k'\nsecret_file = '/s'\n";
        let in_bucket = |text: &str| format!("{}{bucket}", text.replace("lease = '/shared'\n", ""));
        assert!(!refuses(&in_bucket(good)) && refuses(&in_bucket(&marked)));
        for (from, to) in [
            ("'east'", "'../east'"),
            ("'127.0.0.1:8500'", "'127.0.0.1'"),
            ("lease = '/shared'", "lease_ms = 1000"),
            ("lease = '/shared'", "lease = '/shared'\nlease_ms = 499"),
            ("lease = '/shared'", "lease = '/shared'\ncheck_ms = 99"),
            ("secret", "secrets"),
        ] {
            assert!(refuses(&good.replace(from, to)), "{to}");
        }
        Ok(())
    }
}
