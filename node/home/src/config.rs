//! `config.toml`: the operator's settings, typed, unknown names refused, every number with its unit and range.
//!
//! [`SAMPLE`] is what `aula init` writes; a test keeps it equal to the defaults. Flags and the `AULA_*` variables
//! that its head names override single fields. Nothing here is agreed by consensus: what all
//! nodes must share stands in the genesis or in the ledger's parameters.

use std::net::SocketAddr;
use std::path::PathBuf;

use aula_consensus::MAX_TIMEOUT_MS;
use aula_files::text_of;
use aula_ledger::params::PROPOSE_TIMEOUT_MS;
use serde::{Deserialize, Serialize};

use crate::home::Home;
use crate::{NextStep, unread};

mod alerts;
mod delivery;
mod district;
mod edit;
mod estate;
mod feed;
mod identity;
mod lake;
mod lti;
mod named;
mod oneroster;
mod pair;
mod quotas;
mod reading;
mod replica;
mod reports;
mod sensors;
mod sovereignty;
mod storage;
mod telemetry;

pub use alerts::{AlertKind, Alerts};
pub use delivery::{BucketPlace, Delivery, DeliveryBy, Mail, Sftp, Webhook};
pub use district::{District, Policy, Subject};
pub use edit::set;
pub use estate::EstateShown;
pub use feed::{BrokerUrl, Feed, FeedKind, Feeds, Lines, Payload};
pub use identity::Identity;
pub use lake::LakePlace;
pub use lti::Lti;
pub use named::Named;
pub use oneroster::{OneRoster, RosterSource};
pub use pair::Pair;
pub use quotas::Quotas;
pub use replica::{Replica, Replicas};
pub use reports::{ReportEvery, ReportKind, Reports, ScheduledReport};
pub use sensors::Sensors;
pub use sovereignty::{NamedPlace, Outside, Sovereignty, host_of, real};
pub use storage::{BELOW_SNAPSHOT_BLOCKS, BeginWith, History, Storage};
pub use telemetry::Telemetry;

/// The commented file that `aula init` writes.
pub const SAMPLE: &str = include_str!("config_sample.toml");

/// The whole file; every section may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `[log]`: what is written to stderr, and in which form.
    pub log: Log,
    /// `[telemetry]`: where spans are told; nowhere when left out.
    pub telemetry: Telemetry,
    /// `[api]`: where the HTTP API and the explorer listen, and their limits.
    pub api: Api,
    /// `[quotas]`: what the district may use of a machine that it shares.
    pub quotas: Quotas,
    /// `[p2p]`: where peers are listened to, and who is dialled.
    pub p2p: P2p,
    /// `[consensus]`: how long the engine waits, and whether this node signs.
    pub consensus: Consensus,
    /// `[storage]`: what the database keeps, and when it makes snapshots.
    pub storage: Storage,
    /// `[vault]`: the district's vault, where its reads are served.
    pub vault: VaultPlace,
    /// `[feeds]`: what all `[[feed]]`s share.
    pub feeds: Feeds,
    /// `[district]`: what the district's service does by itself.
    pub district: District,
    /// `[alerts]`: whom the service tells at once, and of what.
    pub alerts: Alerts,
    /// `[[feed]]`, one a source.
    pub feed: Vec<Feed>,
    /// `[lti]`; none where nothing launches.
    pub lti: Option<Lti>,
    /// `[identity]`; none where nobody logs in.
    pub identity: Option<Identity>,
    /// `[oneroster]`; none where the roster is given to nobody.
    pub oneroster: Option<OneRoster>,
    /// `[[roster]]`, one a system that is asked for its roster.
    pub roster: Vec<RosterSource>,
    /// `[replica]`; none of a home that is no school's replica.
    pub replica: Option<Replica>,
    /// `[replicas]`; none of a district without replicas.
    pub replicas: Option<Replicas>,
    /// `[pair]`; none of a home that stands alone.
    pub pair: Option<Pair>,
    /// `[estate]`: what the node shows of the district's buildings.
    pub estate: EstateShown,
    /// `[lake]`: the folder of the analytical copy, and how often it follows.
    pub lake: LakePlace,
    /// `[sensors]`: the table of points, and where readings go.
    pub sensors: Sensors,
    /// `[reports]`: what all `[[report]]`s share.
    pub reports: Reports,
    /// `[[report]]`, one a schedule.
    pub report: Vec<ScheduledReport>,
    /// `[[delivery]]`, one a place that reports go to.
    pub delivery: Vec<Delivery>,
    /// `[sovereignty]`: the places inside which all of it stays; none: no rule.
    pub sovereignty: Sovereignty,
}

