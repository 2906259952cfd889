//! Feeds as config.toml names them, each with its rules read from the file that it names.

use std::path::Path;
use std::sync::Arc;

use aula_district::enter::source_of;
use aula_home::config;
use aula_home::config::FeedKind;
use aula_ingest::event::caliper;
use aula_ingest::event::xapi::Rules;

use crate::given::{Feed, FeedError};

impl Feed {
    /// The feed that config.toml names so, with its rules.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn of(feed: &config::Feed) -> Result<Arc<Self>, FeedError> {
        let read = |path: &Path| {
            let text = std::fs::read_to_string(path);
            text.map_err(|error| FeedError::Read(feed.name.clone(), path.to_owned(), error))
        };
        let own = feed.rules.as_deref().map(read).transpose()?.unwrap_or_default();
        // One file of rules a feed, in the language of its kind.
        let (statements, caliper) = match feed.kind {
            FeedKind::Caliper => ("", own.as_str()),
            _ => (own.as_str(), ""),
        };
        let of_caliper = |error| FeedError::Caliper(feed.name.clone(), error);
        Ok(Arc::new(Self {
            name: feed.name.clone(),
            source: source_of(&feed.name),
            home_page: feed.home_page.clone(),
            rules: Rules::with(statements).map_err(|error| FeedError::Rules(feed.name.clone(), error))?,
            caliper: caliper::Rules::with(caliper).map_err(of_caliper)?,
            unassigned_days: feed.unassigned_days,
        }))
    }
}
