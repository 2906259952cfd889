//! Faults planted one by one into a home that is otherwise well, or into what its node says: each is named by its check, at
//! its level, with a next step that says how.

use std::io::{Read, Write};

use aula_home::config::Config;
use aula_home::founding::{Base, assemble};
use aula_home::keys::OperatorFile;
use aula_kit::{Made, vault};
use aula_ledger::genesis::Parsed;
use aula_ledger::types::TimeMs;
use aula_server::bootstrap::{db_options, open_database};
use aula_store::ChainDb;
use aula_store::solo::decide;
use serde_json::{Value, json};

use super::*;

/// A fault: its name, the check that names it, at which level, words of its next step, and how it is planted.
type Row = (&'static str, &'static str, Level, &'static str, fn(&Ward) -> Tested);

fn mode(path: &std::path::Path, bits: u32) -> Tested {
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(bits))?)
}

fn a_year_ago() -> u64 {
    aula_home::clock::now_ms() - 365 * DAY_MS
}

/// The genesis of a chain of this home's keys, and its database with nothing but that.
fn founded(ward: &Ward, name: &str) -> Tested {
    begun(ward, name, TimeMs(5)).map(drop)
}

/// The same of a chain that begins then, with its database open.
fn begun(ward: &Ward, name: &str, at: TimeMs) -> Made<(Parsed, ChainDb)> {
    let listen = "/ip4/127.0.0.1/tcp/1".to_owned();
    let operator = OperatorFile::of_home(&ward.home, "district-07", Some(listen))?;
    let (bytes, parsed) = assemble(name, at, &[operator], Base::default())?;
    fs::write(ward.home.genesis_file(), &bytes)?;
    let db = open_database(&ward.home, db_options(&Config::load(&ward.home)?), &bytes, &parsed)?;
    Ok((parsed, db))
}

/// A flipped bit in the middle of every file of the database whose name begins so.
fn flip(ward: &Ward, begins: &str) -> Tested {
    for entry in fs::read_dir(ward.home.data_dir())? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begins)) {
            let mut bytes = fs::read(&path)?;
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 1;
            }
            fs::write(&path, bytes)?;
        }
    }
    Ok(())
}

/// A certificate of the API that holds until that year, with its key.
fn certified(ward: &Ward, year: i32) -> Tested {
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()])?;
    parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
    let key = rcgen::KeyPair::generate()?;
    let (chain, secret) = (ward.home.path().join("api.pem"), ward.home.path().join("api.key"));
    fs::write(&chain, parameters.self_signed(&key)?.pem())?;
    fs::write(&secret, key.serialize_pem())?;
    mode(&secret, 0o600)?;
    let text = fs::read_to_string(ward.home.config_file())?;
    let named = format!(
        "[api]\ntls_certificate = {:?}\ntls_key = {:?}\n",
        chain.display().to_string(),
        secret.display().to_string()
    );
    Ok(ward.configure(&text.replacen("[api]\n", &named, 1))?)
}

