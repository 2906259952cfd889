//! What talks to a node: its HTTP API ([`Client`]), an account's transactions ([`sender`]), what became of them ([`watch`]),
//! and what must not be sent twice whatever dies in between ([`outbox`]).
//!
//! An error is a sentence, and knows the next step ([`aula_home::NextStep`]).

mod error;
pub mod outbox;
pub mod sender;
mod transport;
pub mod watch;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aula_api::chain::Status;
use aula_api::paths;
use aula_api::transactions::{Submitted, TransactionStatus};
use aula_api::{CREDENTIAL_HEADER, ErrorBody};
use aula_home::clock::now_ms;
use aula_home::{OTHER_VERSION, with_causes};
use aula_ledger::credential::{Claim, Credential, Scope};
use aula_ledger::tx::TransactionId;
use aula_ledger::types::{AccountId, Hash};
use ed25519_dalek::SigningKey;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;

pub use error::ClientError;

/// How long a credential made for one request lives, in milliseconds.
const CREDENTIAL_MS: u64 = 300_000;

/// Whose account asks, when rows are asked for.
#[derive(Clone)]
struct Caller {
    genesis: Hash,
    account: AccountId,
    key: SigningKey,
    scope: Scope,
}

/// A node's API at one origin.
#[derive(Clone)]
pub struct Client {
    origin: String,
    http: reqwest::Client,
    authority: Option<PathBuf>,
    caller: Option<Caller>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the node at `origin`, for example `http://127.0.0.1:8480`.
    ///
    /// # Errors
    /// When the origin is not an http or https URL.
    pub fn new(origin: &str) -> Result<Self, ClientError> {
        Self::trusting(origin, None)
    }

    /// The same, trusting the certificate authorities of a PEM file too.
    ///
    /// # Errors
    /// As [`Self::new`], and when the file cannot be used.
    pub fn trusting(origin: &str, authority: Option<&Path>) -> Result<Self, ClientError> {
        let http = transport::connect(origin, authority)?;
        let (origin, authority) = (origin.trim_end_matches('/').to_owned(), authority.map(Path::to_owned));
        Ok(Self { origin, http, authority, caller: None })
    }

    /// A client of another node that trusts the same authorities, and shows nobody's credential.
    ///
    /// # Errors
    /// As [`Self::trusting`].
    pub fn elsewhere(&self, origin: &str) -> Result<Self, ClientError> {
        Self::trusting(origin, self.authority.as_deref())
    }

    /// The same client that signs a credential of this scope for each request.
    pub fn signed_by(&self, genesis: Hash, account: AccountId, key: SigningKey, scope: Scope) -> Self {
        Self { caller: Some(Caller { genesis, account, key, scope }), ..self.clone() }
    }

    /// The node's origin.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// GET, as a value or a typed body. `path` starts with `/v1/`.
    ///
    /// # Errors
    /// The node's own sentence and hint, or that it cannot be reached.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let bytes = self.get_bytes(path).await?;
        serde_json::from_slice(&bytes).map_err(|e| {
            let what = format!("something else than expected: {e}");
            self.bad_answer(what, OTHER_VERSION)
        })
    }

    /// GET, none when the node answers 404.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ClientError> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// GET of bytes: a bundle, the genesis.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let response = self.send(self.request(Method::GET, path)).await?;
        Ok(response.bytes().await.map_err(|e| self.unreachable(&e))?.to_vec())
    }

    /// GET of bytes from a node that nobody needs to trust: no more than `most` are read.
    ///
    /// # Errors
    /// As [`Self::get`], and when there are more.
    pub async fn get_at_most(&self, path: &str, most: usize) -> Result<Vec<u8>, ClientError> {
        let mut response = self.send(self.request(Method::GET, path)).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|e| self.unreachable(&e))? {
            if bytes.len().saturating_add(piece.len()) > most {
                let what = format!("more than {most} bytes");
                return Err(self.bad_answer(what, "ask another node"));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// Submits a transaction's canonical bytes; gives its id.
    ///
    /// # Errors
    /// The refusal with its number, or that the node cannot be reached.
    pub async fn submit(&self, bytes: Vec<u8>) -> Result<TransactionId, ClientError> {
        let response = self.send(self.submission(bytes)).await?;
        let accepted: Submitted = response.json().await.map_err(|e| self.unreachable(&e))?;
        Ok(accepted.id)
    }

    /// Waits until a transaction is in a block, at most `limit`.
    ///
    /// # Errors
    /// When it is not by then, or the node cannot be reached.
    pub async fn wait_final(
        &self,
        id: &TransactionId,
        limit: Duration,
    ) -> Result<TransactionStatus, ClientError> {
        let start = tokio::time::Instant::now();
        loop {
            let state: TransactionStatus = self.get(&paths::transaction(id)).await?;
            if state.height.is_some() {
                return Ok(state);
            }
            if start.elapsed() > limit {
                let late = format!("transaction {id} is {} after {} s", state.status, limit.as_secs());
                return Err(ClientError::NotFinal(late));
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Where the node is.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.get(paths::STATUS).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.origin));
        match &self.caller {
            Some(caller) => request.header(CREDENTIAL_HEADER, caller.credential().to_string()),
            None => request,
        }
    }

    /// What hands a transaction's canonical bytes over.
    fn submission(&self, bytes: Vec<u8>) -> RequestBuilder {
        self.request(Method::POST, paths::TRANSACTIONS)
            .header("content-type", "application/octet-stream")
            .body(bytes)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|e| self.unreachable(&e))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        Err(self.refusal(status, &response.bytes().await.unwrap_or_default()))
    }

    /// What a body says that is not a success.
    fn refusal(&self, status: StatusCode, body: &[u8]) -> ClientError {
        match serde_json::from_slice::<ErrorBody>(body) {
            Ok(ErrorBody { error }) => ClientError::Refused(error),
            Err(_) => self.bad_answer(status.to_string(), "check that the URL is an Aula node's"),
        }
    }

    fn bad_answer(&self, what: String, hint: &'static str) -> ClientError {
        ClientError::BadAnswer { origin: self.origin.clone(), what, hint }
    }

    fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        let kind = if error.is_timeout() { "did not answer in time" } else { "cannot be reached" };
        let through = transport::through(&self.origin);
        // The outermost words repeat the URL.
        let why = error.source().map(|cause| format!(": {}", with_causes(cause))).unwrap_or_default();
        ClientError::Unreachable { origin: self.origin.clone(), what: format!("{kind}{through}{why}") }
    }
}

impl Caller {
    fn credential(&self) -> Credential {
        let claim = Claim {
            genesis: self.genesis,
            account: self.account,
            expires_ms: now_ms().saturating_add(CREDENTIAL_MS),
            scope: self.scope.clone(),
        };
        Credential::sign(&claim, &self.key)
    }
}
