//! What is counted of a source: written with the events that it counts, in the same batch.

use std::collections::BTreeMap;

use aula_vault::{Vault, VaultError};
use serde::{Deserialize, Serialize};

/// A source's note.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The feed's name in config.toml.
    pub feed: String,
    /// Events by kind.
    pub events: BTreeMap<String, u64>,
    /// Messages that came again.
    pub known: u64,
    /// Messages that became no event when they came.
    pub dead_letters: u64,
    /// Events that waited in the cold spool, by kind.
    pub deferred: BTreeMap<String, u64>,
    /// When a message came last, milliseconds since 1970.
    pub last_received_ms: u64,
    /// When the newest event happened, milliseconds since 1970.
    pub newest_event_ms: u64,
}

impl Note {
    /// The note of a source; an empty one for one that never sent.
    ///
    /// # Errors
    /// A vault that cannot be read.
    pub fn of(vault: &Vault, source: u64, feed: &str) -> Result<Self, VaultError> {
        let kept = vault.source_note(source)?;
        let note = kept.map(|json| {
            serde_json::from_slice(&json)
                .map_err(|_| VaultError::Damaged("the note of a source is unreadable".into()))
        });
        Ok(note.transpose()?.unwrap_or_else(|| Self { feed: feed.to_owned(), ..Self::default() }))
    }

    /// As the vault keeps it: JSON.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// How many events.
    pub fn total(&self) -> u64 {
        self.events.values().sum()
    }
}
