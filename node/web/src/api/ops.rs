//! For whoever watches the node: alive, ready, and figures for Prometheus.

use std::sync::Arc;

use aula_api::operation::{Acting, Healthy, Ready};
use aula_api::paths;
use aula_home::clock::now_ms;
use aula_ledger::execute::time::MAX_AHEAD_MS;
use aula_ledger::state::schema;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use metrics::gauge;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

use crate::api_error::{ApiError, ErrorBody};
use crate::http::{AppState, Signing};

/// Upper bounds of the histograms' buckets, in seconds: a read takes under a millisecond, a block up to seconds.
const BUCKETS_S: [f64; 12] = [0.000_2, 0.000_5, 0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Starts recording metrics in this process.
///
/// # Errors
/// When a recorder was installed before.
pub fn install_metrics() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().set_buckets(&BUCKETS_S)?.install_recorder()?;
    metrics::describe_gauge!("aula_height", "last final block");
    metrics::describe_gauge!(
        "aula_tip_timestamp_seconds",
        metrics::Unit::Seconds,
        "time of the last final block, in seconds since 1970 UTC"
    );
    metrics::describe_gauge!(
        "aula_clock_ahead_seconds",
        metrics::Unit::Seconds,
        "how far the last final block's time is ahead of this node's clock, 0 when it is not"
    );
    metrics::describe_gauge!("aula_state_damaged", "1 when this node found its own state damaged, else 0");
    metrics::describe_gauge!("aula_validators", "validators in the set of the next block");
    metrics::describe_gauge!("aula_build_info", "always 1; the label says the program's version");
    metrics::describe_gauge!("aula_peers", "connected peers, followers among them");
    metrics::describe_gauge!("aula_validators_connected", "other validators that are connected");
    metrics::describe_gauge!("aula_waiting_transactions", "transactions that wait to be in a block");
    metrics::describe_gauge!("aula_waiting_bytes", metrics::Unit::Bytes, "bytes of waiting transactions");
    metrics::describe_gauge!(
        "aula_oldest_waiting_seconds",
        metrics::Unit::Seconds,
        "age of the oldest transaction that a block could hold, 0 when none waits"
    );
    metrics::describe_gauge!(
        "aula_passed_over_accounts",
        "accounts whose next transaction three blocks in a row or more left out though they had room"
    );
    metrics::describe_gauge!(
        "aula_misbehaving_validators",
        "validators against whom the ledger holds evidence, those who left among them"
    );
    metrics::describe_gauge!("aula_streams_open", "open WebSocket streams");
    metrics::describe_gauge!("aula_validator", "1 when this node's key is in the validator set, else 0");
    metrics::describe_gauge!("aula_signing", "1 while this node signs votes, else 0");
    metrics::describe_counter!(
        "aula_http_connections_refused_total",
        "connections closed because every other one had a request"
    );
    metrics::describe_counter!(
        "aula_http_connections_evicted_total",
        "connections without a request that were closed for a new one"
    );
    metrics::describe_counter!(
        "aula_quota_refused_total",
        "requests, exports and messages beyond the district's shares, by tenant and quota"
    );
    metrics::describe_counter!("aula_http_requests_total", "requests by route and status");
    metrics::describe_counter!(
        "aula_credentials_refused_total",
        "requests whose credential is missing or does not open the route, by class of route"
    );
    metrics::describe_histogram!(
        "aula_http_request_seconds",
        metrics::Unit::Seconds,
        "time to answer by route"
    );
    metrics::describe_gauge!("aula_dashboards_open", "sockets of students' dashboards that are open");
    metrics::describe_counter!(
        "aula_dashboards_refused_total",
        "sockets of dashboards that a page of another site asked for"
    );
    metrics::describe_histogram!(
        "aula_dashboard_delta_bytes",
        metrics::Unit::Bytes,
        "size of a message with a dashboard's changes"
    );
    metrics::describe_histogram!(
        "aula_dashboard_delta_seconds",
        metrics::Unit::Seconds,
        "time from a change to the message that brings it to a dashboard"
    );
    Ok(handle)
}

/// The process answers
#[utoipa::path(get, path = paths::HEALTHZ, tag = "operation", responses((status = 200, body = Healthy)))]
pub async fn healthz() -> Json<Healthy> {
    Json(Healthy { healthy: true })
}

/// Whether this node's home does its district's work: it is in no pair, or it acts
#[utoipa::path(get, path = paths::ACTING, tag = "operation",
    responses((status = 200, body = Acting), (status = 503, body = ErrorBody)))]
pub async fn acting(State(node): State<Arc<AppState>>) -> Result<Json<Acting>, ApiError> {
    node.acted()?;
    Ok(Json(Acting { acting: true }))
}

