//! `[[feed]]`: systems that send to this district's node.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// A source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// What the operator calls it.
    pub name: String,
    /// What it speaks.
    pub kind: FeedKind,
    /// Where it is listened to: an address of loopback. A proxy in front of it ends TLS.
    pub listen: SocketAddr,
    /// The home page of accounts that are students, by the district's own identifier.
    pub home_page: String,
    /// A file of the operator's alone (mode 0600) with who may ask; read again when it changes.
    pub clients: PathBuf,
    /// How long what names nobody whom the vault knows is kept, in days, 1 to 3,650.
    #[serde(default = "ninety")]
    pub unassigned_days: u32,
}

/// What a source speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedKind {
    /// xAPI 1.0.3 and 2.0: this node is the record store.
    Xapi,
}

fn ninety() -> u32 {
    90
}

impl Feed {
    /// Checks what its types do not say.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refused = |reason| Err(ConfigError::Feed { name: self.name.clone(), reason });
        if !self.listen.ip().is_loopback() {
            return refused(
                "listen must be an address of loopback: put a proxy that ends TLS in front of it",
            );
        }
        if !(1..=3_650).contains(&self.unassigned_days) {
            return refused("unassigned_days must be 1 to 3650");
        }
        if !self.home_page.contains(':') {
            return refused("home_page must be an IRI, such as https://sis.example.org");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    const FEED: &str = "[[feed]]\nname = 'lms'\nkind = 'xapi'\nlisten = '127.0.0.1:8490'\n\
                        home_page = 'https://sis.example.org'\nclients = 'clients.toml'\n";

    #[test]
    fn a_feed_is_read_and_one_that_cannot_be_served_refused() -> Result<(), toml::de::Error> {
        let config: Config = toml::from_str(FEED)?;
        assert!(config.check().is_ok());
        assert_eq!(config.feed[0].unassigned_days, 90);
        for (from, to) in [("127.0.0.1", "0.0.0.0"), ("https://", ""), ("name", "unassigned_days = 0\nname")]
        {
            let config: Config = toml::from_str(&FEED.replacen(from, to, 1))?;
            assert!(config.check().is_err(), "{to}");
        }
        assert!(toml::from_str::<Config>(&FEED.replace("xapi", "smoke")).is_err());
        Ok(())
    }
}
