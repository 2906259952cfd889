//! Everything that the settings name and that holds or gets the district's data.
//!
//! Every struct is taken apart whole, without `..`: a new setting does not compile before somebody has said here whether it is a folder
//! that is written, a machine that keeps or gets data, or neither. What is neither stands in the test below with the reason.
//! Absent: what lies in files of their own that settings name (platforms, providers, systems that are asked for rosters).

use std::path::PathBuf;

use super::{
    BucketPlace, Config, ConfigError, Delivery, DeliveryBy, District, EstateShown, Feed, LakePlace, Mail,
    Pair, Replica, Reports, Sensors, Sftp, Telemetry, VaultPlace, Webhook,
};
use crate::home::Home;

/// Something that the settings name and that holds or gets the district's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A folder that the program writes into: what it is, and where.
    Folder(String, PathBuf),
    /// A machine that keeps or gets data: what it is, and its address as it is written.
    Host(String, String),
}

impl Config {
    /// All that the settings name: folders, then machines, each in the order of the file.
    pub fn named(&self, home: &Home) -> Vec<Named> {
        let Self {
            telemetry,
            vault,
            district,
            feed,
            replica,
            pair,
            estate,
            lake,
            sensors,
            reports,
            delivery,
            // Where this node itself listens, words, numbers, and files that are read: the test below has them one by one.
            log: _,
            api: _,
            quotas: _,
            p2p: _,
            consensus: _,
            storage: _,
            feeds: _,
            alerts: _,
            lti: _,
            identity: _,
            oneroster: _,
            roster: _,
            replicas: _,
            report: _,
            sovereignty: _,
        } = self;
        let folder = |what: &str, path: PathBuf| Named::Folder(what.to_owned(), path);
        let mut all = vec![folder("the home", home.path().to_owned())];
        let VaultPlace { data: _, keystore: _, rotation: _ } = vault;
        all.push(folder("the vault's data", vault.data_dir(home)));
        all.push(folder("the keystore", vault.keystore_dir(home)));
        // Readings of meters are read there; nothing is written.
        let LakePlace { folder: _, keep_snapshots_hours: _, every_hours: _, readings: _ } = lake;
        all.push(folder("the lake", lake.folder(home)));
        let Sensors { points: _, folder: _ } = sensors;
        all.push(folder("the readings of sensors", sensors.folder(home)));
        // What lies in it is shown to everybody; nothing is written.
        let EstateShown { folder: _, title: _, periods: _ } = estate;
        let Reports { time_zone: _, outbox: _, link: _, hours: _ } = reports;
        all.push(folder("the outbox of reports", reports.outbox_dir(home)));
        all.extend(told(telemetry, district));
        all.extend(feed.iter().flat_map(sources));
        all.extend(replica.iter().map(above));
        all.extend(pair.iter().flat_map(other));
        all.extend(delivery.iter().flat_map(receivers));
        all
    }

    /// Refuses what a setting names outside of the places.
    ///
    /// # Errors
    /// [`ConfigError::Outside`] for the first.
    pub fn check_places(&self, home: &Home) -> Result<(), ConfigError> {
        for named in self.named(home) {
            match &named {
                Named::Folder(what, path) => self.sovereignty.of_folder(what, path)?,
                Named::Host(what, host) => self.sovereignty.of_host(what, host)?,
            };
        }
        Ok(())
    }
}

/// A collector of spans. Nodes that are asked for a fitted model are told its digest alone, which stands on the ledger.
fn told(telemetry: &Telemetry, district: &District) -> Option<Named> {
    let Telemetry { otlp, one_in: _ } = telemetry;
    let District {
        models_from: _,
        look_every_s: _,
        anchor_every_s: _,
        log_every_s: _,
        requests: _,
        wishes: _,
        rounds: _,
        interventions_by: _,
        subject: _,
    } = district;
    otlp.as_ref().map(|to| Named::Host("[telemetry] otlp".into(), to.clone()))
}

/// The district's own broker, where its events lie, and the folder where they appear as files, which stay there below `done/`. Other files
/// of a feed are read.
fn sources(feed: &Feed) -> Vec<Named> {
    let Feed {
        name,
        broker,
        kind: _,
        listen: _,
        home_page: _,
        clients: _,
        folder,
        lines: _,
        secret: _,
        topics: _,
        group: _,
        rules: _,
        unassigned_days: _,
    } = feed;
    let what = format!("[[feed]] {name}: its broker");
    let hosts = broker.iter().flat_map(|to| to.split_once("://").map_or(&**to, |(_, rest)| rest).split(','));
    let named = hosts.map(|host| Named::Host(what.clone(), host.to_owned()));
    let folder =
        folder.iter().map(|folder| Named::Folder(format!("[[feed]] {name}: its folder"), folder.clone()));
    folder.chain(named).collect()
}

