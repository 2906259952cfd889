//! Two rounds, or two districts, side by side: the figures that each one's own page shows, and no other.

use std::cmp::Ordering;
use std::sync::Arc;

use aula_ledger::types::{DistrictId, RoundId};
use axum::extract::State;
use maud::{Markup, html};
use serde::Deserialize;

use super::error::{PageError, Shown};
use super::shell::{self, count, once_decided, percent, span};
use super::shown;
use super::standing;
use super::table::{head, number, text};
use super::words::{explained, word};
use aula_read::places::{self, InRound};
use aula_read::ranges::Span;
use aula_read::rounds::{self, RoundView, placed};
use aula_read::words::grouped;
use aula_web::http::{AppState, FromQuery};
use aula_web::pages;

/// Which two.
#[derive(Debug, Deserialize)]
pub(super) struct Pair {
    /// `rounds` or `districts`.
    #[serde(default)]
    of: Option<String>,
    #[serde(default)]
    one: Option<u32>,
    #[serde(default)]
    other: Option<u32>,
}

pub(super) async fn show(State(node): State<Arc<AppState>>, FromQuery(pair): FromQuery<Pair>) -> Shown {
    let view = node.view();
    let all = rounds::all(&view)?;
    let districts = aula_ledger::state::schema::districts(&*view)?;
    let by_district = pair.of.as_deref() == Some("districts");
    let chosen = pair.one.zip(pair.other);
    let table = match chosen {
        None => html! {},
        Some((one, other)) if by_district => {
            let read = |id: u32| {
                let number = u16::try_from(id).ok().map(DistrictId);
                let found = number.map(|number| places::district(&view, number)).transpose()?.flatten();
                found.ok_or_else(|| PageError::missing(format!("district {id}"), &pages::DISTRICTS))
            };
            let (one, other) = (read(one)?, read(other)?);
            let names = [one.district.name.to_string(), other.district.name.to_string()];
            of_districts(&names, &one.rounds, &other.rounds)
        }
        Some((one, other)) => {
            let find = |id: u32| {
                let found = all.iter().find(|round| round.round == RoundId(id));
                found.ok_or_else(|| PageError::missing(format!("round {id}"), &pages::ROUNDS))
            };
            of_rounds(find(one)?, find(other)?)
        }
    };
    let rounds: Vec<(u32, String)> = all
        .iter()
        .rev()
        .map(|round| (round.round.0, format!("Round {}, {}", round.round, round.title)))
        .collect();
    let places: Vec<(u32, String)> =
        districts.iter().map(|one| (u32::from(one.id.0), one.name.to_string())).collect();
    let content = html! {
        h1 { "Side by side" }
        p .lead { "Two rounds, or how the students of two districts fared in the same rounds. Every figure stands on its own page too, where it can be verified." }
        (form("rounds", "Rounds", &rounds, chosen.filter(|_| !by_district)))
        (form("districts", "Districts", &places, chosen.filter(|_| by_district)))
        (table)
        (explained(&["round", "withheld", "mandate", "optimal"]))
    };
    Ok(shell::page(&node, &pages::COMPARE, content))
}

fn form(of: &str, name: &str, options: &[(u32, String)], chosen: Option<(u32, u32)>) -> Markup {
    let select = |field: &str, label: &str, chosen: Option<u32>| {
        html! {
            label for={ (of) "-" (field) } { (label) }
            select id={ (of) "-" (field) } name=(field) { @for (id, text) in options {
                option value=(id) selected[chosen == Some(*id)] { (text) }
            } }
        }
    };
    html! { @if options.len() > 1 {
        form .filter method="get" action="/compare" {
            input type="hidden" name="of" value=(of);
            (select("one", name, chosen.map(|(one, _)| one).or(options.get(1).map(|(id, _)| *id))))
            (select("other", "beside", chosen.map(|(_, other)| other).or(options.first().map(|(id, _)| *id))))
            button type="submit" { "Compare" }
        }
    } }
}

/// The difference of two counts, with its sign; none where one is withheld.
fn change(one: Option<u32>, other: Option<u32>) -> String {
    match one.zip(other) {
        None => "–".to_owned(),
        Some((one, other)) => {
            let sign = match other.cmp(&one) {
                Ordering::Less => "−",
                Ordering::Equal => "",
                Ordering::Greater => "+",
            };
            format!("{sign}{}", grouped(one.abs_diff(other).into()))
        }
    }
}

/// A count, or the numbers between which it lies where it is withheld.
fn known(n: Option<u32>, range: Option<Span>) -> Markup {
    match n {
        Some(n) => count(Some(n)),
        None => html! { (span(range)) },
    }
}

fn share(part: Option<u32>, whole: Option<u32>) -> String {
    let ppm =
        part.zip(whole).and_then(|(part, whole)| (u64::from(part) * 1_000_000).checked_div(whole.into()));
    ppm.map_or_else(|| "–".to_owned(), percent)
}

/// A count of a round's report; none where it is not shown.
type Count = fn(&aula_read::rounds::DecisionView) -> Option<u32>;

