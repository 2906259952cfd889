//! A round from opening to decision, what it conserves, and that rows and problem are inverse.

use std::collections::BTreeMap;

use aula_allocation::certificate::{Certificate, check};
use borsh::BorshDeserialize;

use super::*;
use crate::code::Code;
use crate::state::schema::Window;
use crate::state::{StateReader, schema};
use crate::testkit::{Chain, account, open, pool, prepare, ready, request, run, seeds, submit};
use crate::tx::Event;
use crate::types::{ClassId, DistrictId, KindId, RoundId, SchoolId};

/// Opens a round, submits twelve requests with two mandates, commits and reveals, and runs it.
pub(crate) fn decided() -> Chain {
    let mut chain = Chain::of(seeds::genesis_of(2));
    prepare(&mut chain);
    chain.accept("voter-a", open(1));
    let commit = |name: &str| seeds::commit(&chain.parsed.sha256, name, 0, 1);
    let requests = (0..12u32).map(|n| {
        let mandate = if n < 2 { Mandate::Mandated } else { Mandate::None };
        request(n, 11, (n % 10) as u8, mandate, if n % 2 == 0 { &[0, 1] } else { &[1, 0] })
    });
    let block = [
        chain.transaction("district-1", 0, submit(&chain, 0, requests.collect()).into()),
        chain.transaction("seed-1", 0, commit("seed-1").into()),
        chain.transaction("seed-2", 0, commit("seed-2").into()),
    ]
    .map(|t| crate::codec::Canonical::to_canonical(&t));
    let outcome = chain.block(&block);
    assert!(outcome.receipts.iter().all(|receipt| receipt.code == Code::Accepted));
    chain.pass_to(0, Window::Reveals);
    let revealed = seeds::reveal(&chain.parsed.sha256, "seed-1", 0, 1);
    chain.accept("seed-1", revealed);
    chain.pass_to(0, Window::Closed);
    chain.accept("voter-a", run(0));
    chain
}

/// The round's inputs, as an auditor assembles them from the state.
pub(crate) fn inputs_of(chain: &Chain, id: RoundId) -> RoundInputs {
    let state = &chain.state;
    let round = schema::round(state, id).unwrap().unwrap();
    let decision = schema::decision(state, id).unwrap().unwrap();
    RoundInputs {
        definition: schema::class(state, round.class).unwrap().unwrap().definition,
        equity: round.equity,
        terms: round.terms,
        pools: schema::pools(state, round.class).unwrap(),
        schools: schema::schools(state).unwrap().into_iter().map(|s| (s.id, s)).collect(),
        requests: decided_rows(state, id).unwrap().0,
        seed: decision.seed,
    }
}

pub(crate) fn decisions_of(chain: &Chain, id: RoundId) -> Vec<(Handle, DecisionRow)> {
    decided_rows(&chain.state, id).unwrap().1
}

#[test]
fn a_round_is_decided_optimally_and_its_record_holds_what_an_auditor_needs() {
    let chain = decided();
    let decision = schema::decision(&chain.state, RoundId(0)).unwrap().unwrap();
    assert!(decision.is_optimal());
    let report = &decision.report;
    assert_eq!((report.requests, report.placed, report.waitlisted), (12, 7, 5));
    assert_eq!((report.mandated, report.mandates_met), (2, 2));
    assert_eq!(decision.revealed, [account("seed-1")]);
    assert_eq!(decision.withheld, [account("seed-2")]);
    assert_eq!(decision.requests.leaf_count, 12);
    assert_eq!(decision.decisions.leaf_count, 12);

    let inputs = inputs_of(&chain, RoundId(0));
    let shares = schema::seed_shares(&chain.state, RoundId(0), 1).unwrap();
    assert_eq!(seed(&chain.parsed.sha256, RoundId(0), &decision.requests.root, &shares), decision.seed);
    let problem = inputs.problem().unwrap();
    let rows = decisions_of(&chain, RoundId(0));
    let stored = schema::certificate(&chain.state, RoundId(0)).unwrap().unwrap();
    let certificate = Certificate::try_from_slice(&stored.bytes).unwrap();
    let verdict = check(&problem, &inputs.assignment(&rows).unwrap(), &certificate).unwrap();
    assert_eq!((verdict.objective, verdict.dual, verdict.gap_ppm), (decision.objective, decision.dual, 0));
    let cost: i64 = rows.iter().map(|(_, row)| i64::from(row.cost)).sum();
    assert_eq!(cost, decision.objective);
}

#[test]
fn places_are_conserved_and_used_places_are_counted() {
    let chain = decided();
    let decision = schema::decision(&chain.state, RoundId(0)).unwrap().unwrap();
    let mut used: BTreeMap<_, u32> = BTreeMap::new();
    for (_, row) in decisions_of(&chain, RoundId(0)) {
        if let Placement::Pool { pool, .. } = row.placement {
            *used.entry(pool).or_default() += 1;
        }
    }
    for (pool, price) in schema::pools(&chain.state, ClassId(1)).unwrap().iter().zip(&decision.prices) {
        let here = used.get(&pool.pool).copied().unwrap_or(0);
        assert!(pool.floor <= here && here <= pool.capacity);
        assert_eq!((price.pool, price.used), (pool.pool, here));
    }
}

