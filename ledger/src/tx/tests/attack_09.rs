//! Attack 9 as tests: who may steer a lottery's seed, and by how much. It was to choose the seed by being the last to
//! submit requests, to close windows on the others by fast blocks, to draw again until it pleases.

use crate::code::Code;
use crate::codec::Canonical;
use crate::keys::public_key;
use crate::params::WINDOW_BLOCKS_PER_VALIDATOR;
use crate::rounds;
use crate::state::StateReader;
use crate::state::schema::{self, Draw, RoundStatus, Window};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

use seeds::{commit, genesis_of, reveal};

/// Class 1 ready on a chain of so many validators.
fn ready_of(validators: u8) -> Chain {
    let mut chain = Chain::of(genesis_of(validators));
    prepare(&mut chain);
    chain
}

fn opened_of(validators: u8) -> Chain {
    let mut chain = ready_of(validators);
    chain.accept("voter-a", open(1));
    chain
}

fn asking(numbers: std::ops::Range<u32>) -> Vec<Request> {
    numbers.map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect()
}

fn drawn(chain: &Chain, round: u32) -> Option<Draw> {
    schema::draw(&chain.state, RoundId(round)).unwrap()
}

/// These nodes commit and reveal, these commit alone; then the attempt ends.
fn attempt(chain: &mut Chain, round: u32, revealing: &[&str], withholding: &[&str]) {
    let (genesis, attempt) = (chain.parsed.sha256, chain.round(round).attempt);
    for node in revealing.iter().chain(withholding) {
        chain.accept(node, commit(&genesis, node, round, attempt));
    }
    chain.pass_to(round, Window::Reveals);
    for node in revealing {
        chain.accept(node, reveal(&genesis, node, round, attempt));
    }
    while chain.round(round).window == Window::Reveals {
        chain.block(&[]);
    }
}

/// A round that nobody shared in, in any attempt.
pub(super) fn without_shares() -> Chain {
    let mut chain = Chain::with_params(|params| params.max_seed_attempts = 2);
    prepare(&mut chain);
    chain.accept("voter-a", open(1));
    chain.pass_to(0, Window::Closed);
    chain
}

/// A validator that entered the set after the round was opened.
pub(super) fn with_a_later_validator() -> Chain {
    let mut chain = ready();
    chain.accept("voter-a", OpenRound { extra_request_ms: 60_000, ..open(1) });
    let admit = Change::AdmitPeer { peer_id: peer(2), listen: listen(), operator: account("voter-b") };
    let add = Change::AddValidator {
        name: name("validator-2"),
        public_key: public_key(&key("validator-2")),
        power: 1,
        operator: account("voter-b"),
        peer_id: peer(2),
        seed_key: public_key(&key("seed-2")),
    };
    chain.agree(admit);
    chain.agree(add);
    chain.advance_to(Height(chain.height.0 + 3));
    chain
}

/// Round 0 was drawn for and could not be decided; round 1 took its place with one request less.
pub(super) fn other_requests() -> Chain {
    let mut chain = ready();
    given_up_with(&mut chain, 12);
    chain.accept("district-1", submit(&chain, 1, mandated(11)));
    chain.draw(1);
    chain
}

fn mandated(count: u32) -> Vec<Request> {
    (0..count).map(|n| request(n, 11, band_of(n), Mandate::Mandated, &[0, 1])).collect()
}

/// More mandates than places: round 0 runs in vain, round 1 is open.
fn given_up_with(chain: &mut Chain, count: u32) {
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(chain, 0, mandated(count)));
    chain.draw(0);
    assert_eq!(chain.send("voter-a", run(0)).code, Code::Infeasible);
    chain.accept("voter-a", open(1));
}

