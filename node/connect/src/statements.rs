//! Statements of the record store as messages of a feed.
//!
//! The store keeps every valid statement, whoever its actor is; what the feed's rules make of it enters the vault before the
//! client hears. A client that hears nothing sends again, the store keeps the statement once and hands it on again, and its event
//! is one all the same.

use std::sync::Arc;

use aula_home::clock::now_ms;
use aula_ingest::event::xapi::Tree;
use aula_lrs::desk::{Heard, Listener, Tell, Turn};
use aula_lrs::json::Json;
use aula_lrs::store::StoreError;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::RETRY_AFTER;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::given::{Feed, Form, Given};
use crate::pipeline::{Busy, Pipeline};

/// Hands statements on.
#[derive(Debug)]
pub struct Statements {
    feed: Arc<Feed>,
    pipeline: Arc<Pipeline>,
}

impl Statements {
    /// To this pipeline, by the rules of this feed.
    pub fn new(feed: Arc<Feed>, pipeline: Arc<Pipeline>) -> Self {
        Self { feed, pipeline }
    }

    /// Whose turn it is to write, of all desks over this vault.
    pub fn turn(&self) -> &Turn {
        self.pipeline.turn()
    }

    /// The store's routes, where nothing is written while the vault has its share of the disk: 507 with Retry-After. The store writes
    /// before the pipeline hears.
    pub fn with_room(self: &Arc<Self>, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self.pipeline.clone(), while_there_is_room))
    }
}

async fn while_there_is_room(
    State(pipeline): State<Arc<Pipeline>>,
    request: Request,
    next: Next,
) -> Response {
    // The standard's other way to ask is a POST that says what it is, and nothing beside it: whatever else has the word in it writes.
    let plain = ["method=GET", "method=HEAD", "method=DELETE"];
    let reads = *request.method() == Method::POST
        && request.uri().query().is_some_and(|query| plain.contains(&query));
    let writes = [Method::POST, Method::PUT].contains(request.method()) && !reads;
    if writes && let Err(over) = pipeline.room() {
        tracing::debug!(%over, "statements are not taken in");
        let (status, seconds) = Busy::Over.told();
        return (status, [(RETRY_AFTER, seconds.to_string())], Busy::Over.to_string()).into_response();
    }
    next.run(request).await
}

impl Listener for Statements {
    fn hear(&self, statements: &[Heard<'_>], client: &str) -> Tell {
        let (sender, now): (Arc<str>, u64) = (Arc::from(client), now_ms());
        let read = |(number, heard): (u32, &Heard<'_>)| {
            let message = self.feed.rules.message(Parsed(heard.statement), &self.feed.home_page, now);
            // Only what was sent without an identifier is written anew.
            let raw = heard.raw.cloned().unwrap_or_else(|| Bytes::from(heard.statement.to_string()));
            Given::of(&self.feed, Form::Statement, raw, (&sender, number), now, message)
        };
        let given: Vec<Given> = (1..).zip(statements).filter_map(read).collect();
        let pipeline = self.pipeline.clone();
        Box::new(move || {
            let done = pipeline.submit_and_wait(given);
            done.map(|_| ()).map_err(|busy| StoreError::Busy(busy.to_string()))
        })
    }
}

/// A statement as the store has parsed it.
#[derive(Clone, Copy)]
struct Parsed<'a>(&'a Json);

impl<'a> Tree<'a> for Parsed<'a> {
    fn get(self, key: &str) -> Option<Self> {
        self.0.get(key).map(Self)
    }

    fn text(self) -> Option<&'a str> {
        self.0.as_text()
    }

    fn boolean(self) -> Option<bool> {
        if let Json::Bool(value) = self.0 { Some(*value) } else { None }
    }

    fn number(self) -> Option<f64> {
        if let Json::Number(number) = self.0 { number.as_str().parse().ok() } else { None }
    }

    fn items(self) -> impl Iterator<Item = Self> {
        self.0.as_array().unwrap_or(std::slice::from_ref(self.0)).iter().map(Self)
    }

    fn values(self) -> impl Iterator<Item = Self> {
        self.0.as_object().into_iter().flat_map(|members| members.iter()).map(|(_, value)| Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_ingest::event::xapi::Rules;

    #[test]
    fn a_parsed_statement_is_the_message_that_its_text_is() -> Result<(), Box<dyn std::error::Error>> {
        let own = include_str!("../../ingest/vectors/xapi_rules.toml");
        let rules = Rules::with(own)?;
        let vectors = include_str!("../../ingest/vectors/events.jsonl");
        let mut seen = 0;
        for line in vectors.lines() {
            let vector: serde_json::Value = serde_json::from_str(line)?;
            let Some(statement) = vector.get("message").filter(|_| vector["form"] == "xapi") else {
                continue;
            };
            seen += 1;
            let text = statement.to_string();
            let parsed = aula_lrs::json::read(text.as_bytes())?;
            for home_page in ["https://sis.example.org", "https://elsewhere.example.org"] {
                let by_text = rules.message(statement, home_page, 1_780_000_000_000);
                let by_tree = rules.message(Parsed(&parsed), home_page, 1_780_000_000_000);
                assert_eq!(format!("{by_text:?}"), format!("{by_tree:?}"), "{text}");
            }
        }
        assert!(seen >= 15, "{seen} statements among the vectors");
        Ok(())
    }
}
