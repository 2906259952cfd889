//! The HTTP of the standard over axum.
//!
//! Flow of a request: who asks → the body within its bounds → which version → the alternate syntax of 1.0.3 → the resource → an
//! answer with the version, and errors as `{"error": …}`. What waits for the disk runs on threads that may block. Mount
//! [`router`] under any path: `more` links follow it.

mod about;
mod answer;
mod asked;
mod documents;
mod statements;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use tokio::sync::Semaphore;

use crate::clients::{Client, Clients, Leave, Need};
use crate::desk::Desk;
use crate::json::Json;
use crate::limits::{MAX_BODY_BYTES, MAX_FORM_BYTES, MAX_REQUESTS, REQUEST_TIMEOUT_S};
use crate::version::Version;
use answer::{Answer, Fault};
use asked::Asked;

/// What the routes serve.
pub struct Service {
    desk: Desk,
    clients: RwLock<Arc<Clients>>,
    /// The home page of the accounts that clients are, in the authority of statements.
    home_page: String,
    /// What an answer says to a request that names no version, of a client who has spoken none yet.
    unversioned: Version,
    /// The version that each client spoke last.
    spoken: RwLock<BTreeMap<String, Version>>,
    places: Arc<Semaphore>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Service")
    }
}

impl Service {
    /// A service for these clients. `home_page` is an IRI that names the store, `unversioned` what answers say to
    /// requests without a version.
    pub fn new(desk: Desk, clients: Clients, home_page: impl Into<String>, unversioned: Version) -> Self {
        Self {
            desk,
            clients: RwLock::new(Arc::new(clients)),
            home_page: home_page.into(),
            unversioned,
            spoken: RwLock::default(),
            places: Arc::new(Semaphore::new(MAX_REQUESTS)),
        }
    }

    /// Replaces the clients; requests that are being served go on.
    pub fn set_clients(&self, clients: Clients) {
        *self.clients.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(clients);
    }

    /// What answers requests once HTTP is off them: for whoever feeds it without a request.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Answers a request; may wait for the disk.
    fn answer(&self, asked: Asked) -> Answer {
        let named = asked.header(crate::version::HEADER).and_then(Version::parse);
        let version = named.or_else(|| self.spoken_by(&asked)).unwrap_or(self.unversioned);
        let (is_head, path) = (asked.method == Method::HEAD, asked.path.clone());
        let answer = match path.as_str() {
            "/about" => about::about(&asked),
            _ => self.answer_known(asked),
        };
        let mut answer = answer.unwrap_or_else(Answer::from);
        answer.set(crate::version::HEADER, answer.version.unwrap_or(version).header());
        answer.is_head = is_head;
        answer
    }