#[test]
fn attack_09_a_round_without_enough_shares_is_not_decided_and_tries_again_by_itself() {
    let mut chain = opened_of(4);
    chain.accept("district-1", submit(&chain, 0, asking(0..8)));
    let requests = chain.state.value(&crate::state::tree_key("round/0/requests")).unwrap();
    // One of four, while a third is not enough: nothing is drawn, and the requests stay.
    attempt(&mut chain, 0, &["seed-1"], &["seed-2", "seed-3"]);
    let round = chain.round(0);
    assert_eq!((round.attempt, round.window, round.status), (2, Window::Commits, RoundStatus::Open));
    assert_eq!((drawn(&chain, 0), round.requests), (None, 8));
    assert_eq!(chain.send("voter-a", run(0)).code, Code::TooEarlyToRun);
    let late = submit(&chain, 0, asking(8..9));
    assert_eq!(chain.send("district-1", late).code, Code::RequestsClosed, "what was asked is asked");
    assert_eq!(chain.state.value(&crate::state::tree_key("round/0/requests")).unwrap(), requests);
    // Two of four are more than a third.
    attempt(&mut chain, 0, &["seed-1", "seed-4"], &[]);
    let draw = drawn(&chain, 0).expect("a draw");
    assert_eq!((draw.attempt, draw.number, draw.source), (2, 1, RoundId(0)));
    chain.accept("voter-a", run(0));
    let decision = schema::decision(&chain.state, RoundId(0)).unwrap().unwrap();
    assert_eq!((decision.seed, decision.attempt), (draw.seed, 2));
    // Who let the others down in which attempt stays on record.
    let first = schema::seed_shares(&chain.state, RoundId(0), 1).unwrap();
    assert_eq!(first.iter().filter(|share| share.secret.is_none()).count(), 2);
}

#[test]
fn attack_09_a_round_that_nobody_shares_in_ends_after_as_many_attempts_as_voted() {
    let mut chain = without_shares();
    assert_eq!((chain.round(0).attempt, drawn(&chain, 0)), (2, None));
    assert_eq!(chain.send("voter-a", open(1)).code, Code::RoundOpen, "not by time");
    assert_eq!(chain.send("voter-a", run(0)).code, Code::NoSeed);
    chain.accept("voter-a", open(1));
    assert!(matches!(chain.round(0).status, RoundStatus::GivenUp { .. }));
    chain.draw(1);
    chain.accept("voter-a", run(1));
}

#[test]
fn attack_09_the_last_to_submit_cannot_know_the_seed() {
    // He computes on a copy what each of his rankings would bring: but the shares are not there yet.
    let seeds: Vec<Hash> = [&[0][..], &[1], &[0, 1], &[1, 0]]
        .into_iter()
        .map(|kinds| {
            let mut copy = opened_of(4);
            copy.commit_all(0);
            copy.accept(
                "district-1",
                submit(&copy, 0, vec![request(1, 11, band_of(1), Mandate::None, kinds)]),
            );
            let committed = schema::seed_shares(&copy.state, RoundId(0), 1).unwrap();
            assert!(committed.iter().all(|share| share.secret.is_none()), "nothing to compute a seed from");
            copy.draw_committed(0);
            drawn(&copy, 0).unwrap().seed
        })
        .collect();
    assert!(seeds.iter().enumerate().all(|(at, seed)| !seeds[..at].contains(seed)));
    // Once the first share is out, requests and commitments are closed.
    let mut chain = opened_of(4);
    let genesis = chain.parsed.sha256;
    for node in ["seed-1", "seed-2"] {
        chain.accept(node, commit(&genesis, node, 0, 1));
    }
    assert_eq!(chain.send("seed-1", reveal(&genesis, "seed-1", 0, 1)).code, Code::NotRevealTime);
    chain.pass_to(0, Window::Reveals);
    chain.accept("seed-1", reveal(&genesis, "seed-1", 0, 1));
    let late = submit(&chain, 0, asking(0..1));
    assert_eq!(chain.send("district-1", late).code, Code::RequestsClosed);
    assert_eq!(chain.send("seed-3", commit(&genesis, "seed-3", 0, 1)).code, Code::RequestsClosed);
}

#[test]
fn attack_09_a_withholder_chooses_between_two_seeds_and_is_named() {
    let seed_with = |revealing: &[&str], withholding: &[&str]| {
        let mut chain = opened_of(4);
        chain.accept("district-1", submit(&chain, 0, asking(0..8)));
        attempt(&mut chain, 0, revealing, withholding);
        drawn(&chain, 0).expect("three of four are honest")
    };
    let all = seed_with(&["seed-1", "seed-2", "seed-3", "seed-4"], &[]);
    let without = seed_with(&["seed-1", "seed-2", "seed-3"], &["seed-4"]);
    assert_ne!(all.seed, without.seed);
    println!(
        "attack 9: 1 of 4 validators withholds: it chooses between 2 seeds and is named; 4 of 4 rankings unknown to the last submitter"
    );
    assert_eq!((all.withheld, without.withheld), (vec![], vec![account("seed-4")]));
}

