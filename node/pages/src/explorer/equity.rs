//! The equity report of a round: coefficients, rates by group, and the Lorenz curve beside the round before.

use aula_ledger::rounds::PublishedReport;
use aula_ledger::rounds::report::{PublishedCell, PublishedGroups};
use maud::{Markup, html};
use std::collections::BTreeMap;

use super::charts;
use super::shell::{count, percent, share, span};
use super::table::{Column, head, number, text};
use super::words::word;
use aula_read::equity::lorenz;
use aula_read::ranges::CellRange;
use aula_read::round_figures::RoundFigures;
use aula_read::rounds::placed;

/// The report with what it was in the round before.
pub(super) fn report(figures: &RoundFigures, report: &PublishedReport) -> Markup {
    let before = figures.report_before.as_ref();
    let id = figures.round.round;
    html! {
        section {
            h2 { "Was it fair? The equity report" }
            p { "Measures that the ledger publishes with every round. The closer the line below is to the diagonal, the more equally the places "
                "are spread over the schools, each school's pupils weighted by their need." }
            div .beside {
                (curves(figures, report, before))
                (coefficients(report, before, figures))
            }
            (groups("By need band (9 is the highest need)", "Band", "", &format!("round-{id}.by_band"), (&report.by_band, &figures.ranges.bands)))
            (groups("By district", "District", "/districts", &format!("round-{id}.by_district"), (&report.by_district, &figures.ranges.districts)))
        }
    }
}

fn curves(figures: &RoundFigures, report: &PublishedReport, before: Option<&PublishedReport>) -> Markup {
    let now = lorenz(report);
    let then = before.map(lorenz).unwrap_or_default();
    let shown = report.by_school.cells.iter().filter(|cell| cell.counts.is_some()).count();
    let hidden = report.by_school.cells.len() - shown;
    html! {
        figure {
            @if now.is_empty() { p { "Too few schools are shown for a curve." } } @else { (charts::lorenz(&now, &then)) }
            @if !now.is_empty() { figcaption {
                "Lorenz curve of places per " (word("weighted", "weighted pupil")) " over " (shown) " schools (the diagonal is equality"
                @if hidden > 0 { "; " (hidden) " schools are withheld and not in it" } ")"
                @if let Some(id) = figures.before { "; dashed: round " a href={ "/rounds/" (id) } { (id) } ", before this one" } "."
            } }
        }
    }
}

fn coefficients(
    report: &PublishedReport,
    before: Option<&PublishedReport>,
    figures: &RoundFigures,
) -> Markup {
    let ppm = |n: Option<u32>| n.map_or_else(|| "–".to_owned(), |n| share(n.into()));
    let rows = [
        (word("gini", "Gini coefficient"), "gini_ppm", Some(report.gini_ppm), before.map(|r| r.gini_ppm)),
        (
            word("four-fifths", "First choice, lowest to highest band"),
            "by_band.first_choice_ratio_ppm",
            report.by_band.first_choice_ratio_ppm,
            before.and_then(|r| r.by_band.first_choice_ratio_ppm),
        ),
        (
            word("four-fifths", "Placed, lowest to highest band"),
            "by_band.placed_ratio_ppm",
            report.by_band.placed_ratio_ppm,
            before.and_then(|r| r.by_band.placed_ratio_ppm),
        ),
        (
            word("four-fifths", "First choice, lowest to highest district"),
            "by_district.first_choice_ratio_ppm",
            report.by_district.first_choice_ratio_ppm,
            before.and_then(|r| r.by_district.first_choice_ratio_ppm),
        ),
        (
            word("four-fifths", "Placed, lowest to highest district"),
            "by_district.placed_ratio_ppm",
            report.by_district.placed_ratio_ppm,
            before.and_then(|r| r.by_district.placed_ratio_ppm),
        ),
    ];
    let earlier = |field: &str| figures.before.map(|id| format!("round-{id}.{field}"));
    let decile = |r: &PublishedReport| {
        r.bottom_decile_utility_e4.map_or_else(|| "–".to_owned(), |n| share(u64::from(n) * 100))
    };
    html! {
        div .scroll tabindex="0" role="region" aria-label="Coefficients" { table {
            caption { "Before is " @match figures.before { Some(id) => { "round " (id) } None => { "empty: there is no earlier round of these kinds" } } "." }
            (head([text("Figure"), number("Before"), number("This round")]))
            tbody {
                @for (name, field, now, then) in rows { tr {
                    th scope="row" { (name) } td .n data-proof=[earlier(field)] data-value=[then] { (ppm(then)) } td .n data-proof={ "round-" (figures.round.round) "." (field) } data-value=[now] { (ppm(now)) }
                } }
                tr { th scope="row" { "Utility of the tenth worst off (0 to 1)" }
                    td .n data-proof=[earlier("bottom_decile_utility_e4")] data-value=[before.and_then(|r| r.bottom_decile_utility_e4)] { (before.map_or_else(|| "–".to_owned(), decile)) }
                    td .n data-proof={ "round-" (figures.round.round) ".bottom_decile_utility_e4" } data-value=[report.bottom_decile_utility_e4] { (decile(report)) } }
                tr { th scope="row" { (word("envy", "Justified envy, pairs")) }
                    td .n data-proof=[earlier("justified_envy_pairs")] data-value=[before.and_then(|r| r.justified_envy_pairs)] { (count(before.and_then(|r| r.justified_envy_pairs))) }
                    td .n data-proof={ "round-" (figures.round.round) ".justified_envy_pairs" } data-value=[report.justified_envy_pairs] { (count(report.justified_envy_pairs)) } }
                tr { th scope="row" { (word("fairness", "Price of fairness")) }
                    td .n data-proof=[earlier("price_of_fairness_ppm")] data-value=[before.and_then(|r| r.price_of_fairness_ppm)] { (before.and_then(|r| r.price_of_fairness_ppm).map_or_else(|| "–".to_owned(), percent)) }
                    td .n data-proof={ "round-" (figures.round.round) ".price_of_fairness_ppm" } data-value=[report.price_of_fairness_ppm] {
                        (report.price_of_fairness_ppm.map_or_else(|| "–".to_owned(), percent)) } }
            }
        } }
    }
}

