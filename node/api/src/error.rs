//! One error body for every route: `{"error":{"code","message","hint"}}`. `code` is stable and for programs,
//! `message` says what is wrong in a sentence, `hint` what to do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong, and what to do.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorDetail {
    /// Lower-case words joined by underscores; stable.
    pub code: String,
    /// What went wrong, in one sentence for people; its words may change.
    pub message: String,
    /// What to do next, for people; its words may change.
    pub hint: String,
    /// The ledger's or the pool's number when a transaction is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger_code: Option<u16>,
}