/// Blocks one millisecond after another, then block time that leaps a day: neither ends a window alone.
#[test]
fn attack_09_windows_end_neither_by_fast_blocks_nor_by_time_alone() {
    for window in [Window::Requests, Window::Reveals] {
        let mut chain = opened_of(4);
        chain.commit_all(0);
        chain.pass_to(0, window);
        let ends = chain.round(0).ends;
        let blocks = 4 * WINDOW_BLOCKS_PER_VALIDATOR;
        let mut fast = chain.clone();
        for _ in 0..3 * blocks {
            let now = TimeMs(schema::chain(&fast.state).unwrap().time_ms.0 + 1);
            let outcome = fast.try_block_at(now, &[]).unwrap();
            fast.keep(&outcome);
        }
        assert_eq!(fast.round(0).window, window, "{} blocks in as many milliseconds", 3 * blocks);
        let outcome = fast.try_block_at(ends.time_ms, &[]).unwrap();
        fast.keep(&outcome);
        assert_ne!(fast.round(0).window, window, "and then its time");

        let mut slow = chain.clone();
        let day = TimeMs(schema::chain(&slow.state).unwrap().time_ms.0 + 24 * 3_600_000);
        for step in 0.. {
            let outcome = slow.try_block_at(TimeMs(day.0 + step), &[]).unwrap();
            slow.keep(&outcome);
            if slow.round(0).window != window {
                break;
            }
            assert!(slow.height <= ends.height, "a block too many");
        }
        assert_eq!(slow.height, ends.height.next(), "four blocks a validator, whatever the time");
    }
}

#[test]
fn attack_09_equal_rows_have_other_seeds_in_other_rounds_and_on_other_chains() {
    let mut seeds = Vec::new();
    for chain_name in ["one", "two"] {
        let mut genesis = genesis();
        genesis.name = name(chain_name);
        let mut chain = Chain::of(genesis);
        prepare(&mut chain);
        for id in 2..=5 {
            chain.accept("voter-a", class(id));
            chain.accept(
                "voter-a",
                DefinePool { unit_cost_cents: Cents(0), ..pool(u32::from(id) * 10, id, 11, 0, 3) },
            );
        }
        for round in 0..5u32 {
            chain.accept("voter-a", open(round as u16 + 1));
            chain.accept("district-1", submit(&chain, round, asking(0..8)));
            chain.draw(round);
            chain.accept("voter-a", run(round));
            let decision = schema::decision(&chain.state, RoundId(round)).unwrap().unwrap();
            seeds.push((decision.requests.root, decision.seed));
        }
    }
    assert!(seeds.iter().all(|(root, _)| *root == seeds[0].0), "equal rows");
    let different: std::collections::BTreeSet<Hash> = seeds.iter().map(|(_, seed)| *seed).collect();
    assert_eq!(different.len(), 10);
    // Neither does a seed follow from the rows without the chain and the round.
    let of = |genesis: u8, round| rounds::seed(&Hash([genesis; 32]), RoundId(round), &seeds[0].0, &[]);
    assert!(of(1, 1) != of(1, 2) && of(1, 1) != of(2, 1));
}

#[test]
fn attack_09_the_same_requests_keep_their_seed() {
    let mut chain = ready();
    chain.accept("voter-a", cadence(Cadence::Weekly));
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(&chain, 0, asking(0..8)));
    chain.draw(0);
    chain.accept("voter-a", run(0));
    let first = schema::decision(&chain.state, RoundId(0)).unwrap().unwrap();
    // A vote takes it back; nobody shares in the next round, and nobody needs to.
    chain.revert(0);
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(&chain, 1, asking(0..8)));
    chain.pass_to(1, Window::Closed);
    chain.accept("voter-a", run(1));
    let second = schema::decision(&chain.state, RoundId(1)).unwrap().unwrap();
    assert_eq!((second.seed, second.seed_round, second.draw), (first.seed, RoundId(0), 1));
    assert_eq!((second.attempt, &second.revealed), (first.attempt, &first.revealed));
    assert_eq!(chain.round(1).attempt, 1);
    // After another vote other requests are drawn for anew, and that it is the second draw is on record.
    chain.revert(1);
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(&chain, 2, asking(0..7)));
    chain.draw(2);
    chain.accept("voter-a", run(2));
    let third = schema::decision(&chain.state, RoundId(2)).unwrap().unwrap();
    assert_eq!((third.seed_round, third.draw), (RoundId(2), 2));
    assert_eq!(drawn(&chain, 2).unwrap().previous, Some(RoundId(1)), "the draw before it");
    assert_ne!(third.seed, first.seed);
}

