//! Whom an answer told of beside those on its page, so that the log has an entry of each, and not one for each page of one question.
//!
//! An entry says that a client reads these fields of a student. Another of the same client and fields within [`AGAIN_MS`] says nothing new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::records::{Key, What};

/// How long an entry speaks for further questions, milliseconds.
const AGAIN_MS: u64 = 15 * 60 * 1_000;

/// Who was listed lately, by client and what was read.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<BTreeMap<(String, What), Lately>>);

#[derive(Debug, Default)]
struct Lately {
    since_ms: u64,
    listed: BTreeSet<Key>,
}

impl Told {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<(String, What), Lately>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of these, who was not listed lately.
    pub fn due(&self, client: &str, what: What, whose: BTreeSet<Key>, now_ms: u64) -> BTreeSet<Key> {
        match self.locked().get(&(client.to_owned(), what)) {
            Some(lately) if now_ms.saturating_sub(lately.since_ms) < AGAIN_MS => {
                whose.difference(&lately.listed).copied().collect()
            }
            _ => whose,
        }
    }

    /// That these are listed.
    pub fn listed(&self, client: &str, what: What, whose: &BTreeSet<Key>, now_ms: u64) {
        let mut all = self.locked();
        // What is over is of no use, whoever's it is.
        all.retain(|_, lately| now_ms.saturating_sub(lately.since_ms) < AGAIN_MS);
        let lately = all.entry((client.to_owned(), what));
        let lately = lately.or_insert_with(|| Lately { since_ms: now_ms, listed: BTreeSet::new() });
        lately.listed.extend(whose);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_speaks_for_a_quarter_of_an_hour_of_one_client_and_its_fields() {
        let told = Told::default();
        let (both, one): (BTreeSet<Key>, BTreeSet<Key>) = ([[1; 32], [2; 32]].into(), [[1; 32]].into());
        let due = |client: &str, what, now_ms| told.due(client, what, both.clone(), now_ms);
        told.listed("a", What::Place, &one, 1_000);
        assert_eq!(due("a", What::Place, 1_000 + AGAIN_MS - 1), [[2; 32]].into());
        assert_eq!(due("a", What::Place, 1_000 + AGAIN_MS), both);
        assert_eq!(due("a", What::Results, 1_000), both);
        assert_eq!(due("b", What::Place, 1_000), both);
        told.listed("b", What::Place, &one, 1_000 + AGAIN_MS);
        assert_eq!(told.locked().len(), 1);
    }
}
