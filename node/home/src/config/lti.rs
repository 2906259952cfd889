//! `[lti]`: launches from learning platforms (LTI 1.3).

use std::net::SocketAddr;
use std::path::PathBuf;

use aula_foreign::address::origin;
use serde::{Deserialize, Serialize};

/// Where launches are served, and from whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lti {
    /// Where the node listens: an address of loopback. A proxy in front of it ends TLS.
    pub listen: SocketAddr,
    /// Where browsers reach it: `https://HOST`, without a slash at the end. Below it `/lti/login`, `/lti/launch`, `/lti/jwks.json`.
    pub url: String,
    /// A file of the operator's alone (mode 0600) with the registered platforms; read again when it changes.
    pub platforms: PathBuf,
}

impl Lti {
    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if !self.listen.ip().is_loopback() {
            return Some(
                "lti.listen must be an address of loopback: put a proxy that ends TLS in front of it",
            );
        }
        if origin(&self.url).is_none() || self.url.ends_with('/') {
            return Some("lti.url must be where browsers reach it: https://HOST, without a slash at the end");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    #[test]
    fn launches_are_served_on_loopback_behind_an_address_of_https() -> Result<(), toml::de::Error> {
        let good =
            "[lti]\nlisten = '127.0.0.1:8495'\nurl = 'https://aula.example.org'\nplatforms = 'p.toml'\n";
        assert!(toml::from_str::<Config>(good)?.check().is_ok());
        for (from, to) in
            [("127.0.0.1", "0.0.0.0"), ("https://", "http://"), ("example.org'", "example.org/'")]
        {
            assert!(toml::from_str::<Config>(&good.replace(from, to))?.check().is_err(), "{to}");
        }
        Ok(())
    }
}
