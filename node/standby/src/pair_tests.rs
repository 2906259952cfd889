//! Two keepers with real vaults and real lines between them, in one process.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use aula_home::Home;
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::types::{DistrictId, Hash, SchoolYear};
use aula_vault::pair::register;
use aula_vault::{Folders, Identity, LocalId, Vault, VaultError};
use ed25519_dalek::SigningKey;

use crate::accept::{self, Accepted};
use crate::folder::FolderLease;
use crate::folders::{Root, notes};
use crate::keeper::{Keeper, Setup, Turn};
use crate::lease::LeaseStore;
use crate::permit::Permit;
use crate::place::mark;
use crate::receiver::{Caller, Own, Receiver, UNKNOWN};
use crate::shipper::{BADGES, IDENTITY, KEYSTORE, REVOKED, Reach};
use crate::wire::{Answer, Hello, Line, MAX_STRANGER, Question, VERSION};

pub(crate) type Tested = Result<(), Box<dyn std::error::Error>>;

/// One of a pair.
pub(crate) struct One {
    pub(crate) setup: Setup,
    pub(crate) folders: Folders,
}

/// The mark of the lease's folder.
pub(crate) const ID: &str = "00c0ffee";

fn address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn one(
    root: &Path,
    name: &str,
    (listen, peer): (SocketAddr, SocketAddr),
    key: u8,
) -> Result<One, Box<dyn std::error::Error>> {
    let home = root.join(name);
    std::fs::create_dir_all(&home)?;
    let folders = Folders::below(&home);
    let permit = Permit::at(&home.join("pair"));
    let roots = vec![
        Root::all(KEYSTORE, folders.keystore.clone()),
        Root::of_files(IDENTITY, home.join("identity"), Home::IDENTITY_FILES),
        Root::of_files(REVOKED, home.join("links"), &[Home::REVOKED_LINKS]),
        Root::of_files(BADGES, home.join("badges"), Home::BADGES_FILES),
        Root::all("outbox", home.join("outbox")),
    ];
    let shared = root.join("lease");
    std::fs::create_dir_all(&shared)?;
    // By whoever is made first.
    let _ = mark(&shared, ID);
    let lease: Arc<dyn LeaseStore> = Arc::new(FolderLease::at(&shared, ID, name)?);
    let secret = "s".repeat(32);
    let reach = Reach {
        name: name.into(),
        peer: peer.to_string(),
        secret: secret.clone(),
        tls: None,
        keys: vec![[key; 32]],
        patience: Duration::from_secs(5),
        roots: roots.clone(),
        lease,
        lease_id: Some(ID.into()),
        permit: permit.clone(),
    };
    let own = Own {
        name: name.into(),
        secret,
        keys: vec![[key; 32]],
        data: folders.data.clone(),
        roots,
        folder: home.join("pair"),
        lease_id: Some(ID.into()),
        permit,
    };
    register(&folders.data, Arc::new(reach.clone()));
    // Long enough for a machine that does other things.
    let setup = Setup { reach, own, listen, tls: None, lease_ms: 4_000, check_ms: 200 };
    Ok(One { setup, folders })
}

/// Two of a pair with these keys; the first has a vault.
pub(crate) fn two(root: &Path, keys: [u8; 2]) -> Result<(One, One), Box<dyn std::error::Error>> {
    let (a, b) = (address()?, address()?);
    let (east, west) = (one(root, "east", (a, b), keys[0])?, one(root, "west", (b, a), keys[1])?);
    make(root, &east.folders)?;
    Ok((east, west))
}

/// A vault that is made before its home is of a pair.
fn make(root: &Path, place: &Folders) -> Tested {
    let made = Folders::below(&root.join("made"));
    drop(Vault::create(&made, &identity(), 1)?);
    std::fs::rename(&made.data, &place.data)?;
    std::fs::rename(&made.keystore, &place.keystore)?;
    Ok(())
}

fn identity() -> Identity {
    let account = account_of(&public_key(&SigningKey::from_bytes(&[3; 32])));
    Identity { district: DistrictId(7), chain_id: "test-00c0ffee".into(), genesis: Hash([7; 32]), account }
}

pub(crate) fn enrol(vault: &Vault, number: u32) -> Result<(), Box<dyn std::error::Error>> {
    vault.enrol(&[(LocalId::new(&format!("S-{number}")).ok_or("an identifier")?, SchoolYear(2025))])?;
    Ok(())
}

pub(crate) fn has(vault: &Vault, number: u32) -> bool {
    LocalId::new(&format!("S-{number}")).is_some_and(|id| vault.keystore().find(&id).is_some())
}

/// As its node does, which says who the home is.
fn keeps_as(one: &mut One, who: &str) {
    (one.setup.reach.name, one.setup.own.name) = (who.to_owned(), who.to_owned());
}

