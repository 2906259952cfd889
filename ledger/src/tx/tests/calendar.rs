//! Rounds on a calendar: one a period, freed periods, and many classes at once.

use crate::code::Code;
use crate::codec::Canonical;
use crate::state::schema::{self, RoundStatus, Window};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

/// The test calendar opens at 0 and closes at 1,000 s; this one lasts.
fn ready_with(often: Cadence) -> Chain {
    let mut chain = Chain::new();
    chain.accept("funder", fund(1_000_000));
    let calendar = Calendar { opens_ms: TimeMs(0), closes_ms: TimeMs(u64::MAX) };
    chain.accept("voter-a", DefineClass { calendar, ..class(1) });
    chain.accept("funder", grant(1, "voter-a", 1_000));
    chain.accept("voter-a", pool(1, 1, 11, 0, 3));
    chain.accept("district-1", anchor(0..4, 11));
    chain.accept("voter-a", cadence(often));
    chain
}

/// Sends at a block time; the block is kept.
fn send_at(chain: &mut Chain, time_ms: u64, sender: &str, payload: impl Into<Payload>) -> Code {
    chain.pass_towards(TimeMs(time_ms));
    let bytes = chain.transaction(sender, 0, payload.into()).to_canonical();
    let outcome = chain.try_block_at(TimeMs(time_ms), &[bytes]).unwrap();
    chain.keep(&outcome);
    outcome.receipts[0].code
}

/// The node commits and reveals, and the windows pass, from a time on; gives the time at which they were closed.
fn draw_from(chain: &mut Chain, time_ms: u64, round: u32) -> u64 {
    let genesis = chain.parsed.sha256;
    let commits = seeds::commit(&genesis, "seed-1", round, 1);
    assert_eq!(send_at(chain, time_ms + 1, "seed-1", commits), Code::Accepted);
    let mut now = time_ms + 2;
    let reveals = seeds::reveal(&genesis, "seed-1", round, 1);
    for window in [Window::Reveals, Window::Closed] {
        while chain.round(round).window != window {
            now += 1_000;
            let outcome = chain.try_block_at(TimeMs(now), &[]).unwrap();
            chain.keep(&outcome);
        }
        if window == Window::Reveals {
            now += 1;
            assert_eq!(send_at(chain, now, "seed-1", reveals.clone()), Code::Accepted);
        }
    }
    now
}

/// Opens a round at a time and decides it within the next seconds of block time.
fn decide_at(chain: &mut Chain, time_ms: u64, round: u32) {
    assert_eq!(send_at(chain, time_ms, "voter-a", open(1)), Code::Accepted);
    let closed = draw_from(chain, time_ms, round);
    assert_eq!(send_at(chain, closed + 1, "voter-a", run(round)), Code::Accepted);
}

#[test]
fn a_class_opens_one_round_a_period_and_the_next_at_its_first_millisecond() {
    for often in [Cadence::Hourly, Cadence::Daily, Cadence::Weekly] {
        let period = often.period_ms().unwrap();
        let mut chain = ready_with(often);
        decide_at(&mut chain, period + 100, 0);
        for too_soon in [period + 60_000, 2 * period - 1] {
            assert_eq!(send_at(&mut chain, too_soon, "voter-a", open(1)), Code::PeriodTaken, "{often:?}");
        }
        assert_eq!(send_at(&mut chain, 2 * period, "voter-a", open(1)), Code::Accepted, "{often:?}");
    }
}

#[test]
fn on_demand_rounds_follow_one_another() {
    let mut chain = ready_with(Cadence::OnDemand);
    decide_at(&mut chain, 100_000, 0);
    decide_at(&mut chain, 200_000, 1);
}

#[test]
fn a_reverted_decision_frees_its_places_and_its_period() {
    let mut chain = ready_with(Cadence::Weekly);
    decide_at(&mut chain, 100_000, 0);
    assert_eq!(send_at(&mut chain, 200_100, "voter-a", open(1)), Code::PeriodTaken);
    let open_until = Height(chain.height.0 + 50);
    let proposed = ProposeChange { change: reverting(0), open_until };
    assert_eq!(send_at(&mut chain, 200_200, "voter-a", proposed), Code::Accepted);
    for (at, voter) in (200_201..).zip(["voter-a", "voter-b", "voter-c"]) {
        let vote = VoteChange { proposal: ProposalId(0), choice: Choice::Approve };
        assert_eq!(send_at(&mut chain, at, voter, vote), Code::Accepted);
    }
    decide_at(&mut chain, 200_300, 1);
    let decision = schema::decision(&chain.state, RoundId(1)).unwrap().unwrap();
    assert_eq!(decision.replaces, None, "nothing stood: all places were free");
}

