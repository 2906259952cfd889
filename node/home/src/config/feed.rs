//! `[[feed]]`: systems that send to this district's node.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;

mod broker;
#[cfg(test)]
mod tests;

pub use broker::BrokerUrl;

/// `[[feed]]`: a source of events, how it comes in, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// What the operator calls it.
    pub name: String,
    /// What it speaks.
    pub kind: FeedKind,
    /// Where `xapi`, `frames` and `mqtt` are listened to: an address of loopback. A proxy in front of it ends TLS.
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
    /// The district's own broker that `mqtt` and `kafka` ask: `mqtts://HOST:PORT`, `kafkas://HOST:PORT,HOST:PORT`; `mqtt://` and
    /// `kafka://` only on loopback.
    #[serde(default)]
    pub broker: Option<String>,
    /// A file of the operator's alone (mode 0600) with the name and the secret for the broker; read again when it changes.
    #[serde(default)]
    pub secret: Option<PathBuf>,
    /// The topics and what their messages are: filters of `mqtt`, names of `kafka`.
    #[serde(default)]
    pub topics: BTreeMap<String, Payload>,
    /// The group of consumers at a `kafka` broker; `aula-NAME` without it.
    #[serde(default)]
    pub group: Option<String>,
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
    /// MQTT 3.1.1 and 5.0: this node listens, or asks a broker.
    Mqtt,
    /// Topics of a Kafka broker.
    Kafka,
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
            Self::Mqtt => "mqtt",
            Self::Kafka => "kafka",
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

/// What a message of a topic holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Payload {
    /// Messages as lines of JSON.
    Events,
    /// Binary frames.
    Frames,
    /// xAPI statements: one, or an array.
    Statements,
}

fn ninety() -> u32 {
    90
}

impl Feed {
    /// The topics that config.toml names; else `aula/NAME/events` and `frames`, and `statements` of a feed with a home page.
    pub fn topics(&self) -> BTreeMap<String, Payload> {
        if !self.topics.is_empty() || self.kind != FeedKind::Mqtt {
            return self.topics.clone();
        }
        let own = |of: &str, payload| (format!("aula/{}/{of}", self.name), payload);
        let mut topics = BTreeMap::from([own("events", Payload::Events), own("frames", Payload::Frames)]);
        if !self.home_page.is_empty() {
            topics.extend([own("statements", Payload::Statements)]);
        }
        topics
    }

    /// True for one that this node listens for.
    pub const fn is_served(&self) -> bool {
        match self.kind {
            FeedKind::Xapi | FeedKind::Frames | FeedKind::Caliper => true,
            FeedKind::Mqtt => self.broker.is_none(),
            FeedKind::Files | FeedKind::Kafka => false,
        }
    }

    /// Checks what its types do not say.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.fault().map_or(Ok(()), |reason| Err(ConfigError::Feed { name: self.name.clone(), reason }))
    }

    fn fault(&self) -> Option<&'static str> {
        let served = self.is_served();
        match self.listen {
            None if served => return Some("listen is missing: an address of loopback with a port"),
            Some(listen) if !listen.ip().is_loopback() => {
                return Some(
                    "listen must be an address of loopback: put a proxy that ends TLS in front of it",
                );
            }
            Some(_) if self.broker.is_some() => return Some("a feed has listen or broker, not both"),
            _ => {}
        }
        if served && self.clients.is_none() {
            return Some("clients is missing: a file with who may ask, mode 0600");
        }
        if self.kind == FeedKind::Files && self.folder.is_none() {
            return Some("folder is missing: where the files appear");
        }
        if let Some(fault) = self.broker_fault() {
            return Some(fault);
        }
        if !(1..=3_650).contains(&self.unassigned_days) {
            return Some("unassigned_days must be 1 to 3650");
        }
        let statements = self.kind == FeedKind::Xapi
            || self.lines == Lines::Statements
            || self.topics.values().any(|payload| *payload == Payload::Statements);
        if statements && !self.home_page.contains(':') {
            return Some("home_page must be an IRI, such as https://sis.example.org");
        }
        if self.kind == FeedKind::Caliper && !self.home_page.is_empty() && !self.home_page.contains(':') {
            return Some(
                "home_page must be what stands before the identifier in students' IRIs, or be left out",
            );
        }
        None
    }

    fn broker_fault(&self) -> Option<&'static str> {
        match (&self.broker, self.kind) {
            (Some(url), FeedKind::Mqtt | FeedKind::Kafka) => {
                if let Err(fault) = BrokerUrl::parse(url, self.kind) {
                    return Some(fault);
                }
            }
            (Some(_), _) => return Some("only feeds of kind mqtt and kafka have a broker"),
            (None, FeedKind::Kafka) => return Some("broker is missing: kafkas://HOST:PORT"),
            (None, _) => {}
        }
        match self.kind {
            FeedKind::Kafka if self.topics.is_empty() => {
                Some("topics is missing: \"name\" = \"events\", \"frames\" or \"statements\"")
            }
            FeedKind::Mqtt | FeedKind::Kafka => None,
            _ if !self.topics.is_empty() => Some("only feeds of kind mqtt and kafka have topics"),
            _ => None,
        }
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
