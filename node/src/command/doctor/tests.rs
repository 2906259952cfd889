//! Planted faults, each named by its check.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use aula_api::chain::{SignerVitals, Vitals};
use aula_consensus::sign_guard::SignGuard;
use aula_home::keys::{KeyKind, NodeKey};
use aula_home::{Home, config};
use aula_kit::Tested;
use aula_ledger::types::{Hash, Height, TimeMs};
use aula_server::backups::{Backups, KeysCopied};
use aula_store::StorageError;
use aula_vault::room::Room;
use aula_vault::schedule::Rotation;
use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};
use crate::terminal::OutputFormat;

mod planted;

const DAY_MS: u64 = 86_400_000;

/// A home with keys, a configuration whose ports are free, and no chain.
struct Ward {
    folder: tempfile::TempDir,
    home: Home,
}

impl Ward {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        for kind in KeyKind::ALL {
            NodeKey::generate(kind).save(&NodeKey::path(&home, kind))?;
        }
        let ward = Self { folder, home };
        // Three sockets held at once, so that they differ.
        let held: Vec<TcpListener> =
            (0..3).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
        let ports: Vec<u16> =
            held.iter().map(|one| Ok(one.local_addr()?.port())).collect::<Result<_, std::io::Error>>()?;
        let [api, p2p, gossip] = ports.as_slice() else { return Err("three ports".into()) };
        ward.configure(&format!(
            "[api]\nlisten = \"127.0.0.1:{api}\"\nmax_connections = 64\n[p2p]\nlisten = \"/ip4/127.0.0.1/tcp/{p2p}\"\ngossip_listen = \
             \"/ip4/127.0.0.1/tcp/{gossip}\"\n"
        ))?;
        Ok(ward)
    }

    fn configure(&self, text: &str) -> std::io::Result<()> {
        fs::write(self.home.config_file(), text)
    }

    async fn checks(&self) -> Result<Vec<Check>, String> {
        self.checks_for(&Needs::OF_A_NODE).await
    }

    async fn checks_for(&self, needs: &Needs) -> Result<Vec<Check>, String> {
        let context = Context { home: self.home.clone(), output: OutputFormat::Json, log: None };
        let Ok(Command::Doctor(args)) = Cli::try_parse_from(["aula", "doctor"]).map(|cli| cli.command) else {
            return Err("the command line is not understood".into());
        };
        examine(&context, &args, needs).await.map_err(|failure| failure.message)
    }

    /// The level of one check; none when it was left out.
    async fn level(&self, name: &str) -> Result<Option<Level>, String> {
        let checks = self.checks().await?;
        for check in &checks {
            assert_eq!(check.level == Level::Ok, check.next.is_empty(), "{check:?}");
        }
        Ok(checks.iter().find(|check| check.name == name).map(|check| check.level))
    }
}

