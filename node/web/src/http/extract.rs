//! Path and query as axum reads them, with the one error body when they are malformed.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::api_error::ApiError;

/// A path's parameters.
#[derive(Debug)]
pub struct FromPath<T>(pub T);

/// A query's parameters; unknown ones are refused when the type says so.
#[derive(Debug)]
pub struct FromQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for FromPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        let Path(value) = path.map_err(|e| {
            ApiError::bad_request(format!("the path is malformed: {}", e.body_text()), "see /openapi.json")
        })?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for FromQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        let Query(value) = query.map_err(|e| {
            ApiError::bad_request(format!("the query is malformed: {}", e.body_text()), "see /openapi.json")
        })?;
        Ok(Self(value))
    }
}