/// With nothing to do there is a block a second; a tip older than this says that something is wrong.
const CURRENT_MS: u64 = 60_000;

/// Whether the last block is at most a minute old, the state whole, the clock not behind the chain, and, of a validator, votes are signed
#[utoipa::path(get, path = paths::READYZ, tag = "operation",
    responses((status = 200, body = Ready), (status = 503, body = ErrorBody)))]
pub async fn readyz(State(node): State<Arc<AppState>>) -> Result<Json<Ready>, ApiError> {
    if let Signing::Silent(why) = node.signing()? {
        let message = format!("this node's key is a validator's, and it signs nothing: {why}");
        let hint = "see `aula status` and the node's log for what to do";
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_signing", message, hint));
    }
    if let Some(damage) = node.network.damage() {
        let hint = "stop the node and run `aula replay`, or fetch the chain again from the peers";
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "state_damaged", damage, hint));
    }
    if let Some(why) = node.network.unproven() {
        let hint =
            "wait while it fetches the chain; `aula start` ends with what to do where it is the wrong one";
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_proven", why, hint));
    }
    match node.network.ahead_of_clock_ms() {
        Some(ahead) if ahead > MAX_AHEAD_MS => {
            let message = format!("the last final block is {ahead} ms ahead of this node's clock");
            let hint =
                "set this machine's clock by NTP; if it is right, ask the validators' operators about theirs";
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "clock_behind", message, hint));
        }
        Some(_) => {}
        None => {
            let hint = "set this machine's clock";
            let message = "this node's clock cannot be read";
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "no_clock", message, hint));
        }
    }
    let tip = node.view().tip();
    let age_ms = now_ms().saturating_sub(tip.time_ms.0);
    if age_ms > CURRENT_MS {
        let message = format!("the last final block, {}, is {} s old", tip.height, age_ms / 1000);
        let hint = "wait if this node is catching up; else look whether two thirds of the validators are up";
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_current", message, hint));
    }
    Ok(Json(Ready { height: tip.height, ready: true }))
}

/// Figures in Prometheus's text form
#[utoipa::path(get, path = paths::METRICS, tag = "operation",
    responses((status = 200, content_type = "text/plain", body = String)))]
pub async fn metrics(State(node): State<Arc<AppState>>) -> impl IntoResponse {
    let (transactions, bytes) = node.network.waiting();
    let open = node.limits.max_streams.saturating_sub(node.streams.available_permits());
    let tip = node.view().tip();
    gauge!("aula_height").set(as_f64(tip.height.0));
    gauge!("aula_tip_timestamp_seconds").set(as_f64(tip.time_ms.0) / 1_000.0);
    if let Some(ahead_ms) = node.network.ahead_of_clock_ms() {
        gauge!("aula_clock_ahead_seconds").set(as_f64(ahead_ms) / 1_000.0);
    }
    gauge!("aula_state_damaged").set(f64::from(u8::from(node.network.damage().is_some())));
    gauge!("aula_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge!("aula_peers").set(as_f64(node.network.peers() as u64));
    if let Some(connected) = node.network.validators_connected() {
        gauge!("aula_validators_connected").set(as_f64(connected as u64));
    }
    gauge!("aula_waiting_transactions").set(as_f64(transactions as u64));
    gauge!("aula_waiting_bytes").set(as_f64(bytes as u64));
    let delays = node.network.delays();
    gauge!("aula_oldest_waiting_seconds").set(as_f64(delays.oldest_waiting_ms.unwrap_or(0)) / 1_000.0);
    gauge!("aula_passed_over_accounts").set(as_f64(delays.passed_over.len() as u64));
    if let Ok(records) = schema::misbehaviours(&*node.view()) {
        gauge!("aula_misbehaving_validators").set(as_f64(records.len() as u64));
    }
    gauge!("aula_streams_open").set(as_f64(open as u64));
    if let Ok(schedule) = schema::validator_schedule(&*node.view()) {
        gauge!("aula_validators").set(as_f64(schedule.next.validators().len() as u64));
    }
    let signing = node.signing().unwrap_or(Signing::Follows);
    gauge!("aula_signing").set(f64::from(u8::from(signing == Signing::Signs)));
    let is_validator = matches!(signing, Signing::Signs | Signing::Silent(_));
    gauge!("aula_validator").set(f64::from(u8::from(is_validator)));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], node.metrics.render())
}

/// Prometheus knows floats only; figures above 2^53 do not occur.
#[expect(clippy::cast_precision_loss, reason = "monitoring figures")]
const fn as_f64(value: u64) -> f64 {
    value as f64
}
