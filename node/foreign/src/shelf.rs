//! What is kept under a secret that somebody else brings back: in memory, for its time, within a number.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::secret::{Digest32, digest};

/// Nothing more is kept: what is there has not had its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

#[derive(Debug)]
struct Held<T> {
    until_ms: u64,
    /// When it was put or asked for last, counted in puts and questions.
    asked: u64,
    what: T,
}

/// What is there, and how often something was put or asked for.
type All<T> = (HashMap<Digest32, Held<T>>, u64);

/// Things by the digest of their secret, each until its time. A restart forgets them.
#[derive(Debug)]
pub struct Shelf<T> {
    most: usize,
    held: Mutex<All<T>>,
}

impl<T> Shelf<T> {
    /// Nothing yet, and `most` things at once.
    pub fn new(most: usize) -> Self {
        Self { most, held: Mutex::new((HashMap::new(), 0)) }
    }

    fn locked(&self) -> MutexGuard<'_, All<T>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a thing for so many milliseconds. When the shelf is full, what is over makes room.
    ///
    /// # Errors
    /// [`Full`].
    pub fn put(&self, secret: &str, what: T, (now_ms, for_ms): (u64, u64)) -> Result<(), Full> {
        insert(&mut self.locked(), self.most, secret, what, (now_ms, for_ms))
    }

    /// Lets go of what is over by now, and of what is not to be kept any more.
    pub fn keep(&self, now_ms: u64, kept: impl Fn(&T) -> bool) {
        self.locked().0.retain(|_, one| one.until_ms > now_ms && kept(&one.what));
    }

    /// Takes a thing, once, within its time.
    pub fn take(&self, secret: &str, now_ms: u64) -> Option<T> {
        self.locked().0.remove(&digest(secret)).filter(|one| one.until_ms > now_ms).map(|one| one.what)
    }
}

impl<T> Shelf<T> {
    /// Keeps a thing as [`Self::put`] does, and of those that are the same somebody's `most` at once: the one that ends first makes
    /// room, so that nobody takes the shelf from the others.
    ///
    /// # Errors
    /// [`Full`].
    pub fn put_among(
        &self,
        secret: &str,
        what: T,
        (now_ms, for_ms): (u64, u64),
        (most, same): (usize, impl Fn(&T) -> bool),
    ) -> Result<(), Full> {
        let mut all = self.locked();
        end_own(&mut all.0, most, same);
        insert(&mut all, self.most, secret, what, (now_ms, for_ms))
    }

    /// Keeps a thing as [`Self::put_among`] does, whoever has the shelf: when it is full all the same, what was asked for longest ago
    /// makes room.
    pub fn put_over(
        &self,
        secret: &str,
        what: T,
        (now_ms, for_ms): (u64, u64),
        (most, same): (usize, impl Fn(&T) -> bool),
    ) {
        let mut all = self.locked();
        end_own(&mut all.0, most, same);
        let room = self.most.max(1);
        while !has_room(&mut all.0, room, now_ms) {
            let longest = all.0.iter().min_by_key(|(_, one)| one.asked).map(|(digest, _)| *digest);
            let Some(longest) = longest else { break };
            all.0.remove(&longest);
        }
        // There is room.
        let _ = insert(&mut all, room, secret, what, (now_ms, for_ms));
    }
}

fn insert<T>(
    (held, asked): &mut All<T>,
    most: usize,
    secret: &str,
    what: T,
    (now_ms, for_ms): (u64, u64),
) -> Result<(), Full> {
    if !has_room(held, most, now_ms) {
        return Err(Full);
    }
    *asked = asked.saturating_add(1);
    let one = Held { until_ms: now_ms.saturating_add(for_ms), asked: *asked, what };
    held.insert(digest(secret), one);
    Ok(())
}

/// Whether one more goes in, after what is over went where it has to.
fn has_room<T>(held: &mut HashMap<Digest32, Held<T>>, most: usize, now_ms: u64) -> bool {
    if held.len() >= most {
        held.retain(|_, one| one.until_ms > now_ms);
    }
    held.len() < most
}

