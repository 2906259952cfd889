//! What answers take in memory, of all peers together.
//!
//! An answer may be large, and every peer may send one at the same time, or ask for one and not take it. So all share one bound, and
//! none may have more than it leaves: however many take as much as they can, there is room for one of a common size.

use std::sync::{Arc, Mutex, PoisonError};

use super::MAX_ANSWER;

/// Bytes that answers share.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    most: usize,
    taken: Arc<Mutex<usize>>,
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

    /// A place for an answer, of which nothing is there yet.
    pub(crate) fn enter(&self) -> Place {
        Place { room: self.clone(), bytes: 0 }
    }
}

/// What one answer takes, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    room: Room,
    bytes: usize,
}

impl Place {
    /// Takes so many bytes more, unless less would be left than this answer then has.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let mut taken = self.room.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (own, all) = (self.bytes.saturating_add(bytes), taken.saturating_add(bytes));
        let fits = own.saturating_add(all) <= self.room.most;
        if fits {
            (*taken, self.bytes) = (all, own);
        }
        fits
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = taken.saturating_sub(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_take_all_they_can_there_is_room_for_one_more() {
        let room = Room::of(120);
        let mut greedy: Vec<Place> = (0..3).map(|_| room.enter()).collect();
        while greedy.iter_mut().filter_map(|place| place.grow(1).then_some(())).count() > 0 {}
        assert!(greedy.iter().all(|place| place.bytes == 30), "{greedy:?}");
        let mut honest = room.enter();
        assert!(honest.grow(15) && !honest.grow(10));
        assert!(*room.taken.lock().unwrap() <= 120);
        greedy.clear();
        assert!(honest.grow(10), "what they had is given back");
        drop(honest);
        assert_eq!(*room.taken.lock().unwrap(), 0);
    }

    #[test]
    fn the_largest_answer_fits_alone_and_no_second_one_beside_it() {
        let room = Room::default();
        let (mut one, mut other) = (room.enter(), room.enter());
        assert!(one.grow(MAX_ANSWER) && !one.grow(1) && !other.grow(MAX_ANSWER));
    }
}
