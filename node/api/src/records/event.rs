//! What a transaction did.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What a transaction did, by its kind. Open: later versions have further kinds, and kinds further fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The kind, for example `round_opened`.
    pub event: String,
    /// What happened, in a sentence; left out of kinds that have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// A field of the kind's own, as `ledger/src/tx/event.rs` has it, without handles; `null` where it is withheld.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}