fn of_rounds(one: &RoundView, other: &RoundView) -> Markup {
    let both = [one, other];
    let decisions = both.map(|round| round.decision.as_ref());
    let counts: [(&str, Count); 5] = [
        ("Students asked", |decision| decision.requests),
        ("Placed", |decision| decision.placed),
        ("Waiting", |decision| decision.waitlisted),
        ("Got their first choice", |decision| decision.first_choice),
        ("With a mandate", |decision| decision.mandated),
    ];
    let told = |of: fn(&aula_read::rounds::DecisionView) -> String| {
        decisions.map(|decision| decision.map_or_else(|| "–".to_owned(), of))
    };
    let texts: [(&str, [String; 2]); 3] = [
        ("Placed, share of those who asked", told(|decision| share(decision.placed, decision.requests))),
        ("Mandates", told(|d| if d.mandates_met { "all met".into() } else { "not all met".into() })),
        (
            "Result",
            told(|d| if d.optimal { "optimal".into() } else { format!("within {} millionths", d.gap_ppm) }),
        ),
    ];
    let titles = both.map(|round| format!("Round {}", round.round));
    let sides = titles.each_ref().map(|title| number(title));
    let (figure, difference) = (text("Figure"), number("Difference"));
    let rounds = || both.into_iter().zip(sides);
    html! {
        @for round in both { (standing::fallen(round)) }
        (shown::of_two_rounds(both))
        div .scroll tabindex="0" role="region" aria-label="Two rounds" { table .cards {
            (head(std::iter::once(figure).chain(sides).chain([difference])))
            tbody {
                // Phones hide the head, and what is hidden must not have the keyboard: the links stand here.
                tr { th scope="row" data-label=(figure) { "What was shared" } @for (round, side) in rounds() { td .n data-label=(side) { a href={ "/rounds/" (round.round) } { (round.title) } } } td data-label=(difference) {} }
                tr { th scope="row" data-label=(figure) { "School year" } @for (round, side) in rounds() { td .n data-label=(side) { (round.school_year) } } td data-label=(difference) {} }
                tr { th scope="row" data-label=(figure) { "Standing" } @for (round, side) in rounds() { td .n data-label=(side) { (standing::cell(round)) } } td data-label=(difference) {} }
                @for (name, of) in counts { @let [a, b] = decisions.map(|decision| decision.and_then(of)); tr {
                    th scope="row" data-label=(figure) { (name) }
                    @for ((round, side), n) in rounds().zip([a, b]) { td .n data-label=(side) { (once_decided(round.decision.is_some(), n)) } }
                    td .n data-label=(difference) { (change(a, b)) }
                } }
                @for (name, said) in texts { tr {
                    th scope="row" data-label=(figure) { (name) } @for (one, side) in said.into_iter().zip(sides) { td .n data-label=(side) { (one) } } td data-label=(difference) {}
                } }
            }
        } }
    }
}

