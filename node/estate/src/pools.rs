//! Rooms as pools of a class of the ledger: a seat is a place, rooms alike at one school are one pool, and so a request
//! for a room is decided by the same optimizer as every other.

use std::collections::BTreeMap;

use crate::check::estate::{Estate, Room};
use crate::text::Unreadable;

#[cfg(test)]
mod tests;

/// Most kinds that a class of the ledger has.
const MOST_KINDS: usize = 32;
/// Most bytes of a kind's name.
const NAME_BYTES: usize = 40;

/// What makes rooms alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alike {
    /// What they have: a kind is a set of features.
    Features,
    /// Nothing: each room is a kind of its own.
    Room,
}

/// A pool that the rooms of a school make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomPool {
    /// The school's number on the ledger.
    pub school: u32,
    /// Name of the kind: lower-case letters, digits and dashes.
    pub kind: String,
    /// Seats of all its rooms together: the pool's places.
    pub seats: u32,
    /// The rooms' ids.
    pub rooms: Vec<String>,
}

/// The pools of an estate, by school and kind. Rooms without a seat, or whose site names no school, make none.
///
/// # Errors
/// When there are more kinds than a class has, or two kinds would have one name.
pub fn pools(estate: &Estate, alike: Alike) -> Result<Vec<RoomPool>, Unreadable> {
    let mut pools: BTreeMap<(u32, String), RoomPool> = BTreeMap::new();
    // What each name was made of.
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for room in estate.rooms.iter().filter(|room| room.capacity > 0) {
        let Some(school) = estate.school_of(room) else { continue };
        let (made_of, kind) = kind(room, alike);
        let known = kinds.entry(kind.clone()).or_insert_with(|| made_of.clone());
        if *known != made_of {
            let what = format!("{known:?} and {made_of:?} would both be the kind {kind:?}: rename one");
            return Err(Unreadable::at("rooms", what));
        }
        let place = (school, kind.clone());
        let pool =
            pools.entry(place).or_insert_with(|| RoomPool { school, kind, seats: 0, rooms: Vec::new() });
        pool.seats = pool.seats.saturating_add(room.capacity);
        pool.rooms.push(room.id.clone());
    }
    if kinds.len() > MOST_KINDS {
        let what = format!("they are of {} kinds, and a class has at most {MOST_KINDS}", kinds.len());
        return Err(Unreadable::at("rooms", what));
    }
    Ok(pools.into_values().collect())
}

/// What a room's kind is made of, and its name.
fn kind(room: &Room, alike: Alike) -> (Vec<String>, String) {
    let mut made_of = match alike {
        Alike::Features => room.features.clone(),
        Alike::Room => vec![room.id.clone()],
    };
    made_of.sort();
    made_of.dedup();
    let words: String = made_of.join("-").to_lowercase();
    let plain: String = words.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let mut name = plain.trim_matches('-').to_owned();
    name.truncate(NAME_BYTES);
    (made_of, if name.is_empty() { "room".to_owned() } else { name })
}
