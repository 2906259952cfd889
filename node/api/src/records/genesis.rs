//! The genesis file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Position, Role};

/// The genesis file: who begins the chain, with which parameters, and the first state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Genesis {
    /// The chain's name: the chain id without its hash.
    pub name: String,
    /// Time of the genesis in ms since 1970 UTC.
    pub time_ms: u64,
    /// By which rules the first block is executed; left out: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u16>,
    /// Parameters by the names that `Params` has; those not given have their defaults.
    #[serde(default)]
    pub params: BTreeMap<String, u64>,
    /// Version 1 of the twins' parameters: members of `TwinParameters`; those not given have their defaults.
    #[serde(default)]
    pub twin: Map<String, Value>,
    /// Who may send transactions from the first block on.
    pub members: Vec<GenesisMember>,
    /// Validators, at least one.
    pub validators: Vec<GenesisValidator>,
    /// Districts of the beginning.
    #[serde(default)]
    pub districts: Vec<GenesisDistrict>,
    /// Schools of the beginning.
    #[serde(default)]
    pub schools: Vec<GenesisSchool>,
    /// Where the data came from and which numbers are invented.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<GenesisSource>,
}

/// A member of the consortium at genesis: admitted from the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenesisMember {
    /// Its name, unique.
    pub name: String,
    /// Its roles, at least one.
    pub roles: Vec<Role>,
    /// Its account key: 64 hex digits.
    pub public_key: String,
    /// The number of the district it acts for, when a district or a school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<u16>,
    /// The number of the school it acts for, when a school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<u32>,
}

/// A validator at genesis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenesisValidator {
    /// Its name, unique among validators.
    pub name: String,
    /// The name of the member who runs it.
    pub operator: String,
    /// The key that signs its votes.
    pub public_key: String,
    /// Voting power; left out: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<u64>,
    /// Its network identity (libp2p), in base58.
    pub peer_id: String,
    /// Where it may be reached: a multiaddr.
    pub listen: String,
    /// The key with which its node signs shares of seeds.
    pub seed_key: String,
}

/// A district that is there from the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenesisDistrict {
    /// Its number.
    pub id: u16,
    /// What people call it.
    pub name: String,
}

/// A school that is there from the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenesisSchool {
    /// Its number, unique in the consortium.
    pub id: u32,
    /// The number of the district it is in.
    pub district: u16,
    /// Its type, for example `rural`.
    pub school_type: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

/// What is said of the data's origin, or of a rule by which numbers were joined or invented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenesisSource {
    /// What it is about.
    pub title: String,
    /// What is said.
    pub text: String,
}
