//! Districts and schools.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A district of the consortium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct District {
    /// Its number.
    pub id: u16,
    /// What people call it.
    pub name: String,
    /// The height of the block that admitted it; 0 for one of the genesis.
    pub admitted: u64,
    /// That it was closed; none while it is open.
    pub closed: Option<Closing>,
}

/// That a district was closed by vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Closing {
    /// The block that applied the vote.
    pub height: u64,
    /// The district that has its decisions, acknowledgements and audits from then on; none: nobody has.
    pub successor: Option<u16>,
}

/// A school. Its number, district and type never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct School {
    /// Its number.
    pub id: u32,
    /// The number of the district it is in.
    pub district: u16,
    /// Its type; schools of one type share tier 2.
    pub school_type: String,
    /// The first school year it takes students and pools in; 0 for one of the genesis.
    pub from_year: u16,
    /// The first school year it takes none in any more; none while it is open.
    pub closed_from: Option<u16>,
    /// Its names and positions, ascending by the school year from which each holds.
    pub described: Vec<Described>,
}

/// What people call a school, and where it is, from a school year on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Described {
    /// From which school year on; 0: from the genesis.
    pub from_year: u16,
    /// What people call it; none: it has only its number.
    pub name: Option<String>,
    /// Where it is; none: it is on no map.
    pub position: Option<Position>,
}

/// A point of the earth in microdegrees of WGS 84.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Position {
    /// North is positive; from -90,000,000 to 90,000,000.
    pub latitude_e6: i32,
    /// East is positive; from -180,000,000 to 180,000,000.
    pub longitude_e6: i32,
}
