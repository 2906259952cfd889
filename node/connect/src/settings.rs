//! Feeds as config.toml names them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aula_district::enter::source_of;
use aula_home::config;
use aula_ingest::event::xapi::{Rules, RulesError};

use crate::given::Feed;

/// Why a feed cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Its file of rules cannot be read.
    #[error("the feed {0}: cannot read {1:?}")]
    Read(String, PathBuf, #[source] std::io::Error),
    /// Its rules are none.
    #[error("the feed {0}")]
    Rules(String, #[source] RulesError),
}

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
        Ok(Arc::new(Self {
            name: feed.name.clone(),
            source: source_of(&feed.name),
            home_page: feed.home_page.clone(),
            rules: Rules::with(&own).map_err(|error| FeedError::Rules(feed.name.clone(), error))?,
            unassigned_days: feed.unassigned_days,
        }))
    }
}
