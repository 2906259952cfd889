//! The one line of a node that is up, for whoever started it.

use serde::{Deserialize, Serialize};

/// What `aula start --output json` prints when it is up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UpLine {
    /// The genesis's name, a dash, and the first 8 hex digits of the SHA-256 of the genesis file.
    pub chain_id: String,
    /// The origin of the API.
    pub rpc: String,
    /// The address for peers, with the id.
    pub p2p: String,
    /// The last final height.
    pub height: u64,
}
