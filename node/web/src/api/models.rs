//! `/v1/models/DIGEST`: the bytes of a fitted model that the twins' parameters name.
//!
//! The ledger holds the digest; whoever folds twins needs the model. A node serves what lies in its home's `models/`, of digests
//! that a version on the ledger names, and only if the file has that digest. Nobody has to believe it: who fetches checks again.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use aula_api::paths;
use aula_ledger::state::schema;
use aula_ledger::types::Hash;
use aula_read::ReadError;
use aula_twin_runtime::model::{MAX_MODEL_BYTES, Model};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api_error::{ApiError, ErrorBody};
use crate::http::places::blocking;
use crate::http::{AppState, FromPath};

/// A fitted model's bytes, for folding twins; at most 64 MiB
#[utoipa::path(get, path = paths::MODEL, tag = "chain",
    params(("digest" = String, Path)),
    responses((status = 200, description = "the model's canonical bytes: their digest is SHA-256 of `aula/twin/model/v1` and them",
        content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub async fn model(
    State(node): State<Arc<AppState>>,
    FromPath(digest): FromPath<Hash>,
) -> Result<Response, ApiError> {
    let versions = schema::twin_version_list(&*node.view()).map_err(ReadError::from)?;
    if !versions.iter().any(|one| one.parameters.model == digest) {
        let message = format!("no version of the twins' parameters names the model {digest}");
        return Err(ApiError::not_found(message, "see /v1/twin-parameters"));
    }
    let Ok(permit) = node.exports.clone().try_acquire_owned() else {
        let (status, hint) = (StatusCode::SERVICE_UNAVAILABLE, "try again in some seconds");
        return Err(ApiError::new(status, "busy", "as many large files as may are being read", hint));
    };
    let path = node.models.as_ref().map(|folder| folder.join(format!("{digest}.model")));
    let read = blocking(move || {
        let _permit = permit;
        path.and_then(|path| of_file(&path, &digest))
    });
    let bytes = read.await.ok().flatten().ok_or_else(|| {
        let hint = "ask another member's node, or put it there with `aula twin publish`";
        ApiError::not_found(format!("this node has no model {digest}"), hint)
    })?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// The bytes of the file if they are the model of this digest; none if not, which is logged where there is a file.
fn of_file(path: &Path, digest: &Hash) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = (MAX_MODEL_BYTES as u64).saturating_add(1);
    File::open(path).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    if Model::decode(&bytes).is_ok_and(|model| model.digest() == digest.0) {
        return Some(bytes);
    }
    tracing::error!(file = %path.display(), "not the model that its name says, so it is not served; put it there again with `aula twin publish`");
    None
}