/// Makes room for one more of somebody's `most`: those that end first go.
fn end_own<T>(held: &mut HashMap<Digest32, Held<T>>, most: usize, same: impl Fn(&T) -> bool) {
    let mut own: Vec<(u64, u64, Digest32)> = held
        .iter()
        .filter(|(_, one)| same(&one.what))
        .map(|(digest, one)| (one.until_ms, one.asked, *digest))
        .collect();
    own.sort_unstable();
    for (.., digest) in own.iter().take((own.len() + 1).saturating_sub(most)) {
        held.remove(digest);
    }
}

impl<T: Clone> Shelf<T> {
    /// A thing that stays, and until when.
    pub fn get(&self, secret: &str, now_ms: u64) -> Option<(T, u64)> {
        let mut all = self.locked();
        let (held, asked) = &mut *all;
        let one = held.get_mut(&digest(secret)).filter(|one| one.until_ms > now_ms)?;
        *asked = asked.saturating_add(1);
        one.asked = *asked;
        Some((one.what.clone(), one.until_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_whoever_keeps_many_keeps_them_instead_of_its_own() {
        let shelf = Shelf::new(4);
        let put = |name: &str, whose: u32, now_ms| {
            shelf.put_among(name, whose, (now_ms, 10), (2, |own| *own == whose))
        };
        assert_eq!(put("other", 7, 0), Ok(()));
        for (number, name) in (1..).zip(["a", "b", "c", "d", "e"]) {
            assert_eq!(put(name, 1, number), Ok(()), "{name}");
        }
        let there = |name| shelf.get(name, 5).is_some();
        assert_eq!(["a", "b", "c", "d", "e", "other"].map(there), [false, false, false, true, true, true]);
    }

    #[test]
    fn on_a_full_shelf_what_was_asked_for_longest_ago_makes_room() {
        let shelf = Shelf::new(3);
        let put = |name: &str, whose: u32| shelf.put_over(name, whose, (0, 10), (1, |own| *own == whose));
        for (whose, name) in (1..).zip(["a", "b", "c"]) {
            put(name, whose);
        }
        assert!(shelf.get("a", 1).is_some());
        put("d", 4);
        let there = |name| shelf.locked().0.contains_key(&digest(name));
        assert_eq!(["a", "b", "c", "d"].map(there), [true, false, true, true]);
        // One's own goes first, and nobody else's for it.
        put("e", 3);
        assert_eq!(["a", "c", "d", "e"].map(there), [true, false, true, true]);
        // What is over goes before anybody's.
        shelf.put_over("f", 5, (10, 10), (1, |own| *own == 5));
        assert_eq!(["a", "d", "e", "f"].map(there), [false, false, false, true]);
    }

    #[test]
    fn a_thing_is_taken_once_within_its_time_and_what_is_over_makes_room() {
        let shelf = Shelf::new(2);
        assert_eq!(shelf.put("a", 1, (0, 10)), Ok(()));
        assert_eq!((shelf.get("a", 9), shelf.get("a", 10), shelf.get("b", 0)), (Some((1, 10)), None, None));
        assert_eq!(shelf.put("b", 2, (5, 10)), Ok(()));
        assert_eq!(shelf.put("c", 3, (9, 10)), Err(Full));
        assert_eq!(shelf.put("c", 3, (10, 10)), Ok(()), "the first is over");
        assert_eq!((shelf.take("a", 10), shelf.take("b", 14), shelf.take("b", 14)), (None, Some(2), None));
        assert_eq!(shelf.take("c", 20), None, "over");
        // What is over goes without anybody asking, and so does what is of no use.
        assert_eq!((shelf.put("d", 4, (20, 10)), shelf.put("e", 5, (25, 10))), (Ok(()), Ok(())));
        shelf.keep(30, |_| true);
        let left = shelf.locked().0.len();
        assert_eq!((left, shelf.get("e", 30)), (1, Some((5, 35))));
        shelf.keep(30, |what| *what != 5);
        assert!(shelf.locked().0.is_empty());
    }
}