pub(crate) fn started(one: &One) -> std::io::Result<(Keeper, mpsc::Receiver<Turn>)> {
    let (tell, told) = mpsc::channel();
    let keeper = Keeper::start(one.setup.clone(), move |turn| {
        // A test that has seen enough listens no longer.
        let _ = tell.send(turn);
    })?;
    Ok((keeper, told))
}

pub(crate) fn level(vault: &Vault) -> Result<Option<String>, VaultError> {
    let begun = Instant::now();
    loop {
        let why = vault.level_pair()?.why;
        if why.is_none() || begun.elapsed() > Duration::from_secs(20) {
            return Ok(why);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) const SOON: Duration = Duration::from_secs(30);

#[test]
fn what_the_one_acknowledged_the_other_acts_with_and_back_again() -> Tested {
    let root = tempfile::tempdir()?;
    let (east, west) = two(root.path(), [1, 2])?;
    assert!(matches!(Vault::open(&east.folders), Err(VaultError::NotActing(_))));
    let (east_keeper, east_told) = started(&east)?;
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(1));
    let vault = Vault::open(&east.folders)?;
    enrol(&vault, 1)?;
    assert!(east_keeper.standing().is_alone() || east_keeper.standing().epoch == 0);
    let (west_keeper, west_told) = started(&west)?;
    assert_eq!(level(&vault)?, None);
    std::fs::create_dir_all(root.path().join("east/outbox"))?;
    std::fs::write(root.path().join("east/outbox/one"), b"on its way")?;
    for number in 2..40 {
        enrol(&vault, number)?;
    }
    assert_eq!(level(&vault)?, None);
    assert_eq!(std::fs::read(root.path().join("west/outbox/one"))?, b"on its way");
    assert!(matches!(Vault::open(&west.folders), Err(VaultError::NotActing(_))));

    // East gives up: west acts with all of it, at once.
    east_keeper.stop();
    assert!(enrol(&vault, 40).is_err(), "nobody is told that it is done");
    drop(vault);
    assert_eq!(west_told.recv_timeout(SOON)?, Turn::Acts(2));
    let vault = Vault::open(&west.folders)?;
    assert!((1..40).all(|number| has(&vault, number)));
    enrol(&vault, 50)?;

    // East comes back, drops what nobody was told of, and is level again.
    drop(east_keeper);
    let (again, b) = (address()?, west.setup.listen);
    let east = one(root.path(), "east", (again, b), 1)?;
    let home = root.path().join("east/pair");
    let _ = std::fs::remove_file(home.join("LOCK"));
    let (east_keeper, east_told) = started(&east)?;
    let west_again = one(root.path(), "west", (b, again), 2)?;
    drop(vault);
    let vault = Vault::open(&west_again.folders)?;
    assert_eq!(level(&vault)?, None);
    enrol(&vault, 51)?;
    drop(vault);
    west_keeper.stop();
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(3));
    let vault = Vault::open(&east.folders)?;
    assert!(has(&vault, 39) && has(&vault, 50) && has(&vault, 51) && !has(&vault, 40));
    drop(vault);
    east_keeper.stop();
    Ok(())
}

#[test]
fn two_with_one_validator_key_are_never_level() -> Tested {
    let root = tempfile::tempdir()?;
    let (east, west) = two(root.path(), [1, 1])?;
    let (east_keeper, east_told) = started(&east)?;
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(1));
    let (_west_keeper, _told) = started(&west)?;
    let vault = Vault::open(&east.folders)?;
    enrol(&vault, 1)?;
    let why = vault.level_pair()?.why.unwrap_or_default();
    assert!(why.contains("same validator, network or seed key"), "{why}");
    assert!(!west.folders.keystore.exists() && !west.folders.data.exists());
    drop(vault);
    east_keeper.stop();
    Ok(())
}

#[test]
fn a_standby_with_a_vault_of_its_own_keeps_it_and_its_keys() -> Tested {
    let root = tempfile::tempdir()?;
    let (east, west) = two(root.path(), [1, 2])?;
    make(root.path(), &west.folders)?;
    let keys = notes(&west.folders.keystore)?;
    assert!(!keys.is_empty());
    let (east_keeper, east_told) = started(&east)?;
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(1));
    let (_west_keeper, _told) = started(&west)?;
    let vault = Vault::open(&east.folders)?;
    enrol(&vault, 1)?;
    let why = vault.level_pair()?.why.unwrap_or_default();
    assert!(why.contains("did not write"), "{why}");
    assert_eq!(notes(&west.folders.keystore)?, keys);
    drop(vault);
    east_keeper.stop();
    Ok(())
}

