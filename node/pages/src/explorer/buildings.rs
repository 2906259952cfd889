//! Buildings that districts anchored, and the estate of this node's own district where it shows one.

use std::sync::Arc;

use aula_api::paths;
use aula_ledger::state::schema;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse};
use maud::html;

use super::error::{PageError, Shown};
use super::shell::{self, short};
use super::table::{head, number, text};
use super::words::{explained, word};
use aula_read::words::grouped;
use aula_web::http::AppState;
use aula_web::pages;

/// The estate's page brings its style with it and loads nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn list(State(node): State<Arc<AppState>>) -> Shown {
    let view = node.view();
    let mut lines = Vec::new();
    for district in schema::districts(&*view)? {
        if let Some(estate) = schema::estate(&*view, district.id)? {
            lines.extend(
                estate.buildings.into_iter().map(|one| (district.id, district.name.to_string(), one)),
            );
        }
    }
    let columns @ [place, title, building, version, rows, root, anchored, proof] = [
        number("District"),
        text("Name"),
        text("Building"),
        number("Version"),
        number("Rows"),
        text("Root"),
        number("Anchored in"),
        text("Proof"),
    ];
    let content = html! {
        h1 { "Buildings" }
        @if node.estate().is_some() {
            p .lead { a href="/buildings/plan" { "The estate of this node's district" }
                ": its rooms, how they are used through the week, the load of today against the plan, and what is to come." }
        } @else {
            p .lead { "The node of a district may show its rooms and their use. This one shows none." }
        }
        p { "What a district says of a building is " (word("anchor", "anchored")) " as one root over its rooms, closures and meters: none of them is on the ledger, and a row that is shown can be checked against the root." }
        div .scroll tabindex="0" role="region" aria-label="Buildings" { table .sortable .cards {
            caption { (lines.len()) " buildings" }
            (head(columns))
            tbody { @for (district, name, one) in &lines { tr {
                td .n data-label=(place) { a href={ "/districts/" (district) } { (district) } }
                td data-label=(title) { (name) }
                td data-label=(building) { (one.building) }
                td .n data-label=(version) { (one.version) }
                td .n data-label=(rows) { (grouped(one.head.leaf_count)) }
                td data-label=(root) { (short(&one.head.root.to_string())) }
                td .n data-label=(anchored) { a href={ "/blocks/" (one.at.height) } { (one.at.height) } }
                td data-label=(proof) { a href=(paths::evidence_estate(district)) { "bundle" } }
            } } @if lines.is_empty() { tr { td colspan=(columns.len()) { "None has been anchored yet." } } } }
        } }
        (explained(&["anchor"]))
    };
    Ok(shell::page(&node, &pages::BUILDINGS, content))
}

pub(super) async fn plan(State(node): State<Arc<AppState>>) -> Shown {
    let missing = || PageError::missing("estate".to_owned(), &pages::BUILDINGS);
    let page = node.estate().ok_or_else(missing)?;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok((headers, Html(page.to_string())).into_response())
}
