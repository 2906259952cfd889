//! Pools as `aula query pools` prints them: what the ledger has of places and of what they cost.

use serde::Deserialize;

use crate::text::Unreadable;

/// Places of one kind at one school, as the ledger numbers and pays them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pool {
    /// Its number.
    pub pool: u32,
    /// The number of the class of resources that its kind is of.
    pub class: u32,
    /// The school's number on the ledger.
    pub school: u32,
    /// Its kind in the class.
    pub kind: u32,
    /// Places.
    pub capacity: u32,
    /// What a place costs.
    #[serde(default)]
    pub unit_cost_cents: u64,
    #[serde(default)]
    retired: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Pools {
    pools: Vec<Pool>,
}

/// Reads the pools that are not retired.
///
/// # Errors
/// When the JSON is not valid.
pub fn read_pools(bytes: &[u8]) -> Result<Vec<Pool>, Unreadable> {
    let all: Pools = serde_json::from_slice(bytes).map_err(|error| Unreadable::at("pools", error))?;
    Ok(all.pools.into_iter().filter(|pool| pool.retired.is_none()).collect())
}
