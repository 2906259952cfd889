//! What every request passes: the cache, limits by caller, its body read, a permit among those served at once, a time
//! limit, counters, compression, and one form of error.
//!
//! Invariants: a permit is taken after the body was read, so nobody holds one by sending slowly, and held until the work that was begun
//! for it is done, whether or not the client is still there ([`places`]); questions about the node's health and submissions have
//! permits of their own, so that no number of readers silences either.

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aula_ledger::params::MAX_TRANSACTION_BYTES;
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics::{counter, histogram};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use tracing::field::Empty;

use super::access::admit;
use super::cache::{Kept, Lifetime, MAX_ANSWER_BYTES, lifetime};
use super::callers::Callers;
use super::connections::share;
use super::credential::HEADER;
use super::gzip;
use super::node::Node;
use super::places;
use crate::api_error::ApiError;

/// Puts the gate in front of the routes, and behind it the one rule who may ask what.
pub fn gated(routes: Router<Arc<Node>>, node: Arc<Node>) -> Router<Arc<Node>> {
    routes
        .route_layer(from_fn_with_state(node.clone(), admit))
        .fallback(|| async { ApiError::not_found("no such route", "see /openapi.json") })
        .method_not_allowed_fallback(|method: Method| async move {
            let message = format!("this route does not take {method}");
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message, "see /openapi.json")
        })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(node, pass))
}

async fn pass(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let start = Instant::now();
    let method = known(request.method());
    let span =
        tracing::debug_span!(target: "aula_trace", "request", method, route = route.as_str(), status = Empty);
    let mut response = answer(&node, request, next).instrument(span.clone()).await;
    span.record("status", u64::from(response.status().as_u16()));
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let status = response.status().as_u16().to_string();
    counter!("aula_http_requests_total", "route" => route.clone(), "status" => status).increment(1);
    histogram!("aula_http_request_seconds", "route" => route).record(start.elapsed().as_secs_f64());
    response
}

/// A method's name, where the standard has it: what a caller makes up is told nobody.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

/// The answer from the cache, or from the route and then kept.
async fn answer(node: &Node, mut request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    let is_read = is_head || request.method() == Method::GET;
    let is_public = !request.headers().contains_key(HEADER);
    let gzip = is_public && gzip::is_wanted(request.headers());
    let lifetime = if is_read && is_public { lifetime(request.uri().path()) } else { None };
    let Some(lifetime) = lifetime else {
        let response = served(node, request, next).await;
        return if is_read && gzip && !is_head { gzip::compressed(response).await } else { response };
    };
    let key = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let height = node.view().tip().height.0;
    let asked = request.headers().clone();
    let response = match node.cache.find(&key, height) {
        Some(kept) => given(&kept, &asked, gzip),
        None => {
            // A head is that of the whole answer, its tag and length included: so the whole is made, and kept.
            *request.method_mut() = Method::GET;
            let response = served(node, request, next).await;
            keep(node, key, lifetime, height, (&asked, gzip), response).await
        }
    };
    if is_head { without_body(response) } else { response }
}

