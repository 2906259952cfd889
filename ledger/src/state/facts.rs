//! What a block fixes for all that happens in it.

use crate::params::Params;
use crate::protocol::Protocol;
use crate::types::{Hash, Height, TimeMs};

/// What a block fixes for all its transactions.
#[derive(Debug, Clone)]
pub struct BlockFacts {
    /// The chain: SHA-256 of its genesis file.
    pub genesis: Hash,
    /// The block's height.
    pub height: Height,
    /// The block's time.
    pub time_ms: TimeMs,
    /// By which rules it is executed.
    pub protocol: Protocol,
    /// Parameters as of the parent block: a vote counts from the next block on.
    pub params: Params,
    /// How many validators decide this block.
    pub validators: u32,
}
