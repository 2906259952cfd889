//! What every request passes: the cache, a limit on reads by caller, a limit on requests at once, a time limit,
//! counters, and one form of error.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics::{counter, histogram};
use tower_http::catch_panic::CatchPanicLayer;

use super::cache::{Kept, Lifetime, MAX_ANSWER_BYTES, lifetime};
use super::credential::HEADER;
use super::node::Node;
use crate::api_error::ApiError;

/// Puts the gate in front of the routes.
pub(crate) fn guard(routes: Router<Arc<Node>>, node: Arc<Node>) -> Router<Arc<Node>> {
    routes
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
    let mut response = answer(&node, request, next).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let status = response.status().as_u16().to_string();
    counter!("aula_http_requests_total", "route" => route.clone(), "status" => status).increment(1);
    histogram!("aula_http_request_seconds", "route" => route).record(start.elapsed().as_secs_f64());
    response
}

/// The answer from the cache, or from the route and then kept.
async fn answer(node: &Node, request: Request, next: Next) -> Response {
    let lifetime = match *request.method() {
        Method::GET if !request.headers().contains_key(HEADER) => lifetime(request.uri().path()),
        _ => None,
    };
    let Some(lifetime) = lifetime else { return served(node, request, next).await };
    let key = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let height = node.view().tip().height.0;
    if let Some(kept) = node.cache.find(&key, height) {
        return given(&kept, request.headers());
    }
    let asked = request.headers().clone();
    let response = served(node, request, next).await;
    keep(node, key, lifetime, height, &asked, response).await
}

/// Gives a kept answer, or 304 to who has it.
fn given(kept: &Kept, asked: &HeaderMap) -> Response {
    let known = kept.is_known(asked);
    let (status, body) = if known {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(kept.body.clone()))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = kept.headers.clone();
    response
}

/// Keeps a route's answer if the chain did not move while it was made.
async fn keep(
    node: &Node,
    key: String,
    lifetime: Lifetime,
    height: u64,
    asked: &HeaderMap,
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
    given(&kept, asked)
}

/// The route's answer, within the limits.
async fn served(node: &Node, request: Request, next: Next) -> Response {
    if let Some(refusal) = over_rate(node, &request) {
        return refusal;
    }
    let Ok(_permit) = node.requests.try_acquire() else {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return ApiError::new(
            status,
            "busy",
            "this node answers as many requests as it may",
            "try again in a second",
        )
        .into_response();
    };
    let limit = Duration::from_millis(node.limits.request_timeout_ms);
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message = format!("no answer within {} ms", limit.as_millis());
            let status = StatusCode::GATEWAY_TIMEOUT;
            ApiError::new(status, "timeout", message, "ask for less, or try again later").into_response()
        }
    }
}

/// A refusal when the caller reads more than it may. Submissions have the pool's own limits by account.
fn over_rate(node: &Node, request: &Request) -> Option<Response> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let ConnectInfo(caller) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let wait = node.callers.ask(caller.ip(), Instant::now()).err()?;
    let seconds = wait.as_secs().saturating_add(1);
    let message = format!("{} reads more than this node answers one caller", caller.ip());
    let hint = "wait as long as Retry-After says; answers that are cached for a height are not counted";
    let mut response =
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message, hint).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    Some(response)
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    let hint = "report it with this node's log";
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    ApiError::new(status, "internal", "answering failed inside this program", hint).into_response()
}
