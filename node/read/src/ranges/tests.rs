//! The attack: every way to fill in the withheld counts that agrees with all that is published is tried. What all of them have in
//! common is what can be inferred; the ranges are exactly that, so nobody narrows one.

use aula_ledger::rounds::report::{MandatesMet, PublishedCell};
use aula_ledger::types::ClassId;

use super::*;

/// First choices, other places, waiting: the parts of a group's students.
type Parts = [u32; 3];

/// A place on the tree: districts with their schools. What is `hidden` the rule withholds, a whole district with all its schools.
#[derive(Clone)]
struct District {
    hidden: bool,
    schools: Vec<(bool, Parts)>,
}

fn counts([first, other, waits]: Parts) -> CellCounts {
    CellCounts {
        students: first + other + waits,
        first_choice: first,
        waitlisted: waits,
        placed_per_weighted_pupil_e6: 0,
    }
}

fn sum<'a>(parts: impl IntoIterator<Item = &'a Parts>) -> Parts {
    parts.into_iter().fold([0; 3], |[a, b, c], [x, y, z]| [a + x, b + y, c + z])
}

fn groups(cells: impl IntoIterator<Item = (u32, bool, Parts)>) -> PublishedGroups {
    let cell = |(group, hidden, parts): (u32, bool, Parts)| PublishedCell {
        group,
        counts: (!hidden).then(|| counts(parts)),
    };
    PublishedGroups {
        cells: cells.into_iter().map(cell).collect(),
        first_choice_ratio_ppm: None,
        placed_ratio_ppm: None,
    }
}

/// What would be published of these districts; with or without the bands' cells, which give all first choices away.
fn published(districts: &[District], bands_shown: bool) -> PublishedReport {
    let own = |district: &District| sum(district.schools.iter().map(|(_, parts)| parts));
    let all = sum(districts.iter().map(own).collect::<Vec<_>>().iter());
    let half = all.map(|n| n / 2);
    let rest = [0, 1, 2].map(|at| all[at] - half[at]);
    let numbered = || (0..).zip(districts);
    let schools = numbered().flat_map(|(d, district)| {
        let of = (0..).zip(&district.schools);
        of.map(move |(s, (hidden, parts))| (d * 10 + s, district.hidden || *hidden, *parts))
    });
    let mut totals = counts(all);
    // By rank, not by cost: a number that has nothing to do with the cells'.
    totals.first_choice = all[0] / 3;
    PublishedReport {
        class: ClassId(1),
        min_cell_students: 10,
        fairness_work: 0,
        students: Some(totals.students),
        mandates: None,
        mandates_met: MandatesMet::All,
        gini_ppm: 0,
        bottom_decile_utility_e4: None,
        justified_envy_pairs: None,
        price_of_fairness_ppm: None,
        by_band: groups([(3, !bands_shown, half), (7, !bands_shown, rest)]),
        by_school: groups(schools.collect::<Vec<_>>()),
        by_district: groups(numbered().map(|(d, district)| (d, district.hidden, own(district)))),
        pools: Vec::new(),
        objective: 0,
        dual: 0,
        gap_ppm: 0,
        totals: Some(totals),
        by_tier: None,
        prices: Vec::new(),
    }
}

/// The least and the most that a group has in any filling.
#[derive(Default)]
struct Seen(BTreeMap<(bool, u32), [(u32, u32); 4]>);

impl Seen {
    fn take(&mut self, key: (bool, u32), parts: &Parts) {
        let one = counts(*parts);
        let now = [one.students, placed(&one), one.first_choice, one.waitlisted];
        let known = self.0.entry(key).or_insert(now.map(|n| (n, n)));
        for ((low, high), n) in known.iter_mut().zip(now) {
            (*low, *high) = ((*low).min(n), (*high).max(n));
        }
    }
}

