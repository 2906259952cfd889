//! The truth audit of a round: whom the seed drew, counted by district, and who took the round's rows.

use maud::{Markup, html};

use super::shell::exports;
use super::table::{Column, head, number};
use super::words::word;
use aula_read::audits::{Counts, RoundAudit};

const COLUMNS: [Column<'static>; 9] = [
    number("District"),
    number("Drawn"),
    number("Replayed"),
    number("Confirmed"),
    number("Contradicted"),
    number("Withheld"),
    number("Erased after draw"),
    number("Erased before"),
    number("Open"),
];

/// The section of a round's page.
pub(super) fn section(audit: &RoundAudit) -> Markup {
    let id = audit.round;
    html! {
        section #audit {
            h2 { "Is what the districts anchored true?" }
            p { "Proofs bind what a district " (word("anchor", "anchored")) "; they cannot show that it is true. So the " (word("seed", "seed"))
                " draws one student in a hundred of each district, at least one, and one in a hundred of those with a mandate; an auditor replays what their states were computed from. "
                strong { "Replayed" } ": the events give the state. " strong { "Confirmed" } ": the auditor also held the request against the district's records, which bear out that the student exists, is enrolled at the school, has the mandate or none, and that the events happened. "
                strong { "Erased after draw" } ": the student was erased once nobody could change the draw any more; it counts apart. A result never changes." }
            // While nothing is on record the lines say nothing but whom the seed drew.
            details open[audit.all.open < audit.all.drawn] {
                summary { (audit.all.drawn) " students drawn, of " (audit.all.open) " nothing is on record yet" }
            div .scroll tabindex="0" role="region" aria-label="Audit by district" { table .sortable .cards {
                caption { "By district" }
                (head(COLUMNS))
                tbody { @for one in &audit.districts {
                    (row(html! { a href={ "/districts/" (one.district) } { (one.district) } }, &one.counts))
                } (row(html! { "all" }, &audit.all))
                @if let Some(mandates) = &audit.mandates { (row(html! { "for a mandate" }, mandates)) } }
            } }
            }
            p { "The last line counts whom the seed drew for their mandate alone, of all districts together. "
                @if audit.mandates.is_none() { "It is withheld here, as the number of mandates is: it would tell that a district has one." } }
            p { "Who took this round's rows (under pseudonyms, band, mandate, wishes and place of everybody who asked): "
                @if audit.rows_taken.is_empty() { "nobody yet." } @else {
                    @for (at, one) in audit.rows_taken.iter().enumerate() { @if at > 0 { ", " }
                        a href={ "/members#" (one.auditor) } { (one.name) } " (first in " a href={ "/blocks/" (one.first) } { "block " (one.first) }
                        @if one.times > 1 { ", " (one.times) " times, last in " a href={ "/blocks/" (one.newest) } { "block " (one.newest) } } ")" } "." }
                " Besides them the operators of the nodes hold the rows, which execute the round." }
            (exports(&format!("audits-of-round-{id}"), audit.districts.len()))
        }
    }
}

fn row(name: Markup, counts: &Counts) -> Markup {
    let [district, drawn, replayed, confirmed, contradicted, withheld, erased_after, erased_before, open] =
        COLUMNS;
    html! { tr {
        td .n data-label=(district) { (name) }
        td .n data-label=(drawn) { (counts.drawn) }
        td .n data-label=(replayed) { (counts.replayed) }
        td .n data-label=(confirmed) { (counts.confirmed) }
        td .n data-label=(contradicted) { @if counts.contradicted > 0 { strong { (counts.contradicted) } } @else { "0" } }
        td .n data-label=(withheld) { @if counts.withheld > 0 { strong { (counts.withheld) } } @else { "0" } }
        td .n data-label=(erased_after) { @if counts.erased_after_draw > 0 { strong { (counts.erased_after_draw) } } @else { "0" } }
        td .n data-label=(erased_before) { (counts.erased_before_draw) }
        td .n data-label=(open) { (counts.open) }
    } }
}
