//! Rounds and votes as a feed, for readers of feeds: Atom (RFC 4287) and JSON Feed 1.1, the same entries, newest first.

use std::sync::Arc;

use aula_ledger::types::Height;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::html;
use serde_json::json;

use aula_read::{proposals, rounds};
use aula_store::ChainView;
use aula_web::api_error::ApiError;
use aula_web::http::AppState;

/// Entries of a feed.
const ENTRIES: usize = 40;

/// Something that happened.
struct Entry {
    /// Unique on this chain, for good.
    name: String,
    title: String,
    text: String,
    path: String,
    /// In which block, and its time.
    height: Height,
    time_ms: u64,
}

fn entries(view: &ChainView) -> Result<Vec<Entry>, ApiError> {
    let at = |height: Height| -> Result<Option<u64>, ApiError> {
        // A pruned node has no header of an old block: then there is no entry of it.
        Ok(view.header(height)?.map(|header| header.time_ms.0))
    };
    let mut found = Vec::new();
    for round in rounds::all(view)?.into_iter().rev().take(ENTRIES) {
        let (id, title) = (round.round, &round.title);
        let path = format!("/rounds/{id}");
        let mut tell = |what: &str, height: Height, time_ms: Option<u64>, text: String| {
            if let Some(time_ms) = time_ms {
                let (name, title) = (format!("round-{id}-{what}"), format!("Round {id}, {title}: {what}"));
                found.push(Entry { name, title, text, path: path.clone(), height, time_ms });
            }
        };
        tell("opened", round.opened, Some(round.opened_ms.0), format!("School year {}.", round.school_year));
        if let Some(decision) = &round.decision {
            let said = |n: Option<u32>| n.map_or_else(|| "withheld".to_owned(), |n| n.to_string());
            let asked = format!(
                "{}Students asked: {}; placed: {}; waiting: {}. {}.",
                if round.stands() { "" } else { "This decision no longer stands. " },
                said(decision.requests),
                said(decision.placed),
                said(decision.waitlisted),
                if decision.optimal { "Proved optimal" } else { "Proved within its gap" }
            );
            tell("decided", decision.height, at(decision.height)?, asked);
        }
        if let Some(height) = round.reverted_at {
            let text = "Its decision no longer stands; its places are free.".to_owned();
            tell("reverted", height, at(height)?, text);
        }
    }
    for line in proposals::lines(view)?.into_iter().rev().take(ENTRIES) {
        let id = line.record.proposal;
        let Some(time_ms) = at(line.record.proposed)? else { continue };
        found.push(Entry {
            name: format!("proposal-{id}"),
            title: format!("Proposal {id}: {}", line.what),
            text: format!("By {}; {}.", line.proposer_name, line.standing),
            path: format!("/proposals#proposal-{id}"),
            height: line.record.proposed,
            time_ms,
        });
    }
    found.sort_by(|one, other| (other.height, &other.name).cmp(&(one.height, &one.name)));
    found.truncate(ENTRIES);
    Ok(found)
}

/// A moment as RFC 3339 has it.
fn rfc3339(time_ms: u64) -> String {
    format!("{}Z", aula_read::utc(time_ms).replace(' ', "T"))
}

/// A name that is this chain's alone (RFC 4151 wants a date: that of the first version).
fn tag(chain: &str, name: &str) -> String {
    format!("tag:aula.invalid,2026:{chain}/{name}")
}

pub(super) async fn atom(State(node): State<Arc<AppState>>) -> Result<Response, ApiError> {
    let (entries, chain) = (entries(&node.view())?, node.genesis.chain_id.to_string());
    let updated = entries.first().map_or(0, |entry| entry.time_ms);
    let feed = html! {
        feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en" {
            title { "Rounds and votes of " (chain) }
            id { (tag(&chain, "feed")) }
            updated { (rfc3339(updated)) }
            author { name { "Aula" } }
            (link("self", "/feed.atom"))
            @for entry in &entries { entry {
                title { (entry.title) }
                id { (tag(&chain, &entry.name)) }
                updated { (rfc3339(entry.time_ms)) }
                (link("alternate", &entry.path))
                content type="text" { (entry.text) }
            } }
        }
    };
    let body = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{}", feed.into_string());
    Ok(([(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], body).into_response())
}

/// A link closed as XML wants it, which HTML does not.
fn link(rel: &str, href: &str) -> maud::PreEscaped<String> {
    let href = html! { (href) }.into_string();
    maud::PreEscaped(format!("<link rel=\"{rel}\" href=\"{href}\"/>"))
}

pub(super) async fn json_feed(State(node): State<Arc<AppState>>) -> Result<Response, ApiError> {
    let (entries, chain) = (entries(&node.view())?, node.genesis.chain_id.to_string());
    let items: Vec<_> = entries
        .iter()
        .map(|entry| {
            json!({ "id": tag(&chain, &entry.name), "title": entry.title, "content_text": entry.text, "url": entry.path,
                    "date_published": rfc3339(entry.time_ms) })
        })
        .collect();
    let feed = json!({ "version": "https://jsonfeed.org/version/1.1", "title": format!("Rounds and votes of {chain}"),
        "home_page_url": "/", "feed_url": "/feed.json", "language": "en", "items": items });
    Ok(([(header::CONTENT_TYPE, "application/feed+json")], feed.to_string()).into_response())
}
