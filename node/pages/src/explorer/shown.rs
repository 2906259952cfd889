//! What the pages' charts show: rows that stand in a table of the same page or of the page they lead to.

use maud::Markup;

use super::bars::{Bar, chart};
use aula_ledger::state::schema::Budget;
use aula_read::places::InRound;
use aula_read::round_figures::RoundFigures;
use aula_read::rounds::{RoundView, placed};
use aula_read::words::{amount, grouped};

/// Rounds of a trend.
const ROUNDS: usize = 12;
/// Pools of a chart.
const POOLS: usize = 15;

/// Behind a round's name, that its decision does not stand.
fn standing(round: &RoundView) -> String {
    match round.standing {
        Some(_) if !round.stands() => format!(" ({})", round.status_word()),
        _ => String::new(),
    }
}

fn of_asked(part: u64, whole: u64) -> String {
    let share = (part * 1_000).checked_div(whole).unwrap_or(0);
    format!("{} of {}, {}.{} %", grouped(part), grouped(whole), share / 10, share % 10)
}

/// Who got a place of those who asked, over the last rounds that were decided; oldest first.
pub(super) fn over_rounds(newest_first: &[RoundView]) -> Markup {
    let decided = newest_first.iter().filter(|round| round.decision.is_some()).take(ROUNDS);
    round_by_round(decided.map(in_all).collect())
}

/// Who got a place in a round that was decided, of all who asked.
fn in_all(round: &RoundView) -> Bar {
    let decision = round.decision.as_ref();
    let of = decision.and_then(|one| Some((one.placed?.into(), one.requests?.into())));
    Bar {
        name: format!("Round {}{}", round.round, standing(round)),
        link: Some(format!("/rounds/{}", round.round)),
        said: of.map(|(part, whole)| of_asked(part, whole)).unwrap_or_default(),
        of,
    }
}

/// What a filled and an outlined bar are of students.
const STUDENTS: &str = "Filled: students who got a place. Outlined: students who asked.";

/// Who got a place in each of two rounds, as far as they are decided: of the others nothing is withheld.
pub(super) fn of_two_rounds(both: [&RoundView; 2]) -> Markup {
    let decided = both.into_iter().filter(|round| round.decision.is_some());
    chart("Who got a place", STUDENTS, &decided.map(in_all).collect::<Vec<_>>())
}

/// Who got a place of the students of two districts, round by round; the newest first, as in the table.
pub(super) fn of_two_places(names: &[String; 2], rounds: &[(&InRound, &InRound)]) -> Markup {
    let bars: Vec<Bar> = rounds
        .iter()
        .take(ROUNDS)
        .flat_map(|&(one, other)| {
            let named = |name: &str, line: &InRound| {
                let bar = in_place(line);
                Bar { name: format!("{}, {name}", bar.name), ..bar }
            };
            [named(&names[0], one), named(&names[1], other)]
        })
        .collect();
    chart("Who got a place", STUDENTS, &bars)
}

fn round_by_round(mut newest_first: Vec<Bar>) -> Markup {
    newest_first.reverse();
    let note = "Filled: students who got a place. Outlined: students who asked. The newest is last.";
    chart("Who got a place, round by round", note, &newest_first)
}

/// Demand against places, where most could have had a place.
pub(super) fn demand(figures: &RoundFigures) -> Markup {
    let mut lines: Vec<_> = figures.pools.iter().filter(|line| line.demand.is_some()).collect();
    lines.sort_by_key(|line| (std::cmp::Reverse(line.demand), line.pool));
    let bars: Vec<Bar> = lines
        .iter()
        .take(POOLS)
        .map(|line| {
            let (demand, places) = (u64::from(line.demand.unwrap_or(0)), u64::from(line.capacity));
            Bar {
                name: format!("{}, school {}", line.kind, line.school),
                link: Some(format!("/pools/{}", line.pool)),
                of: Some((places, demand)),
                said: format!(
                    "{} {} for {}",
                    grouped(places),
                    if places == 1 { "place" } else { "places" },
                    grouped(demand)
                ),
            }
        })
        .collect();
    let note = "Filled: places. Outlined: students for whom the pool was a choice. The pools that most could have had.";
    chart("Demand against places", note, &bars)
}

/// Who was placed, by need.
pub(super) fn by_need(round: &RoundView) -> Markup {
    let bands = round.decision.as_ref().and_then(|decision| decision.by_band.as_deref()).unwrap_or_default();
    let bars: Vec<Bar> = bands
        .iter()
        .rev()
        .map(|band| {
            let of = band.placed.zip(band.requests).map(|(part, whole)| (part.into(), whole.into()));
            Bar {
                name: format!("Need band {}", band.band),
                link: None,
                said: of.map(|(part, whole)| of_asked(part, whole)).unwrap_or_default(),
                of,
            }
        })
        .collect();
    let note = "Filled: placed. Outlined: asked. The highest need first.";
    chart("Who was placed, by need", note, &bars)
}

/// Money by year, all funders together.
pub(super) fn money<'a>(budgets: impl Iterator<Item = &'a Budget>) -> Markup {
    let mut years: std::collections::BTreeMap<u16, (u64, u64)> = std::collections::BTreeMap::new();
    for budget in budgets {
        let (charged, funded) = years.entry(budget.school_year.0).or_default();
        *charged = charged.saturating_add(budget.charged_cents.0);
        *funded = funded.saturating_add(budget.funded_cents.0);
    }
    let bars: Vec<Bar> = years
        .into_iter()
        .map(|(year, (charged, funded))| Bar {
            name: format!("School year {year}"),
            link: None,
            of: Some((charged / 100, funded / 100)),
            said: format!("{} of {}", amount(charged), amount(funded)),
        })
        .collect();
    let note = "Filled: spent on places. Outlined: funded. All funders together, in units of currency.";
    chart("Money by school year", note, &bars)
}

/// How a place's students fared, over the last rounds; oldest first.
pub(super) fn fared(rounds: &[InRound]) -> Markup {
    round_by_round(rounds.iter().take(ROUNDS).map(in_place).collect())
}

/// Who got a place in a round, of the students of one place.
fn in_place(line: &InRound) -> Bar {
    let of = line.counts.map(|counts| (placed(&counts).into(), counts.students.into()));
    let fallen = line.standing.filter(|standing| standing.name() != "stands");
    Bar {
        name: format!(
            "Round {}{}",
            line.round,
            fallen.map(|standing| format!(" ({})", standing.name())).unwrap_or_default()
        ),
        link: Some(format!("/rounds/{}", line.round)),
        said: of.map(|(part, whole)| of_asked(part, whole)).unwrap_or_default(),
        of,
    }
}