    /// Most bytes of a body that are read before anything else of a request is: all that a client may send, as much as a
    /// form with credentials in it needs (1.0.3's other syntax), and nothing of a stranger's.
    fn most_of(&self, parts: &Parts) -> Option<usize> {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        if parts.uri.path() == "/about" {
            return Some(MAX_FORM_BYTES);
        }
        let Some(authorization) = header("authorization") else {
            let query = parts.uri.query().unwrap_or_default();
            let form = parts.method == Method::POST && query.starts_with("method=");
            return form.then_some(MAX_FORM_BYTES);
        };
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner).clone();
        clients.known(authorization).map(|_| MAX_BODY_BYTES)
    }

    /// What is said to a stranger.
    fn stranger(&self, parts: &Parts) -> Answer {
        let named = parts.headers.get(crate::version::HEADER).and_then(|value| value.to_str().ok());
        let version = named.and_then(Version::parse).unwrap_or(self.unversioned);
        let mut answer = Answer::from(Fault::Stranger);
        answer.set(crate::version::HEADER, version.header());
        answer.is_head = parts.method == Method::HEAD;
        answer
    }

    /// The version that this client spoke last: a refusal of a request without one is in the client's own.
    fn spoken_by(&self, asked: &Asked) -> Option<Version> {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner).clone();
        let client = clients.known(asked.header("authorization")?)?;
        self.spoken.read().unwrap_or_else(PoisonError::into_inner).get(&client.name).copied()
    }

    fn note_spoken(&self, client: &str, version: Version) {
        let known = self.spoken.read().unwrap_or_else(PoisonError::into_inner).get(client).copied();
        if known != Some(version) {
            self.spoken.write().unwrap_or_else(PoisonError::into_inner).insert(client.to_owned(), version);
        }
    }

    fn answer_known(&self, asked: Asked) -> Result<Answer, Fault> {
        let asked = asked.plain()?;
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner).clone();
        let client = asked.header("authorization").and_then(|header| clients.known(header));
        let client = client.ok_or(Fault::Stranger)?;
        let version = asked
            .header(crate::version::HEADER)
            .ok_or(Fault::bad("the header X-Experience-API-Version is missing: send 1.0.3 or 2.0.0"))?;
        let version =
            Version::parse(version).ok_or(Fault::bad("X-Experience-API-Version is 1.0.x or 2.0.x"))?;
        self.note_spoken(&client.name, version);
        if asked.is_alternate && version == Version::Two {
            return Err(Fault::bad("2.0 has no alternate request syntax: send the method itself"));
        }
        let at = Here { service: self, client, version };
        let answer = match asked.path.as_str() {
            "/statements" => statements::serve(&at, &asked),
            "/activities/state" => documents::state(&at, &asked),
            "/activities/profile" => documents::activity_profile(&at, &asked),
            "/agents/profile" => documents::agent_profile(&at, &asked),
            "/activities" => about::activity(&at, &asked),
            "/agents" => about::agent(&at, &asked),
            _ => Err(Fault::NotFound("no such resource".into())),
        };
        let mut answer = answer.unwrap_or_else(Answer::from);
        answer.version = Some(version);
        Ok(answer)
    }
}

/// Who asks, of whom, in which version.
struct Here<'a> {
    service: &'a Service,
    client: &'a Client,
    version: Version,
}

impl Here<'_> {
    fn may(&self, need: Need) -> Result<Leave, Fault> {
        match self.client.may(need) {
            Leave::None => Err(Fault::Forbidden),
            leave => Ok(leave),
        }
    }

    fn reader(&self) -> crate::store::Reader<'_> {
        crate::store::Reader::Client(&self.client.name)
    }

    /// The client as an agent.
    fn authority(&self) -> Json {
        let account = Json::object([
            ("homePage", Json::text(&self.service.home_page)),
            ("name", Json::text(&self.client.name)),
        ]);
        Json::object([("objectType", Json::text("Agent")), ("account", account)])
    }
}

/// The routes of the standard.
pub fn router(service: Arc<Service>) -> Router {
    let mut router = Router::new();
    for path in [
        "/about",
        "/statements",
        "/activities",
        "/activities/state",
        "/activities/profile",
        "/agents",
        "/agents/profile",
    ] {
        router = router.route(path, any(serve));
    }
    router.with_state(service)
}

async fn serve(State(service): State<Arc<Service>>, original: OriginalUri, request: Request) -> Response {
    let limit = Duration::from_secs(REQUEST_TIMEOUT_S);
    let Ok(place) = service.places.clone().try_acquire_owned() else {
        return Answer::from(Fault::Busy("too many requests at once".into())).into_response();
    };
    let (parts, body) = request.into_parts();
    let Some(most) = service.most_of(&parts) else { return service.stranger(&parts).into_response() };
    let read = tokio::time::timeout(limit, axum::body::to_bytes(body, most)).await;
    let body = match read {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Answer::from(Fault::TooLarge(most)).into_response(),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT),
    };
    let asked = match Asked::new(parts, original.0.path(), body) {
        Ok(asked) => asked,
        Err(fault) => return Answer::from(fault).into_response(),
    };
    let answered = tokio::task::spawn_blocking(move || {
        let _place = place;
        service.answer(asked)
    });
    match answered.await {
        Ok(answer) => answer.into_response(),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn plain(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