/// What is logged on stderr.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// A tracing filter.
    pub filter: String,
    /// Text for people or JSON lines for a collector.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The HTTP API and the explorer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    /// Address and port; anything but loopback needs the two TLS files.
    pub listen: SocketAddr,
    /// PEM chain of the server's certificate.
    pub tls_certificate: Option<PathBuf>,
    /// PEM private key of the certificate.
    pub tls_key: Option<PathBuf>,
    /// Longest time for one request, in milliseconds, 100 to 600,000.
    pub request_timeout_ms: u64,
    /// Most requests served at once, 1 to 100,000; more are told 503.
    pub max_requests: usize,
    /// Most open connections, 1 to 100,000; more are closed. A system that lets this process open few files allows fewer.
    pub max_connections: usize,
    /// Most open connections of one address, 0 (no share) to 100,000; the oldest that asks nothing is closed for a new one.
    pub max_connections_per_address: usize,
    /// Most open streams (WebSockets), 0 to 100,000.
    pub max_streams: usize,
    /// Memory for answers that are given again, in MiB, 0 (each is made anew) to 65,536.
    pub cache_mib: usize,
    /// Folders of families' links beside HOME/links: of districts whose families' page this node serves.
    pub links: Vec<PathBuf>,
    /// Reads a second that one address may ask for beyond those answered from the cache, 0 (no limit) to 1,000,000;
    /// more are told 429.
    pub reads_per_second: u32,
    /// Transactions a second that one address may submit, 0 (no limit) to 1,000,000; more are told 429.
    pub submissions_per_second: u32,
}

/// The network between nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct P2p {
    /// Where to listen, a multiaddress over TCP with an IP address of this machine.
    pub listen: String,
    /// Where others reach this node when that is not `listen`: behind NAT, or by a DNS name.
    pub external: Option<String>,
    /// Where transactions are gossiped, a multiaddress over TCP; a second port by the side of `listen`.
    pub gossip_listen: Option<String>,
    /// Peers to call while this node is not admitted yet: multiaddresses that end in `/p2p/ID`.
    pub peers: Vec<String>,
    /// A block that the operator knows to be real, `HEIGHT:HASH`: what a node begins with, a snapshot or all blocks, must have it,
    /// and may then be older than a day. Says nothing to a node that was level once.
    pub trusted: Option<String>,
}

/// The consensus engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consensus {
    /// Votes with the validator key when it is in the set, or only follows.
    pub role: Role,
    /// How long to wait for a proposal in round 0, in milliseconds: from the time within which the largest block that the
    /// ledger admits is built, sent and executed ([`PROPOSE_TIMEOUT_MS`]) to the longest of any round
    /// ([`MAX_TIMEOUT_MS`]).
    pub propose_timeout_ms: u64,
    /// With nothing to do, the time between blocks in milliseconds, 10 to 60,000.
    pub idle_block_ms: u64,
    /// Most transactions waiting, 1 to 1,000,000.
    pub max_mempool_transactions: usize,
}

/// Whether this node takes part in deciding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Votes once its key is in the validator set.
    #[default]
    Validator,
    /// Never votes: receives decided blocks by value sync.
    Follower,
}

/// Where the district's vault is, for reads over HTTP and for the schedule of its key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VaultPlace {
    /// The folder of the data; HOME/vault when left out.
    pub data: Option<PathBuf>,
    /// The folder of the keys; HOME/keystore when left out.
    pub keystore: Option<PathBuf>,
    /// Who replaces the key-encryption key when its 90 days are over.
    pub rotation: RotationBy,
}

/// Who replaces the key-encryption key when it is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationBy {
    /// The running node, within an hour.
    #[default]
    Node,
    /// The operator, who is told by the log and a metric.
    Operator,
}

impl VaultPlace {
    /// Where the vault's data lie.
    pub fn data_dir(&self, home: &Home) -> PathBuf {
        self.data.clone().unwrap_or_else(|| home.vault_dir())
    }

