//! What a dead line, or a put that nobody waits for any more, still had on its way, and what comes of it when somebody has gone on since.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aula_vault::Vault;
use aula_vault::pair::{incoming, register};

use crate::lease::{Kept, LeaseError, LeaseStore, Record};
use crate::pair_tests::{Tested, enrol, hello, level, started, two};
use crate::permit::uptime_ms;
use crate::receiver::{Caller, Receiver};
use crate::shipper::{IDENTITY, KEYSTORE, Reach};
use crate::wire::{Answer, DATABASE, Piece, Question};

fn piece(root: &str, path: &str, bytes: &[u8]) -> Question {
    let piece = Piece { root: root.into(), path: path.into(), at: 0, bytes: bytes.to_vec(), last: true };
    Question::Piece(1, piece)
}

/// A line that is welcomed now.
fn called(receiver: &Receiver, secret: &str) -> Caller {
    let mut caller = Caller::default();
    let welcome = receiver.answer(&mut caller, hello(secret, 1));
    assert!(matches!(welcome, Answer::Welcome(..)), "{welcome:?}");
    caller
}

fn refused(receiver: &Receiver, caller: &mut Caller, question: Question) {
    let answer = receiver.answer(caller, question);
    assert!(matches!(&answer, Answer::Refused { code, .. } if code == "old_line"), "{answer:?}");
}

#[test]
fn a_file_that_a_dead_line_had_on_its_way_is_not_put_over_a_newer_one() -> Tested {
    let folder = tempfile::tempdir()?;
    let (_east, west) = two(folder.path(), [1, 2])?;
    let receiver = Receiver::of(west.setup.own.clone())?;
    let secret = &west.setup.own.secret;
    let places = [
        (IDENTITY, "tokens.json", folder.path().join("west/identity/tokens.json")),
        (KEYSTORE, "CURRENT", west.folders.keystore.join("CURRENT")),
    ];
    for (root, path, place) in places {
        let have = || Question::Have(1, root.into());
        let (mut first, mut second) = (called(&receiver, secret), called(&receiver, secret));
        assert_eq!(receiver.answer(&mut first, have()), Answer::Notes(Vec::new()));
        // What comes before the later line has asked is seen by it.
        assert_eq!(receiver.answer(&mut first, piece(root, path, b"old")), Answer::Done);
        let seen = receiver.answer(&mut second, have());
        assert!(matches!(&seen, Answer::Notes(notes) if notes.len() == 1), "{seen:?}");
        assert_eq!(receiver.answer(&mut second, piece(root, path, b"new")), Answer::Done);

        refused(&receiver, &mut first, piece(root, path, b"old"));
        refused(&receiver, &mut first, Question::Only(1, root.into(), Vec::new()));
        refused(&receiver, &mut first, have());
        assert_eq!(std::fs::read(&place)?, b"new", "{root}");
        // Each root by itself: the later line has asked for no other.
        assert_eq!(receiver.answer(&mut first, piece("outbox", "one", b"")), Answer::Done);
        let only = Question::Only(1, root.into(), Vec::new());
        assert_eq!(receiver.answer(&mut second, only), Answer::Done);
        assert!(!place.exists());
    }
    Ok(())
}

#[test]
fn a_copy_of_the_database_is_the_later_line_s_alone() -> Tested {
    let folder = tempfile::tempdir()?;
    let (_east, west) = two(folder.path(), [1, 2])?;
    let receiver = Receiver::of(west.setup.own.clone())?;
    let secret = &west.setup.own.secret;
    let whole = || Question::Whole(1, [0; 16]);
    let (mut first, mut second) = (called(&receiver, secret), called(&receiver, secret));
    for (line, path) in [(&mut first, "one"), (&mut second, "two")] {
        assert_eq!(receiver.answer(line, whole()), Answer::Done);
        assert_eq!(receiver.answer(line, piece(DATABASE, path, b"bytes")), Answer::Done);
    }
    let late =
        [piece(DATABASE, "one", b"bytes"), whole(), Question::WholeEnds(1), Question::Batches(1, Vec::new())];
    for question in late {
        refused(&receiver, &mut first, question);
    }
    let copy = incoming(&west.folders.data);
    assert!(!copy.join("one").exists() && !receiver.has_vault());
    assert_eq!(std::fs::read(copy.join("two"))?, b"bytes");
    Ok(())
}

/// A store that does not answer in time who puts that somebody is level: what was put may come about later.
struct Slow {
    of: Arc<dyn LeaseStore>,
    is_slow: AtomicBool,
    late: Mutex<Option<(Option<String>, Record)>>,
}

impl LeaseStore for Slow {
    fn read(&self) -> Result<Option<Kept>, LeaseError> {
        self.of.read()
    }

    fn put(&self, over: Option<&str>, record: &Record) -> Result<Option<String>, LeaseError> {
        if record.level.is_some() && self.is_slow.load(Ordering::SeqCst) {
            let put = (over.map(str::to_owned), record.clone());
            *self.late.lock().unwrap_or_else(PoisonError::into_inner) = Some(put);
            return Err(LeaseError("no answer in time".into()));
        }
        self.of.put(over, record)
    }

    fn claim(&self, what: &str, owner: &str) -> Result<String, LeaseError> {
        self.of.claim(what, owner)
    }
}

#[test]
fn a_level_that_is_put_late_does_not_stand_beside_a_write_that_was_acknowledged_alone() -> Tested {
    let root = tempfile::tempdir()?;
    let (east, west) = two(root.path(), [1, 2])?;
    let (of, is_slow, late) = (east.setup.reach.lease.clone(), AtomicBool::new(false), Mutex::default());
    let store = Arc::new(Slow { of, is_slow, late });
    // Nobody renews it, and it is never over: no renewal gets in the way of what comes late.
    let lasts = 3_600_000;
    let record =
        Record { epoch: 1, holder: "east".into(), lease_ms: lasts, level: None, released: false, turn: 0 };
    store.put(None, &record)?.ok_or("free")?;
    aula_files::private_folder(&root.path().join("east/pair"))?;
    east.setup.own.permit.give(1, uptime_ms() + lasts)?;
    register(&east.folders.data, Arc::new(Reach { lease: store.clone(), ..east.setup.reach.clone() }));
    let (_west_keeper, _told) = started(&west)?;
    let vault = Vault::open(&east.folders)?;
    enrol(&vault, 1)?;

    store.is_slow.store(true, Ordering::SeqCst);
    let why = vault.level_pair()?.why.unwrap_or_default();
    store.is_slow.store(false, Ordering::SeqCst);
    let (over, late) = store.late.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(why)?;
    assert_eq!(late.level.as_deref(), Some("west"));
    // The record says that nobody is level: what is written now is only here.
    enrol(&vault, 2)?;
    assert_eq!(store.put(over.as_deref(), &late)?, None, "west would take over without the second one");
    let said = || store.read().map(|kept| kept.and_then(|kept| kept.record.level));
    assert_eq!(said()?, None);
    assert_eq!(level(&vault)?, None);
    assert_eq!(said()?.as_deref(), Some("west"));
    Ok(())
}
