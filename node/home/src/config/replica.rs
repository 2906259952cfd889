//! `[replica]`: this home is a school's replica of its district. `[replicas]`: where a district's replicas level with it.

use std::net::SocketAddr;
use std::path::PathBuf;

use aula_foreign::address::origin;
use serde::{Deserialize, Serialize};

/// Of which district this home is a replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replica {
    /// Where the district listens for its replicas: `https://HOST`, or http on loopback.
    pub of: String,
    /// A file of the operator's alone (mode 0600) with the replica's name and secret.
    pub secret: PathBuf,
    /// Seconds between two levellings of a node that runs, 5 to 86,400.
    #[serde(default = "half_a_minute")]
    pub every_s: u64,
}

fn half_a_minute() -> u64 {
    30
}

/// Where replicas level with this district, and which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replicas {
    /// Where the node listens: an address of loopback. A proxy in front of it ends TLS.
    pub listen: SocketAddr,
    /// A file of the operator's alone (mode 0600) with the replicas; read again when it changes.
    pub clients: PathBuf,
}

impl Replica {
    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match () {
            () if origin(&self.of).is_none() || self.of.contains(['?', '#']) => Some(
                "replica.of must be where the district listens for replicas: https://HOST, or http on loopback",
            ),
            () if !(5..=86_400).contains(&self.every_s) => Some("replica.every_s must be 5 to 86400"),
            () => None,
        }
    }
}

impl Replicas {
    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let loopback = self.listen.ip().is_loopback();
        (!loopback).then_some(
            "replicas.listen must be an address of loopback: put a proxy that ends TLS in front of it",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    #[test]
    fn a_replica_speaks_to_its_district_over_tls_and_a_district_listens_on_loopback()
    -> Result<(), toml::de::Error> {
        let good = "[replica]\nof = 'https://aula.example.org'\nsecret = 's.toml'\n\
                    [replicas]\nlisten = '127.0.0.1:8498'\nclients = 'r.toml'\n";
        let read = toml::from_str::<Config>(good)?;
        assert!(read.check().is_ok());
        assert_eq!(read.replica.map(|one| one.every_s), Some(30));
        for (from, to) in
            [("https://", "http://"), ("127.0.0.1", "0.0.0.0"), ("secret =", "every_s = 4\nsecret =")]
        {
            assert!(toml::from_str::<Config>(&good.replace(from, to))?.check().is_err(), "{to}");
        }
        // How an address begins says nothing of where it leads.
        for (of, taken) in [
            ("https://aula.example.org:8443/below/", true),
            ("http://127.0.0.1:8498", true),
            ("http://localhost:8498", true),
            ("http://[::1]:8498", true),
            ("http://127.0.0.1:80@evil.example", false),
            ("http://localhost:x@evil.example", false),
            ("http://127.0.0.1.evil.example", false),
            ("https://aula.example.org@evil.example", false),
            ("https://aula.example.org?", false),
            ("https://aula.example.org#x", false),
            ("https://", false),
            ("HTTPS://aula.example.org", false),
        ] {
            let config = toml::from_str::<Config>(&good.replace("https://aula.example.org", of))?;
            assert_eq!(config.check().is_ok(), taken, "{of}");
        }
        Ok(())
    }
}