#[test]
fn attack_09_other_requests_are_not_drawn_for_without_a_vote() {
    // The seed of round 0 is known, and it could not be decided: whoever drops one request would have another draw.
    let mut chain = other_requests();
    assert_eq!((chain.round(1).follows, drawn(&chain, 1)), (Some(RoundId(0)), None));
    for _ in 0..2 {
        assert_eq!(chain.send("voter-a", run(1)).code, Code::DrawNeedsVote);
        assert_eq!(chain.send("voter-a", open(1)).code, Code::RoundOpen);
    }
    chain.agree(Change::CancelRound { round: RoundId(1) });
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(&chain, 2, mandated(2)));
    chain.draw(2);
    chain.accept("voter-a", run(2));
    let decision = schema::decision(&chain.state, RoundId(2)).unwrap().unwrap();
    assert_eq!((decision.draw, decision.seed_round), (2, RoundId(2)));
    // The same requests would have kept it, without a vote.
    let mut chain = ready();
    given_up_with(&mut chain, 12);
    chain.accept("district-1", submit(&chain, 1, mandated(12)));
    chain.pass_to(1, Window::Closed);
    let (first, again) = (drawn(&chain, 0).unwrap(), drawn(&chain, 1).unwrap());
    assert_eq!((first.seed, again.source), (again.seed, RoundId(0)));
}

#[test]
fn attack_09_a_share_comes_from_a_validators_account_alone_and_that_sends_nothing_else() {
    let mut chain = opened_of(4);
    let genesis = chain.parsed.sha256;
    for sender in ["voter-a", "district-1", "funder", "school-11"] {
        assert_eq!(chain.send(sender, commit(&genesis, sender, 0, 1)).code, Code::RoleNotAllowed);
    }
    let moves: [Payload; 3] = [run(0).into(), fund(1).into(), open(1).into()];
    for payload in moves {
        assert_eq!(chain.send("seed-1", payload).code, Code::RoleNotAllowed);
    }
    // It goes with its validator, and comes back where it was: nothing it sent is valid again.
    chain.accept("seed-4", commit(&genesis, "seed-4", 0, 1));
    let sequence = chain.sequence("seed-4");
    let address = crate::chain::validators::address(&public_key(&key("validator-4")));
    chain.agree(Change::RemoveValidator { address });
    let bytes = chain.transaction("seed-4", 0, reveal(&genesis, "seed-4", 0, 1).into()).to_canonical();
    let refused = chain.try_block(&[bytes]);
    assert!(
        matches!(refused, Err(crate::execute::ExecuteError::Invalid { code: Code::UnknownAccount, .. })),
        "{refused:?}"
    );
    chain.agree(Change::AddValidator {
        name: name("validator-4"),
        public_key: public_key(&key("validator-4")),
        power: 1,
        operator: account("voter-a"),
        peer_id: peer(4),
        seed_key: public_key(&key("seed-4")),
    });
    assert_eq!(chain.sequence("seed-4"), sequence);
    let taken = Change::AddValidator {
        name: name("validator-9"),
        public_key: public_key(&key("validator-9")),
        power: 1,
        operator: account("voter-a"),
        peer_id: peer(9),
        seed_key: public_key(&key("funder")),
    };
    chain.agree(Change::AdmitPeer { peer_id: peer(9), listen: listen(), operator: account("voter-a") });
    let open_until = Height(chain.height.0 + 50);
    let receipt = chain.send("voter-a", ProposeChange { change: taken, open_until });
    assert_eq!(receipt.code, Code::AccountExists, "a member's account is not a seed account");
}