fn of_districts(names: &[String; 2], one: &[InRound], other: &[InRound]) -> Markup {
    let same = one
        .iter()
        .filter_map(|line| other.iter().find(|other| other.round == line.round).map(|other| (line, other)));
    let same: Vec<_> = same.collect();
    let of = |line: &InRound| line.counts.map(|counts| (placed(&counts), counts.students));
    let titles = names
        .each_ref()
        .map(|name| [format!("{name}: asked"), format!("{name}: placed"), format!("{name}: placed, share")]);
    let sides = titles.each_ref().map(|of_one| of_one.each_ref().map(|title| number(title)));
    let (round, decision) = (number("Round"), text("Decision"));
    html! {
        @if same.is_empty() { p { "No round has students of both." } } @else {
            (shown::of_two_places(names, &same))
            p { "Two numbers are those between which a " (word("withheld", "withheld")) " count lies." }
            div .scroll tabindex="0" role="region" aria-label="Two districts" { table .cards {
                (head([round, decision].into_iter().chain(sides.into_iter().flatten())))
                tbody { @for (a, b) in &same { tr {
                    td .n data-label=(round) { a href={ "/rounds/" (a.round) } { (a.round) } }
                    td data-label=(decision) { (standing::word(a.standing)) }
                    @for (line, [asked, served, served_share]) in [a, b].into_iter().zip(sides) { @let counts = of(line);
                        td .n data-label=(asked) { (known(counts.map(|(_, asked)| asked), line.range.map(|range| range.students))) }
                        td .n data-label=(served) { (known(counts.map(|(placed, _)| placed), line.range.map(|range| range.placed))) }
                        td .n data-label=(served_share) { (share(counts.map(|(placed, _)| placed), counts.map(|(_, asked)| asked))) } }
                } } }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use aula_ledger::state::schema::{DecisionStanding, Moment, RoundStatus, Window};
    use aula_ledger::tx::ClassTerms;
    use aula_ledger::types::{ClassId, Hash, Height, SchoolYear, TimeMs};

    use super::*;
    use crate::explorer::fared::in_rounds;
    use crate::explorer::rounds::rounds_table;
    use crate::explorer::table::misplaced;
    use aula_read::rounds::DecisionView;

    fn open(round: u32) -> RoundView {
        let moment = Moment { height: Height(3), time_ms: TimeMs(3_000) };
        RoundView {
            round: RoundId(round),
            class: ClassId(1),
            title: "Reading devices".into(),
            school_year: SchoolYear(2026),
            opened: Height(3),
            opened_ms: TimeMs(3_000),
            requests_until: None,
            request_window_ms: 1_000,
            reveal_window_ms: 1_000,
            attempt: 1,
            window: Window::Requests,
            window_since: moment,
            window_until: moment,
            follows: None,
            parameters: 1,
            equity: 500,
            terms: ClassTerms::default(),
            requests: None,
            status: RoundStatus::Open,
            standing: None,
            reverted_at: None,
            replaced_by: None,
            decision: None,
        }
    }

    /// Decided; `counts` is who got a place and who asked, where they are not withheld.
    fn decided(round: u32, counts: Option<(u32, u32)>) -> RoundView {
        let decision = DecisionView {
            round: RoundId(round),
            class: ClassId(1),
            height: Height(9),
            requests_root: Hash::default(),
            decisions_root: Hash::default(),
            requests: counts.map(|(_, asked)| asked),
            placed: counts.map(|(placed, _)| placed),
            waitlisted: counts.map(|_| 9),
            first_choice: counts.map(|_| 12),
            by_tier: None,
            mandated: counts.map(|_| 0),
            mandates_met: true,
            by_band: None,
            seed: Hash::default(),
            seed_round: RoundId(round),
            attempt: 1,
            draw: 1,
            revealed: Vec::new(),
            withheld: Vec::new(),
            objective: 0,
            dual: 0,
            gap_ppm: 0,
            optimal: true,
            work: 1,
            max_work: 2,
            certificate_sha256: Hash::default(),
            prices: Vec::new(),
            replaces: None,
            min_cell_students: Some(10),
        };
        RoundView {
            status: RoundStatus::Decided { height: Height(9) },
            standing: Some(DecisionStanding::Stands),
            decision: Some(decision),
            ..open(round)
        }
    }

    #[test]
    fn of_a_round_that_nobody_decided_no_chart_says_that_anything_is_withheld() {
        let drawn = |one: &RoundView, other: &RoundView| of_rounds(one, other).into_string();
        let neither = drawn(&open(7), &open(8));
        assert!(!neither.contains("withheld") && !neither.contains("<figure"), "{neither}");
        let one = drawn(&decided(7, Some((15, 24))), &open(8));
        assert!(one.contains("15 of 24") && one.matches("<svg").count() == 1, "{one}");
        assert!(!one.contains("withheld"), "{one}");
        // Decided, and told of nobody.
        let both = drawn(&decided(7, None), &decided(8, None));
        assert!(both.contains("Each of these counts is withheld"), "{both}");
    }

    #[test]
    fn a_head_that_phones_hide_has_nothing_that_takes_the_keyboard() {
        let page = of_rounds(&open(7), &decided(8, None)).into_string();
        let (head, body) = page.split_once("<tbody>").unwrap_or_default();
        assert!(head.contains("Round 7") && head.contains("Round 8"), "{head}");
        let head = head.split_once("<thead>").unwrap_or_default().1;
        assert!(!head.contains("<a ") && !head.contains("tabindex"), "{head}");
        assert!(body.contains("href=\"/rounds/7\"") && body.contains("href=\"/rounds/8\""), "{body}");
    }

    #[test]
    fn figures_of_rounds_stand_under_their_heads() {
        let (one, other) = (open(7), decided(8, Some((15, 24))));
        let beside = of_rounds(&one, &other).into_string();
        let below = rounds_table(&[other, one]).into_string();
        assert_eq!([misplaced(&beside), misplaced(&below)].concat(), Vec::<String>::new());
        let round = |round| InRound {
            round: RoundId(round),
            title: "Reading devices".into(),
            school_year: 2026,
            standing: None,
            counts: None,
            range: None,
        };
        let names = ["North & East".to_owned(), "South".to_owned()];
        let places = of_districts(&names, &[round(7), round(8)], &[round(8)]).into_string();
        assert!(
            places.contains("data-label=\"North &amp; East: asked\"") && !places.contains("/rounds/7"),
            "{places}"
        );
        let listed = in_rounds(&[round(7)], &pages::DISTRICT, "district", 1).into_string();
        let none = in_rounds(&[], &pages::DISTRICT, "district", 1).into_string();
        assert_eq!([misplaced(&places), misplaced(&listed), misplaced(&none)].concat(), Vec::<String>::new());
    }

    #[test]
    fn a_difference_is_signed_and_withheld_with_either_count() {
        assert_eq!((change(Some(12), Some(30)), change(Some(30), Some(12))), ("+18".into(), "−18".into()));
        assert_eq!((change(Some(7), Some(7)), change(Some(0), Some(6_829))), ("0".into(), "+6,829".into()));
        assert_eq!((change(None, Some(12)), share(Some(1), None)), ("–".into(), "–".into()));
        assert_eq!(share(Some(1), Some(0)), "–");
    }
}
