//! Search: what a text may mean. A single answer of a hash or `word number` is listed too, never followed: a page that
//! sends people elsewhere surprises them.

use std::sync::Arc;

use axum::extract::State;
use maud::html;
use serde::Deserialize;

use super::error::Shown;
use super::shell;
use crate::api::{FromQuery, Node};
use crate::read::search::search;

/// What was typed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    q: String,
}

pub(super) async fn show(State(node): State<Arc<Node>>, FromQuery(query): FromQuery<Query>) -> Shown {
    let hits = search(&node.view(), &query.q)?;
    let text: String = query.q.chars().take(200).collect();
    let content = html! {
        h1 { "Search" }
        @if text.trim().is_empty() { p { "Type a height, a hash, an account, a name, or for example \"round 3\", \"district 7\", \"school 11\"." } }
        @else if hits.is_empty() {
            p { "Nothing here is called \"" (text) "\"." }
            p { "A height is a number; a hash has 64 digits of 0-9 and a-f; districts, members and validators are found by a part of their name." }
        } @else {
            p { (hits.len()) @if hits.len() == 1 { " page" } @else { " pages" } " for \"" (text) "\":" }
            ul .hits { @for hit in &hits { li { span .kind { (hit.kind) } " " a href=(hit.href) { (hit.title) } } } }
        }
    };
    Ok(shell::page(&node, "/search", "Search", content))
}