fn groups(
    title: &str,
    name: &str,
    link: &str,
    field: &str,
    (groups, ranges): (&PublishedGroups, &BTreeMap<u32, CellRange>),
) -> Markup {
    let (shown, withheld): (Vec<&PublishedCell>, Vec<&PublishedCell>) =
        groups.cells.iter().partition(|cell| cell.counts.is_some());
    let columns = [
        number(name),
        number("Students"),
        number("Placed"),
        number("Placed, share"),
        number("First choice, share"),
        number("Waiting"),
    ];
    let ranged @ [of, students, got, first, waiting] =
        [number(name), text("Students"), text("Placed"), text("First choice"), text("Waiting")];
    html! {
        h3 { (title) }
        @if shown.is_empty() { p { "All counts are " (word("withheld", "withheld")) "." } } @else {
        div .scroll tabindex="0" role="region" aria-label=(title) { table .sortable .cards {
            caption { (shown.len()) " of " (groups.cells.len()) " groups" }
            (head(columns))
            tbody { @for cell in shown { (group(columns, cell, link, field)) } }
        } } }
        @if !withheld.is_empty() { details {
            summary { "Withheld: " (withheld.len()) ", with the numbers between which their counts lie" }
            div .scroll tabindex="0" role="region" aria-label={ (title) ", withheld" } { table .sortable .cards {
                (head(ranged))
                tbody { @for cell in withheld { @let range = ranges.get(&cell.group).copied(); tr {
                    td .n data-label=(of) data-proof={ (field) "." (cell.group) ".students" } { @if link == "/districts" { a href={ (link) "/" (cell.group) } { (cell.group) } } @else { (cell.group) } }
                    td .n data-label=(students) { (span(range.map(|range| range.students))) }
                    td .n data-label=(got) { (span(range.map(|range| range.placed))) }
                    td .n data-label=(first) { (span(range.map(|range| range.first_choice))) }
                    td .n data-label=(waiting) { (span(range.map(|range| range.waitlisted))) }
                } } }
            } }
        } }
    }
}

fn group(columns: [Column<'_>; 6], cell: &PublishedCell, link: &str, field: &str) -> Markup {
    let c = cell.counts;
    let part = |n: Option<u32>| {
        c.zip(n).and_then(|(c, n)| (u64::from(n) * 1_000_000).checked_div(c.students.into()))
    };
    let shown = |ppm: Option<u64>| ppm.map_or_else(|| "–".to_owned(), percent);
    let path = |name: &str| format!("{field}.{}.{name}", cell.group);
    let (got, waiting) = (c.map(|c| placed(&c)), c.map(|c| c.waitlisted));
    let (rate, first) = (part(got), part(c.map(|c| c.first_choice)));
    let [of, students, served, served_share, first_share, waits] = columns;
    html! { tr {
        td .n data-label=(of) { @if link == "/districts" { a href={ (link) "/" (cell.group) } { (cell.group) } } @else { (cell.group) } }
        td .n data-label=(students) data-proof=(path("students")) data-value=[c.map(|c| c.students)] { (count(c.map(|c| c.students))) }
        td .n data-label=(served) data-proof=(path("placed")) data-value=[got] { (count(got)) }
        td .n data-label=(served_share) data-proof=(path("placed_ppm")) data-value=[rate] { (shown(rate)) }
        td .n data-label=(first_share) data-proof=(path("first_choice_ppm")) data-value=[first] { (shown(first)) }
        td .n data-label=(waits) data-proof=(path("waitlisted")) data-value=[waiting] { (count(waiting)) }
    } }
}