#[test]
fn what_lies_beside_and_cannot_be_copied_leaves_the_two_level() -> Tested {
    let root = tempfile::tempdir()?;
    let (east, west) = two(root.path(), [1, 2])?;
    let (east_keeper, east_told) = started(&east)?;
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(1));
    let (_west_keeper, _told) = started(&west)?;
    let vault = Vault::open(&east.folders)?;
    enrol(&vault, 1)?;
    assert_eq!(level(&vault)?, None);
    let (from, to) = (root.path().join("east/outbox"), root.path().join("west/outbox"));
    std::fs::create_dir_all(&from)?;
    std::fs::write(from.join("one"), b"on its way")?;
    std::fs::write(&to, b"no folder")?;
    assert!(vault.level_pair()?.why.is_some());
    enrol(&vault, 2)?;
    let record = east.setup.reach.lease.read()?.ok_or("a record")?.record;
    assert_eq!(record.level.as_deref(), Some("west"));
    std::fs::remove_file(&to)?;
    assert_eq!(level(&vault)?, None);
    assert_eq!(std::fs::read(to.join("one"))?, b"on its way");
    drop(vault);
    east_keeper.stop();
    Ok(())
}

/// Waits until a keeper says this of how it stands.
fn says(keeper: &Keeper, words: &str) {
    let begun = Instant::now();
    while !keeper.standing().why.is_some_and(|why| why.contains(words)) {
        assert!(begun.elapsed() < SOON, "{:?}", keeper.standing());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A folder where a file is to be written: as a disk that takes nothing.
fn block(path: &Path) -> std::io::Result<()> {
    // A file may be there for a moment, on its way.
    while let Err(error) = std::fs::create_dir(path) {
        if error.kind() != std::io::ErrorKind::AlreadyExists {
            return Err(error);
        }
    }
    Ok(())
}

#[test]
fn who_cannot_write_its_permit_leaves_the_lease_to_who_is_level() -> Tested {
    let root = tempfile::tempdir()?;
    let (mut east, mut west) = two(root.path(), [1, 2])?;
    // Who opens the vault knows the names alone.
    keeps_as(&mut east, "east.1");
    keeps_as(&mut west, "west.2");
    let (_east_keeper, east_told) = started(&east)?;
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(1));
    let (_west_keeper, west_told) = started(&west)?;
    let vault = Vault::open(&east.folders)?;
    enrol(&vault, 1)?;
    assert_eq!(level(&vault)?, None);
    enrol(&vault, 2)?;
    block(&root.path().join("east/pair/permit.new"))?;
    assert_eq!(west_told.recv_timeout(SOON)?, Turn::Acts(2));
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Over);
    assert!(enrol(&vault, 3).is_err());
    drop(vault);
    let vault = Vault::open(&west.folders)?;
    assert!(has(&vault, 1) && has(&vault, 2) && !has(&vault, 3));
    enrol(&vault, 4)?;
    Ok(())
}

#[test]
fn a_standby_that_could_not_act_leaves_the_lease_and_gives_back_what_it_took() -> Tested {
    let root = tempfile::tempdir()?;
    let (east, west) = two(root.path(), [1, 2])?;
    let (east_keeper, east_told) = started(&east)?;
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(1));
    let (west_keeper, west_told) = started(&west)?;
    let vault = Vault::open(&east.folders)?;
    enrol(&vault, 1)?;
    assert_eq!(level(&vault)?, None);
    drop(vault);
    let pair = root.path().join("west/pair");
    block(&pair.join("permit.try"))?;
    block(&pair.join(format!(".epoch.{}.new", std::process::id())))?;
    east_keeper.stop();
    says(&west_keeper, "nothing can be written");
    let record = || west.setup.reach.lease.read().map(|kept| kept.map(|kept| kept.record));
    assert_eq!(record()?.map(|record| (record.epoch, record.holder)), Some((1, "east".into())));
    // It can be taken now, and the fence not be raised.
    std::fs::remove_dir(pair.join("permit.try"))?;
    assert_eq!(west_told.recv_timeout(SOON)?, Turn::Over);
    let left = record()?.map(|record| (record.epoch, record.released, record.level));
    assert_eq!(left, Some((2, true, Some("east".into()))));
    Ok(())
}

#[test]
fn a_disk_that_refuses_the_vault_ends_the_turn_where_another_is_level_and_there_alone() -> Tested {
    let root = tempfile::tempdir()?;
    let (east, west) = two(root.path(), [1, 2])?;
    let (east_keeper, east_told) = started(&east)?;
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(1));
    let vault = Vault::open(&east.folders)?;
    enrol(&vault, 1)?;
    east_keeper.disk_refuses(true);
    says(&east_keeper, "nobody else has everything");
    enrol(&vault, 2)?;
    assert!(east_told.try_recv().is_err());
    east_keeper.disk_refuses(false);
    let (_west_keeper, west_told) = started(&west)?;
    assert_eq!(level(&vault)?, None);
    east_keeper.disk_refuses(true);
    assert_eq!(west_told.recv_timeout(SOON)?, Turn::Acts(2));
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Over);
    drop(vault);
    let vault = Vault::open(&west.folders)?;
    assert!(has(&vault, 1) && has(&vault, 2));
    Ok(())
}