/// The head of an answer, with the length that its body has.
fn without_body(mut response: Response) -> Response {
    if let Some(length) = response.body().size_hint().exact()
        && response.status() != StatusCode::NOT_MODIFIED
    {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response.map(|_| Body::empty())
}

/// Gives a kept answer, or 304 to who has it.
fn given(kept: &Kept, asked: &HeaderMap, gzip: bool) -> Response {
    let (headers, body) = kept.form(gzip);
    let known = kept.is_known(asked);
    let (status, body) =
        if known { (StatusCode::NOT_MODIFIED, Body::empty()) } else { (StatusCode::OK, Body::from(body)) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Keeps a route's answer if the chain did not move while it was made.
async fn keep(
    node: &Node,
    key: String,
    lifetime: Lifetime,
    height: u64,
    (asked, gzip): (&HeaderMap, bool),
    response: Response,
) -> Response {
    let short = response.body().size_hint().upper().is_some_and(|bytes| bytes <= MAX_ANSWER_BYTES as u64);
    if response.status() != StatusCode::OK || !short {
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_ANSWER_BYTES).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let kept = Arc::new(Kept::new(parts.headers, body, lifetime, height));
    let still = node.view().tip().height.0 == height && node.index.height() >= height;
    if still || lifetime == Lifetime::Final {
        node.cache.keep(key, kept.clone());
    }
    given(&kept, asked, gzip)
}

/// What a request is for, which says whose permits it takes and which rate it counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// Whether this node is alive and well: never kept out by what others ask.
    Health,
    Submission,
    Reading,
}

impl Purpose {
    fn of(request: &Request) -> Self {
        match request.uri().path() {
            "/acting" | "/healthz" | "/readyz" | "/metrics" => Self::Health,
            _ if *request.method() == Method::POST => Self::Submission,
            _ => Self::Reading,
        }
    }
}

/// The route's answer, within the limits.
async fn served(node: &Node, request: Request, next: Next) -> Response {
    let purpose = Purpose::of(&request);
    let caller = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(from)| from.ip());
    let callers = match purpose {
        Purpose::Health => None,
        Purpose::Submission => Some(&node.submitters),
        Purpose::Reading => Some(&node.callers),
    };
    if let Some(refusal) = caller.zip(callers).and_then(|(caller, callers)| over_rate(callers, caller)) {
        return refusal;
    }
    // After the caller's own: one that asks too much takes nothing of what the others may ask.
    if callers.is_some()
        && let Some(refusal) = over_quota(node, purpose)
    {
        return refusal;
    }
    let request = match with_body(node, caller, request).await {
        Ok(request) => request,
        Err(error) => return error.into_response(),
    };
    let permits = match purpose {
        Purpose::Health => &node.health,
        Purpose::Submission => &node.submissions,
        Purpose::Reading => &node.requests,
    };
    let Ok(place) = permits.clone().try_acquire_owned() else {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let hint = "try again in a second";
        return ApiError::new(status, "busy", "this node answers as many requests as it may", hint)
            .into_response();
    };
    let limit = Duration::from_millis(node.limits.request_timeout_ms);
    match tokio::time::timeout(limit, places::within(place, next.run(request))).await {
        Ok(response) => response,
        Err(_) => {
            let message = format!("no answer within {} ms", limit.as_millis());
            let status = StatusCode::GATEWAY_TIMEOUT;
            ApiError::new(status, "timeout", message, "ask for less, or try again later").into_response()
        }
    }
}

/// The request with its whole body in memory. Only submissions have one; that of another request is not waited for.
async fn with_body(node: &Node, caller: Option<IpAddr>, request: Request) -> Result<Request, ApiError> {
    if *request.method() != Method::POST {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let limit = usize::try_from(MAX_TRANSACTION_BYTES).unwrap_or(usize::MAX);
    let bytes = node.bodies.read(caller, body, limit).await?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// A refusal when the caller asks more than it may.
fn over_rate(callers: &Callers, caller: IpAddr) -> Option<Response> {
    let wait = callers.ask(share(caller), Instant::now()).err()?;
    let message = format!("{caller} asks more than this node answers one caller");
    Some(too_many(wait, "too_many_requests", message))
}

/// A refusal when all callers together ask more than the district may have answered. Submissions have a share of their own, as they have
/// permits: what the district itself sends waits for no reader.
fn over_quota(node: &Node, purpose: Purpose) -> Option<Response> {
    let wait = node.tenant.ask(purpose, Instant::now()).err()?;
    let tenant = node.quotas.tenant.clone();
    counter!("aula_quota_refused_total", "tenant" => tenant, "quota" => "requests").increment(1);
    Some(too_many(wait, "over_quota", "this district is asked more than its share of this machine".into()))
}

fn too_many(wait: Duration, code: &str, message: String) -> Response {
    let hint = "wait as long as Retry-After says; answers that are cached for a height are not counted";
    let mut response = ApiError::new(StatusCode::TOO_MANY_REQUESTS, code, message, hint).into_response();
    let seconds = wait.as_secs().saturating_add(1);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    let hint = "report it with this node's log";
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    ApiError::new(status, "internal", "answering failed inside this program", hint).into_response()
}
