//! What every request passes: a limit on requests at once, a time limit, counters, and one form of error.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics::{counter, histogram};
use tower_http::catch_panic::CatchPanicLayer;

use super::error::ApiError;
use super::node::Node;

/// Puts the gate in front of the routes.
pub(super) fn guard(routes: Router<Arc<Node>>, node: Arc<Node>) -> Router<Arc<Node>> {
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

async fn answer(node: &Node, request: Request, next: Next) -> Response {
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

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    let hint = "report it with this node's log";
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    ApiError::new(status, "internal", "answering failed inside this program", hint).into_response()
}
