//! A message as it came, with where it came from.

use std::path::PathBuf;
use std::sync::Arc;

use aula_district::origin;
use aula_ingest::event::xapi::{Rules, RulesError};
use aula_ingest::event::{Message, Reason, Refusal, caliper, frame, line};
use aula_ingest::json;
use aula_lrs::limits::MAX_JSON_DEPTH;
use aula_twin_runtime::event::SourceId;
use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;

/// Why a feed cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Its file of rules cannot be read.
    #[error("the feed {0}: cannot read {1:?}")]
    Read(String, PathBuf, #[source] std::io::Error),
    /// Its rules for statements are not valid.
    #[error("the feed {0}")]
    Rules(String, #[source] RulesError),
    /// Its rules for Caliper are not valid.
    #[error("the feed {0}")]
    Caliper(String, #[source] caliper::RulesError),
}

/// A feed as the pipeline knows it.
#[derive(Debug)]
pub struct Feed {
    /// What the operator calls it.
    pub name: String,
    /// Its number in places of events, from its name.
    pub source: SourceId,
    /// The home page of students' accounts in statements.
    pub home_page: String,
    /// What statements mean.
    pub rules: Rules,
    /// What Caliper's events mean.
    pub caliper: caliper::Rules,
    /// How long a message that became no event is kept, days.
    pub unassigned_days: u32,
}

impl Feed {
    /// A feed of this name that speaks no statements.
    ///
    /// # Errors
    /// Never for the rules of this program.
    pub fn plain(name: &str) -> Result<Self, FeedError> {
        let refused = |error| FeedError::Rules(name.to_owned(), error);
        let refused_too = |error| FeedError::Caliper(name.to_owned(), error);
        Ok(Self {
            name: name.to_owned(),
            source: aula_district::enter::source_of(name),
            home_page: String::new(),
            rules: Rules::built_in().map_err(refused)?,
            caliper: caliper::Rules::built_in().map_err(refused_too)?,
            unassigned_days: 90,
        })
    }
}

/// How a message was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Form {
    /// A binary frame.
    Frame,
    /// A line of JSON.
    Line,
    /// An xAPI statement.
    Statement,
    /// An event of Caliper, as its envelope had it.
    Caliper,
}

/// Where a message came from; sealed beside its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The source's own name of the message.
    pub name: String,
    /// When it was received, milliseconds since 1970.
    pub received_ms: u64,
    /// The feed's name in config.toml.
    pub feed: String,
    /// Who sent it or which file it stood in.
    pub sender: Arc<str>,
    /// Which message of the request, or which line of the file, from 1.
    pub number: u32,
}

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Given {
    /// The feed that it came by, which decides what is made of it.
    pub feed: Arc<Feed>,
    /// How it was written.
    pub form: Form,
    /// As they came, not decoded.
    pub raw: Bytes,
    /// Who sent it or which file it stood in.
    pub sender: Arc<str>,
    /// Which message of the request, or which line of the file, from 1.
    pub number: u32,
    /// When it was received, milliseconds since 1970.
    pub received_ms: u64,
    /// What it says.
    pub message: Result<Message, Refusal>,
}

impl Given {
    /// Reads a message's bytes; none when its rule says that it is no event.
    pub fn read(
        feed: &Arc<Feed>,
        form: Form,
        raw: Bytes,
        (sender, number): (&Arc<str>, u32),
        received_ms: u64,
    ) -> Option<Self> {
        let message = match form {
            Form::Frame => frame::decode(&raw).map(Some),
            Form::Line => line::decode(&raw).map(Some),
            Form::Statement => match json::parse(&raw, MAX_JSON_DEPTH) {
                Ok(statement) => feed.rules.message(&statement, &feed.home_page, received_ms),
                Err(why) => Err(Refusal::new(None, Reason::Refused, why.to_string())),
            },
            Form::Caliper => match serde_json::from_slice(&raw) {
                Ok(event) => feed.caliper.message(&event, &feed.home_page),
                Err(_) => Err(Refusal::new(None, Reason::Refused, "it is not JSON")),
            },
        };
        Self::of(feed, form, raw, (sender, number), received_ms, message)
    }

    /// A message that was read already; none when its rule says that it is no event.
    pub fn of(
        feed: &Arc<Feed>,
        form: Form,
        raw: Bytes,
        (sender, number): (&Arc<str>, u32),
        received_ms: u64,
        message: Result<Option<Message>, Refusal>,
    ) -> Option<Self> {
        let (feed, sender) = (feed.clone(), sender.clone());
        let message = message.transpose()?;
        Some(Self { feed, form, raw, sender, number, received_ms, message })
    }

    /// Its origin, for whoever traces the event.
    pub fn origin(&self, name: &str) -> Vec<u8> {
        origin::encode(name, self.received_ms, &self.feed.name, &self.sender, self.number)
    }
}

impl Origin {
    /// Reads the bytes of [`origin::encode`]; none for an event of before imports told theirs.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (name, received_ms, feed, sender, number): (String, u64, String, String, u32) =
            borsh::from_slice(bytes).ok()?;
        Some(Self { name, received_ms, feed, sender: sender.into(), number })
    }
}