#[test]
fn a_copied_home_stands_by_until_an_operator_says_that_it_is_the_only_one() -> Tested {
    let root = tempfile::tempdir()?;
    let (mut east, _west) = two(root.path(), [1, 2])?;
    let mut copy = one(root.path(), "copy", (address()?, address()?), 1)?;
    make(root.path(), &copy.folders)?;
    keeps_as(&mut east, "east.1");
    keeps_as(&mut copy, "east.2");
    let (east_keeper, east_told) = started(&east)?;
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(1));
    let (copy_keeper, copy_told) = started(&copy)?;
    let stands_by = |over: bool| {
        let begun = Instant::now();
        loop {
            let standing = copy_keeper.standing();
            let says = standing.why.as_ref().is_some_and(|why| why.starts_with("same_name"));
            if says && standing.over == over {
                assert_eq!((standing.name.as_str(), standing.role.as_str()), ("east", "standby"));
                return standing.turn;
            }
            assert!(begun.elapsed() < SOON, "{standing:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    stands_by(false);
    east_keeper.stop();
    let turn = stands_by(true);
    assert!(copy_told.try_recv().is_err());
    accept::give(&copy.setup.own.folder, Accepted { epoch: 1, turn })?;
    assert_eq!(copy_told.recv_timeout(SOON)?, Turn::Acts(2));
    Ok(())
}

/// East's first words, of a vault that no pair wrote yet.
pub(crate) fn hello(secret: &str, epoch: u64) -> Question {
    Question::Hello(Hello {
        version: VERSION,
        secret: secret.to_owned(),
        name: "east".into(),
        epoch,
        keys: Vec::new(),
        pair: [0; 16],
        lease_id: Some(ID.into()),
    })
}

#[test]
fn a_copy_that_is_never_finished_leaves_the_standby_what_it_had() -> Tested {
    let root = tempfile::tempdir()?;
    let (_east, west) = two(root.path(), [1, 2])?;
    make(root.path(), &west.folders)?;
    let receiver = Receiver::of(west.setup.own.clone())?;
    let mut caller = Caller::default();
    let welcome = receiver.answer(&mut caller, hello(&west.setup.own.secret, 1));
    assert!(matches!(welcome, Answer::Welcome(_, Some(_))), "{welcome:?}");
    assert_eq!(receiver.answer(&mut caller, Question::Whole(1, [0; 16])), Answer::Done);
    assert!(receiver.has_vault(), "an operator may accept the loss of the rest");
    // A crash when the old one had made place and the new one had not taken it.
    drop(receiver);
    std::fs::rename(&west.folders.data, west.folders.data.with_file_name("vault.pair-old"))?;
    let receiver = Receiver::of(west.setup.own.clone())?;
    assert!(receiver.has_vault());
    let welcome = receiver.answer(&mut caller, hello(&west.setup.own.secret, 1));
    assert!(matches!(welcome, Answer::Welcome(_, Some(_))), "{welcome:?}");
    receiver.act(2)?;
    let late = receiver.answer(&mut caller, Question::WholeEnds(1));
    assert!(matches!(&late, Answer::Refused { code, .. } if code == "acting"), "{late:?}");
    assert!(receiver.has_vault());
    Ok(())
}

#[test]
fn a_stranger_is_told_so_once_and_its_line_ends() -> Tested {
    let root = tempfile::tempdir()?;
    let (_east, west) = two(root.path(), [1, 2])?;
    let (_keeper, _told) = started(&west)?;
    let peer = west.setup.listen.to_string();
    let wrong = "w".repeat(32);
    let asked = [
        Question::Ping { secret: wrong.clone() },
        hello(&wrong, u64::MAX),
        Question::Have(u64::MAX, KEYSTORE.into()),
        Question::Whole(u64::MAX, [0; 16]),
    ];
    for question in asked {
        let mut line = Line::call(&peer, None, Duration::from_secs(3))?;
        let answer = line.ask(&question)?;
        assert!(matches!(&answer, Answer::Refused { code, .. } if code == UNKNOWN), "{answer:?}");
        assert_eq!(line.receive::<Answer>(MAX_STRANGER)?, None);
    }
    let mut line = Line::call(&peer, None, Duration::from_secs(3))?;
    // More than a stranger may say is not even read.
    let sent = line.send(&Question::Ping { secret: "s".repeat(MAX_STRANGER) });
    assert!(sent.is_err() || !matches!(line.receive::<Answer>(MAX_STRANGER), Ok(Some(_))));
    assert!(!west.setup.own.folder.join("epoch").exists(), "no fence is raised by a stranger");
    Ok(())
}