#[test]
fn rows_and_assignment_are_inverse_and_a_changed_row_is_refused() {
    let chain = decided();
    let inputs = inputs_of(&chain, RoundId(0));
    let rows = decisions_of(&chain, RoundId(0));
    let assignment = inputs.assignment(&rows).unwrap();
    assert_eq!(inputs.decisions(&assignment).unwrap(), rows);
    for at in 0..rows.len() {
        let mut cheaper = rows.clone();
        cheaper[at].1.cost -= 1;
        assert_eq!(inputs.assignment(&cheaper), Err(RoundError::Decision(at as u32)));
        let mut moved = rows.clone();
        moved[at].0 = Handle([0; 32]);
        assert_eq!(inputs.assignment(&moved), Err(RoundError::Order(at as u32)));
    }
    assert_eq!(inputs.assignment(&rows[1..]), Err(RoundError::Order(11)));
    let mandated = inputs.requests.iter().position(|(_, r)| r.mandate == Mandate::Mandated).unwrap();
    let mut waiting = assignment;
    waiting[mandated] = 3;
    assert_eq!(inputs.decisions(&waiting), Err(RoundError::Decision(mandated as u32)));
}

#[test]
fn weights_follow_the_formula_at_their_ends() {
    let band = |b| Band::new(b).unwrap();
    assert_eq!((weight(73, band(0)), weight(73, band(9)), weight(0, band(9))), (103, 169, 100));
    assert_eq!(weight(1_000, band(9)), 1_050);
}

#[test]
fn counted_pairs_are_the_problems_pairs() {
    let chain = decided();
    let round = schema::round(&chain.state, RoundId(0)).unwrap().unwrap();
    let problem = inputs_of(&chain, RoundId(0)).problem().unwrap();
    assert_eq!(round.pairs, problem.pairs() as u64);
    assert_eq!(round.requests as usize, problem.students());
}

#[test]
fn a_new_decision_stands_in_place_of_the_last_one() {
    let mut chain = decided();
    chain.accept("voter-a", pool(4, 1, 12, 0, 5));
    chain.accept("voter-a", open(1));
    let second = RoundId(1);
    chain.accept("district-1", submit(&chain, 1, vec![request(3, 11, 3, Mandate::None, &[0])]));
    chain.draw(1);
    let receipt = chain.accept("voter-a", run(1));
    assert!(matches!(receipt.events[0], Event::RoundDecided { round, placed: 1, .. } if round == second));
    let class = schema::class(&chain.state, ClassId(1)).unwrap().unwrap();
    assert_eq!((class.standing_round, class.open_round), (Some(second), None));
    let decision = schema::decision(&chain.state, second).unwrap().unwrap();
    assert_eq!(decision.replaces, Some(RoundId(0)));
    assert!(schema::decision(&chain.state, RoundId(0)).unwrap().is_some(), "the history stays");
}

#[test]
fn a_handles_first_final_request_counts() {
    let mut chain = ready();
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(&chain, 0, vec![request(1, 11, 1, Mandate::None, &[0])]));
    let both = vec![request(1, 11, 1, Mandate::Mandated, &[1]), request(2, 11, 2, Mandate::None, &[0])];
    let receipt = chain.accept("district-1", submit(&chain, 0, both));
    assert_eq!(
        receipt.events,
        [Event::RequestsTaken { round: RoundId(0), counted: 1, repeated: 1, refused: vec![] }]
    );
    let key = schema::round_row_key(DistrictId(1), &crate::testkit::handle(1));
    let row = chain.state.row("round/0/requests", &key).unwrap().unwrap();
    let row: RequestRow = schema::decode(&row).unwrap();
    assert_eq!((row.mandate, row.kinds), (Mandate::None, vec![crate::types::KindId(0)]));
}

/// The rows are made a group at a time; a decision asks about one pair. Both must know the same pairs and costs.
#[test]
fn every_row_has_exactly_the_pairs_and_costs_that_a_decision_may_have() {
    let chain = decided();
    let mut inputs = inputs_of(&chain, RoundId(0));
    for waitlist_cost in [Some(80), None] {
        inputs.definition.waitlist_cost = waitlist_cost;
        let schools = [11, 12, 21, 22].map(SchoolId);
        for (at, (_, request)) in inputs.requests.iter_mut().enumerate() {
            request.home_school = schools[at % 4];
            request.mandate = if at % 3 == 0 { Mandate::Mandated } else { Mandate::None };
            request.kinds = [&[0u8, 1][..], &[1, 0], &[0]][at % 3].iter().copied().map(KindId).collect();
        }
        let problem = inputs.problem().unwrap();
        let mut pairs = 0;
        for position in 0..inputs.requests.len() {
            let may = (0..=inputs.pools.len() as u32).filter_map(|pool| {
                let row = inputs.decision(position, pool)?;
                Some((pool, row.cost as i32))
            });
            let row: Vec<(u32, i32)> = problem.row(position).map(|entry| (entry.pool, entry.cost)).collect();
            assert_eq!(row, may.collect::<Vec<_>>(), "row {position}");
            pairs += row.len();
        }
        assert!(pairs > inputs.requests.len(), "{pairs} pairs");
    }
}
