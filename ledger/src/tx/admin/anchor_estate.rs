//! AnchorEstate: a district anchors a building as its rows' root, so that what it says of its rooms can be held to later.
//!
//! The rows stay with the district; [`crate::estate`] says how one is proved under the root. Versions of a building follow
//! each other without a gap, so that none can be left out of what was said; earlier roots stand in their blocks.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::estate::MAX_ROWS;
use crate::names::Title;
use crate::proof::TreeHead;
use crate::state::schema::{self, AnchoredBuilding, Estate, Moment};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::Hash;

/// A building of the sender's district.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorEstate {
    /// The building's id, as the district's estate writes it.
    pub building: Title,
    /// 1 at first, then one more than the anchored one.
    pub version: u32,
    /// The root over the building's rows.
    pub root: Hash,
    /// How many rows, 1 to 1,000,000.
    pub leaf_count: u64,
}

impl Handler for AnchorEstate {
    fn check(&self) -> Result<(), Code> {
        require(self.version > 0 && (1..=MAX_ROWS).contains(&self.leaf_count))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let district = context.open_district()?;
        // A district's own business, as its schools are.
        ensure(context.sender.school.is_none(), Code::RoleNotAllowed)?;
        let known = schema::estate(context.overlay, district)?;
        let mut estate = known.unwrap_or(Estate { district, buildings: Vec::new() });
        let at = estate.buildings.binary_search_by(|one| one.building.cmp(&self.building));
        let before = at.ok().and_then(|at| estate.buildings.get(at)).map_or(0, |one| one.version);
        ensure(before.checked_add(1) == Some(self.version), Code::EstateVersion)?;
        let anchored = AnchoredBuilding {
            building: self.building.clone(),
            version: self.version,
            head: TreeHead { leaf_count: self.leaf_count, root: self.root },
            by: context.sender.account,
            at: Moment { height: context.facts.height, time_ms: context.facts.time_ms },
        };
        match at {
            Ok(at) => {
                if let Some(place) = estate.buildings.get_mut(at) {
                    *place = anchored;
                }
            }
            Err(at) => estate.buildings.insert(at, anchored),
        }
        schema::write(context.overlay, schema::estate_key(district), &estate);
        let (building, version, root, leaf_count) =
            (self.building.clone(), self.version, self.root, self.leaf_count);
        Ok(vec![Event::EstateAnchored { district, building, version, root, leaf_count }])
    }
}
