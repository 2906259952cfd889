//! The district as its replica speaks to it: over HTTP, with a name and a secret.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use aula_foreign::said::shown;
use aula_home::own_file::{self, OwnFileError};
use aula_ledger::types::SchoolYear;
use aula_lrs::store::StoreError;
use aula_vault::VaultError;
use borsh::{BorshDeserialize, BorshSerialize};
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;

use super::difference::Nonsense;
use super::wire::{Begin, Begun, RefusalBody, TYPE, VERSION};
use crate::door::Lent;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Most bytes of an answer.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Most bytes of a refusal.
const MAX_REFUSAL_BYTES: usize = 64 << 10;
/// Most signs of a refusal's text that are shown or logged, and of its code.
const MAX_SHOWN: (usize, usize) = (300, 40);

/// Why a levelling was cut.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    /// The file that names the district is refused.
    #[error("{0}")]
    File(String),
    /// The network, or the district's node.
    #[error("the district does not answer at {0}")]
    Network(String, #[source] reqwest::Error),
    /// The district refuses.
    #[error("the district refuses ({0} {1}): {2}")]
    Refused(u16, String, String),
    /// What it answers is not what is spoken.
    #[error("the district answers what is not understood")]
    Answer,
    /// What it answers cannot be.
    #[error("the district answers what no set of events gives: {0}")]
    Nonsense(#[from] Nonsense),
    /// Its chain is another.
    #[error("the district's vault belongs to another chain than this home")]
    OtherChain,
    /// The vault here.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The record store here.
    #[error(transparent)]
    Records(#[from] StoreError),
    /// The vault here is with a command.
    #[error(transparent)]
    Closed(#[from] crate::door::Closed),
}

impl From<Lent> for LevelError {
    fn from(why: Lent) -> Self {
        match why {
            Lent::Closed(closed) => closed.into(),
            Lent::Vault(error) => error.into(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    secret: String,
    ca: Option<PathBuf>,
}

/// Speaks to the district.
pub struct District {
    url: String,
    name: String,
    secret: String,
    client: reqwest::Client,
    sent: AtomicU64,
    received: AtomicU64,
    asked: AtomicU64,
}

impl std::fmt::Debug for District {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("District").field("url", &self.url).field("name", &self.name).finish_non_exhaustive()
    }
}

impl District {
    /// The district at `url`, with the replica's name and secret from a file of the operator's alone.
    ///
    /// # Errors
    /// [`LevelError::File`].
    pub fn of(url: &str, file: &Path) -> Result<Self, LevelError> {
        let refused = |why: String| LevelError::File(why);
        let text = own_file::read(file).map_err(|error| match error {
            OwnFileError::Read(_, inner) => refused(format!("cannot read {}: {inner}", file.display())),
            OwnFileError::Open(..) => refused(format!("{error}, and draw a new secret")),
        })?;
        // The parser's own words would quote the secret.
        let own: File = toml::from_str(&text).map_err(|_| {
            refused(format!("{} must have name and secret, and may have ca, as strings", file.display()))
        })?;
        let ca = own.ca.map(|path| {
            let read =
                std::fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            reqwest::Certificate::from_pem(&read)
                .map_err(|error| format!("{} is not a certificate: {error}", path.display()))
        });
        let ca = ca.transpose().map_err(refused)?;
        Self::with(url, (own.name, own.secret), ca)
            .map_err(|error| refused(format!("there is no client: {error}")))
    }

    /// With a name and a secret.
    ///
    /// # Errors
    /// When there is no client to be had.
    pub fn with(
        url: &str,
        (name, secret): (String, String),
        ca: Option<reqwest::Certificate>,
    ) -> Result<Self, reqwest::Error> {
        let mut client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(TIMEOUT);
        if let Some(ca) = ca {
            client = client.add_root_certificate(ca);
        }
        let (sent, received, asked) = Default::default();
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { url, name, secret, client: client.build()?, sent, received, asked })
    }

    pub(super) async fn ask<T: BorshDeserialize>(
        &self,
        word: &str,
        body: &impl BorshSerialize,
    ) -> Result<T, LevelError> {
        let body = borsh::to_vec(body).map_err(|_| LevelError::Answer)?;
        self.asked.fetch_add(1, Relaxed);
        self.sent.fetch_add(body.len() as u64, Relaxed);
        let failed = |error: reqwest::Error| LevelError::Network(self.url.clone(), error.without_url());
        let request = self.client.post(format!("{}/replica/v1/{word}", self.url));
        let request =
            request.basic_auth(&self.name, Some(&self.secret)).header(CONTENT_TYPE, TYPE).body(body);
        let mut answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        let most = if status.is_success() { MAX_ANSWER_BYTES } else { MAX_REFUSAL_BYTES };
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > most {
                return Err(LevelError::Answer);
            }
        }
        self.received.fetch_add(bytes.len() as u64, Relaxed);
        if !status.is_success() {
            let RefusalBody { error } = serde_json::from_slice(&bytes).unwrap_or_default();
            // Whoever answers there writes to this machine's screen and log.
            let (text, code) = (shown(&error.message, MAX_SHOWN.0), shown(&error.code, MAX_SHOWN.1));
            return Err(LevelError::Refused(status.as_u16(), code, text));
        }
        borsh::from_slice(&bytes).map_err(|_| LevelError::Answer)
    }

    /// Begins a levelling: of a year, or of the district's newest roster where none is named. Nothing of an answer is used before it
    /// says that it is of this chain and of that year.
    pub(super) async fn begin(
        &self,
        genesis: [u8; 32],
        (has_vault, roster): (bool, [u8; 32]),
        year: Option<SchoolYear>,
    ) -> Result<Begun, LevelError> {
        let year = year.map(|year| year.0);
        let begun: Begun = self.ask("begin", &Begin { version: VERSION, has_vault, roster, year }).await?;
        if begun.genesis != genesis {
            return Err(LevelError::OtherChain);
        }
        match year.is_none_or(|year| year == begun.year) {
            true => Ok(begun),
            false => Err(LevelError::Answer),
        }
    }

    /// Bytes sent, bytes received, questions so far: bodies alone.
    pub(super) fn counted(&self) -> (u64, u64, u64) {
        (self.sent.load(Relaxed), self.received.load(Relaxed), self.asked.load(Relaxed))
    }
}
