//! Sums over consortia: what is shown is in them once, what is withheld is not, and nothing that is not proved.

use super::via::{both, parent_bundle, parent_of, relay};
use super::*;
use crate::audit::bundle::FigureKey;
use crate::audit::totals::{Refused, Sums, Totals, in_all, oldest, one};
use crate::audit::{ViaBundle, sha256};
use crate::state::schema;
use crate::types::{SchoolYear, TimeMs};

/// All public figures of a ledger, as a node shows them, over the parent.
fn whole(parent: &World, child: &World, height: Height) -> Vec<u8> {
    let mut keys = vec![FigureKey::Parameters, FigureKey::Validators];
    let budgets = schema::budgets(&child.chain.state).unwrap();
    keys.extend(
        budgets.iter().map(|one| FigureKey::Budget { funder: one.funder, school_year: one.school_year }),
    );
    let decided = schema::rounds(&child.chain.state).unwrap();
    let shown = decided.iter().map(|round| round.round);
    let shown: Vec<RoundId> = shown
        .filter(|round| schema::published_report(&child.chain.state, *round).unwrap().is_some())
        .collect();
    keys.extend(shown.into_iter().map(FigureKey::Report));
    via(parent, child, height, &keys)
}

fn via(parent: &World, child: &World, height: Height, keys: &[FigureKey]) -> Vec<u8> {
    let own = child.collector(&[height]).figures(keys, &[]).unwrap();
    let bundles =
        ViaBundle { parent: parent_bundle(parent, child, height).to_canonical(), child: own.to_canonical() };
    bundles.to_canonical()
}

fn summed(file: &[u8], parent: &World, children: &[&World]) -> Result<Totals, Refused> {
    let children: Vec<Vec<u8>> = children.iter().map(|child| child.genesis.clone()).collect();
    one(file, &parent.genesis, &children, &Options::default())
}

fn of(totals: &Totals, year: SchoolYear) -> Sums {
    totals.years.iter().find(|line| line.school_year == year).unwrap().sums
}

#[test]
fn a_consortiums_money_and_standing_rounds_are_summed_as_its_state_holds_them() {
    let (mut parent, mut child) = both();
    child.another_round();
    relay(&mut parent, &child, child.chain.height);
    let stranger = World::decided_as("stranger");
    let file = whole(&parent, &child, child.chain.height);
    let told = summed(&file, &parent, &[&stranger, &child]).unwrap();
    assert_eq!(told.name, "Eastern consortium");
    assert_eq!((told.genesis_sha256, told.anchored), (sha256(&child.genesis), Some(child.chain.height)));
    let budgets = schema::budgets(&child.chain.state).unwrap();
    let sum = |year: SchoolYear, of: fn(&schema::Budget) -> u64| -> u64 {
        budgets.iter().filter(|budget| budget.school_year == year).map(of).sum()
    };
    for year in [YEAR, SchoolYear(YEAR.0 + 1)] {
        let sums = of(&told, year);
        assert_eq!(sums.funded_cents, sum(year, |budget| budget.funded_cents.0), "{year}");
        assert_eq!(sums.charged_cents, sum(year, |budget| budget.charged_cents.0), "{year}");
    }
    // Round 1 has taken the place of round 0: only its counts are summed, or that they are withheld.
    let report = schema::published_report(&child.chain.state, RoundId(1)).unwrap().unwrap();
    let sums = of(&told, YEAR);
    match report.totals {
        Some(all) => {
            assert_eq!((sums.rounds, sums.rounds_withheld), (1, 0));
            assert_eq!((sums.asked, sums.waitlisted), (all.students.into(), all.waitlisted.into()));
            assert_eq!(sums.placed, sums.asked - sums.waitlisted);
        }
        None => {
            assert_eq!((sums.rounds, sums.rounds_withheld), (0, 1));
            assert_eq!((sums.asked, sums.placed, sums.first_choice, sums.waitlisted), (0, 0, 0, 0));
        }
    }
}