const IN_THE_HOME: [Row; 29] = [
    ("a folder that others may write", "home", Level::Warn, "chmod go-w", |ward| {
        mode(ward.home.path(), 0o777)
    }),
    ("a setting that there is not", "config", Level::Fail, "correct it there", |ward| {
        Ok(ward.configure("[api]\nport = 1\n")?)
    }),
    ("settings that are gone", "config", Level::Warn, "put it back", |ward| {
        Ok(fs::remove_file(ward.home.config_file())?)
    }),
    ("a filter that is not one", "log", Level::Warn, "by module", |ward| {
        let kept = fs::read_to_string(ward.home.config_file())?;
        Ok(ward.configure(&format!("{kept}[log]\nfilter = \"aula=loud\"\n"))?)
    }),
    ("a time zone that there is not", "reports", Level::Fail, "time_zone", |ward| {
        let kept = fs::read_to_string(ward.home.config_file())?;
        Ok(ward.configure(&format!("{kept}[reports]\ntime_zone = \"Mars/Olympus\"\n"))?)
    }),
    ("a key that others may read", "key_validator", Level::Fail, "chmod 600", |ward| {
        mode(&NodeKey::path(&ward.home, KeyKind::Validator), 0o644)
    }),
    ("a key that is gone", "key_account", Level::Fail, "put the file back", |ward| {
        Ok(fs::remove_file(NodeKey::path(&ward.home, KeyKind::Account))?)
    }),
    ("a key that a full disk left empty", "key_network", Level::Fail, "put the file back", |ward| {
        Ok(fs::write(NodeKey::path(&ward.home, KeyKind::Network), "")?)
    }),
    ("a key folder that others may enter", "keys_folder", Level::Warn, "chmod 700", |ward| {
        mode(&ward.home.keys_dir(), 0o755)
    }),
    ("other keys than the consortium knows", "operator", Level::Fail, "operator.json", |ward| {
        let known = OperatorFile::of_home(&ward.home, "district-07", None)?;
        fs::write(ward.home.operator_file(), serde_json::to_vec(&known)?)?;
        let account = NodeKey::path(&ward.home, KeyKind::Account);
        fs::remove_file(&account)?;
        Ok(NodeKey::generate(KeyKind::Account).save(&account)?)
    }),
    ("a genesis that was cut", "genesis", Level::Fail, "genesis file again", |ward| {
        Ok(fs::write(ward.home.genesis_file(), "{\"name\":\"stat")?)
    }),
    ("a genesis of rules that this program lacks", "genesis", Level::Fail, "newer version", |ward| {
        founded(ward, "county")?;
        let mut genesis: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(ward.home.genesis_file())?)?;
        genesis["protocol"] = 999.into();
        Ok(fs::write(ward.home.genesis_file(), genesis.to_string())?)
    }),
    ("a database of another chain", "database", Level::Fail, "", |ward| {
        founded(ward, "county")?;
        let other = Ward::new()?;
        founded(&other, "another")?;
        Ok(fs::copy(other.home.genesis_file(), ward.home.genesis_file()).map(|_| ())?)
    }),
    ("a database with a flipped bit", "database", Level::Fail, "", |ward| {
        founded(ward, "county")?;
        flip(ward, "MANIFEST")
    }),
    ("a database without its list of files", "database", Level::Fail, "", |ward| {
        founded(ward, "county")?;
        Ok(fs::write(ward.home.data_dir().join("CURRENT"), "")?)
    }),
    ("a database with a table gone", "database", Level::Fail, "fetch the chain again", |ward| {
        founded(ward, "county")?;
        for entry in fs::read_dir(ward.home.data_dir())? {
            let path = entry?.path();
            if path.extension().is_some_and(|one| one == "sst") {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }),
    ("a sign guard with a flipped bit", "sign_guard", Level::Fail, "--confirmed-height", |ward| {
        founded(ward, "county")?;
        fs::create_dir_all(ward.home.consensus_dir())?;
        drop(SignGuard::create(&ward.home.sign_guard_file(), 0)?);
        let mut bytes = fs::read(ward.home.sign_guard_file())?;
        bytes[3] ^= 1;
        Ok(fs::write(ward.home.sign_guard_file(), bytes)?)
    }),
    ("a port that another program has", "port_p2p", Level::Fail, "ss -ltnp", |ward| {
        let listen = Config::load(&ward.home)?.p2p.listen;
        let port = listen.rsplit('/').next().unwrap_or_default();
        // For as long as this process lives.
        Box::leak(Box::new(TcpListener::bind(format!("127.0.0.1:{port}"))?));
        Ok(())
    }),
    ("an address of another machine", "port_p2p", Level::Fail, "p2p.external", |ward| {
        Ok(ward.configure("[p2p]\nlisten = \"/ip4/192.0.2.1/tcp/8481\"\n")?)
    }),
    ("a name that nobody finds", "external", Level::Fail, "DNS record", |ward| {
        let text = fs::read_to_string(ward.home.config_file())?;
        Ok(ward.configure(&format!("{text}external = \"/dns4/nowhere.invalid/tcp/8481\"\n"))?)
    }),
    ("a certificate that has expired", "tls", Level::Fail, "SIGHUP", |ward| certified(ward, 2020)),
    ("a certificate whose key is gone", "tls", Level::Fail, "private key", |ward| {
        certified(ward, 2090)?;
        Ok(fs::remove_file(ward.home.path().join("api.key"))?)
    }),
    ("a vault whose keys' disk is not mounted", "vault", Level::Fail, "mount the missing disk", |ward| {
        fs::create_dir_all(ward.home.vault_dir())?;
        Ok(fs::write(ward.home.vault_dir().join("CURRENT"), "MANIFEST-1")?)
    }),
    ("a clock that is an hour slow, of a node that is off", "clock", Level::Fail, "set-ntp", |ward| {
        let at = aula_home::clock::now_ms() + 3_600_000;
        let (parsed, db) = begun(ward, "county", TimeMs(at))?;
        let validator = NodeKey::of_home(&ward.home, KeyKind::Validator)?.into_signing_key();
        decide(&db, &parsed.sha256, &[validator], TimeMs(at + 1), Vec::new(), |_| {})?;
        Ok(())
    }),
    ("a vault key from a year ago", "vault_key", Level::Fail, "aula vault rotate", |ward| {
        vault::create(ward.home.path(), a_year_ago()).map(drop).map_err(Into::into)
    }),
    ("a vault that was never copied", "backups", Level::Fail, "aula backup --data", |ward| {
        vault::create(ward.home.path(), aula_home::clock::now_ms()).map(drop).map_err(Into::into)
    }),
    ("copies of a vault from a year ago", "backups", Level::Warn, "aula backup --data", |ward| {
        let (_, vault) = vault::create(ward.home.path(), aula_home::clock::now_ms())?;
        let generation = vault.keystore().current().generation;
        let keys = Some(KeysCopied { at_ms: a_year_ago(), generation });
        Ok(Backups { data_ms: Some(a_year_ago()), keys, node_ms: None }.save(&ward.home)?)
    }),
    ("a copy that is a year old", "node_backup", Level::Warn, "aula node backup", |ward| {
        let node_ms = Some(a_year_ago());
        Ok(Backups { node_ms, ..Backups::default() }.save(&ward.home)?)
    }),
    ("a note of copies that was cut", "node_backup", Level::Warn, "make the copies again", |ward| {
        Ok(fs::write(ward.home.backups_file(), "{\"node_ms\":")?)
    }),
];

/// What a running node says that is not well: check, level, words of the next step, and the change to its status.
type Said = (&'static str, Level, &'static str, fn(&mut Value));

const OF_THE_NODE: [Said; 11] = [
    ("height", Level::Fail, "two thirds", |status| status["time_ms"] = json!(1_000)),
    ("height", Level::Fail, "dmesg", |status| {
        status["time_ms"] = json!(1_000);
        status["stands"] = json!({ "for_s": 90, "missing": [], "disk_silent_s": 45 });
    }),
    ("behind", Level::Fail, "log", |status| {
        status["time_ms"] = json!(aula_home::clock::now_ms() - 3 * DAY_MS);
        status["told_height"] = json!(259_300);
    }),
    ("clock_chain", Level::Fail, "set-ntp", |status| {
        status["time_ms"] = json!(aula_home::clock::now_ms() + 3_600_000);
    }),
    ("attention", Level::Warn, "without a restart", |status| {
        status["attention"] = json!("blocks keep arriving 3600 s old: this machine's clock is fast");
    }),
    ("signing", Level::Fail, "--confirmed-height", |status| {
        status["silent_because"] = json!("the sign guard is lost");
    }),
    ("state", Level::Fail, "aula replay", |status| status["damage"] = json!("a row cannot be read")),
    ("peers", Level::Fail, "firewall", |status| status["peers"] = json!(0)),
    ("version", Level::Warn, "restart the node", |status| status["version"] = json!("0.0.9")),
    ("protocol", Level::Fail, "install Aula 9.0.0", |status| {
        status["protocol"]["next"] = json!({ "protocol": 9, "height": 200, "blocks_left": 100, "program": "9.0.0", "is_known": false });
    }),
    ("validators", Level::Fail, "tell their operators", |status| status["height"] = json!(100)),
];

/// A node that says this of itself, and of its validators that two of three have not signed for long, at the address of the
/// ward's configuration; until the test's process ends.
fn answering(ward: &Ward, status: Value) -> Tested {
    let listener = TcpListener::bind(Config::load(&ward.home)?.api.listen)?;
    std::thread::spawn(move || {
        let signed = |name: &str, at: u64| json!({ "name": name, "power": 1, "last_signed": at });
        let validators = json!({
            "uptime": { "validators": [signed("a", 99), signed("b", 10), signed("c", 20)] },
            "peers": [{ "listen": "/ip4/127.0.0.1/tcp/1" }],
        });
        while let Ok((mut stream, _)) = listener.accept() {
            let mut asked = [0; 4_096];
            let read = stream.read(&mut asked).unwrap_or(0);
            let is_status = String::from_utf8_lossy(&asked[..read]).contains("/v1/status");
            let body = if is_status { &status } else { &validators }.to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    Ok(())
}

/// The check of this name, as a ward's checks say it.
async fn found(ward: &Ward, name: &str) -> Result<Check, Box<dyn std::error::Error>> {
    let checks = ward.checks().await?;
    Ok(checks.into_iter().find(|check| check.name == name).ok_or(format!("no check {name}"))?)
}

fn assert_named(what: &str, check: &Check, level: Level, next: &str) {
    assert_eq!(check.level, level, "{what}: {check:?}");
    assert!(check.next.len() > 8 && check.next.contains(next), "{what}: {check:?}");
    assert!(!check.detail.is_empty(), "{what}: {check:?}");
}

#[tokio::test]
async fn every_fault_planted_in_a_home_is_named_with_its_next_step() -> Tested {
    for (what, name, level, next, plant) in IN_THE_HOME {
        let ward = Ward::new()?;
        plant(&ward).map_err(|error| format!("{what}: {error}"))?;
        let check = found(&ward, name).await.map_err(|error| format!("{what}: {error}"))?;
        assert_named(what, &check, level, next);
    }
    Ok(())
}

/// What no test can take from its machine is asked of it instead: more room, a faster disk and more files than there are.
#[tokio::test]
async fn a_machine_with_too_little_is_named_with_its_next_step() -> Tested {
    let needs =
        Needs { least_bytes: u64::MAX, too_slow: Duration::ZERO, own_files: u64::MAX, ..Needs::OF_A_NODE };
    let checks = Ward::new()?.checks_for(&needs).await?;
    for (name, next) in
        [("disk_space", "larger disk"), ("disk_speed", "local SSD"), ("open_files", "LimitNOFILE")]
    {
        let check = checks.iter().find(|check| check.name == name).ok_or(format!("no check {name}"))?;
        assert_named(name, check, Level::Fail, next);
    }
    Ok(())
}

#[tokio::test]
async fn everything_that_is_not_well_in_what_a_node_says_is_named_with_its_next_step() -> Tested {
    let mut wards = Vec::new();
    for (_, _, _, change) in OF_THE_NODE {
        let ward = Ward::new()?;
        let mut status = json!({
            "height": 100, "time_ms": aula_home::clock::now_ms(), "peers": 3, "validators": 4, "signs": true,
            "silent_because": null, "damage": null, "version": env!("CARGO_PKG_VERSION"),
            "protocol": { "now": 2, "since": 0, "known": 2, "next": null },
        });
        change(&mut status);
        answering(&ward, status)?;
        wards.push(ward);
    }
    // Side by side: each looks twice, seconds apart.
    let looks = OF_THE_NODE.iter().zip(&wards).map(|((name, ..), ward)| found(ward, name));
    let checks = futures::future::join_all(looks).await;
    for ((name, level, next, _), check) in OF_THE_NODE.iter().zip(checks) {
        assert_named(name, &check?, *level, next);
    }
    let unreached = found(&wards[0], "peer_addresses").await?;
    assert_named("a peer that does not answer", &unreached, Level::Warn, "ask their operators");
    Ok(())
}

#[tokio::test]
async fn a_port_on_which_something_else_answers_is_no_node() -> Tested {
    let ward = Ward::new()?;
    // It takes connections and never answers.
    let _held = TcpListener::bind(Config::load(&ward.home)?.api.listen)?;
    assert_named("silence", &found(&ward, "node").await?, Level::Warn, "aula start");
    assert_named("its port", &found(&ward, "port_api").await?, Level::Fail, "ss -ltnp");
    Ok(())
}
