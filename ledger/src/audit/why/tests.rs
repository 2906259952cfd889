//! A decided round asked why: the answer at its prices, and exact counterfactuals.

use borsh::BorshDeserialize;

use super::*;
use crate::audit::{Bundle, Subject};
use crate::rounds::tests::{decided, decisions_of, inputs_of};
use crate::state::schema::{self, Placement};
use crate::testkit::handle;

fn asked() -> Decided {
    let chain = decided();
    let stored = schema::certificate(&chain.state, RoundId(0)).unwrap().unwrap();
    let certificate = Certificate::try_from_slice(&stored.bytes).unwrap();
    let (inputs, rows) = (inputs_of(&chain, RoundId(0)), decisions_of(&chain, RoundId(0)));
    Decided::new(RoundId(0), inputs, rows, certificate).unwrap()
}

#[test]
fn every_row_is_explained_at_prices_that_hold() {
    let round = asked();
    for (handle, decision) in &round.decisions {
        let why = round.why(handle).unwrap();
        assert_eq!((&why.decision, why.gap_ppm), (decision, 0));
        assert!(why.explanation.preferred.iter().all(|place| place.better_by <= place.dearer_by));
    }
    let stranger = handle(99);
    assert_eq!(round.why(&stranger).unwrap_err(), WhyError::NoSuchHandle(stranger));
}

#[test]
fn nothing_changed_is_the_decision_itself() {
    let round = asked();
    for (handle, decision) in &round.decisions {
        let same = round.what_if(handle, &Change::default(), &Limits::default()).unwrap();
        assert_eq!((&same.decision, same.others_moved, same.gap_ppm), (decision, 0, 0));
    }
}

#[test]
fn the_least_band_is_exact_one_below_it_brings_nothing() {
    let round = asked();
    let mut found = 0;
    for (handle, decision) in &round.decisions {
        let Some((band, other)) = round.least_band(handle, &Limits::default()).unwrap() else { continue };
        found += 1;
        assert!(plain_cost(&other.decision) < plain_cost(decision) && other.others_moved > 0);
        let own = round.why(handle).unwrap().request.band.get();
        for below in own + 1..band.get() {
            let change = Change { band: Band::new(below), ..Change::default() };
            let other = round.what_if(handle, &change, &Limits::default()).unwrap();
            assert!(plain_cost(&other.decision) >= plain_cost(decision));
        }
    }
    assert!(found > 0);
}

#[test]
fn a_mandate_would_have_brought_a_place_and_a_bad_change_is_refused() {
    let round = asked();
    let waits = |row: &&(Handle, DecisionRow)| row.1.placement == Placement::Waitlist;
    let (handle, _) = round.decisions.iter().find(waits).unwrap();
    let mandated = Change { mandate: Some(Mandate::Mandated), ..Change::default() };
    let other = round.what_if(handle, &mandated, &Limits::default()).unwrap();
    assert_ne!(other.decision.placement, Placement::Waitlist);
    for kinds in [vec![], vec![KindId(0), KindId(0)], vec![KindId(7)]] {
        let change = Change { kinds: Some(kinds), ..Change::default() };
        assert_eq!(round.what_if(handle, &change, &Limits::default()).unwrap_err(), WhyError::Kinds);
    }
    let starved = round.what_if(handle, &mandated, &Limits { work: 1 });
    assert_eq!(starved.unwrap_err(), WhyError::Solve(SolveError::OutOfWork(0)));
}

#[test]
fn the_pinned_bundle_is_explained_and_a_changed_row_is_refused() {
    let bundle = Bundle::from_canonical(include_bytes!("../../../vectors/evidence/round.bundle")).unwrap();
    let Subject::Round(mut evidence) = bundle.subject else { panic!("a round's bundle") };
    let round = Decided::of_evidence(&evidence).unwrap();
    assert!(evidence.rows.iter().all(|row| round.why(&row.request_row().unwrap().handle).is_ok()));
    let mut other = DecisionRow::from_canonical(&evidence.rows[0].decision).unwrap();
    other.cost += 1;
    evidence.rows[0].decision = other.to_canonical();
    assert!(matches!(Decided::of_evidence(&evidence), Err(WhyError::Rows(RoundError::Decision(0)))));
}
