//! What follows a decision: acknowledgements by block time, reversion with its history, use beside demand; fair
//! shares, and what a round that cannot be met says.

use crate::code::Code;
use crate::params::DEFAULT_ACKNOWLEDGE_MS;
use crate::state::StateReader;
use crate::state::schema::{self, DecisionStanding, Placement};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

/// Class 1 with these terms, and round 0 with these requests ready to run.
fn runnable(terms: SetClassTerms, requests: Vec<Request>) -> Chain {
    let mut chain = ready();
    chain.accept("district-1", anchor(20..32, 12));
    chain.accept("district-1", anchor(alike(11), 11));
    chain.accept("district-1", anchor(alike(12), 12));
    chain.accept("voter-a", terms);
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(&chain, 0, requests));
    chain.draw(0);
    chain
}

/// Twelve students of a school, all of band 3.
fn alike(school: u32) -> impl Iterator<Item = u32> {
    (0..12).map(move |n| 1_000 * school + 10 * n + 3)
}

fn asks(numbers: impl Iterator<Item = u32>, school: u32) -> Vec<Request> {
    numbers.map(|n| request(n, school, band_of(n), Mandate::None, &[0])).collect()
}

fn aided() -> Chain {
    let mut chain = runnable(terms(1, None, Some(5_000)), asks(0..12, 11));
    chain.accept("voter-a", run(0));
    chain
}

fn owed(chain: &Chain) -> schema::Acknowledgement {
    schema::acknowledgement(&chain.state, RoundId(0), PoolId(1)).unwrap().unwrap()
}

#[test]
fn a_school_acknowledges_until_the_last_millisecond_and_is_escalated_after_it() {
    let chain = aided();
    let record = owed(&chain);
    assert_eq!(
        (record.school, record.places, record.received, record.escalated),
        (SchoolId(11), 3, None, None)
    );
    let decided = schema::chain(&chain.state).unwrap().time_ms;
    assert_eq!(record.due_ms.0, decided.0 + 5_000);
    for (late, escalation) in [(0, Escalation::NotNow), (1, Escalation::Now)] {
        let mut chain = chain.clone();
        let payload = acknowledge(1, Arrival::Received);
        let bytes = crate::codec::Canonical::to_canonical(&chain.transaction("school-11", 0, payload.into()));
        let outcome = chain.try_block_at(TimeMs(record.due_ms.0 + late), &[bytes]).unwrap();
        chain.keep(&outcome);
        let Event::Acknowledged { escalated, .. } = outcome.receipts[0].events[0] else { panic!("an event") };
        assert_eq!(escalated, escalation);
        let record = owed(&chain);
        assert_eq!((record.received.is_some(), record.escalated.is_some()), (true, late > 0));
    }
}

#[test]
fn aids_are_acknowledged_within_four_hours_of_block_time() {
    let mut chain = runnable(terms(1, None, Some(DEFAULT_ACKNOWLEDGE_MS)), asks(0..12, 11));
    chain.accept("voter-a", run(0));
    let decided = schema::chain(&chain.state).unwrap().time_ms;
    assert_eq!(owed(&chain).due_ms.0 - decided.0, 4 * 60 * 60 * 1_000);
}

#[test]
fn a_missed_deadline_stays_on_record_when_the_school_acknowledges_later() {
    let mut chain = aided();
    chain.advance_to(Height(chain.height.0 + 5));
    chain.accept("district-1", acknowledge(1, Arrival::Missed));
    let missed = owed(&chain).escalated.unwrap();
    chain.accept("school-11", acknowledge(1, Arrival::Received));
    let record = owed(&chain);
    assert_eq!(record.escalated, Some(missed));
    assert!(record.received.unwrap().height > missed.height);
    assert_eq!(
        schema::acknowledgements(&chain.state, RoundId(0)).unwrap().len(),
        2,
        "pools 1 and 3 are used"
    );
}

#[test]
fn a_reverted_decision_keeps_its_history_and_the_one_before_stands_again() {
    let mut chain = aided();
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(&chain, 1, asks(0..2, 11)));
    chain.draw(1);
    chain.accept("voter-a", run(1));
    let rows = chain.state.rows("round/1/decisions").unwrap();
    let early = ProposeChange { change: reverting(0), open_until: Height(chain.height.0 + 50) };
    assert_eq!(chain.send("voter-a", early).code, Code::NotStanding);
    let replaced = schema::round(&chain.state, RoundId(0)).unwrap().unwrap();
    let replaced = schema::decision_standing(&chain.state, &replaced).unwrap();
    assert_eq!(replaced, Some(DecisionStanding::Replaced));
    let standing = |chain: &Chain| schema::class(&chain.state, ClassId(1)).unwrap().unwrap().standing_round;
    for (round, freed, before) in [(1, 2, Some(RoundId(0))), (0, 5, None)] {
        let receipt = chain.revert(round);
        let event = Event::DecisionReverted { round: RoundId(round), freed, standing: before };
        assert_eq!((&receipt.events[1..], standing(&chain)), (&[event][..], before));
        let record = schema::reversion(&chain.state, RoundId(round)).unwrap().unwrap();
        assert_eq!((record.proposal, record.freed, record.standing), (ProposalId(1 - round), freed, before));
        let stands = |id: u32| {
            let round = schema::round(&chain.state, RoundId(id)).unwrap().unwrap();
            schema::decision_standing(&chain.state, &round).unwrap().map(DecisionStanding::name)
        };
        let expected = if round == 1 { ["stands", "reverted"] } else { ["reverted", "reverted"] };
        assert_eq!([stands(0), stands(1)], expected.map(Some));
    }
    assert_eq!(chain.state.rows("round/1/decisions").unwrap(), rows, "rows stay");
    assert!(schema::decision(&chain.state, RoundId(1)).unwrap().is_some(), "the decision stays");
    // The next decision replaces nothing, for nothing stands.
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(&chain, 2, asks(0..1, 11)));
    chain.draw(2);
    chain.accept("voter-a", run(2));
    assert_eq!(schema::decision(&chain.state, RoundId(2)).unwrap().unwrap().replaces, None);
}

