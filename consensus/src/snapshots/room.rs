//! What answers take in memory, of all peers together.
//!
//! An answer may be large, and every peer may send one at the same time, or ask for one again and again and not take it. So all share one
//! bound, and neither an answer that comes, nor all together that go to one peer, may have more than they leave: however many take as
//! much as they can, there is room for one of a common size.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;

use super::MAX_ANSWER;

/// Whose place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    /// All that goes to this peer.
    Peer(PeerId),
    /// One answer that comes, by its number.
    Answer(u64),
}

#[derive(Debug, Default)]
struct Taken {
    /// Nobody who has nothing.
    by: BTreeMap<Owner, usize>,
    /// Of the last answer that came.
    number: u64,
}

/// Bytes that answers share.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    most: usize,
    taken: Arc<Mutex<Taken>>,
}

impl Default for Room {
    /// The largest answer fits where it is alone.
    fn default() -> Self {
        Self::of(2 * MAX_ANSWER)
    }
}

impl Room {
    pub(super) fn of(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// A place for an answer that comes, of which nothing is there yet.
    pub(crate) fn enter(&self) -> Place {
        let mut taken = self.lock();
        taken.number = taken.number.wrapping_add(1);
        let owner = Owner::Answer(taken.number);
        drop(taken);
        Place { room: self.clone(), owner, bytes: 0 }
    }

    /// A place for one that goes to this peer, beside what it has not taken yet.
    pub(super) fn enter_for(&self, peer: PeerId) -> Place {
        Place { room: self.clone(), owner: Owner::Peer(peer), bytes: 0 }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one answer takes, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    room: Room,
    owner: Owner,
    bytes: usize,
}

impl Place {
    /// Takes so many bytes more, unless less would be left than its owner then has.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let mut taken = self.room.lock();
        let all = taken.by.values().sum::<usize>().saturating_add(bytes);
        let own = taken.by.get(&self.owner).copied().unwrap_or(0).saturating_add(bytes);
        let fits = own.saturating_add(all) <= self.room.most;
        if fits && bytes > 0 {
            taken.by.insert(self.owner, own);
            self.bytes += bytes;
        }
        fits
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.lock();
        let Some(own) = taken.by.get_mut(&self.owner) else { return };
        *own = own.saturating_sub(self.bytes);
        if *own == 0 {
            taken.by.remove(&self.owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(room: &Room) -> usize {
        room.lock().by.values().sum()
    }

    #[test]
    fn who_takes_none_of_many_answers_leaves_room_for_another_peers() {
        let (room, greedy, honest) = (Room::of(120), PeerId::random(), PeerId::random());
        let mut untaken: Vec<Place> = (0..40).map(|_| room.enter_for(greedy)).collect();
        let given = untaken.iter_mut().filter_map(|place| place.grow(20).then_some(())).count();
        assert_eq!((given, all(&room)), (3, 60), "half of all");
        assert!(room.enter_for(honest).grow(20));
        untaken.clear();
        assert!(room.lock().by.is_empty(), "what it had is given back");
    }

    #[test]
    fn however_many_take_all_they_can_there_is_room_for_one_more() {
        let room = Room::of(120);
        let mut greedy: Vec<Place> = (0..3).map(|_| room.enter()).collect();
        while greedy.iter_mut().filter_map(|place| place.grow(1).then_some(())).count() > 0 {}
        assert!(greedy.iter().all(|place| place.bytes == 30), "{greedy:?}");
        let mut honest = room.enter();
        assert!(honest.grow(15) && !honest.grow(10));
        assert!(all(&room) <= 120);
        greedy.clear();
        assert!(honest.grow(10), "what they had is given back");
        drop(honest);
        assert!(room.lock().by.is_empty());
    }

    #[test]
    fn the_largest_answer_fits_alone_and_no_second_one_beside_it() {
        let room = Room::default();
        let (mut one, mut other) = (room.enter(), room.enter());
        assert!(one.grow(MAX_ANSWER) && !one.grow(1) && !other.grow(MAX_ANSWER));
    }
}