#[tokio::test]
async fn a_home_that_was_just_made_fails_only_for_want_of_a_genesis() -> Tested {
    let ward = Ward::new()?;
    // A busy disk, and a port that somebody took meanwhile, are the machine's.
    let of_the_machine = |name: &str| name.starts_with("disk_") || name.starts_with("port_");
    let failed = ward.checks().await?.into_iter().filter(|c| c.level == Level::Fail).map(|c| c.name);
    assert_eq!(failed.filter(|name| !of_the_machine(name)).collect::<Vec<_>>(), ["genesis"]);
    assert_eq!(ward.level("node").await?, Some(Level::Warn));
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_missing_or_no_folder_is_all_that_is_said() -> Tested {
    let ward = Ward::new()?;
    fs::remove_dir_all(ward.home.path())?;
    let checks = ward.checks().await?;
    assert_eq!(
        checks.iter().map(|c| (c.name.as_str(), c.level)).collect::<Vec<_>>(),
        [("home", Level::Fail)]
    );
    fs::write(ward.folder.path(), "a file")?;
    assert_eq!(ward.level("home").await?, Some(Level::Fail));
    fs::remove_file(ward.folder.path())?;
    fs::create_dir(ward.folder.path())?;
    Ok(())
}

#[test]
fn a_disk_that_does_not_answer_is_all_that_is_waited_for() {
    let (answers, asked) = std::sync::mpsc::channel::<()>();
    let hangs = move || {
        // Until the other end is dropped.
        let _ = asked.recv();
        Check::ok("home", "there")
    };
    let check = folder::answered("/srv/lake".as_ref(), Duration::from_millis(10), hangs);
    assert!(check.level == Level::Fail && check.detail.contains("/srv/lake has not answered"), "{check:?}");
    drop(answers);
    let check = folder::answered("/srv/lake".as_ref(), Duration::from_secs(600), || Check::ok("home", ""));
    assert_eq!(check.level, Level::Ok);
}

#[tokio::test]
async fn what_others_may_write_or_read_is_said() -> Tested {
    let ward = Ward::new()?;
    let set = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set(ward.home.path(), 0o777)?;
    assert_eq!(ward.level("home").await?, Some(Level::Warn));
    set(ward.home.path(), 0o700)?;
    set(&ward.home.keys_dir(), 0o755)?;
    assert_eq!(ward.level("keys_folder").await?, Some(Level::Warn));
    set(&ward.home.keys_dir(), 0o700)?;
    set(&NodeKey::path(&ward.home, KeyKind::Validator), 0o644)?;
    assert_eq!(ward.level("key_validator").await?, Some(Level::Fail));
    assert_eq!(ward.level("key_account").await?, Some(Level::Ok));
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_missing_empty_or_anothers_is_named() -> Tested {
    let ward = Ward::new()?;
    fs::remove_file(NodeKey::path(&ward.home, KeyKind::Account))?;
    assert_eq!(ward.level("key_account").await?, Some(Level::Fail));
    let network = NodeKey::path(&ward.home, KeyKind::Network);
    fs::write(&network, "")?;
    assert_eq!(ward.level("key_network").await?, Some(Level::Fail));
    let ward = Ward::new()?;
    let known = aula_home::keys::OperatorFile::of_home(&ward.home, "district-07", None)?;
    fs::write(ward.home.operator_file(), serde_json::to_vec(&known)?)?;
    assert_eq!(ward.level("operator").await?, Some(Level::Ok));
    let account = NodeKey::path(&ward.home, KeyKind::Account);
    fs::remove_file(&account)?;
    NodeKey::generate(KeyKind::Account).save(&account)?;
    assert_eq!(ward.level("operator").await?, Some(Level::Fail));
    Ok(())
}

#[tokio::test]
async fn a_configuration_with_a_wrong_name_stops_the_rest() -> Tested {
    let ward = Ward::new()?;
    ward.configure("[api]\nport = 1\n")?;
    assert_eq!(ward.level("config").await?, Some(Level::Fail));
    assert_eq!(ward.level("genesis").await?, None);
    Ok(())
}

#[tokio::test]
async fn a_genesis_that_is_cut_is_refused_with_the_next_step() -> Tested {
    let ward = Ward::new()?;
    fs::write(ward.home.genesis_file(), "{\"name\":\"stat")?;
    let checks = ward.checks().await?;
    let genesis = checks.iter().find(|check| check.name == "genesis").ok_or("no check")?;
    assert!(genesis.level == Level::Fail && genesis.next.contains("genesis file"), "{genesis:?}");
    Ok(())
}

#[tokio::test]
async fn a_port_that_another_program_has_is_named() -> Tested {
    let ward = Ward::new()?;
    let config = Config::load(&ward.home)?;
    let _held = TcpListener::bind(config.api.listen)?;
    assert_eq!(ward.level("port_api").await?, Some(Level::Fail));
    ward.configure("[p2p]\nlisten = \"/ip4/192.0.2.1/tcp/8481\"\n")?;
    assert_eq!(ward.level("port_p2p").await?, Some(Level::Fail));
    Ok(())
}

#[tokio::test]
async fn an_address_that_nobody_finds_and_an_open_api_without_a_certificate_fail() -> Tested {
    let ward = Ward::new()?;
    let text = fs::read_to_string(ward.home.config_file())?;
    ward.configure(&format!("{text}external = \"/dns4/nowhere.invalid/tcp/8481\"\n"))?;
    assert_eq!(ward.level("external").await?, Some(Level::Fail));
    let mut api = config::Api { listen: "0.0.0.0:8480".parse()?, ..config::Api::default() };
    assert_eq!(network::tls(&api, 0).map(|check| check.level), Some(Level::Fail));
    let missing = ward.home.path().join("nothing.pem");
    (api.tls_certificate, api.tls_key) = (Some(missing.clone()), Some(missing));
    assert_eq!(network::tls(&api, 0).map(|check| check.level), Some(Level::Fail));
    Ok(())
}

#[test]
fn a_certificate_is_judged_by_its_days() {
    let level = |days: u64| network::judge_certificate("api.pem", days * DAY_MS, 30 * DAY_MS).level;
    assert_eq!([29, 40, 60].map(level), [Level::Fail, Level::Warn, Level::Ok]);
}

#[test]
fn the_disk_is_judged_by_room_inodes_and_speed() {
    let room = |mib: u64, inodes| folder::judge_space(mib << 20, inodes, &Needs::OF_A_NODE).level;
    assert_eq!(
        [room(100, None), room(1_024, None), room(10_240, None)],
        [Level::Fail, Level::Warn, Level::Ok]
    );
    assert_eq!([room(10_240, Some(3)), room(10_240, Some(100_000))], [Level::Fail, Level::Ok]);
    let speed = |ms| folder::judge_speed(Duration::from_millis(ms), &Needs::OF_A_NODE).level;
    assert_eq!([speed(1), speed(40), speed(400)], [Level::Ok, Level::Warn, Level::Fail]);
    let files = |limit| folder::judge_open_files(limit, 4_096, &Needs::OF_A_NODE).level;
    assert_eq!([files(256), files(1_024), files(65_536)], [Level::Fail, Level::Warn, Level::Ok]);
}

#[test]
fn a_database_is_judged_by_what_opening_it_says() {
    let (own, other) = (Hash([1; 32]), Hash([2; 32]));
    let tip = kept::Tip { height: 7, time_ms: 1 };
    let level = |read| kept::judge_database(read, own, false).0.level;
    assert_eq!(level(Ok((own, tip))), Level::Ok);
    assert_eq!(level(Ok((other, tip))), Level::Fail);
    assert_eq!(level(Err(StorageError::Damaged("a block's checksum".into()))), Level::Fail);
    assert_eq!(level(Err(StorageError::Absent("data".into()))), Level::Warn);
    let busy = |running| kept::judge_database(Err(StorageError::Busy("data".into())), own, running).0.level;
    assert_eq!([busy(true), busy(false)], [Level::Ok, Level::Fail]);
}

#[test]
fn a_clock_before_the_newest_block_fails() {
    let tip = Some(kept::Tip { height: 7, time_ms: 3_600_000 });
    let level = |now_ms| kept::clock(tip, now_ms).map(|check| check.level);
    assert_eq!([level(0), level(3_600_000)], [Some(Level::Fail), Some(Level::Ok)]);
    assert_eq!(kept::clock(None, 0), None);
    let said = |now_ms| kept::clock(tip, now_ms).map(|check| check.detail).unwrap_or_default();
    assert!(said(3_600_420).ends_with("420 ms old"), "{}", said(3_600_420));
    assert!(said(3_599_600).ends_with("400 ms ahead of this machine's clock"), "{}", said(3_599_600));
    // As far as a node takes it for ready, and no further.
    assert_eq!([level(3_599_500), level(3_599_499)], [Some(Level::Ok), Some(Level::Fail)]);
    assert!(said(3_600_000).ends_with("0 ms old") && said(1_000).contains("3599000 ms"), "{}", said(1_000));
}

#[test]
fn a_guard_that_is_missing_or_damaged_after_blocks_fails() -> Tested {
    let ward = Ward::new()?;
    let config = Config::default();
    let tip = Some(kept::Tip { height: 7, time_ms: 1 });
    let level = |tip| kept::sign_guard(&ward.home, &config, tip, false).level;
    assert_eq!([level(None), level(tip)], [Level::Ok, Level::Fail]);
    fs::create_dir_all(ward.home.consensus_dir())?;
    drop(SignGuard::create(&ward.home.sign_guard_file(), 0)?);
    assert_eq!(level(tip), Level::Ok);
    let mut bytes = fs::read(ward.home.sign_guard_file())?;
    bytes[3] ^= 1;
    fs::write(ward.home.sign_guard_file(), bytes)?;
    assert_eq!(level(tip), Level::Fail);
    Ok(())
}

#[tokio::test]
async fn a_vault_without_its_keys_fails() -> Tested {
    let ward = Ward::new()?;
    assert_eq!(ward.level("vault").await?, None);
    fs::create_dir_all(ward.home.vault_dir())?;
    fs::write(ward.home.vault_dir().join("CURRENT"), "MANIFEST-1")?;
    assert_eq!(ward.level("vault").await?, Some(Level::Fail));
    Ok(())
}

#[test]
fn a_vault_near_its_share_of_the_disk_is_warned_of_and_at_it_fails() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let level = |kib: usize, most_mib| {
        std::fs::write(folder.path().join("1.sst"), vec![0; kib << 10])?;
        Ok::<_, std::io::Error>(vault::share(&Room::new(folder.path(), most_mib)).map(|check| check.level))
    };
    assert_eq!(level(9, 0)?, None, "without a share");
    assert_eq!(level(700, 1)?, Some(Level::Ok));
    assert_eq!(level(900, 1)?, Some(Level::Warn));
    assert_eq!(level(1_024, 1)?, Some(Level::Fail));
    Ok(())
}

#[test]
fn a_vaults_key_and_copies_are_judged_by_their_age() {
    let key = |rotation| vault::schedule(rotation).level;
    assert_eq!(key(Rotation::Due { days_over: 3 }), Level::Fail);
    assert_eq!(key(Rotation::Fresh { days_left: 3 }), Level::Warn);
    assert_eq!(key(Rotation::Fresh { days_left: 30 }), Level::Ok);
    let keys = |generation| Some(KeysCopied { at_ms: 0, generation });
    let level =
        |data_ms, keys| vault::backups(Ok(Backups { data_ms, keys, node_ms: None }), 2, 10 * DAY_MS).level;
    assert_eq!(level(None, None), Level::Fail);
    assert_eq!(level(Some(10 * DAY_MS), None), Level::Fail);
    assert_eq!(level(Some(10 * DAY_MS), keys(1)), Level::Fail);
    assert_eq!(level(Some(DAY_MS), keys(2)), Level::Warn);
    assert_eq!(level(Some(9 * DAY_MS), keys(2)), Level::Ok);
}

fn seen(change: impl FnOnce(&mut Vitals), at_ms: u64) -> running::Seen {
    let mut status = Vitals {
        height: Height(100),
        time_ms: TimeMs(1_000_000),
        peers: 3,
        validators: 4,
        signs: true,
        version: Some(env!("CARGO_PKG_VERSION").into()),
        ..Vitals::default()
    };
    change(&mut status);
    running::Seen { status, at_ms }
}

#[test]
fn a_running_node_is_judged_by_two_looks() {
    let first = seen(|_| {}, 1_000_500);
    let level = |second: &running::Seen, name: &str| {
        running::looks(&first, second).into_iter().find(|check| check.name == name).map(|check| check.level)
    };
    let moved = |change: fn(&mut Vitals), at_ms| {
        seen(
            |status| {
                status.height = Height(103);
                change(status);
            },
            at_ms,
        )
    };
    let well = moved(|_| {}, 1_001_000);
    assert!(running::looks(&first, &well).iter().all(|check| check.level == Level::Ok));
    assert_eq!(level(&seen(|_| {}, 1_100_000), "height"), Some(Level::Fail));
    assert_eq!(level(&seen(|_| {}, 1_020_000), "height"), Some(Level::Warn));
    assert_eq!(level(&moved(|s| s.time_ms = TimeMs(4_600_000), 1_001_000), "clock_chain"), Some(Level::Fail));
    assert_eq!(level(&moved(|_| {}, 4_600_000), "clock_chain"), Some(Level::Warn));
    assert_eq!(
        level(&moved(|s| s.silent_because = Some("no guard".into()), 1_001_000), "signing"),
        Some(Level::Fail)
    );
    assert_eq!(level(&moved(|s| s.damage = Some("a row".into()), 1_001_000), "state"), Some(Level::Fail));
    assert_eq!(level(&moved(|s| s.peers = 0, 1_001_000), "peers"), Some(Level::Fail));
    assert_eq!(level(&moved(|s| s.validators_connected = Some(3), 1_001_000), "peers"), Some(Level::Ok));
    assert_eq!(level(&moved(|s| s.validators_connected = Some(0), 1_001_000), "peers"), Some(Level::Fail));
    let follower = moved(|s| (s.signs, s.validators_connected) = (false, Some(0)), 1_001_000);
    assert_eq!(level(&follower, "peers"), Some(Level::Warn));
    assert_eq!(level(&moved(|s| s.version = Some("0.0.9".into()), 1_001_000), "version"), Some(Level::Warn));
}

#[test]
fn a_node_that_is_behind_is_told_how_far_and_its_clock_is_not_blamed() {
    const DAYS_3: u64 = 3 * DAY_MS;
    let told = |height: u64, told: Option<Height>, at_ms: u64| {
        let change = |status: &mut Vitals| {
            status.height = Height(height);
            status.told_height = told;
        };
        let looks = running::looks(&seen(|_| {}, at_ms - 2_500), &seen(change, at_ms));
        let find = |name: &str| looks.iter().find(|check| check.name == name).cloned();
        (find("behind"), find("clock_chain").map(|check| check.level))
    };
    let level = |(behind, clock): (Option<Check>, _)| (behind.map(|check| check.level), clock);
    let (ok, warn, fail) = (Some(Level::Ok), Some(Level::Warn), Some(Level::Fail));
    let peers = Some(Height(259_350));
    let (behind, clock) = told(150, peers, 1_000_000 + DAYS_3);
    let check = behind.unwrap_or_else(|| Check::ok("none", ""));
    assert_eq!((check.level, clock), (Level::Fail, ok), "{check:?}");
    assert!(check.detail.contains("259200 blocks behind") && check.next.contains("50 between"), "{check:?}");
    // It fetches none.
    assert_eq!(level(told(100, peers, 1_000_000 + DAYS_3)), (fail, ok));
    // A fresh chain, and a peer that says too much.
    assert_eq!(level(told(103, peers, 1_001_000)), (warn, ok));
    assert_eq!(level(told(103, Some(Height(104)), 1_001_000)), (ok, ok));
    // Level and old blocks: only then is it the clock.
    assert_eq!(level(told(103, Some(Height(104)), 1_000_000 + DAYS_3)), (ok, warn));
    assert_eq!(level(told(103, None, 1_001_000)), (ok, ok));
}

#[test]
fn a_clock_is_slow_from_where_the_node_is_not_ready() {
    let clock = |ahead| {
        let second = seen(|status| status.ahead_of_clock_ms = Some(ahead), 1_000_000);
        let found = running::looks(&second, &second).into_iter().find(|check| check.name == "clock_chain");
        found.map(|check| check.level)
    };
    assert_eq!([clock(500), clock(501)], [Some(Level::Ok), Some(Level::Fail)]);
    let late = seen(|_| {}, 999_499);
    let found = running::looks(&late, &late).into_iter().find(|check| check.name == "clock_chain");
    assert_eq!(found.map(|check| check.level), Some(Level::Fail));
}

#[test]
fn validators_that_do_not_sign_are_named() {
    let line = |name: &str, last_signed| SignerVitals { name: name.into(), power: 1, last_signed };
    let of = |told: Vec<_>| running::validators(&told, 1_000);
    let found = of(vec![line("a", 999), line("b", 998), line("c", 1_000), line("d", 500)]);
    assert!(found.level == Level::Warn && found.detail.contains('d'), "{found:?}");
    let found = of(vec![line("a", 999), line("b", 10), line("c", 1_000), line("d", 500)]);
    assert_eq!(found.level, Level::Fail);
    let found = of(vec![line("a", 999), line("b", 998), line("c", 1_000), line("d", 990)]);
    assert_eq!(found.level, Level::Ok);
    // What a node says of powers is believed as little as anything else that it says.
    let vast = |name: &str, last_signed| SignerVitals { power: u64::MAX, ..line(name, last_signed) };
    assert_eq!(of(vec![vast("a", 999), vast("b", 998)]).level, Level::Ok);
    let found = of(vec![vast("a", 999), vast("b", 10), vast("c", 10)]);
    assert!(found.level == Level::Fail && found.detail.contains("b, c"), "{found:?}");
}
