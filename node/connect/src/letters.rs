//! Dead letters: messages that became no event, with their reason, until their cause is gone or their time is over.
//!
//! A letter is a row that nobody known is in ([`aula_vault::rows`]): sealed for the district under the key `unassigned`, and dropped
//! after the feed's days. Its key is the message's mark, so that the same message is one letter. Flow: [`keep`] before the sender
//! hears → [`list`] → [`crate::taking::Taking::replay`] enters it and [`remove`] takes it away. Invariant: a letter goes
//! only after its event is on disk.

use aula_ingest::event::Reason;
use aula_twin_runtime::clock::DAY_MS;
use aula_twin_runtime::event::SourceId;
use aula_vault::feeds::{FeedKeys, Once};
use aula_vault::rows::{Custody, NewRow, RowChange, RowTerm, TermSet};
use aula_vault::{Vault, VaultError};
use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

use crate::given::{Form, Given};

/// First byte of letters' keys among the vault's rows.
const LETTER: u8 = b'L';
/// Letters that are read at once.
const PAGE: usize = 1_000;

/// A message that became no event, as it came.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Letter {
    /// The feed's name in config.toml.
    pub feed: String,
    /// [`Reason::name`].
    pub reason: String,
    /// What to look at.
    pub detail: String,
    /// The source's own name of the message, where it could be read.
    pub name: Option<String>,
    /// How it was written.
    pub form: Form,
    /// As they came, for another try.
    pub raw: Vec<u8>,
    /// Who sent it or which file it stood in.
    pub sender: String,
    /// Which message of the request, or which line of the file.
    pub number: u32,
    /// When it was received, milliseconds since 1970.
    pub received_ms: u64,
}

impl Letter {
    /// A letter of a message.
    pub fn of(given: &Given, reason: Reason, detail: &str) -> Self {
        let name = match &given.message {
            Ok(message) => Some(message.name.clone()),
            Err(refusal) => refusal.name.clone(),
        };
        Self {
            feed: given.feed.name.clone(),
            reason: reason.name().into(),
            detail: detail.into(),
            name,
            form: given.form,
            raw: given.raw.to_vec(),
            sender: given.sender.to_string(),
            number: given.number,
            received_ms: given.received_ms,
        }
    }

    /// The mark that it is kept under: its message's, or one of its bytes.
    pub fn mark(&self, keys: &FeedKeys, source: SourceId) -> Once {
        match &self.name {
            Some(name) => keys.mark(source.0, name.as_bytes()).0,
            None => {
                let digest: [u8; 32] = Sha256::digest(&self.raw).into();
                keys.mark(source.0, &[b"bytes ", &digest[..]].concat()).0
            }
        }
    }
}

fn term(vault: &Vault, source: SourceId) -> Result<RowTerm, VaultError> {
    vault.term(&[b"dead letters ", &source.0.to_be_bytes()[..]].concat())
}

fn key(once: &Once) -> Vec<u8> {
    [&[LETTER], &once[..]].concat()
}

/// Keeps letters of one feed; visible on return, on disk with the next synced batch or [`Vault::sync_rows`].
///
/// # Errors
/// A vault that refuses.
pub fn keep(
    vault: &Vault,
    keys: &FeedKeys,
    source: SourceId,
    days: u32,
    letters: &[Letter],
) -> Result<(), VaultError> {
    let term = term(vault, source)?;
    let unwritable = |error: std::io::Error| VaultError::Unwritable(error.to_string());
    let rows = letters.iter().map(|letter| {
        let until = letter.received_ms.saturating_add(u64::from(days).saturating_mul(DAY_MS));
        Ok(NewRow {
            key: key(&letter.mark(keys, source)),
            is_first: false,
            own: Vec::new(),
            custody: Custody::Unassigned(until),
            common: borsh::to_vec(letter).map_err(unwritable)?,
            whole: Vec::new(),
            terms: [term].into_iter().collect(),
            keys: TermSet::default(),
            terms_of: Vec::new(),
            marks: Vec::new(),
        })
    });
    let put = rows.collect::<Result<Vec<_>, VaultError>>()?;
    vault.change_rows(&RowChange { put, ..RowChange::default() })
}

/// Letters of a feed after this mark, at most a thousand, with their marks.
///
/// # Errors
/// A damaged vault.
pub fn page(vault: &Vault, source: SourceId, after: Option<Once>) -> Result<Vec<(Once, Letter)>, VaultError> {
    let from = after.map_or_else(|| vec![LETTER], |once| [key(&once), vec![0]].concat());
    let found = vault.row_keys(Some(&term(vault, source)?), (&from, &[LETTER + 1]), false, PAGE)?;
    let rows = vault.open_rows(None, &found, 0)?;
    let damaged = || VaultError::Damaged("a dead letter is unreadable".into());
    rows.into_iter()
        .map(|row| {
            let once = row.key.get(1..).and_then(|once| once.try_into().ok()).ok_or_else(damaged)?;
            Ok((once, borsh::from_slice(&row.common).map_err(|_| damaged())?))
        })
        .collect()
}

/// Every letter of a feed, with its mark.
///
/// # Errors
/// A damaged vault.
pub fn list(vault: &Vault, source: SourceId) -> Result<Vec<(Once, Letter)>, VaultError> {
    let mut all: Vec<(Once, Letter)> = Vec::new();
    loop {
        let more = page(vault, source, all.last().map(|(once, _)| *once))?;
        let last = more.len() < PAGE;
        all.extend(more);
        if last {
            return Ok(all);
        }
    }
}

/// Takes letters away: on disk on return.
///
/// # Errors
/// A vault that refuses.
pub fn remove(vault: &Vault, marks: &[Once]) -> Result<(), VaultError> {
    let delete = marks.iter().map(key).collect();
    vault.change_rows(&RowChange { delete, ..RowChange::default() })?;
    vault.sync_rows()
}