/// Tries every filling of the withheld schools; `left` is what the whole has still to give, its first choices and other places as one where
/// nobody knows them apart.
struct Attack<'a> {
    districts: &'a [District],
    first_known: bool,
    seen: Seen,
    tried: u64,
}

impl Attack<'_> {
    /// All fillings of the schools from `at` on.
    fn fill(&mut self, filled: &mut Vec<Vec<Parts>>, left: Parts, (d, s): (usize, usize)) {
        let Some(district) = self.districts.get(d) else {
            let spent =
                if self.first_known { left == [0; 3] } else { left[0] + left[1] == 0 && left[2] == 0 };
            if spent {
                self.note(filled);
            }
            return;
        };
        let Some((hidden, parts)) = district.schools.get(s) else {
            if self.fits(district, &filled[d]) {
                filled.push(Vec::new());
                self.fill(filled, left, (d + 1, 0));
                filled.pop();
            }
            return;
        };
        if !district.hidden && !hidden {
            let Some(left) = self.less(left, *parts) else { return };
            filled[d].push(*parts);
            self.fill(filled, left, (d, s + 1));
            filled[d].pop();
            return;
        }
        let most = if self.first_known { left } else { [left[0] + left[1], left[0] + left[1], left[2]] };
        for first in 0..=most[0] {
            for other in 0..=most[1] {
                for waits in 0..=most[2] {
                    let guess = [first, other, waits];
                    let Some(left) = self.less(left, guess) else { continue };
                    // A school of a shown district is withheld in its own right, so somebody is in it.
                    if district.hidden || guess != [0; 3] {
                        filled[d].push(guess);
                        self.fill(filled, left, (d, s + 1));
                        filled[d].pop();
                    }
                }
            }
        }
    }

    fn less(&self, left: Parts, parts: Parts) -> Option<Parts> {
        if self.first_known {
            return Some([
                left[0].checked_sub(parts[0])?,
                left[1].checked_sub(parts[1])?,
                left[2].checked_sub(parts[2])?,
            ]);
        }
        let places = (left[0] + left[1]).checked_sub(parts[0] + parts[1])?;
        Some([places, 0, left[2].checked_sub(parts[2])?])
    }

    /// Whether a district's schools agree with what is published of it.
    fn fits(&self, district: &District, guessed: &[Parts]) -> bool {
        let guessed = sum(guessed);
        let own = sum(district.schools.iter().map(|(_, parts)| parts));
        if district.hidden { guessed != [0; 3] } else { guessed == own }
    }

    fn note(&mut self, filled: &[Vec<Parts>]) {
        self.tried += 1;
        for ((d, district), guessed) in (0..).zip(self.districts).zip(filled) {
            if district.hidden {
                self.seen.take((true, d), &sum(guessed));
            }
            for ((s, (hidden, _)), parts) in (0..).zip(&district.schools).zip(guessed) {
                if district.hidden || *hidden {
                    self.seen.take((false, d * 10 + s), parts);
                }
            }
        }
    }
}

/// Compares the ranges with what the attack finds; gives how many fillings it tried.
fn attacked(districts: &[District], bands_shown: bool) -> u64 {
    let report = published(districts, bands_shown);
    let told = ranges(&report, |school| Some(school / 10));
    let first_known = bands_shown || districts.iter().all(|one| !one.hidden);
    let whole = sum(districts.iter().flat_map(|one| one.schools.iter().map(|(_, parts)| parts)));
    let mut attack = Attack { districts, first_known, seen: Seen::default(), tried: 0 };
    attack.fill(&mut vec![Vec::new()], whole, (0, 0));
    let mut found = Ranges { bands: told.bands.clone(), ..Ranges::default() };
    for ((is_district, group), [students, places, first, waits]) in &attack.seen.0 {
        let span = |(low, high): &(u32, u32)| Span { low: *low, high: *high };
        let range = CellRange {
            students: span(students),
            placed: span(places),
            first_choice: span(first),
            waitlisted: span(waits),
        };
        let of = if *is_district { &mut found.districts } else { &mut found.schools };
        of.insert(*group, range);
    }
    assert_eq!(told, found, "bands shown: {bands_shown}");
    for (d, district) in (0..).zip(districts) {
        for (s, (_, parts)) in (0..).zip(&district.schools) {
            let range = told.schools.get(&(d * 10 + s));
            assert!(range.is_none_or(|range| range.holds(&counts(*parts))), "the truth is among them");
        }
    }
    attack.tried
}