#[test]
fn a_round_given_up_does_not_use_its_period_up() {
    let mut chain = ready_with(Cadence::Daily);
    assert_eq!(send_at(&mut chain, 100_000, "voter-a", open(1)), Code::Accepted);
    let mandated = (0..4).map(|n| request(n, 11, band_of(n), Mandate::Mandated, &[0])).collect();
    let batch = submit(&chain, 0, mandated);
    assert_eq!(send_at(&mut chain, 100_001, "district-1", batch), Code::Accepted);
    let now = draw_from(&mut chain, 100_001, 0) + 1;
    assert_eq!(send_at(&mut chain, now, "voter-a", open(1)), Code::RoundOpen, "not before it ran");
    assert_eq!(send_at(&mut chain, now + 1, "voter-a", run(0)), Code::Infeasible);
    assert_eq!(send_at(&mut chain, now + 2, "voter-a", open(1)), Code::Accepted);
    let given_up = schema::round(&chain.state, RoundId(0)).unwrap().unwrap().status;
    assert!(matches!(given_up, RoundStatus::GivenUp { .. }));
}

#[test]
fn a_round_keeps_the_terms_it_began_with_and_the_class_takes_the_new_ones() {
    let mut chain = ready_with(Cadence::Daily);
    decide_at(&mut chain, 100_000, 0);
    assert_eq!(send_at(&mut chain, 200_100, "voter-a", cadence(Cadence::OnDemand)), Code::Accepted);
    assert_eq!(send_at(&mut chain, 200_101, "voter-a", open(1)), Code::Accepted);
    let round = |id| schema::round(&chain.state, RoundId(id)).unwrap().unwrap();
    assert_eq!((round(0).terms.cadence, round(1).terms.cadence), (Cadence::Daily, Cadence::OnDemand));
}

#[test]
fn thirty_seven_classes_run_their_rounds_side_by_side() {
    const CLASSES: u16 = 37;
    let mut chain = Chain::new();
    chain.accept("funder", fund(10_000_000));
    chain.accept("district-1", anchor(0..6, 11));
    for id in 1..=CLASSES {
        chain.accept("voter-a", class(id));
        chain.accept("funder", grant(id, "voter-a", 1_000));
        chain.accept("voter-a", pool(u32::from(id), id, 11, 0, u32::from(id % 5) + 1));
    }
    // All in one block: opened, then requested, then run one a block, as the parameter allows.
    let block = |chain: &mut Chain, sender: &str, payloads: Vec<Payload>| {
        let ahead = 0u64..;
        let bytes: Vec<Vec<u8>> = ahead
            .zip(payloads)
            .map(|(n, payload)| chain.transaction(sender, n, payload).to_canonical())
            .collect();
        let outcome = chain.block(&bytes);
        assert!(outcome.receipts.iter().all(|receipt| receipt.code == Code::Accepted));
    };
    block(&mut chain, "voter-a", (1..=CLASSES).map(|id| open(id).into()).collect());
    let asked: Vec<Request> = (0..6).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect();
    let asks = (0..u32::from(CLASSES)).map(|round| submit(&chain, round, asked.clone()).into()).collect();
    block(&mut chain, "district-1", asks);
    let last = schema::round(&chain.state, RoundId(36)).unwrap().unwrap();
    assert_eq!(last.requests, 6, "a handle may ask in every class");
    let genesis = chain.parsed.sha256;
    let rounds = 0..u32::from(CLASSES);
    let commits = rounds.clone().map(|round| seeds::commit(&genesis, "seed-1", round, 1).into()).collect();
    block(&mut chain, "seed-1", commits);
    chain.pass_to(0, Window::Reveals);
    block(
        &mut chain,
        "seed-1",
        rounds.map(|round| seeds::reveal(&genesis, "seed-1", round, 1).into()).collect(),
    );
    chain.pass_to(0, Window::Closed);
    for round in 0..u32::from(CLASSES) {
        chain.accept("voter-a", run(round));
    }
    for round in 0..u32::from(CLASSES) {
        let decision = schema::decision(&chain.state, RoundId(round)).unwrap().unwrap();
        let places = (round + 1) % 5 + 1;
        assert_eq!((decision.report.placed, decision.is_optimal()), (places, true), "round {round}");
    }
}
