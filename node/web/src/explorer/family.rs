//! The families' pages: one for everybody, where a file that the district handed over is checked in the reader's own
//! browser, and one that a district's link opens, about one student and nobody else.
//!
//! A file never leaves the browser: there is no upload. Nothing is looked up by a handle, so that nobody learns here
//! whether a student has one. A link is checked on every request ([`Node::family`]); its token is in no log (routes are
//! counted by their pattern), no cache keeps its answers, and no page it opens sends it on (`Referrer-Policy`).

use std::sync::Arc;

use aula_ledger::access::{AccessEntry, Verdict};
use aula_ledger::types::RoundId;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::assets;
use super::error::Shown;
use super::shell;
use super::verify;
use super::words::{explained, word};
use crate::api::allocation_bundle;
use crate::api::vault::Reads;
use crate::api_error::ApiError;
use crate::http::{FromPath, Node};
use crate::pages;
use crate::read::family::{OwnDecision, decisions};
use crate::read::utc;

/// Reads shown on a family's page.
const MAX_READS: usize = 100;
/// What no cache may keep.
const PRIVATE: HeaderValue = HeaderValue::from_static("no-store, private");

/// The page of a link: the decisions on its student.
pub(super) async fn opened(State(node): State<Arc<Node>>, FromPath(token): FromPath<String>) -> Shown {
    let link = node.family(&token)?;
    let Ok(_permit) = node.exports.clone().try_acquire_owned() else { return Err(busy().into()) };
    let reader = node.clone();
    let (year, student) = (link.school_year, (link.district, link.handle));
    let found = tokio::task::spawn_blocking(move || decisions(&reader.view(), year, student)).await;
    let found = found.map_err(|_| busy())??;
    // The vault may be in use, or another node's: then the page says so, and the decisions stand all the same.
    let reads = crate::api::vault::reads(node.clone(), link.clone()).await;
    let content = html! {
        h1 { "Your child's decisions" }
        p .lead { "School year " (link.school_year) ", district " (link.district) ". This page is about one student; whoever has its address "
            "can read it until " (utc(link.expires_ms)) " UTC, or until the district revokes it." }
        @if found.is_empty() { p { "No decision on a request of this student is on the ledger." } }
        @for one in &found { (decision(&token, one)) }
        (looked(reads))
        p { "What another need band or other wishes would have brought exactly, your district computes by solving the round again." }
        (explained(&["round", "price", "optimal", "mandate", "final"]))
    };
    let mut page = shell::page(&node, "/family", "Your child's decisions", content);
    page.headers_mut().insert(header::CACHE_CONTROL, PRIVATE);
    Ok(page)
}

/// Who looked at the child's record, for what and on which basis, newest first.
fn looked(reads: Result<Reads, ApiError>) -> Markup {
    html! {
        section #reads {
            h2 { "Who looked at your child's record" }
            p { "Each look is listed before anything is given, a refused one too; the log's fingerprint stands on this ledger, so that no line can be changed or taken out unseen." }
            @match reads {
                Err(_) => p { "This node cannot show it at this moment. Try again in a minute, or ask your district." },
                Ok(reads) => {
                    @if reads.entries.is_empty() { p { "Nobody so far." } }
                    ul .list { @for entry in reads.entries.iter().rev().take(MAX_READS) { li {
                        (utc(entry.time_ms.0)) " UTC: " (entry.reader) " as " (entry.role)
                        @if let Some(relation) = &entry.relation { " " (relation.explain()) }
                        ", for " (entry.purpose)
                        @if let Some(basis) = entry.basis { " (" (basis.name()) ", " (basis.explain()) ")" } ": "
                        @match entry.verdict {
                            Verdict::Granted => { "was given " (fields(entry)) },
                            Verdict::Denied(denial) => { "asked for " (fields(entry)) " and was refused: " (denial.explain()) },
                        }
                        @if entry.number < reads.anchored { "." } @else { " (not on the ledger yet)." }
                    } } }
                    @if reads.entries.len() > MAX_READS { p { "And " (reads.entries.len() - MAX_READS) " older ones, which the district lists." } }
                }
            }
        }
    }
}

fn fields(entry: &AccessEntry) -> String {
    entry.fields.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn decision(token: &str, one: &OwnDecision) -> Markup {
    html! {
        section {
            h2 { (one.title) }
            p { strong { (one.decided) } @if !one.stands { " This decision no longer stands: a later one took its place, or it was taken back." } }
            p { (one.asked) }
            h3 { "Why" }
            p { (one.why) }
            p { "Decided in " a href={ "/blocks/" (one.height) } { "block " (one.height) } ", in " a href={ "/rounds/" (one.round) } { "round " (one.round) } "." }
            (verify::panel(&pages::DECISIONS, format!("{token}/{}", one.round)))
        }
    }
}

/// The bundle behind a decision, for the page of a link.
pub(super) async fn bundle(
    State(node): State<Arc<Node>>,
    FromPath((token, round)): FromPath<(String, u32)>,
) -> Result<Response, ApiError> {
    let link = node.family(&token)?;
    let mut answer = allocation_bundle(&node, RoundId(round), (link.district, link.handle)).await?;
    answer.headers_mut().insert(header::CACHE_CONTROL, PRIVATE);
    Ok(answer.into_response())
}

fn busy() -> ApiError {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    ApiError::new(status, "busy", "as many pages of this kind as may are being made", "try again in a moment")
}

pub(super) async fn show(State(node): State<Arc<Node>>) -> Shown {
    let content = html! {
        h1 { "For families" }
        p .lead { "Why did my child get this place, or none? Your district can give you a file about your child's decision and about nobody else's. "
            "Here your own browser checks it: that the decision stands on the ledger, that it follows from what was requested, and that at the "
            (word("price", "prices")) " of this " (word("round", "round")) " no other place was better." }
        section .verify aria-label="Check a file" data-verifier=(assets::address("aula_verifier.wasm")) data-genesis="/v1/genesis" {
            p { label for="file" { "The district's file" } " " input #file .verify-file type="file" accept=".bundle,.aula,application/octet-stream"; }
            p { button type="button" .verify-button { "Check the file" } " It stays in this browser: it is not sent anywhere." }
            div .verdict role="status" aria-live="polite" {}
        }
        script type="module" src=(assets::address("verify.mjs")) {}
        h2 { "What you can ask your district" }
        ul {
            li { "The file about the decision. " (word("withheld", "Nobody else's")) " data is in it." }
            li { "What would have changed it: another need band, other wishes. The district computes it exactly, by solving the round again." }
            li { "Who looked at your child's record, for what, and on which legal basis: each look is in a log whose fingerprint stands on this ledger." }
        }
        h2 { "If something is wrong" }
        p { "A decision can be taken back by the consortium; the history stays. The school or district is where to object, and a file that fails here is evidence." }
        (explained(&["round", "price", "withheld", "optimal", "mandate", "final"]))
    };
    Ok(shell::page(&node, "/family", "For families", content))
}
