//! What requests are for.

use aula_api::paths;
use axum::extract::Request;
use axum::http::Method;

/// What a request is for, which says whose permits it takes and which rate it counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// Whether this node is alive and well: never kept out by what others ask.
    Health,
    Submission,
    Reading,
}

impl Purpose {
    pub(super) fn of(request: &Request) -> Self {
        match request.uri().path() {
            path if paths::HEALTH.contains(&path) => Self::Health,
            _ if *request.method() == Method::POST => Self::Submission,
            _ => Self::Reading,
        }
    }
}