#[test]
fn two_consortia_add_up_and_one_of_them_twice_is_refused() {
    let (parent, child) = both();
    let east = summed(&whole(&parent, &child, child.chain.height), &parent, &[&child]).unwrap();
    let other = World::decided_as("other");
    let mut parent = parent_of(&other);
    relay(&mut parent, &other, other.chain.height);
    parent.block(None);
    let west = summed(&whole(&parent, &other, other.chain.height), &parent, &[&other]).unwrap();
    let all = in_all(&[east.clone(), west.clone()]).unwrap();
    let year = all.iter().find(|line| line.school_year == YEAR).unwrap().sums;
    let (a, b) = (of(&east, YEAR), of(&west, YEAR));
    assert!(a.funded_cents > 0 && a.rounds + a.rounds_withheld > 0, "{a:?}");
    assert_eq!(year.funded_cents, a.funded_cents + b.funded_cents);
    assert_eq!(year.asked, a.asked + b.asked);
    assert_eq!(year.rounds + year.rounds_withheld, 2);
    assert_eq!(in_all(&[east.clone(), west, east.clone()]), Err(Refused::Twice(east.genesis_sha256)));
    assert_eq!(in_all(&[]), Ok(Vec::new()));
}

#[test]
fn a_sum_that_its_number_does_not_hold_is_refused_and_the_oldest_time_is_told() {
    let (parent, child) = both();
    let mut east = summed(&whole(&parent, &child, child.chain.height), &parent, &[&child]).unwrap();
    let mut west = east.clone();
    west.genesis_sha256 = sha256(b"west");
    (east.time_ms, west.time_ms) = (Some(TimeMs(9_000)), Some(TimeMs(7_000)));
    assert_eq!(oldest(&[east.clone(), west.clone()]), Some(TimeMs(7_000)));
    assert_eq!(oldest(&[]), None);
    for line in &mut west.years {
        line.sums.funded_cents = u64::MAX;
    }
    let refused = in_all(&[east, west]).unwrap_err();
    assert_eq!((refused.code(), refused.is_no()), ("sum_too_large", false));
}

#[test]
fn what_does_not_verify_or_shows_something_else_is_refused_with_its_code() {
    let (parent, child) = both();
    let height = child.chain.height;
    let file = whole(&parent, &child, height);
    let stranger = World::decided_as("stranger");
    let code = |told: Result<Totals, Refused>| told.map_err(|refused| (refused.code(), refused.is_no()));
    assert_eq!(code(summed(&file, &parent, &[&stranger])), Err(("no_genesis", false)));
    assert_eq!(code(summed(b"", &parent, &[&child])), Err(("not_two_ledgers", false)));
    assert_eq!(code(summed(&file, &stranger, &[&child])), Err(("not_valid", true)));
    // One bit of another is damage, as the audit says of it; only another first byte is another kind of file.
    let bit = |at: usize| {
        let mut bytes = file.clone();
        bytes[at] ^= 1;
        bytes
    };
    assert_eq!(code(summed(&bit(0), &parent, &[&child])), Err(("not_two_ledgers", false)));
    for at in [1, file.len() / 2, file.len() - 1] {
        assert_eq!(code(summed(&bit(at), &parent, &[&child])), Err(("not_valid", true)), "byte {at}");
    }
    assert_eq!(code(summed(&file[..file.len() - 1], &parent, &[&child])), Err(("not_valid", true)));
    // What shows but a part of the ledger is not its sum.
    for keys in [[FigureKey::Parameters], [FigureKey::Validators]] {
        let other = via(&parent, &child, height, &keys);
        assert_eq!(code(summed(&other, &parent, &[&child])), Err(("other_evidence", false)), "{keys:?}");
    }
    // Without the anchored block on the way nobody can tell.
    let mut later = child.clone();
    later.block(None);
    let own = later.collector(&[]).figures(&[FigureKey::Validators], &[]).unwrap();
    let bundles = ViaBundle {
        parent: parent_bundle(&parent, &child, height).to_canonical(),
        child: own.to_canonical(),
    };
    assert_eq!(code(summed(&bundles.to_canonical(), &parent, &[&child])), Err(("cannot_tell", false)));
    // One record changed, under sums of its own.
    let mut bundle = child.collector(&[height]).figures(&[FigureKey::Validators], &[]).unwrap();
    if let Subject::Figures(shown) = &mut bundle.subject {
        *shown.figures[0].record.value.last_mut().unwrap() ^= 1;
    }
    let forged = ViaBundle {
        parent: parent_bundle(&parent, &child, height).to_canonical(),
        child: bundle.to_canonical(),
    };
    assert_eq!(code(summed(&forged.to_canonical(), &parent, &[&child])), Err(("not_valid", true)));
}
