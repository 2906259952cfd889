//! The promise about small cells, on random rounds: none is shown, and none follows by subtraction.

use proptest::prelude::*;

use super::*;

fn tally(group: u32, students: u64, first_choice: u64, waitlisted: u64) -> Tally {
    Tally { group, students, first_choice, waitlisted, rate_e6: 0 }
}

fn cell(tally: &Tally) -> Cell {
    Cell {
        group: tally.group,
        students: tally.students,
        first_choice: tally.first_choice,
        waitlisted: tally.waitlisted,
    }
}

fn grouping(tallies: &[Tally]) -> Vec<Cell> {
    tallies.iter().map(cell).collect()
}

/// Figures of schools given with their districts; bands as one group.
fn figures(schools: &[(u32, Tally)]) -> Figures {
    let sum = |group: u32, part: &mut dyn Iterator<Item = &Tally>| {
        part.fold(tally(group, 0, 0, 0), |all, one| Tally {
            students: all.students + one.students,
            first_choice: all.first_choice + one.first_choice,
            waitlisted: all.waitlisted + one.waitlisted,
            ..all
        })
    };
    let tallies: Vec<Tally> = schools.iter().map(|(_, school)| *school).collect();
    let groups: std::collections::BTreeSet<u32> = schools.iter().map(|(district, _)| *district).collect();
    let district =
        |id: &u32| sum(*id, &mut schools.iter().filter(|(of, _)| of == id).map(|(_, school)| school));
    let districts: Vec<Tally> = groups.iter().map(district).collect();
    let whole = sum(0, &mut tallies.iter());
    let equity = EquityReport {
        students: narrow(whole.students),
        mandates: 3,
        mandates_met: Met::All,
        schools: Vec::new(),
        gini_ppm: 0,
        bottom_decile_utility_e4: Some(1),
        by_band: grouping(&[whole]),
        by_school: grouping(&tallies),
        by_district: grouping(&districts),
        justified_envy_pairs: 4,
        price_of_fairness_ppm: None,
    };
    let district_of = schools.iter().map(|(district, school)| (school.group, *district)).collect();
    Figures { equity, fairness_work: 1, district_of, demand: vec![(PoolId(1), 4), (PoolId(2), 40)] }
}

/// The report of these schools, beside a decision whose own counts do not matter here.
fn shown_of(schools: &[(u32, Tally)], min_cell: u32) -> PublishedReport {
    static DECISION: std::sync::LazyLock<Decision> = std::sync::LazyLock::new(|| {
        let chain = crate::rounds::tests::decided();
        crate::state::schema::decision(&chain.state, crate::types::RoundId(0)).unwrap().unwrap()
    });
    published(&figures(schools), &DECISION, min_cell)
}

fn shown(groups: &PublishedGroups) -> Vec<u32> {
    groups.cells.iter().filter(|cell| cell.counts.is_some()).map(|cell| cell.group).collect()
}

#[test]
fn a_small_school_hides_another_of_its_own_district_not_of_the_next() {
    let schools = [
        (1, tally(10, 5, 5, 0)),
        (1, tally(11, 100, 50, 20)),
        (1, tally(12, 90, 50, 20)),
        (2, tally(20, 30, 10, 10)),
        (2, tally(21, 40, 15, 10)),
    ];
    let report = shown_of(&schools, 10);
    assert_eq!(shown(&report.by_school), [11, 20, 21]);
    assert_eq!(shown(&report.by_district), [1, 2]);
    assert_eq!((report.mandates, report.justified_envy_pairs), (None, None));
    assert_eq!(report.pools.iter().map(|line| line.demand).collect::<Vec<_>>(), [None, Some(40)]);
    assert_eq!(report.by_school.placed_ratio_ppm, Some(833_333), "20 of 30 against 80 of 100");
}

#[test]
fn a_withheld_district_withholds_its_schools() {
    let schools = [
        (1, tally(10, 4, 0, 4)),
        (2, tally(20, 30, 10, 10)),
        (3, tally(30, 60, 30, 20)),
        (3, tally(31, 60, 30, 20)),
    ];
    let report = shown_of(&schools, 10);
    assert_eq!(shown(&report.by_district), [3]);
    assert_eq!(shown(&report.by_school), [30, 31]);
    let all = shown_of(&schools, 1);
    assert_eq!(shown(&all.by_school), [10, 20, 30, 31]);
}

fn school() -> impl Strategy<Value = (u32, u64, u64, u64)> {
    (0u32..4, 0u64..60).prop_flat_map(|(district, students)| {
        (Just(district), Just(students), 0..=students)
            .prop_flat_map(|(d, n, first)| (Just(d), Just(n), Just(first), 0..=n - first))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_small_is_shown_and_nothing_small_is_left(rows in prop::collection::vec(school(), 1..14)) {
        let schools: Vec<(u32, Tally)> =
            (0..).zip(&rows).map(|(group, (district, n, f, w))| (*district, tally(group, *n, *f, *w))).collect();
        let report = shown_of(&schools, 10);
        let visible = shown(&report.by_school);
        let whole = shown(&report.by_district);
        for (_, school) in schools.iter().filter(|(_, school)| visible.contains(&school.group)) {
            prop_assert!(school.counts().into_iter().all(|n| n == 0 || n >= 10));
        }
        // What a reader of a shown district and its shown schools works out is the sum of the withheld ones.
        for district in whole {
            let hidden: Vec<&Tally> = schools
                .iter()
                .filter(|(of, school)| *of == district && school.students > 0 && !visible.contains(&school.group))
                .map(|(_, school)| school)
                .collect();
            let all = schools.iter().filter(|(of, school)| *of == district && school.students > 0).count();
            prop_assert!(hidden.len() != 1 || all == 1);
            for at in 0..6 {
                let sum: u64 = hidden.iter().map(|school| school.counts()[at]).sum();
                prop_assert!(sum == 0 || sum >= 10 || hidden.len() == all);
            }
        }
    }
}

#[test]
fn a_decisions_counts_are_shown_together_with_nothing_small_or_not_at_all() {
    let chain = crate::rounds::tests::decided();
    let mut decision =
        crate::state::schema::decision(&chain.state, crate::types::RoundId(0)).unwrap().unwrap();
    let report = &mut decision.report;
    (report.requests, report.placed, report.waitlisted, report.first_choice) = (100, 88, 12, 40);
    report.by_tier = [58, 0, 30];
    let uses = [4, 54, 30];
    decision.prices.iter_mut().zip(uses).for_each(|(line, used)| line.used = used);
    let counts = public_counts(&decision, 10);
    let totals = counts.totals.map(|all| (all.students, all.first_choice, all.waitlisted));
    assert_eq!((totals, counts.by_tier), (Some((100, 40, 12)), Some([58, 0, 30])));
    assert_eq!(counts.used, [None, Some(54), None], "four, and whoever would give them away");
    (decision.report.placed, decision.report.waitlisted) = (97, 3);
    let counts = public_counts(&decision, 10);
    assert_eq!((counts.totals, counts.by_tier), (None, None));
    assert!(may_show(&[0, 10, 400], 10) && !may_show(&[400, 9], 10) && may_show(&[1], 1));
}
