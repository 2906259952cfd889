use super::*;
use crate::context::{Height, Vote};
use crate::sign_guard::Step;
use crate::signing::Signature;
use arc_malachitebft_core_types::{NilOrVal, Round, SignedMessage, Timeout, VoteType};
use arc_malachitebft_engine::wal::encode_entry;
use aula_ledger::types::{Hash, ValidatorAddress};
use std::path::PathBuf;

const OWN: Address = Address(ValidatorAddress([7; 20]));

fn chain() -> Hash {
    Hash([0; 32])
}

fn vote(height: u64, round: u32, from: Address) -> Vote {
    Vote {
        kind: VoteType::Precommit,
        height: Height(height),
        round: Round::new(round),
        value: NilOrVal::Val(Hash([3; 32])),
        address: from,
    }
}

fn framed(input: Input<AulaContext>) -> Vec<u8> {
    let mut data = Vec::new();
    encode_entry(input, &Wire, &mut data).unwrap();
    let mut out = vec![0u8];
    out.extend_from_slice(&(data.len() as u64).to_be_bytes());
    out.extend_from_slice(&crc32(&data).to_be_bytes());
    out.extend_from_slice(&data);
    out
}

fn vote_entry(height: u64, round: u32, from: Address) -> Vec<u8> {
    framed(Input::Vote(SignedMessage::new(vote(height, round, from), Signature([1; 64]))))
}

fn log(height: u64, entries: &[Vec<u8>]) -> Vec<u8> {
    [&1u32.to_be_bytes()[..], &height.to_be_bytes(), &entries.concat()].concat()
}

struct Case {
    _folder: tempfile::TempDir,
    path: PathBuf,
    guard: SignGuard,
}

/// A guard that has signed our precommits for a block in rounds 0 to `rounds` at `height`.
fn case(bytes: Option<Vec<u8>>, height: u64, rounds: u32) -> Case {
    let votes: Vec<Vote> = (0..rounds).map(|round| vote(height, round, OWN)).collect();
    case_of(bytes, &votes)
}

/// A guard that has signed these votes of ours.
fn case_of(bytes: Option<Vec<u8>>, votes: &[Vote]) -> Case {
    let folder = tempfile::tempdir().unwrap();
    let guard = SignGuard::create(&folder.path().join("guard"), 0).unwrap();
    for vote in votes {
        let step = if vote.kind == VoteType::Prevote { Step::Prevote } else { Step::Precommit };
        let bytes = vote_sign_bytes(&chain(), vote).unwrap();
        guard.admit(vote.height.0, vote.round.as_u32().unwrap(), step, &bytes).unwrap();
    }
    let path = folder.path().join("wal");
    if let Some(bytes) = bytes {
        std::fs::write(&path, bytes).unwrap();
    }
    Case { _folder: folder, path, guard }
}

impl Case {
    fn check(&self, tip: u64) -> Wal {
        check(&crate::ports::FileDisk, &self.path, &chain(), OWN, &self.guard, tip).unwrap()
    }
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
}

#[test]
fn a_whole_log_and_a_fresh_start_are_fit() {
    let other = Address(ValidatorAddress([9; 20]));
    let timeout = framed(Input::TimeoutElapsed(Timeout::propose(Round::new(0))));
    let entries = [vote_entry(5, 0, OWN), timeout, vote_entry(5, 0, other)];
    let whole = case(Some(log(5, &entries)), 5, 1);
    assert_eq!(whole.check(4), Wal::Fit);
    assert_eq!(std::fs::read(&whole.path).unwrap(), log(5, &entries), "untouched");
    assert_eq!(case(None, 0, 0).check(0), Wal::Fit);
    assert_eq!(case(None, 5, 1).check(5), Wal::Fit, "what was signed is decided");
}

#[test]
fn a_torn_tail_is_cut_when_all_that_was_signed_stands_before_it() {
    let kept = vote_entry(5, 0, OWN);
    let torn = vote_entry(5, 1, Address(ValidatorAddress([9; 20])));
    for length in 1..torn.len() {
        let tail = torn[..length].to_vec();
        let case = case(Some(log(5, &[kept.clone(), tail])), 5, 1);
        assert!(matches!(case.check(4), Wal::Cut(_)), "cut after {length}");
        assert_eq!(std::fs::read(&case.path).unwrap(), log(5, std::slice::from_ref(&kept)));
        assert_eq!(case.check(4), Wal::Fit);
    }
}

