//! `[identity]`: logins of the district's staff by OpenID Connect and SAML.

use std::net::SocketAddr;
use std::path::PathBuf;

use aula_foreign::address::origin;
use serde::{Deserialize, Serialize};

/// Where staff log in, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Where the node listens: an address of loopback. A proxy in front of it ends TLS.
    pub listen: SocketAddr,
    /// Where browsers reach it: `https://HOST`, without a slash at the end. Below it `/identity/…`.
    pub url: String,
    /// A file of the operator's alone (mode 0600) with the providers; read again when it changes.
    pub providers: PathBuf,
    /// How long a session lasts at most, in minutes, 5 to 1,440.
    #[serde(default = "session")]
    pub session_minutes: u64,
    /// How long one lasts without a request, in minutes, 1 to 1,440.
    #[serde(default = "idle")]
    pub idle_minutes: u64,
    /// How long a credential of the vault is good, in minutes, 1 to 59.
    #[serde(default = "credential")]
    pub credential_minutes: u64,
}

fn session() -> u64 {
    480
}

fn idle() -> u64 {
    30
}

fn credential() -> u64 {
    15
}

impl Identity {
    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let encrypted = origin(&self.url).is_some();
        match () {
            () if !self.listen.ip().is_loopback() => Some(
                "identity.listen must be an address of loopback: put a proxy that ends TLS in front of it",
            ),
            () if !encrypted || self.url.ends_with('/') => {
                Some("identity.url must be where browsers reach it: https://HOST, without a slash at the end")
            }
            () if !(5..=1_440).contains(&self.session_minutes) => {
                Some("identity.session_minutes must be 5 to 1440")
            }
            () if !(1..=1_440).contains(&self.idle_minutes) => {
                Some("identity.idle_minutes must be 1 to 1440")
            }
            () if !(1..=59).contains(&self.credential_minutes) => {
                Some("identity.credential_minutes must be 1 to 59: the ledger takes no longer ones")
            }
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    #[test]
    fn logins_are_served_on_loopback_behind_an_address_of_https_for_a_time() -> Result<(), toml::de::Error> {
        let good = "[identity]\nlisten = '127.0.0.1:8496'\nurl = 'https://aula.example.org'\nproviders = 'p.toml'\nidle_minutes = 20\n";
        let read = toml::from_str::<Config>(good)?;
        assert!(read.check().is_ok());
        let minutes =
            read.identity.map(|one| (one.session_minutes, one.idle_minutes, one.credential_minutes));
        assert_eq!(minutes, Some((480, 20, 15)));
        for (from, to) in [
            ("127.0.0.1", "0.0.0.0"),
            ("https://", "http://"),
            ("example.org'", "example.org/'"),
            ("idle_minutes = 20", "idle_minutes = 0"),
            ("idle_minutes = 20", "credential_minutes = 60"),
            ("idle_minutes = 20", "session_minutes = 4"),
        ] {
            assert!(toml::from_str::<Config>(&good.replace(from, to))?.check().is_err(), "{to}");
        }
        Ok(())
    }
}
