//! Statements of the record store as messages of a feed.
//!
//! The store keeps every valid statement, whoever its actor is; what the feed's rules make of it enters the vault before the
//! client hears. A client that hears nothing sends again, the store keeps the statement once and hands it on again, and its event
//! is one all the same.

use std::sync::Arc;

use aula_home::clock::now_ms;
use aula_lrs::desk::Listener;
use aula_lrs::store::StoreError;
use bytes::Bytes;

use crate::given::{Feed, Form, Given};
use crate::pipeline::Pipeline;

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
}

impl Listener for Statements {
    fn taken(&self, statements: Vec<String>, client: &str) -> Result<(), StoreError> {
        let (sender, now): (Arc<str>, u64) = (Arc::from(client), now_ms());
        let read = |(number, text): (u32, String)| {
            Given::read(&self.feed, Form::Statement, Bytes::from(text), (&sender, number), now)
        };
        let given: Vec<Given> = (1..).zip(statements).filter_map(read).collect();
        let done = self.pipeline.submit_and_wait(given);
        done.map(|_| ()).map_err(|busy| StoreError::Busy(busy.to_string()))
    }
}