    /// Where the vault's keys lie, best on another disk.
    pub fn keystore_dir(&self, home: &Home) -> PathBuf {
        self.keystore.clone().unwrap_or_else(|| home.keystore_dir())
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "warn,aula=info,arc_malachitebft_network=off,arc_malachitebft_discovery=off".into(),
            format: LogFormat::Text,
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8480)),
            tls_certificate: None,
            tls_key: None,
            request_timeout_ms: 10_000,
            max_requests: 512,
            max_connections: 4_096,
            max_connections_per_address: 1_024,
            max_streams: 1_024,
            cache_mib: 64,
            links: Vec::new(),
            reads_per_second: 2_000,
            submissions_per_second: 20_000,
        }
    }
}

impl Default for P2p {
    fn default() -> Self {
        Self {
            listen: "/ip4/127.0.0.1/tcp/8481".into(),
            external: None,
            gossip_listen: None,
            peers: Vec::new(),
            trusted: None,
        }
    }
}

impl Default for Consensus {
    fn default() -> Self {
        Self {
            role: Role::Validator,
            propose_timeout_ms: PROPOSE_TIMEOUT_MS,
            idle_block_ms: 1_000,
            max_mempool_transactions: 50_000,
        }
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file exists and cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file that was read.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, an unknown name or a wrong type.
    #[error("{path} is not a valid configuration: {reason}")]
    Parse {
        /// The file that was read.
        path: PathBuf,
        /// The parser's words, which name line and field.
        reason: String,
    },
    /// A feed that cannot be served.
    #[error("[[feed]] {name}: {reason}")]
    Feed {
        /// The `name` of its table.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// Launches that cannot be served.
    #[error("[lti]: {0}")]
    Lti(&'static str),
    /// Logins that cannot be served.
    #[error("[identity]: {0}")]
    Identity(&'static str),
    /// A roster that cannot be given, or asked for.
    #[error("[oneroster], [[roster]]: {0}")]
    Roster(&'static str),
    /// A replica, or replicas, that cannot level.
    #[error("[replica], [replicas]: {0}")]
    Replica(&'static str),
    /// A pair that cannot be one.
    #[error("[pair]: {0}")]
    Pair(&'static str),
    /// A collector of spans that cannot be one.
    #[error("[telemetry]: {0}")]
    Telemetry(&'static str),
    /// Shares that cannot be kept.
    #[error("[quotas]: {0}")]
    Quotas(&'static str),
    /// A place that cannot be one.
    #[error("{0}")]
    Place(&'static str),
    /// Something outside of every place.
    #[error(transparent)]
    Outside(#[from] Outside),
    /// A report that cannot be scheduled.
    #[error("[[report]] {name}: {reason}")]
    Report {
        /// The `name` of its table.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// Alerts that cannot be told so.
    #[error("[alerts]: {0}")]
    Alerts(&'static str),
    /// A place that reports cannot go to.
    #[error("[[delivery]] {name}: {reason}")]
    Delivery {
        /// The `name` of its table.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// Fewer blocks stay than newcomers ask for.
    #[error(
        "storage.keep_blocks is {found}, it must be {least} or more: a newcomer that begins with the oldest of the {snapshots} snapshots, \
         one every {every} blocks, asks for the blocks after it"
    )]
    KeepBlocks {
        /// What it is.
        found: u64,
        /// What it may be at least.
        least: u64,
        /// How many snapshots are kept.
        snapshots: usize,
        /// How many blocks lie between them.
        every: u64,
    },
    /// A number outside its range.
    #[error("{field} is {found}, it must be {range}")]
    Range {
        /// Section and field.
        field: &'static str,
        /// What it is.
        found: u64,
        /// What it may be, with the unit.
        range: &'static str,
    },
}

impl NextStep for ConfigError {
    fn next_step(&self) -> String {
        let step = match self {
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                "it is a link that leads nowhere: mount what it leads to, or put the file in its place"
            }
            Self::Read { source, .. } => unread::step(source).unwrap_or("check the file's owner and mode"),
            Self::Parse { .. } => {
                "correct it there: every setting is explained in the file that `aula init` writes"
            }
            Self::Feed { .. } => "correct it in config.toml; docs/feeds.md has an example",
            Self::Lti(_) => "correct it in config.toml; docs/lti.md has an example",
            Self::Place(_) | Self::Outside(_) => {
                "correct it in config.toml, or add the place to [sovereignty]; docs/sovereignty.md has an example"
            }
            Self::Telemetry(_) => "correct it in config.toml; docs/metrics.md has an example",
            Self::Alerts(_) | Self::Quotas(_) => "correct it in config.toml; docs/service.md has an example",
            Self::Identity(_) => "correct it in config.toml; docs/identity.md has an example",
            Self::Replica(_) => "correct it in config.toml; docs/replicas.md has an example",
            Self::Pair(_) => "correct it in config.toml; docs/failover.md has an example",
            Self::Roster(_) => "correct it in config.toml; docs/rosters.md has an example",
            Self::Delivery { .. } | Self::Report { .. } => {
                "correct it in config.toml; docs/reports.md has an example"
            }
            Self::KeepBlocks { .. } => {
                "raise keep_blocks under [storage] in config.toml, or lower snapshot_every or keep_snapshots there"
            }
            Self::Range { .. } => "correct it in config.toml, or where the flag or variable says otherwise",
        };
        step.to_owned()
    }
}

impl P2p {
    /// Where others reach this node: as far as the configuration says.
    pub fn reached_at(&self) -> &str {
        self.external.as_deref().unwrap_or(&self.listen)
    }
}

impl Config {
    /// Reads the home's file and checks the ranges; defaults when there is no file.
    ///
    /// # Errors
    /// [`ConfigError`] names the file and the field.
    pub fn load(home: &Home) -> Result<Self, ConfigError> {
        let Some(bytes) = reading::bytes(home)? else { return Ok(Self::default()) };
        let path = home.config_file();
        let text = match text_of(bytes) {
            Ok(text) => text,
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        let config: Self =
            toml::from_str(&text).map_err(|e| ConfigError::Parse { path, reason: e.to_string() })?;
        config.check()?;
        config.check_places(home)?;
        Ok(config)
    }

    /// Checks that every number is in its range; also after flags changed some.
    ///
    /// # Errors
    /// [`ConfigError::Range`] for the first that is not.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_numbers()?;
        self.storage.check()?;
        self.quotas.check()?;
        self.district.check()?;
        self.lake.check()?;
        self.estate.check()?;
        self.feed.iter().try_for_each(Feed::check)?;
        feed::check_names(&self.feed)?;
        self.check_others()?;
        if let Some(fault) = self.sovereignty.fault() {
            return Err(ConfigError::Place(fault));
        }
        self.report.iter().try_for_each(|report| report.check(&self.report, &self.delivery))?;
        self.delivery.iter().try_for_each(|delivery| delivery.check(&self.delivery))?;
        self.alerts.check(&self.delivery)
    }

    /// Numbers of the sections that have no module of their own.
    fn check_numbers(&self) -> Result<(), ConfigError> {
        let size = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let checks = [
            ("api.request_timeout_ms", self.api.request_timeout_ms, 100..=600_000, "100 to 600000 ms"),
            ("api.max_requests", size(self.api.max_requests), 1..=100_000, "1 to 100000"),
            ("api.max_connections", size(self.api.max_connections), 1..=100_000, "1 to 100000"),
            (
                "api.max_connections_per_address",
                size(self.api.max_connections_per_address),
                0..=100_000,
                "0 to 100000",
            ),
            (
                "api.submissions_per_second",
                self.api.submissions_per_second.into(),
                0..=1_000_000,
                "0 to 1000000",
            ),
            ("api.max_streams", size(self.api.max_streams), 0..=100_000, "0 to 100000"),
            ("api.cache_mib", size(self.api.cache_mib), 0..=65_536, "0 to 65536 MiB"),
            ("api.reads_per_second", self.api.reads_per_second.into(), 0..=1_000_000, "0 to 1000000"),
            (
                "consensus.propose_timeout_ms",
                self.consensus.propose_timeout_ms,
                PROPOSE_TIMEOUT_MS..=MAX_TIMEOUT_MS,
                "2000 ms, within which the largest block is built, sent and executed, to 6000 ms, the longest of any round",
            ),
            ("consensus.idle_block_ms", self.consensus.idle_block_ms, 10..=60_000, "10 to 60000 ms"),
            (
                "consensus.max_mempool_transactions",
                size(self.consensus.max_mempool_transactions),
                1..=1_000_000,
                "1 to 1000000",
            ),
            ("feeds.spool_mib", self.feeds.spool_mib, 0..=1_048_576, "0 to 1048576 MiB"),
        ];
        for (field, found, allowed, range) in checks {
            if !allowed.contains(&found) {
                return Err(ConfigError::Range { field, found, range });
            }
        }
        Ok(())
    }

    /// Sections about other machines: platforms, providers, vendors, replicas, the pair.
    fn check_others(&self) -> Result<(), ConfigError> {
        if let Some(fault) = self.lti.as_ref().and_then(Lti::fault) {
            return Err(ConfigError::Lti(fault));
        }
        if let Some(fault) = self.identity.as_ref().and_then(Identity::fault) {
            return Err(ConfigError::Identity(fault));
        }
        let asked = self.roster.iter().find_map(|source| source.fault(&self.roster));
        if let Some(fault) = self.oneroster.as_ref().and_then(OneRoster::fault).or(asked) {
            return Err(ConfigError::Roster(fault));
        }
        let replicas = self.replicas.as_ref().and_then(Replicas::fault);
        if let Some(fault) = self.replica.as_ref().and_then(Replica::fault).or(replicas) {
            return Err(ConfigError::Replica(fault));
        }
        if let Some(fault) = self.pair.as_ref().and_then(Pair::fault) {
            return Err(ConfigError::Pair(fault));
        }
        if let Some(fault) = self.telemetry.fault() {
            return Err(ConfigError::Telemetry(fault));
        }
        Ok(())
    }
}

/// Whether a text is refused: as it is read, or by what is checked after.
#[cfg(test)]
fn refuses(text: &str) -> bool {
    !toml::from_str::<Config>(text).is_ok_and(|read| read.check().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_says_the_defaults() -> Result<(), toml::de::Error> {
        // Commented settings are uncommented, prose is left a comment: a setting is `# name = value`.
        let lines = SAMPLE.lines().map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.split_once(" = ").is_some_and(|(n, _)| !n.contains(' ')) => setting,
            _ => line,
        });
        let all = lines.filter(|l| !l.contains("/path/to")).collect::<Vec<_>>().join("\n");
        let mut config: Config = toml::from_str(&all)?;
        assert_eq!(config.p2p.gossip_listen.take().as_deref(), Some("/ip4/127.0.0.1/tcp/8482"));
        assert_eq!(config.p2p.external.take().as_deref(), Some("/dns/node.example.org/tcp/8481"));
        assert!(config.p2p.trusted.take().is_some());
        config.p2p.peers.clear();
        assert_eq!(config, Config::default());
        assert_eq!(toml::from_str::<Config>(SAMPLE)?, Config::default());
        Ok(())
    }

    #[test]
    fn what_lies_there_and_is_not_a_settings_file_is_refused_with_its_name_and_the_next_step()
    -> std::io::Result<()> {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let path = home.config_file();
        let refused = |step: &str| {
            for error in [Config::load(&home).err(), Sovereignty::alone(&home).err()] {
                let failure = error.map(crate::Failure::from).expect(step);
                assert!(failure.message.contains("config.toml"), "{failure:?}");
                assert!(failure.hint.contains(step), "{failure:?}");
            }
        };
        unread::each_spoiled(&path, refused)?;
        assert_eq!(Config::load(&home).ok(), Some(Config::default()), "a home without a file");
        symlink(folder.path().join("not-mounted.toml"), &path)?;
        refused("mount");
        std::fs::remove_file(&path)?;
        // It takes no place on the disk.
        std::fs::File::create(&path)?.set_len(reading::MOST_BYTES + 1)?;
        refused("from a copy");
        std::fs::write(&path, [b'#', 0xff, b'\n'])?;
        let failure = Config::load(&home).err().map(crate::Failure::from).expect("no text");
        assert!(failure.message.contains("config.toml") && failure.hint.contains("UTF-8"), "{failure:?}");
        Ok(())
    }

    #[test]
    fn unknown_names_and_numbers_out_of_range_are_refused() {
        assert!(toml::from_str::<Config>("[api]\nport = 1").is_err());
        let mut config = Config::default();
        assert!(config.check().is_ok());
        config.api.request_timeout_ms = 1;
        assert!(config.check().is_err_and(|e| e.to_string().contains("api.request_timeout_ms is 1")));
    }
}
