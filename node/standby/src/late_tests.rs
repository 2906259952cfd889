//! What a dead line still had on its way, and what comes of it when a later line of the same epoch has gone on.

use aula_vault::pair::incoming;

use crate::pair_tests::{Tested, hello, two};
use crate::receiver::{Caller, Receiver};
use crate::shipper::{IDENTITY, KEYSTORE};
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
