use super::*;
use crate::context::{Address, Vote};
use crate::parts::Refused::{Junk, Late};
use crate::ports::TokioRuntime;
use crate::sign_guard::SignGuard;
use crate::signing::{GuardedSigner, Signature};
use arc_malachitebft_core_types::{NilOrVal, Round, VoteType};
use aula_ledger::chain;
use aula_ledger::keys::public_key;
use aula_ledger::types::ValidatorAddress;
use ed25519_dalek::SigningKey;
use std::sync::Arc;

const CURRENT: Height = Height(10);

fn genesis() -> Hash {
    Hash([0; 32])
}

fn signer(n: u8) -> GuardedSigner {
    let folder = tempfile::tempdir().unwrap();
    let guard = SignGuard::create(&folder.path().join("guard"), 0).unwrap();
    GuardedSigner::new(
        genesis(),
        SigningKey::from_bytes(&[n; 32]),
        Arc::new(guard),
        Arc::new(TokioRuntime::default()),
    )
}

fn set_of(numbers: std::ops::RangeInclusive<u8>) -> ValidatorSet {
    let all = numbers.map(|n| chain::Validator::new(public_key(&SigningKey::from_bytes(&[n; 32])), 1));
    ValidatorSet::of(&chain::ValidatorSet::new(all.collect()).unwrap()).unwrap()
}

fn validators() -> ValidatorSet {
    set_of(1..=4)
}

/// The signer whose turn (height, round) is.
fn proposer(height: Height, round: u32) -> GuardedSigner {
    let set = validators();
    let address = AulaContext::proposer_of(&set, height, Round::new(round)).unwrap().address;
    (1..=4).map(signer).find(|s| s.address() == address).unwrap()
}

fn head(by: &GuardedSigner, height: Height, round: u32) -> ProposalInit {
    by.sign_init(ProposalInit {
        height,
        round: Round::new(round),
        valid_round: Round::Nil,
        proposer: by.address(),
        block_hash: Hash([1; 32]),
        block_bytes: 100,
        signature: Signature([0; 64]),
    })
}

/// At round 2, with nothing stored and no votes seen, the next height being decided by 2 to 5.
fn check(head: &ProposalInit) -> Result<(), Refused> {
    at(2, &Quorums::default(), &BTreeSet::new(), |setting| setting.check(head))
}

