//! Validators with their uptime and missed rounds.

use std::sync::Arc;

use aula_ledger::state::schema;
use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::misbehaviour;
use super::shell::{self, percent, register, whole};
use super::table::{head, number, text};
use super::verify;
use super::words::{explained, word};
use aula_read::uptime::uptime;
use aula_read::words::grouped;
use aula_read::{utc, waiting};
use aula_web::http::AppState;
use aula_web::pages;

pub(super) async fn list(State(node): State<Arc<AppState>>) -> Shown {
    let known = uptime(&node.view(), &node.index)?;
    let waiting = waiting::lines(&node.view())?;
    let (records, infos) = (schema::misbehaviours(&*node.view())?, schema::validator_infos(&*node.view())?);
    let columns @ [name, votes, share, signed, expected, proposed, missed, last, address] = [
        text("Name"),
        number("Votes"),
        number("Signed, share"),
        number("Signed"),
        number("To sign"),
        number("Proposed"),
        number("Missed rounds"),
        number("Last signed"),
        text("Address"),
    ];
    let candidates @ [candidate, admitted, until, stands, key] =
        [text("Name"), number("Admitted in block"), text("Ready until"), text("Standing"), text("Address")];
    let content = html! {
        h1 { "Validators" }
        p .lead {
            "A " (word("validator", "validator")) " checks and signs blocks. A block is done when more than two thirds have signed, so a signature that "
            "came late is not in its certificate: a share below 100 % is not downtime by itself. A missed round is one in which it was this "
            "validator's turn to propose and nothing was decided."
        }
        (verify::panel(&pages::VALIDATORS, ""))
        p { "The state of the ledger proves who the validators are and what their votes weigh. The counts of signatures are this node's, from the "
            "certificates of all blocks. Counted up to height " (known.height) ". Rounds that decided nothing, in all: " (known.failed_rounds) "." }
        div .scroll tabindex="0" role="region" aria-label="Validators" { table .sortable .cards {
            caption { (known.validators.len()) " validators" }
            (head(columns))
            tbody { @for one in &known.validators { tr id=(one.address) {
                td .wide data-label=(name) data-proof={ "validator-" (one.address) ".name" } data-value=(one.name) { (one.name) }
                td .n data-label=(votes) data-proof={ "validators." (one.address) ".power" } data-value=(one.power) { (one.power) @if one.power == 0 { " (left)" } }
                td .n data-label=(share) { (one.signed_ppm.map_or_else(|| "–".to_owned(), percent)) }
                td .n data-label=(signed) { (grouped(one.signed)) }
                td .n data-label=(expected) { (grouped(one.expected)) }
                td .n data-label=(proposed) { (grouped(one.proposed)) }
                td .n data-label=(missed) { (grouped(one.missed_rounds)) }
                td .n data-label=(last) { a href={ "/blocks/" (one.last_signed) } { (one.last_signed) } }
                td .wide data-label=(address) { (whole(&one.address)) }
            } } }
        } }
        (register(&pages::VALIDATORS, known.validators.len()))
        (misbehaviour::on_record(&records, &infos))
        (misbehaviour::passed_over(&node.network.delays(), &infos))
        @if !waiting.is_empty() {
            h2 { "Admitted, not ready yet" }
            p { "A vote admitted these nodes. They follow, and vote two heights after they have said themselves that they are ready: a silent one must not stop the chain." }
            div .scroll tabindex="0" role="region" aria-label="Not ready yet" { table .cards {
                (head(candidates))
                tbody { @for one in &waiting { tr {
                    td .wide data-label=(candidate) { (one.record.name) }
                    td .n data-label=(admitted) { a href={ "/blocks/" (one.record.admitted) } { (one.record.admitted) } }
                    td data-label=(until) { (utc(one.ready_until_ms.0)) }
                    td .wide data-label=(stands) { (one.words()) }
                    td .wide data-label=(key) { (whole(&one.record.address)) }
                } } }
            } }
        }
        (explained(&["validator", "final", "block"]))
    };
    Ok(shell::page(&node, &pages::VALIDATORS, content))
}