#[test]
fn every_flipped_byte_of_an_entry_is_found() {
    let whole = log(5, &[vote_entry(5, 0, OWN)]);
    for at in HEADER_BYTES..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        let case = case(Some(bytes), 5, 1);
        let Wal::Lost { height: 5, .. } = case.check(4) else { panic!("flip at {at}") };
        assert!(!case.path.exists() && case.path.with_extension("damaged").exists());
    }
}

#[test]
fn what_was_signed_and_is_forgotten_makes_a_follower() {
    let lost = |case: Case, tip| matches!(case.check(tip), Wal::Lost { height: 5, .. });
    assert!(lost(case(None, 5, 1), 4), "the log is gone");
    assert!(lost(case(Some(log(3, &[])), 5, 1), 4), "the log is an older height's");
    assert!(lost(case(Some(vec![0; 7]), 5, 1), 4), "the header is damaged");
    let second_lost = log(5, &[vote_entry(5, 0, OWN), vote_entry(5, 1, OWN)[..20].to_vec()]);
    assert!(lost(case(Some(second_lost.clone()), 5, 2), 4), "our second vote is in the damaged part");
    // The same damage does not matter once the height is decided, or when nothing was signed at this height.
    assert!(matches!(case(Some(second_lost.clone()), 5, 2).check(5), Wal::Cut(_)));
    assert!(matches!(case(Some(second_lost), 4, 2).check(3), Wal::Cut(_)));
}

#[test]
fn a_log_that_lost_whole_entries_at_its_end_is_not_fit() {
    let entries: Vec<Vec<u8>> = (0..3).map(|round| vote_entry(5, round, OWN)).collect();
    let check = |kept: usize, tip| case(Some(log(5, &entries[..kept])), 5, 3).check(tip);
    assert_eq!(check(3, 4), Wal::Fit);
    assert_eq!(check(2, 4), Wal::Fit, "the last one was recorded and had not left");
    for kept in [0, 1] {
        assert!(matches!(check(kept, 4), Wal::Lost { height: 5, .. }), "{kept} of three are left");
        assert_eq!(check(kept, 5), Wal::Fit, "the height is decided");
    }
    let without_the_first = case(Some(log(5, &entries[1..])), 5, 3);
    assert!(matches!(without_the_first.check(4), Wal::Lost { .. }), "one is missing, and not the last");
}

#[test]
fn whoever_forgets_no_precommit_for_a_block_goes_on() {
    let prevote = |round| Vote { kind: VoteType::Prevote, ..vote(5, round, OWN) };
    let nil = |round| Vote { value: NilOrVal::Nil, ..vote(5, round, OWN) };
    let kept = vote_entry(5, 0, OWN);
    let hole = vec![0; 40];
    let damaged = log(5, &[kept.clone(), hole]);
    let said = [vote(5, 0, OWN), prevote(1), nil(1), prevote(2), nil(2)];
    let goes_on =
        |bytes: Option<Vec<u8>>, votes: &[Vote]| !matches!(case_of(bytes, votes).check(4), Wal::Lost { .. });
    assert!(goes_on(Some(damaged.clone()), &said), "what it is locked on stands in the whole part");
    assert!(goes_on(Some(log(5, std::slice::from_ref(&kept))), &said), "the end is missing");
    assert!(goes_on(None, &said[1..]), "it was locked on nothing");
    assert!(goes_on(Some(log(4, &[])), &said[1..]), "nor is it by the log of a height before");
    assert!(goes_on(Some(vec![0; 7]), &said[1..]), "nor by one whose beginning is damaged");
    let locked_later = [vote(5, 0, OWN), prevote(1), vote(5, 1, OWN), prevote(2)];
    for bytes in [Some(damaged), Some(log(5, &[kept])), None, Some(log(4, &[])), Some(vec![0; 7])] {
        assert!(!goes_on(bytes, &locked_later), "the second lock is forgotten");
    }
}

#[test]
fn a_guard_that_gave_rounds_up_may_have_forgotten_a_lock() {
    let nil = |round| Vote { value: NilOrVal::Nil, ..vote(5, round, OWN) };
    // As many rounds as rewrite the guard's file, the first of them for a block.
    let votes: Vec<Vote> = [vote(5, 0, OWN)].into_iter().chain((1..2_100).map(nil)).collect();
    assert!(matches!(case_of(Some(log(5, &[])), &votes).check(4), Wal::Lost { height: 5, .. }));
    let whole: Vec<Vec<u8>> = (0..2_100).map(|round| vote_entry(5, round, OWN)).collect();
    assert_eq!(case_of(Some(log(5, &whole)), &[vote(5, 0, OWN)]).check(4), Wal::Fit);
}
