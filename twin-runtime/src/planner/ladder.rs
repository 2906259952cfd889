//! Keys of all skills with the largest always at hand: a tournament tree.
//!
//! Leaves are the skills' keys, every inner place holds the larger of its two children. A change climbs only as
//! far as it changes anything, which for most changes is one step or two; the largest of 480 is then one read.

/// Key of what cannot be practised.
pub const CLOSED: i64 = i64::MIN;

/// The tree, place 1 at the top, leaves from `leaves` on.
#[derive(Debug, Clone)]
pub struct Ladder {
    places: Vec<i64>,
    leaves: usize,
}

impl Ladder {
    /// All closed.
    pub fn new(skills: usize) -> Self {
        let leaves = skills.next_power_of_two();
        Self { places: vec![CLOSED; 2 * leaves], leaves }
    }

    /// Copies another ladder of the same size.
    pub fn reset(&mut self, other: &Self) {
        self.places.copy_from_slice(&other.places);
    }

    /// The key of a skill.
    pub fn get(&self, skill: usize) -> i64 {
        self.places[self.leaves + skill]
    }

    /// The largest key.
    pub fn top(&self) -> i64 {
        self.places[1]
    }

    /// Changes one key.
    pub fn set(&mut self, skill: usize, key: i64) {
        let mut at = self.leaves + skill;
        let mut held = key;
        while self.places[at] != held {
            self.places[at] = held;
            if at == 1 {
                break;
            }
            held = held.max(self.places[at ^ 1]);
            at >>= 1;
        }
    }

    /// Changes all keys at once.
    pub fn fill(&mut self, keys: impl Iterator<Item = i64>) {
        for (place, key) in self.places[self.leaves..].iter_mut().zip(keys) {
            *place = key;
        }
        for at in (1..self.leaves).rev() {
            self.places[at] = self.places[2 * at].max(self.places[2 * at + 1]);
        }
    }

    /// The largest key below a bound; [`CLOSED`] when there is none.
    pub fn below(&self, bound: i64) -> i64 {
        if self.top() < bound {
            return self.top();
        }
        let below = |key: &i64| if *key < bound { *key } else { CLOSED };
        self.places[self.leaves..].iter().map(below).max().unwrap_or(CLOSED)
    }
}