fn shown(schools: &[(bool, Parts)]) -> District {
    District { hidden: false, schools: schools.to_vec() }
}

fn hidden(schools: &[Parts]) -> District {
    District { hidden: true, schools: schools.iter().map(|parts| (true, *parts)).collect() }
}

#[test]
fn no_count_can_be_narrowed_below_its_range() {
    let mut tried = 0;
    let worlds: Vec<Vec<District>> = vec![
        // Two schools of a shown district that hide each other; the rest is shown.
        vec![
            shown(&[(true, [1, 2, 1]), (true, [2, 0, 1]), (false, [4, 4, 4])]),
            shown(&[(false, [9, 9, 9])]),
        ],
        // Two withheld districts, one with two schools, beside a shown one.
        vec![hidden(&[[1, 0, 1], [0, 1, 0]]), hidden(&[[1, 1, 0]]), shown(&[(false, [5, 5, 5])])],
        // Nobody of the withheld waits: whoever is in a group has a place.
        vec![hidden(&[[2, 1, 0]]), hidden(&[[0, 1, 0]]), shown(&[(false, [5, 5, 5])])],
        // One withheld alone is known by subtraction; the rule does not leave one whose counts are few.
        vec![hidden(&[[1, 1, 1]]), shown(&[(false, [5, 5, 5])])],
        // All together.
        vec![
            shown(&[(true, [1, 0, 1]), (true, [0, 1, 1])]),
            hidden(&[[0, 1, 1]]),
            hidden(&[[1, 0, 0]]),
            hidden(&[[0, 0, 1]]),
        ],
    ];
    for world in &worlds {
        tried += attacked(world, true) + attacked(world, false);
    }
    assert!(tried > 1_000, "{tried} fillings");
}

/// Small worlds drawn by a seed: whoever is withheld, the ranges are what the attack finds.
#[test]
fn nor_in_worlds_that_are_drawn() {
    let mut state = 7u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) % below).unwrap_or(0)
    };
    for _ in 0..60 {
        let mut world = Vec::new();
        for _ in 0..2 + draw(2) {
            let is_hidden = draw(2) == 0;
            let mut schools = Vec::new();
            for _ in 0..1 + draw(2) {
                let parts = [draw(2), draw(2), draw(2)];
                // Nobody withholds a school without students alone.
                schools.push((is_hidden || (parts != [0; 3] && draw(3) == 0), parts));
            }
            let empty = schools.iter().all(|(_, parts)| *parts == [0; 3]);
            if is_hidden && empty {
                schools[0].1 = [1, 0, 0];
            }
            world.push(District { hidden: is_hidden, schools });
        }
        attacked(&world, draw(2) == 0);
    }
}

#[test]
fn without_a_number_of_students_there_is_no_range() {
    let world = [hidden(&[[1, 1, 1]]), hidden(&[[1, 0, 1]])];
    let whole = published(&world, false);
    let without = PublishedReport { students: None, totals: None, ..whole.clone() };
    assert_eq!(ranges(&without, |school| Some(school / 10)), Ranges::default());
    // The number of students alone: places and waiting are anything up to it.
    let alone = PublishedReport { totals: None, ..whole };
    let told = ranges(&alone, |school| Some(school / 10));
    let district = told.districts.get(&0).copied();
    let up_to = |low, high| Span { low, high };
    assert_eq!(district.map(|one| (one.students, one.waitlisted)), Some((up_to(1, 4), up_to(0, 4))));
}
