//! A building of the estate as leaves under one root, so that what was said of it can be held to later.
//!
//! A row is a thing's canonical bytes; rows stand in an RFC 9162 tree in ascending order of their keys, a leaf being
//! `SHA-256(0x00 ‖ key ‖ SHA-256(row))`: the key is bound, so that two neighbours prove that nothing stands between them,
//! and a neighbour shown for that shows its key alone. The ledger's lists are made the same way. Lessons are not among
//! the rows: they name people.

use sha2::{Digest, Sha256};

use crate::check::estate::Estate;

#[cfg(test)]
mod tests;

/// A hash.
pub type Hash = [u8; 32];

/// Before what a key is made of; a change of the rows' form changes it.
const DOMAIN: &[u8] = b"aula estate row 1";

/// One thing of a building.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// SHA-256 of the domain, the kind and the id, each after its length.
    pub key: Hash,
    /// Kind, id and fields, each after its length in four bytes, low first.
    pub bytes: Vec<u8>,
}

impl Row {
    fn new(kind: &str, id: &str, fields: &[&str]) -> Self {
        let mut bytes = Vec::new();
        for field in [kind, id].iter().chain(fields) {
            bytes.extend_from_slice(&after_length(field.as_bytes()));
        }
        Self { key: Self::key_of(kind, id), bytes }
    }

    /// Where a thing stands among the rows.
    #[must_use]
    pub fn key_of(kind: &str, id: &str) -> Hash {
        let mut key = Sha256::new();
        [DOMAIN, kind.as_bytes(), id.as_bytes()].iter().for_each(|part| key.update(after_length(part)));
        key.finalize().into()
    }

    /// The leaf's hash.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        let row: Hash = Sha256::digest(&self.bytes).into();
        Sha256::new().chain_update([0]).chain_update(self.key).chain_update(row).finalize().into()
    }
}

fn after_length(part: &[u8]) -> Vec<u8> {
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes(), part].concat()
}

/// The rows of a building, ascending by key: itself with its site, its rooms, their closures, its meters.
#[must_use]
pub fn rows(estate: &Estate, building: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for house in estate.buildings.iter().filter(|house| house.id == building) {
        rows.push(Row::new("building", &house.id, &[&house.site]));
    }
    let own = |room: &str| {
        let own = estate.rooms.iter().find(|known| known.id == room);
        own.is_some_and(|room| room.building.as_deref() == Some(building))
    };
    for room in estate.rooms.iter().filter(|room| own(&room.id)) {
        let mut features = room.features.clone();
        features.sort();
        features.dedup();
        let (capacity, energy) = (room.capacity.to_string(), room.kwh_per_hour.to_string());
        let mut fields = vec![capacity.as_str(), energy.as_str(), room.zone.as_deref().unwrap_or_default()];
        fields.extend(features.iter().map(String::as_str));
        rows.push(Row::new("room", &room.id, &fields));
    }
    for closure in &estate.closures {
        if closure.room.as_deref().is_none_or(own) {
            let room = closure.room.as_deref().unwrap_or_default();
            let period = closure.period.as_ref().map(ToString::to_string).unwrap_or_default();
            let (when, week) = (closure.day.to_string(), closure.week.map(|week| week.to_string()));
            let mut fields = vec![room, &when, &period];
            fields.extend(week.as_deref());
            rows.push(Row::new("closure", &fields.join("\n"), &fields));
        }
    }
    for meter in estate.meters.iter().filter(|meter| meter.building == building) {
        rows.push(Row::new("meter", &meter.id, &[&meter.kind, &meter.unit]));
    }
    rows.sort();
    // The same closure twice is one.
    rows.dedup();
    rows
}

/// The root over leaves' hashes; of none, SHA-256 of nothing.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(left_of(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// The hashes beside the way from a leaf to the root, the nearest first.
#[must_use]
pub fn path(leaves: &[Hash], index: usize) -> Vec<Hash> {
    if leaves.len() < 2 || index >= leaves.len() {
        return Vec::new();
    }
    let at = left_of(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut way, beside) = match index < at {
        true => (path(left, index), root(right)),
        false => (path(right, index - at), root(left)),
    };
    way.push(beside);
    way
}

/// The root that a leaf at a place among `count` has by its path; none when the path is not as long as it must be.
#[must_use]
pub fn root_by(leaf: &Hash, index: usize, count: usize, way: &[Hash]) -> Option<Hash> {
    if count <= 1 {
        return (index == 0 && count == 1 && way.is_empty()).then_some(*leaf);
    }
    let (beside, below) = way.split_last()?;
    let at = left_of(count);
    match index < at {
        true => root_by(leaf, index, at, below).map(|own| node(&own, beside)),
        false => root_by(leaf, index - at, count - at, below).map(|own| node(beside, &own)),
    }
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The greatest power of two below a number above 1.
fn left_of(count: usize) -> usize {
    1 << (usize::BITS - 1 - (count - 1).leading_zeros())
}
