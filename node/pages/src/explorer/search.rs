//! Search: what a text may mean. A single answer of a hash or `word number` is listed too, never followed: a page that
//! sends people elsewhere surprises them.

use std::sync::Arc;

use axum::extract::State;
use maud::html;
use serde::Deserialize;

use super::error::Shown;
use super::shell;
use aula_read::search::search;
use aula_web::http::{AppState, FromQuery};
use aula_web::pages;

/// What was typed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    q: String,
}

pub(super) async fn show(State(node): State<Arc<AppState>>, FromQuery(query): FromQuery<Query>) -> Shown {
    let hits = search(&node.view(), &query.q)?;
    let text: String = query.q.chars().take(200).collect();
    let content = html! {
        h1 { "Search" }
        @if text.trim().is_empty() { p { "Type a height, a hash, an account, a name, or for example \"round 3\", \"district 7\", \"school 11\"." } }
        @else if hits.is_empty() {
            p .lead { "Nothing here is called \"" (text) "\"." }
            p { (understood(text.trim())) }
            ul {
                li { "A number alone may be a block, round, district, school or pool; with its word before it, only that: \"round 3\", \"school 11\"." }
                li { "A hash has 64 digits of 0-9 and a-f; an account or a validator's address 40." }
                li { "Districts, classes, members and validators are found by a part of their name." }
                li { "A student is never found here: the " a href="/family" { "families' page" } " says how a family gets its own decision." }
            }
        } @else {
            p { (understood(text.trim())) " " (hits.len()) @if hits.len() == 1 { " page" } @else { " pages" } " for \"" (text) "\":" }
            ul .hits { @for hit in &hits { li { span .kind { (hit.kind) } " " a href=(hit.href) { (hit.title) } } } }
        }
    };
    Ok(shell::page(&node, &pages::SEARCH, content))
}

/// As what the text was looked up, in a sentence.
fn understood(text: &str) -> String {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (word, number) = text.rsplit_once([' ', '-', '#']).unwrap_or(("", text));
    match text.len() {
        _ if digits => "Read as a number: of a block, round, district, school or pool.".into(),
        64 if hex => "Read as a hash: of a block or transaction, or a student's handle.".into(),
        40 if hex => "Read as the address of an account or validator.".into(),
        _ if !word.is_empty() && number.parse::<u64>().is_ok() => {
            format!("Read as {} number {number}, and as a name.", word.trim())
        }
        _ => "Read as a part of a name.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::understood;

    #[test]
    fn what_was_typed_is_read_as_it_is_looked_up() {
        assert!(understood("17").starts_with("Read as a number"));
        assert!(understood(&"ab".repeat(32)).starts_with("Read as a hash"));
        assert!(understood(&"ab".repeat(20)).starts_with("Read as the address"));
        assert_eq!(understood("round 3"), "Read as round number 3, and as a name.");
        assert_eq!(understood("node-0x"), "Read as a part of a name.");
    }
}
