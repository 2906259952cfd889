//! How a place's students fared, round by round: on a district's page and a school's.

use aula_ledger::rounds::report::CellCounts;
use aula_read::places::InRound;
use aula_read::rounds::placed;
use aula_web::pages::Page;
use maud::{Markup, html};

use super::shell::{self, count, percent};
use super::shown;
use super::standing;
use super::table::{head, number, text};
use super::verify;
use super::words::word;

/// How a place's students fared, round by round.
pub(super) fn in_rounds(rounds: &[InRound], page: &Page, what: &str, group: u32) -> Markup {
    let rate = |c: CellCounts| (u64::from(placed(&c)) * 1_000_000).checked_div(c.students.into());
    let path = |line: &InRound, field: &str| format!("round-{}.by_{what}.{group}.{field}", line.round);
    let columns @ [round, class, year, decision, students, got, got_share, waiting, first] = [
        number("Round"),
        text("Class"),
        number("School year"),
        text("Decision"),
        number("Students"),
        number("Placed"),
        number("Placed, share"),
        number("Waiting"),
        number("First choice"),
    ];
    html! {
        h2 { "How its students fared" }
        @if !rounds.is_empty() { (verify::panel(page, group)) }
        p { "A row is a " (word("round", "round")) " in which students of this " (what) " asked; two numbers are those between which a " (word("withheld", "withheld")) " count lies." }
        @if !rounds.is_empty() && rounds.iter().all(|line| line.counts.is_none()) {
            p .note { "All of this " (what) "'s counts are withheld: in every round so few of its students got a place, or their first choice, that a number would point at them. What follows from all that is shown stands in their place." }
        }
        (shown::fared(rounds))
        div .scroll tabindex="0" role="region" aria-label="Rounds" { table .sortable .cards {
            caption { "Newest first" }
            (head(columns))
            tbody { @for line in rounds { tr {
                td .n data-label=(round) { a href={ "/rounds/" (line.round) } { (line.round) } }
                td .wide data-label=(class) { (line.title) }
                td .n data-label=(year) { (line.school_year) }
                td data-label=(decision) { (standing::word(line.standing)) }
                td .n data-label=(students) data-proof=(path(line, "students")) data-value=[line.counts.map(|c| c.students)] { @match line.counts { Some(c) => { (count(Some(c.students))) } None => { (shell::span(line.range.map(|range| range.students))) } } }
                td .n data-label=(got) data-proof=(path(line, "placed")) data-value=[line.counts.map(|c| placed(&c))] { @match line.counts { Some(c) => { (count(Some(placed(&c)))) } None => { (shell::span(line.range.map(|range| range.placed))) } } }
                td .n data-label=(got_share) data-proof=(path(line, "placed_ppm")) data-value=[line.counts.and_then(rate)] { (line.counts.and_then(rate).map_or_else(|| "–".into(), percent)) }
                td .n data-label=(waiting) data-proof=(path(line, "waitlisted")) data-value=[line.counts.map(|c| c.waitlisted)] { @match line.counts { Some(c) => { (count(Some(c.waitlisted))) } None => { (shell::span(line.range.map(|range| range.waitlisted))) } } }
                td .n data-label=(first) data-proof=(path(line, "first_choice")) data-value=[line.counts.map(|c| c.first_choice)] { @match line.counts { Some(c) => { (count(Some(c.first_choice))) } None => { (shell::span(line.range.map(|range| range.first_choice))) } } }
            } } @if rounds.is_empty() { tr { td colspan=(columns.len()) { "None yet." } } } }
        } }
    }
}