fn at<T>(
    round: u32,
    quorums: &Quorums,
    stored: &BTreeSet<(u32, Hash)>,
    ask: impl FnOnce(&Setting<'_>) -> T,
) -> T {
    let (validators, following) = (validators(), set_of(2..=5));
    ask(&Setting {
        genesis: &genesis(),
        height: CURRENT,
        round,
        validators: &validators,
        following: &following,
        quorums,
        stored,
    })
}

/// Three of the four vote for the block of [`head`].
fn quorum(kind: VoteType, round: u32) -> Quorums {
    let quorums = Quorums::default();
    quorums.begin(CURRENT, &validators());
    for n in 1..=3 {
        let (round, value) = (Round::new(round), NilOrVal::Val(Hash([1; 32])));
        quorums.count(&Vote { kind, height: CURRENT, round, value, address: signer(n).address() });
    }
    quorums
}

#[test]
fn only_the_proposer_of_its_round_may_begin_a_stream() {
    let good = proposer(CURRENT, 2);
    assert_eq!(check(&head(&good, CURRENT, 2)), Ok(()));
    for n in (1..=4).filter(|n| signer(*n).address() != good.address()) {
        assert_eq!(check(&head(&signer(n), CURRENT, 2)), Err(Junk("not from the proposer of its round")));
    }
    assert_eq!(check(&head(&signer(9), CURRENT, 2)), Err(Junk("not from a validator")));
}

/// Whose turn the next height is depends on who builds the block of this one: whoever it may be is heard, nobody else.
#[test]
fn the_next_height_is_checked_with_its_own_validators() {
    let (next, following) = (Height(11), set_of(2..=5));
    let expected = AulaContext::proposer_of(&following, next, Round::new(0)).unwrap().address;
    let verdict = |by: &GuardedSigner, present| {
        let head = head(by, next, 0);
        at(present, &Quorums::default(), &BTreeSet::new(), |setting| setting.check(&head))
    };
    let late = Err(Late("a turn that follows from what is not decided yet"));
    let mut heard = [0; 2];
    for n in 1..=5 {
        let by = signer(n);
        for (present, heard) in [0, 2].into_iter().zip(&mut heard) {
            match verdict(&by, present) {
                Ok(()) => *heard += 1,
                refused if n == 1 => assert_eq!(refused, Err(Junk("not from a validator"))),
                refused => {
                    assert_eq!(refused, late);
                    assert_ne!(by.address(), expected, "nobody missed a turn yet");
                }
            }
        }
    }
    // The turn's owner, and the next in case the owner, too, lets this height's turn pass.
    assert!(heard.iter().all(|heard| (1..=2).contains(heard)), "{heard:?}");
    // Its turn is told apart once the height has come.
    let head = head(&proposer(CURRENT, 2), CURRENT, 2);
    assert!(at(2, &Quorums::default(), &BTreeSet::new(), |setting| setting.is_turn(&head)));
    assert!(!at(2, &Quorums::default(), &BTreeSet::new(), |setting| {
        setting.is_turn(&ProposalInit { round: Round::new(1), ..head.clone() })
    }));
}

#[test]
fn the_signature_covers_the_whole_head() {
    let good = head(&proposer(CURRENT, 2), CURRENT, 2);
    let changed = [
        ProposalInit { block_hash: Hash([2; 32]), ..good.clone() },
        ProposalInit { block_bytes: 101, ..good.clone() },
        ProposalInit { valid_round: Round::new(1), ..good.clone() },
        ProposalInit { signature: Signature([0; 64]), ..good.clone() },
        ProposalInit { round: Round::new(6), ..good.clone() },
    ];
    for head in &changed {
        assert_eq!(check(head), Err(Junk("a head with a wrong signature")), "{head:?}");
    }
}

#[test]
fn heights_and_rounds_out_of_range_are_refused() {
    let by = proposer(CURRENT, 2);
    assert_eq!(check(&head(&by, Height(9), 2)), Err(Late("a decided height")));
    assert_eq!(check(&head(&by, Height(12), 2)), Err(Late("a height too far ahead")));
    let nil = by.sign_init(ProposalInit { round: Round::Nil, ..head(&by, CURRENT, 2) });
    assert_eq!(check(&nil), Err(Junk("a stream without a round")));
    let backwards = by.sign_init(ProposalInit { valid_round: Round::new(2), ..head(&by, CURRENT, 2) });
    assert_eq!(check(&backwards), Err(Junk("a valid round that is not below the round")));
    let stranger = ProposalInit { proposer: Address(ValidatorAddress([0; 20])), ..head(&by, CURRENT, 2) };
    assert_eq!(check(&stranger), Err(Junk("not from a validator")));
}

#[test]
fn attack_02_rounds_outside_a_window_are_refused() {
    let turn = |round| head(&proposer(CURRENT, round), CURRENT, round);
    let none = BTreeSet::new();
    for present in [0, 2, 7] {
        for round in 0..30 {
            let expected = match round {
                _ if round > present + ROUNDS_AHEAD => Err(Late("a round too far ahead")),
                _ if round + ROUNDS_BEHIND < present => Err(Late("a round that is past")),
                _ => Ok(()),
            };
            let (quorums, head) = (Quorums::default(), turn(round));
            let verdict = at(present, &quorums, &none, |setting| setting.check(&head));
            assert_eq!(verdict, expected, "{round} at {present}");
        }
    }
    let past = turn(1);
    for kind in [VoteType::Prevote, VoteType::Precommit] {
        let verdict = |round| at(20, &quorum(kind, round), &none, |setting| setting.check(&past));
        assert_eq!(verdict(1), Ok(()), "a quorum stands behind it");
        assert_eq!(verdict(2), Err(Late("a round that is past")), "a quorum of another round");
    }
}

#[test]
fn attack_01_a_claim_of_a_quorum_needs_the_block_or_the_quorum() {
    let by = proposer(CURRENT, 2);
    let fresh = head(&by, CURRENT, 2);
    let again = by.sign_init(ProposalInit { valid_round: Round::new(1), ..fresh.clone() });
    let stored = |round, n| BTreeSet::from([(round, Hash([n; 32]))]);
    let known = |quorums: &Quorums, stored: &BTreeSet<(u32, Hash)>, head: &ProposalInit| {
        at(2, quorums, stored, |setting| setting.knows_claim(head))
    };
    let none = Quorums::default();
    assert!(known(&none, &BTreeSet::new(), &fresh), "a fresh block claims nothing");
    assert!(!known(&none, &BTreeSet::new(), &again));
    assert!(!known(&none, &stored(0, 1), &again), "stored for another round");
    assert!(!known(&none, &stored(1, 2), &again), "another block is stored");
    assert!(known(&none, &stored(1, 1), &again));
    assert!(known(&quorum(VoteType::Prevote, 1), &BTreeSet::new(), &again));
    assert!(!known(&quorum(VoteType::Precommit, 1), &BTreeSet::new(), &again));
}