#[test]
fn use_is_shown_beside_the_demand_of_the_standing_round() {
    let mut chain = aided();
    for (sender, in_use) in [("school-11", 2), ("district-1", 3)] {
        let receipt = chain.accept(sender, ReportUtilisation { pool: PoolId(1), in_use });
        let event = Event::UtilisationReported { pool: PoolId(1), in_use, capacity: 3, demand: Some(12) };
        assert_eq!(receipt.events, [event]);
    }
    let record = schema::utilisation(&chain.state, PoolId(1)).unwrap().unwrap();
    assert_eq!((record.reports, record.in_use, record.round), (2, 3, Some(RoundId(0))));
    chain.revert(0);
    chain.accept("school-11", ReportUtilisation { pool: PoolId(1), in_use: 0 });
    let record = schema::utilisation(&chain.state, PoolId(1)).unwrap().unwrap();
    assert_eq!((record.round, record.demand), (None, None));
}

fn placed_by_school(chain: &Chain) -> (u32, u32) {
    let rows = chain.state.rows("round/0/decisions").unwrap();
    let placed = rows.iter().filter(|(_, row)| {
        let row: schema::DecisionRow = schema::decode(row).unwrap();
        matches!(row.placement, Placement::Pool { .. })
    });
    let key = |number| schema::round_row_key(DistrictId(1), &handle(number));
    let first: Vec<Handle> = alike(11).map(key).collect();
    let (own, other): (Vec<_>, Vec<_>) = placed.partition(|(handle, _)| first.contains(handle));
    (own.len() as u32, other.len() as u32)
}

#[test]
fn a_fair_share_moves_places_to_the_school_that_has_fewer() {
    // Seven places; kind 0 is at school 11 (3) and 21 (2, not eligible for an urban school). School 12 is farther.
    let both = || [asks(alike(11), 11), asks(alike(12), 12)].concat();
    let mut plain = runnable(terms(1, None, None), both());
    plain.accept("voter-a", run(0));
    assert_eq!(placed_by_school(&plain), (5, 0));
    let share = FairShare { penalty: 100_000, min_share_percent: 50 };
    let mut fair = runnable(terms(1, Some(share), None), both());
    fair.accept("voter-a", run(0));
    // Half of a share of three (of seven) is one; a penalty for the first school's fifth beyond its share of four.
    let (own, other) = placed_by_school(&fair);
    assert_eq!((own, other), (4, 1));
    let decision = schema::decision(&fair.state, RoundId(0)).unwrap().unwrap();
    assert!(decision.is_optimal());
    let schools: Vec<SchoolId> = decision.school_prices.iter().map(|line| line.school).collect();
    assert_eq!(schools, [SchoolId(11), SchoolId(12)]);
}

#[test]
fn a_round_that_cannot_be_met_names_a_minimum_cut_in_numbers_and_words() {
    let mut mandated = asks(0..12, 11);
    mandated.iter_mut().for_each(|request| request.mandate = Mandate::Mandated);
    let mut chain = runnable(terms(1, None, None), mandated);
    let receipt = chain.send("voter-a", run(0));
    assert_eq!(receipt.code, Code::Infeasible);
    let event = Event::RoundInfeasible {
        round: RoundId(0),
        shortage: Shortage::Places,
        pools: vec![PoolId(1), PoolId(3)],
        schools: Vec::new(),
        short: 7,
    };
    assert_eq!(receipt.events, std::slice::from_ref(&event));
    let words = event.explain().unwrap();
    assert!(words.contains("pools 1, 3") && words.contains("7 more places"), "{words}");
    let round = schema::round(&chain.state, RoundId(0)).unwrap().unwrap();
    assert_eq!(round.status, schema::RoundStatus::Open);
}

#[test]
fn floors_that_too_few_may_fill_are_named() {
    let mut chain = ready();
    chain.accept("voter-a", DefinePool { floor: 5, ..pool(4, 1, 12, 0, 5) });
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(&chain, 0, asks(0..2, 11)));
    chain.draw(0);
    let receipt = chain.send("voter-a", run(0));
    let Event::RoundInfeasible { shortage, pools, short, .. } = &receipt.events[0] else { panic!("a cut") };
    assert_eq!((*shortage, pools.as_slice(), *short), (Shortage::Students, &[PoolId(4)][..], 3));
    assert!(receipt.events[0].explain().unwrap().contains("3 more students"));
}