/// The district above a school's replica.
fn above(replica: &Replica) -> Named {
    let Replica { of, secret: _, every_s: _ } = replica;
    Named::Host("[replica] of".into(), of.clone())
}

/// The other one of a pair, which has the whole vault, and where the lease is.
fn other(pair: &Pair) -> Vec<Named> {
    let Pair { peer, lease, bucket, name: _, listen: _, secret: _, lease_id: _, lease_ms: _, check_ms: _ } =
        pair;
    let mut all = vec![Named::Host("[pair] peer".into(), peer.clone())];
    all.extend(lease.iter().map(|folder| Named::Folder("[pair] lease".into(), folder.clone())));
    all.extend(bucket.iter().map(|to| Named::Host("[pair] bucket".into(), endpoint(to))));
    all
}

fn endpoint(bucket: &BucketPlace) -> String {
    let BucketPlace { endpoint, region: _, bucket: _, prefix: _, key_id: _, secret_file: _, ca: _ } = bucket;
    endpoint.clone()
}

/// To whom a delivery goes.
fn receivers(delivery: &Delivery) -> Vec<Named> {
    let Delivery { name, by } = delivery;
    let what = format!("[[delivery]] {name}");
    match by {
        DeliveryBy::Sftp(to) => {
            let Sftp { address, user: _, key: _, host_key: _, folder: _, encrypt_to: _ } = to;
            vec![Named::Host(what, address.clone())]
        }
        DeliveryBy::Mail(mail) => {
            let Mail { server, to, port: _, from: _, user: _, password_file: _, ca: _ } = mail;
            let mut all: Vec<Named> =
                server.iter().map(|server| Named::Host(what.clone(), server.clone())).collect();
            let domains = to.iter().map(|to| to.rsplit('@').next().unwrap_or(to).to_owned());
            all.extend(domains.map(|domain| Named::Host(format!("{what}: a receiver's domain"), domain)));
            all
        }
        DeliveryBy::Bucket(to) => vec![Named::Host(what, endpoint(to))],
        DeliveryBy::Webhook(hook) => {
            let Webhook { url, secret_file: _, ca: _ } = hook;
            vec![Named::Host(what, url.clone())]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Alerts, Api, Consensus, Feeds, Identity, Log, Lti, OneRoster, P2p, Quotas, Replicas, RosterSource,
        ScheduledReport, Sovereignty, Storage,
    };
    use super::*;

    /// Settings with every way out that there is. A kind of `[[delivery]]` that is not here is not tried.
    const ALL: &str = "[telemetry]\notlp = 'https://spans.example:4318'\n\
        [vault]\ndata = '/d/vault'\nkeystore = '/k/keystore'\n[lake]\nfolder = '/d/lake'\n[sensors]\nfolder = '/d/readings'\n\
        [reports]\noutbox = '/d/outbox'\n\
        [[feed]]\nname = 'lms'\nkind = 'mqtt'\nbroker = 'mqtts://mqtt.example:8883'\n\
        [[feed]]\nname = 'register'\nkind = 'kafka'\nbroker = 'kafkas://one.example:9093,two.example:9093'\ntopics = { r = 'events' }\n\
        [[feed]]\nname = 'exports'\nkind = 'files'\nfolder = '/d/in'\n\
        [replica]\nof = 'https://above.example'\nsecret = 's.toml'\n\
        [pair]\nname = 'east'\nlisten = '127.0.0.1:8499'\npeer = 'west.example:8500'\nsecret = 's.toml'\nlease = '/d/lease'\n\
        [[delivery]]\nname = 'a'\nkind = 'sftp'\naddress = 'in.example:22'\nuser = 'u'\nkey = '/k'\nhost_key = 'x'\nencrypt_to = ['age1']\n\
        [[delivery]]\nname = 'b'\nkind = 'mail'\nfrom = 'a@x.example'\nto = ['b@board.example']\nserver = 'mx.example'\n\
        [[delivery]]\nname = 'c'\nkind = 'webhook'\nurl = 'https://hook.example/x'\nsecret_file = '/s'\n\
        [[delivery]]\nname = 'd'\nkind = 'bucket'\nendpoint = 'https://s3.example'\nbucket = 'r'\nkey_id = 'k'\nsecret_file = '/s'\n";
    const FOLDERS: [&str; 8] =
        ["/d/home", "/d/vault", "/k/keystore", "/d/lake", "/d/readings", "/d/outbox", "/d/in", "/d/lease"];
    const HOSTS: [&str; 11] = [
        "spans.example",
        "mqtt.example",
        "one.example",
        "two.example",
        "above.example",
        "west.example",
        "in.example",
        "mx.example",
        "board.example",
        "hook.example",
        "s3.example",
    ];

    fn of(text: &str) -> Config {
        toml::from_str(text).expect("a configuration")
    }

    #[test]
    fn every_folder_and_every_machine_is_named_and_one_outside_is_refused() {
        let (config, home) = (of(ALL), Home::at("/d/home".into()));
        config.check().expect("settings that are taken");
        let (mut folders, mut hosts) = (Vec::new(), Vec::new());
        for named in config.named(&home) {
            match named {
                Named::Folder(_, path) => folders.push(path.display().to_string()),
                Named::Host(_, host) => hosts.push(super::super::host_of(&host)),
            }
        }
        assert_eq!(folders, FOLDERS);
        assert_eq!(hosts, HOSTS);
        let quoted =
            |hosts: &[&str]| hosts.iter().map(|one| format!("'{one}'")).collect::<Vec<_>>().join(",");
        let rule = |hosts: &[&str], folders: &str| {
            format!(
                "{ALL}[[sovereignty.place]]\nname = 'county'\nfolders = [{folders}]\nhosts = [{}]\n",
                quoted(hosts)
            )
        };
        of(&rule(&HOSTS, "'/d', '/k'")).check_places(&home).expect("everything is inside");
        // Each of them alone is missed.
        for one in HOSTS {
            let others: Vec<&str> = HOSTS.into_iter().filter(|other| *other != one).collect();
            let error = of(&rule(&others, "'/d', '/k'")).check_places(&home).expect_err(one).to_string();
            assert!(error.contains(one) && error.contains("[sovereignty]"), "{error}");
        }
        assert!(of(&rule(&HOSTS, "'/d'")).check_places(&home).is_err(), "the keystore is on another disk");
    }

    /// Why none of these is named: what is taken apart here keeps nothing of the district anywhere, and tells nobody.
    #[test]
    fn what_is_not_named_was_judged_one_by_one() {
        let Config { log, api, quotas, p2p, consensus, storage, feeds, alerts, sovereignty, .. } =
            Config::default();
        // Words, numbers, and what stays below HOME.
        let Log { filter: _, format: _ } = log;
        let Quotas { tenant: _, requests_per_second: _, long_work: _, vault_mib: _ } = quotas;
        let Consensus { role: _, propose_timeout_ms: _, idle_block_ms: _, max_mempool_transactions: _ } =
            consensus;
        let Storage {
            cache_mib: _,
            tree_cache_mib: _,
            snapshot_every: _,
            keep_snapshots: _,
            history: _,
            keep_blocks: _,
            begin_with: _,
        } = storage;
        let Feeds { spool_mib: _ } = feeds;
        // Names of [[delivery]], which is named.
        let Alerts { deliver: _, kinds: _, quiet: _, silent_after_s: _, risk_every_s: _ } = alerts;
        // The list itself.
        let Sovereignty { place: _ } = sovereignty;
        // Where this node listens, its certificate, and folders of links that are read.
        let Api {
            listen: _,
            tls_certificate: _,
            tls_key: _,
            request_timeout_ms: _,
            max_requests: _,
            max_connections: _,
            max_connections_per_address: _,
            max_streams: _,
            cache_mib: _,
            links: _,
            reads_per_second: _,
            submissions_per_second: _,
        } = api;
        // The ledger's own network: what is on the ledger is everybody's.
        let P2p { listen: _, external: _, gossip_listen: _, peers: _, trusted: _ } = p2p;
        // Where others ask this node; who they are stands in files of their own, which `aula doctor leaves` names.
        let _ = |lti: Lti, identity: Identity, oneroster: OneRoster, replicas: Replicas| {
            let Lti { listen: _, url: _, platforms: _ } = lti;
            let Identity {
                listen: _,
                url: _,
                providers: _,
                session_minutes: _,
                idle_minutes: _,
                credential_minutes: _,
            } = identity;
            let OneRoster { listen: _, url: _, clients: _ } = oneroster;
            let Replicas { listen: _, clients: _ } = replicas;
        };
        // A system that is asked is told this node's credential there and no more; a report goes to names of [[delivery]].
        let _ = |roster: RosterSource, report: ScheduledReport| {
            let RosterSource { name: _, from: _, schools: _, every_minutes: _, whole_every_hours: _ } =
                roster;
            let ScheduledReport { name: _, kind: _, every: _, at: _, district: _, keep_years: _, deliver: _ } =
                report;
        };
    }
}
