//! The explorer: one page that shows blocks and rounds, served by every node beside the API.
//!
//! Rendered on the server, so that it reads without JavaScript; a small script of our own then follows
//! `/v1/stream`. Everything comes from this origin (the content policy says so to the browser), assets are part
//! of the program. What it shows passes [`crate::api::publish`], as every public answer does.
//!
//! Absent: the full explorer with a page for each thing, search and verification in the browser (later).

mod page;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use maud::Markup;
use rust_embed::Embed;

use crate::api::{ApiError, Node};

#[derive(Embed)]
#[folder = "src/explorer/assets"]
struct Assets;

/// What a page may load: this origin only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The pages and their assets.
pub fn routes() -> Router<Arc<Node>> {
    Router::new().route("/", get(overview)).route("/assets/{name}", get(asset))
}

async fn overview(State(node): State<Arc<Node>>) -> Result<Response, ApiError> {
    Ok(html(page::overview(&node)?))
}

fn html(markup: Markup) -> Response {
    let policy = (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    ([policy, (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], Html(markup.into_string()))
        .into_response()
}

async fn asset(Path(name): Path<String>) -> Result<Response, ApiError> {
    let found = Assets::get(&name);
    let file = found.ok_or_else(|| ApiError::not_found("no such asset", "start at the page /"))?;
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "application/octet-stream",
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, file.data.into_owned()).into_response())
}
