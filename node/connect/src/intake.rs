//! What both HTTP listeners of messages stand on: the feed, who may send to it, and how many requests at once.

use std::sync::{Arc, PoisonError, RwLock};

use aula_lrs::clients::{Client, Clients, Leave, Need};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::given::Feed;
use crate::pipeline::{Pipeline, RETRY_S, ROOM_S};

/// Requests that are read or wait at once; more are told 503.
const MAX_REQUESTS: usize = 256;

/// A feed that is served.
#[derive(Debug)]
pub struct Intake {
    pub(crate) feed: Arc<Feed>,
    pub(crate) pipeline: Arc<Pipeline>,
    clients: RwLock<Clients>,
    places: Semaphore,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    pub(crate) dry_run: u8,
}

/// How a client says who it is, and what one is told who does not.
pub(crate) type Known = (for<'a> fn(&'a Clients, &str) -> Option<&'a Client>, &'static str);

/// After how many seconds to send again what is refused with this status; none where that does not help.
pub(crate) fn retry_s(status: StatusCode) -> Option<u64> {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_S),
        StatusCode::INSUFFICIENT_STORAGE => Some(ROOM_S),
        _ => None,
    }
}

impl Intake {
    /// A feed with its clients.
    pub fn new(feed: Arc<Feed>, pipeline: Arc<Pipeline>, clients: Clients) -> Self {
        Self { feed, pipeline, clients: RwLock::new(clients), places: Semaphore::new(MAX_REQUESTS) }
    }

    /// Takes other clients from now on.
    pub fn set_clients(&self, clients: Clients) {
        *self.clients.write().unwrap_or_else(PoisonError::into_inner) = clients;
    }

    /// A place for a request; none when all are taken.
    pub(crate) fn place(&self) -> Result<SemaphorePermit<'_>, (StatusCode, &'static str)> {
        self.places.try_acquire().map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "too many requests at once"))
    }

    /// The name of who asks, if that one may send.
    pub(crate) fn sender(
        &self,
        headers: &HeaderMap,
        (known, unknown): Known,
    ) -> Result<Arc<str>, (StatusCode, &'static str)> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        let client = known(&clients, header).ok_or((StatusCode::UNAUTHORIZED, unknown))?;
        match client.may(Need::WriteStatements) {
            Leave::None => Err((StatusCode::FORBIDDEN, "the client lacks the scope statements/write")),
            Leave::All | Leave::Mine => Ok(Arc::from(client.name.as_str())),
        }
    }
}
