//! An answer of JSON whose fields stand in the order of their names.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A typed answer; fields are sorted by name at every level, so that records of the ledger read alike wherever they are.
#[derive(Debug)]
pub struct Sorted<T>(pub T);

impl<T: Serialize> IntoResponse for Sorted<T> {
    fn into_response(self) -> Response {
        // Values are maps of a `BTreeMap`. What cannot be written is a defect, which the gate answers as such.
        match serde_json::to_value(self.0) {
            Ok(value) => Json(value).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written");
                axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
