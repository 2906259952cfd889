//! What was numbered for each replica, kept between its levellings by school year, so that no event is opened twice for one replica.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aula_ledger::types::SchoolYear;

use super::scope::{Numbers, Of, Set};
use crate::door::{Door, Lent};

/// Numbers of a replica's students of a year, and when they were of use last.
#[derive(Default)]
struct Numbered {
    used_ms: u64,
    numbers: Arc<Mutex<Numbers>>,
}

/// By replica and year.
pub(super) struct Numbering {
    /// Replicas of which something is kept at once.
    most: usize,
    all: Mutex<BTreeMap<(String, SchoolYear), Numbered>>,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Numbering {
    /// Of so many replicas at most.
    pub fn of(most: usize) -> Self {
        Self { most, all: Mutex::default() }
    }

    /// The events of a replica's students of a year, numbered: those that were numbered before are not opened again.
    ///
    /// # Errors
    /// [`Lent`]: what was numbered until then is kept.
    pub fn set(
        &self,
        door: &dyn Door,
        (name, year): (&str, SchoolYear),
        students: Vec<Of>,
        now_ms: u64,
    ) -> Result<Set, Lent> {
        let key = (name.to_owned(), year);
        let numbers = {
            let mut all = locked(&self.all);
            make_room(&mut all, name, self.most);
            let own = all.entry(key.clone()).or_default();
            own.used_ms = now_ms;
            own.numbers.clone()
        };
        // Of one replica and year one after the other, so that nothing is opened twice.
        let set = locked(&numbers).set(door, year, students)?;
        if set.ids.is_empty() {
            locked(&self.all).remove(&key);
        }
        Ok(set)
    }

    /// Keeps what these replicas use, and used within some milliseconds.
    pub fn keep(&self, registered: impl Fn(&str) -> bool, (now_ms, for_ms): (u64, u64)) {
        locked(&self.all)
            .retain(|(name, _), one| registered(name) && now_ms.saturating_sub(one.used_ms) < for_ms);
    }
}

/// Where another replica comes to as many as are kept, the one that levelled longest ago goes, with all its years.
fn make_room(all: &mut BTreeMap<(String, SchoolYear), Numbered>, name: &str, most: usize) {
    let mut used: BTreeMap<&str, u64> = BTreeMap::new();
    for ((name, _), one) in all.iter() {
        let last = used.entry(name).or_default();
        *last = one.used_ms.max(*last);
    }
    if used.contains_key(name) || used.len() < most {
        return;
    }
    let longest = used.into_iter().min_by_key(|(_, used_ms)| *used_ms).map(|(name, _)| name.to_owned());
    all.retain(|(name, _), _| Some(name) != longest.as_ref());
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aula_kit::vault::{create, enrol};
    use aula_vault::{Vault, VaultError};

    use super::*;
    use crate::door::Closed;
    use crate::given::Feed;
    use crate::taking::Taking;
    use crate::testkit::{Made, NOW_MS, Tested, mark};

    /// More than are numbered in one borrowing.
    const STUDENTS: u64 = 250;
    const YEAR: SchoolYear = SchoolYear(2025);

    /// A vault that is taken away after it was lent so many times, and comes back after so many questions.
    struct Away {
        vault: Arc<Vault>,
        left: AtomicUsize,
        asked: AtomicUsize,
        comes_back: usize,
        why: fn() -> Lent,
    }

    impl Door for Away {
        fn lend(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), Lent> {
            let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if left.is_err() && self.asked.fetch_add(1, Ordering::SeqCst) < self.comes_back {
                return Err((self.why)());
            }
            call(&self.vault);
            Ok(())
        }
    }

    fn closed() -> Lent {
        Closed("a command has it".into()).into()
    }

    fn busy() -> Lent {
        VaultError::Busy.into()
    }

    /// A vault with one event of each student, and they.
    fn heard() -> Made<(tempfile::TempDir, Arc<Vault>, Vec<Of>)> {
        let root = tempfile::tempdir()?;
        let vault = Arc::new(create(root.path(), NOW_MS)?.1);
        let names: Vec<String> = (0..STUDENTS).map(|n| format!("S-{n}")).collect();
        let ids: Vec<&str> = names.iter().map(String::as_str).collect();
        let handles = enrol(&vault, &ids, YEAR)?;
        let feed = Arc::new(Feed::plain("registers")?);
        let messages: Result<Vec<_>, _> =
            names.iter().zip(0..).map(|(id, n)| mark(&feed, &format!("m-{n}"), id, n)).collect();
        Taking::new(&vault)?.take(&vault, &messages?)?;
        let students = names.into_iter().zip(handles).map(|(id, handle)| Of { id, handle }).collect();
        Ok((root, vault, students))
    }

    fn opened(numbering: &Numbering, name: &str, year: SchoolYear) -> Option<u64> {
        let all = locked(&numbering.all);
        all.get(&(name.to_owned(), year)).map(|one| locked(&one.numbers).opened)
    }

    #[test]
    fn a_vault_that_is_taken_away_is_asked_for_again_and_nothing_is_numbered_twice_or_lost() -> Tested {
        let (_root, vault, students) = heard()?;
        let whole = Numbering::of(1).set(&vault, ("a", YEAR), students.clone(), 0)?;
        assert_eq!(whole.ids.len() as u64, STUDENTS);
        for why in [closed as fn() -> Lent, busy] {
            let away = |left, comes_back| Away {
                vault: vault.clone(),
                left: AtomicUsize::new(left),
                asked: AtomicUsize::new(0),
                comes_back,
                why,
            };
            // For a moment: it is one set.
            let numbering = Numbering::of(1);
            let set = numbering.set(&away(1, 2), ("a", YEAR), students.clone(), 0)?;
            assert_eq!((&set.ids, opened(&numbering, "a", YEAR)), (&whole.ids, Some(STUDENTS)));
            // For longer: what was numbered until then stays numbered.
            let numbering = Numbering::of(1);
            let cut = numbering.set(&away(1, usize::MAX), ("a", YEAR), students.clone(), 0);
            assert!(cut.is_err(), "it is told");
            let until = opened(&numbering, "a", YEAR).ok_or("what was numbered is gone")?;
            assert!(until > 0 && until < STUDENTS, "{until}");
            let set = numbering.set(&vault, ("a", YEAR), students.clone(), 0)?;
            assert_eq!((&set.ids, opened(&numbering, "a", YEAR)), (&whole.ids, Some(STUDENTS)));
        }
        Ok(())
    }

    #[test]
    fn numbers_are_kept_by_replica_and_year() -> Tested {
        let (_root, vault, students) = heard()?;
        let numbering = Numbering::of(2);
        let earlier = SchoolYear(2024);
        let set = |name: &str, year, now_ms| numbering.set(&vault, (name, year), students.clone(), now_ms);
        let first = set("a", YEAR, 1)?;
        let other = set("a", earlier, 2)?;
        assert!(first.ids.iter().all(|id| other.at(id).is_none()), "a year has numbers of its own");
        for (round, year) in [YEAR, earlier, YEAR, earlier].into_iter().enumerate() {
            assert_eq!(set("a", year, 3)?.root(), if year == YEAR { first.root() } else { other.root() });
            assert_eq!(opened(&numbering, "a", year), Some(STUDENTS), "round {round} opens nothing again");
        }
        // A third replica: the one that levelled longest ago makes room, with all its years.
        set("b", YEAR, 4)?;
        set("c", YEAR, 5)?;
        let there = |name, year| opened(&numbering, name, year).is_some();
        assert_eq!(
            [there("a", YEAR), there("a", earlier), there("b", YEAR), there("c", YEAR)],
            [false, false, true, true]
        );
        numbering.keep(|name| name != "b", (5, 100));
        assert!(!there("b", YEAR) && there("c", YEAR));
        numbering.keep(|_| true, (105, 100));
        assert!(!there("c", YEAR));
        Ok(())
    }
}
