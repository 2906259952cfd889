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
    /// Where `xapi` and `frames` are listened to: an address of loopback. A proxy in front of it ends TLS.
    #[serde(default)]
    pub listen: Option<SocketAddr>,
    /// The home page of accounts in statements that are students, by the district's own identifier.
    #[serde(default)]
    pub home_page: String,
    /// A file of the operator's alone (mode 0600) with who may ask; read again when it changes.
    #[serde(default)]
    pub clients: Option<PathBuf>,
    /// The folder that `files` reads.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// What the lines of files are.
    #[serde(default)]
    pub lines: Lines,
    /// A file with the district's own rules for statements, before the built-in ones.
    #[serde(default)]
    pub rules: Option<PathBuf>,
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
    /// Binary frames or lines of JSON over HTTP.
    Frames,
    /// Files that appear in a folder.
    Files,
    /// Caliper 1.1 and 1.2: this node is the endpoint.
    Caliper,
}

impl FeedKind {
    /// The word in config.toml.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xapi => "xapi",
            Self::Frames => "frames",
            Self::Files => "files",
            Self::Caliper => "caliper",
        }
    }
}

/// What the lines of files are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lines {
    /// Messages as JSON.
    #[default]
    Messages,
    /// xAPI statements.
    Statements,
}

fn ninety() -> u32 {
    90
}

impl Feed {
    /// Checks what its types do not say.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refused = |reason| Err(ConfigError::Feed { name: self.name.clone(), reason });
        let served = self.kind != FeedKind::Files;
        match self.listen {
            None if served => return refused("listen is missing: an address of loopback with a port"),
            Some(listen) if !listen.ip().is_loopback() => {
                return refused(
                    "listen must be an address of loopback: put a proxy that ends TLS in front of it",
                );
            }
            _ => {}
        }
        if served && self.clients.is_none() {
            return refused("clients is missing: a file with who may ask, mode 0600");
        }
        if !served && self.folder.is_none() {
            return refused("folder is missing: where the files appear");
        }
        if !(1..=3_650).contains(&self.unassigned_days) {
            return refused("unassigned_days must be 1 to 3650");
        }
        let statements = self.kind == FeedKind::Xapi || self.lines == Lines::Statements;
        if statements && !self.home_page.contains(':') {
            return refused("home_page must be an IRI, such as https://sis.example.org");
        }
        if self.kind == FeedKind::Caliper && !self.home_page.is_empty() && !self.home_page.contains(':') {
            return refused(
                "home_page must be what stands before the identifier in students' IRIs, or be left out",
            );
        }
        Ok(())
    }
}

/// Two feeds of one name would be one source.
pub(super) fn check_names(feeds: &[Feed]) -> Result<(), ConfigError> {
    let mut names = std::collections::BTreeSet::new();
    match feeds.iter().find(|feed| !names.insert(&feed.name)) {
        Some(feed) => {
            Err(ConfigError::Feed { name: feed.name.clone(), reason: "another feed has this name" })
        }
        None => Ok(()),
    }
}

/// What all feeds share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feeds {
    /// Disk for what arrives while the vault cannot take it, in MiB, 0 (nothing is taken in then) to 1,048,576.
    pub spool_mib: u64,
}

impl Default for Feeds {
    fn default() -> Self {
        Self { spool_mib: 1_024 }
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
        for (text, good) in [
            ("kind = 'frames'\nlisten = '127.0.0.1:8491'\nclients = 'c.toml'", true),
            ("kind = 'frames'\nlisten = '127.0.0.1:8491'", false),
            ("kind = 'frames'\nclients = 'c.toml'", false),
            ("kind = 'files'\nfolder = '/srv/in'", true),
            ("kind = 'files'", false),
            ("kind = 'files'\nfolder = '/srv/in'\nlines = 'statements'", false),
        ] {
            let config: Config = toml::from_str(&format!("[[feed]]\nname = 'a'\n{text}\n"))?;
            assert_eq!(config.check().is_ok(), good, "{text}");
        }
        let twice: Config = toml::from_str(&format!("{FEED}{FEED}"))?;
        assert!(twice.check().is_err(), "two feeds of one name");
        Ok(())
    }
}
