//! Records of districts and schools: who they are, and from when to when.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Records, district};
use crate::codec::Canonical;
use crate::names::{Name, Title};
use crate::position::Position;
use crate::state::StoreError;
use crate::types::{DistrictId, Height, SchoolId, SchoolYear};

/// A district of the consortium.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct District {
    /// Its number.
    pub id: DistrictId,
    /// What people call it.
    pub name: Title,
    /// In which block it was admitted; 0 for one of the genesis.
    pub admitted: Height,
    /// That it was closed. Its students' trees, decisions and log stay.
    pub closed: Option<Closing>,
}

/// That a district was closed by vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Closing {
    /// The block that applied the vote.
    pub height: Height,
    /// The district that has its standing decisions, acknowledgements and audits from then on; none: they stay as 'closed'.
    pub successor: Option<DistrictId>,
}

/// A school. Its number, district and type never change: decided rounds were about them.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct School {
    /// Its number.
    pub id: SchoolId,
    /// The district it nests in.
    pub district: DistrictId,
    /// Its type; schools of one type share tier 2.
    pub school_type: Name,
    /// The first school year it takes students and pools in; 0 for one of the genesis.
    pub from_year: SchoolYear,
    /// The first school year it takes none in any more.
    pub closed_from: Option<SchoolYear>,
    /// Its names and positions, strictly ascending by the school year from which each holds; none for a school of a genesis
    /// that says nothing.
    pub described: Vec<Described>,
}

/// What people call a school, and where it is, from a school year on.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Described {
    /// From which school year on; 0: from the genesis.
    pub from_year: SchoolYear,
    /// What people call it; none: it has only its number.
    pub name: Option<Title>,
    /// Where it is, in microdegrees; none: it is on no map.
    pub position: Option<Position>,
}

impl School {
    /// A school of a genesis.
    pub fn founding(id: SchoolId, district: DistrictId, school_type: Name) -> Self {
        let from_year = SchoolYear(0);
        Self { id, district, school_type, from_year, closed_from: None, described: Vec::new() }
    }

    /// Whether it takes students and pools of a school year.
    pub fn is_open(&self, year: SchoolYear) -> bool {
        self.from_year <= year && self.closed_from.is_none_or(|closed| year < closed)
    }

    /// What is said of it in a school year; before its first, what will be.
    pub fn described_in(&self, year: SchoolYear) -> Option<&Described> {
        let known = self.described.iter().rev().find(|one| one.from_year <= year);
        known.or_else(|| self.described.first())
    }

    /// Its name in a school year.
    pub fn name_in(&self, year: SchoolYear) -> Option<&Title> {
        self.described_in(year)?.name.as_ref()
    }

    /// Says something else of it from a school year on; what was to be said from then on or later is replaced.
    pub(crate) fn describe(&mut self, said: Described) {
        self.described.retain(|one| one.from_year < said.from_year);
        self.described.push(said);
    }
}

/// Who has a district's business: itself while it is open, then its successor, or that one's; none when the last of them was
/// closed without one.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn heir(from: &(impl Records + ?Sized), id: DistrictId) -> Result<Option<DistrictId>, StoreError> {
    let mut heir = id;
    // A successor was open when it was named, so that no chain of them comes back to where it began.
    while let Some(Closing { successor, .. }) = district(from, heir)?.and_then(|record| record.closed) {
        let Some(next) = successor else { return Ok(None) };
        heir = next;
    }
    Ok(Some(heir))
}

impl Canonical for District {
    const VERSION: u8 = 2;
    const WHAT: &'static str = "district";
    const MAX_BYTES: u64 = 256;
}

impl Canonical for School {
    const VERSION: u8 = 2;
    const WHAT: &'static str = "school";
    const MAX_BYTES: u64 = 4 * 1024;
}
