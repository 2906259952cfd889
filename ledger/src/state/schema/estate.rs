//! Records about districts' buildings.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::Moment;
use super::chain::canonical;
use crate::codec::Canonical;
use crate::names::Title;
use crate::proof::TreeHead;
use crate::types::{AccountId, DistrictId};

/// What a district has anchored of its buildings. Its limit of bytes is the limit of their number: 128 KiB hold at least
/// 600, whatever their ids.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Estate {
    /// The district that anchored them.
    pub district: DistrictId,
    /// Strictly ascending by id, compared as bytes.
    pub buildings: Vec<AnchoredBuilding>,
}

/// The newest anchored version of a building; earlier ones stand in their blocks.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AnchoredBuilding {
    /// Its id, as the district's estate writes it.
    pub building: Title,
    /// How often it was anchored.
    pub version: u32,
    /// How many rows the building has, and the root over them.
    pub head: TreeHead,
    /// Who anchored this version.
    pub by: AccountId,
    /// The block that anchored this version.
    pub at: Moment,
}

impl Estate {
    /// The newest anchored version of the building of this id; none when none was anchored.
    pub fn building(&self, id: &str) -> Option<&AnchoredBuilding> {
        self.buildings.iter().find(|one| one.building.as_str() == id)
    }
}

canonical! {
    Estate = "estate", 131_072;
}
