//! Whether a decision stands, and what schools still owe an acknowledgement for: shown wherever a decision is.

use aula_ledger::state::schema::DecisionStanding;
use maud::{Markup, html};

use super::shell::count;
use super::table::{head, number, text};
use aula_read::acknowledgements::OwedLine;
use aula_read::rounds::RoundView;
use aula_read::utc;

/// Late acknowledgements shown on the overview, the longest overdue first.
const LATE: usize = 20;

/// Whether a round's decision stands, in a cell: what was taken back or replaced is told apart at once.
pub(super) fn cell(round: &RoundView) -> Markup {
    html! {
        @match round.standing {
            Some(DecisionStanding::Reverted) => {
                strong { "reverted" } @if let Some(height) = round.reverted_at { " in " a href={ "/blocks/" (height) } { "block " (height) } }
            }
            Some(DecisionStanding::Replaced) => {
                strong { "replaced" } @if let Some(by) = round.replaced_by { " by " a href={ "/rounds/" (by) } { "round " (by) } }
            }
            Some(DecisionStanding::Stands) => { "decided, stands" }
            None => { (round.status_word()) }
        }
    }
}

/// A decision's standing where only the word is known.
pub(super) fn word(standing: Option<DecisionStanding>) -> Markup {
    html! {
        @match standing {
            Some(DecisionStanding::Stands) => { "stands" }
            Some(other) => { strong { (other.name()) } }
            None => { "–" }
        }
    }
}

/// Says first of all that a decision does not stand.
pub(super) fn fallen(round: &RoundView) -> Markup {
    html! {
        @match round.standing {
            Some(DecisionStanding::Reverted) => p .note role="status" {
                strong { "Reverted: this decision no longer stands." } " It was taken back"
                @if let Some(height) = round.reverted_at { " in " a href={ "/blocks/" (height) } { "block " (height) } }
                ", and its places are free. What follows is kept as it was decided."
            },
            Some(DecisionStanding::Replaced) => p .note role="status" {
                strong { "Replaced: this decision no longer stands." }
                @match round.replaced_by {
                    Some(by) => { " " a href={ "/rounds/" (by) } { "Round " (by) } " took its place." }
                    None => { " Another took its place." }
                }
                " What follows is kept as it was decided."
            },
            Some(DecisionStanding::Stands) | None => {}
        }
    }
}

/// Which decisions were taken back, where money is shown: their places are paid for, and nobody has them.
pub(super) fn fallen_of_pools(rounds: &[RoundView]) -> Markup {
    let reverted = |round: &&RoundView| round.standing == Some(DecisionStanding::Reverted);
    let reverted: Vec<&RoundView> = rounds.iter().rev().filter(reverted).take(LATE).collect();
    html! { @if !reverted.is_empty() {
        p .note #reverted {
            strong { "Taken back: " }
            @for (at, round) in reverted.iter().enumerate() {
                @if at > 0 { ", " } a href={ "/rounds/" (round.round) } { "round " (round.round) } " (" (round.title) ", school year " (round.school_year) ")"
            }
            ". The pools of these rounds stay charged to their budgets; their places are free until a later round gives them."
        }
    } }
}

/// What schools owe an acknowledgement for.
pub(super) fn owed(lines: &[OwedLine]) -> Markup {
    let late = lines.iter().filter(|line| line.state.is_late()).count();
    let columns @ [pool, school, places, due, state] =
        [number("Pool"), number("School"), number("Places"), text("Due (UTC)"), text("State")];
    html! { @if !lines.is_empty() {
        section #acknowledgements {
            h2 { "Acknowledgements" }
            p { "A school acknowledges the places that its pools gave within a time that the class sets; when it passes, anybody of the district or the consortium records that. "
                @if late > 0 { strong { (late) " of " (lines.len()) " are overdue." } } @else { "None of these " (lines.len()) " is overdue." } }
            div .scroll tabindex="0" role="region" aria-label="Acknowledgements" { table .sortable .cards {
                (head(columns))
                tbody { @for line in lines { tr {
                    td .n data-label=(pool) { a href={ "/pools/" (line.pool) } { (line.pool) } }
                    td .n data-label=(school) { a href={ "/schools/" (line.school) } { (line.school) } }
                    td .n data-label=(places) { (count(line.places)) }
                    td data-label=(due) { (utc(line.due_ms.0)) }
                    td data-label=(state) { @if line.state.is_late() { strong { (line.state.words()) } } @else { (line.state.words()) } }
                } } }
            } }
        }
    } }
}

/// Acknowledgements that are late, of decisions that stand.
pub(super) fn late(lines: &[OwedLine]) -> Markup {
    html! { @if !lines.is_empty() {
        h3 #late { "Acknowledgements that are overdue" }
        p .note { (lines.len()) " times a school has not acknowledged the places of its students in time." }
        ul { @for line in lines.iter().take(LATE) { li {
            a href={ "/rounds/" (line.round) "#acknowledgements" } { "Round " (line.round) ", school " (line.school) ", pool " (line.pool) }
            ": due " (utc(line.due_ms.0)) " UTC, " (line.state.words())
        } } }
        @if lines.len() > LATE { p { "The others stand on their rounds' pages." } }
    } }
}
