//! Whether a node lives and can be relied upon: for whoever watches it or stands before it.

use aula_ledger::types::Height;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The process answers.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct Healthy {
    /// True: a process that does not answer says nothing.
    pub healthy: bool,
}

/// The home does its district's work.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct Acting {
    /// True: of a pair, the home that does not act answers 503.
    pub acting: bool,
}

/// The node can be relied upon.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// The last final height.
    #[schema(value_type = u64)]
    pub height: Height,
    /// True: a node that is not ready answers 503.
    pub ready: bool,
}
