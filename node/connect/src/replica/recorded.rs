//! What was numbered of the records that each replica brought, at the district, so that nothing is opened again.
//!
//! Invariants: of a replica that does not come any more nothing is kept, and of no more replicas than levellings are held. Absent: what is
//! numbered ([`super::records`]).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aula_vault::Vault;

use super::records::{RecordNumbers, RecordSet, of_replica};
use crate::door::{Door, Lent, lent_in_a_moment};

/// What is kept of one replica.
#[derive(Debug, Default)]
struct Kept {
    used_ms: u64,
    numbers: Arc<Mutex<RecordNumbers>>,
}

/// What was numbered, by replica.
#[derive(Debug)]
pub(super) struct Recorded {
    most: usize,
    all: Mutex<BTreeMap<String, Kept>>,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorded {
    /// Of so many replicas at most.
    pub fn of(most: usize) -> Self {
        Self { most, all: Mutex::default() }
    }

    /// The records that the district has of a replica, numbered.
    ///
    /// # Errors
    /// [`Lent`]: what was numbered until then is kept.
    pub fn set(&self, door: &dyn Door, name: &str, now_ms: u64) -> Result<RecordSet, Lent> {
        let numbers = {
            let mut all = locked(&self.all);
            if !all.contains_key(name) && all.len() >= self.most {
                // The one that levelled longest ago makes room.
                let longest = all.iter().min_by_key(|(_, one)| one.used_ms).map(|(name, _)| name.clone());
                all.retain(|name, _| Some(name) != longest.as_ref());
            }
            let own = all.entry(name.to_owned()).or_default();
            own.used_ms = now_ms;
            own.numbers.clone()
        };
        // Of one replica one after the other, so that nothing is opened twice.
        let mut numbers = locked(&numbers);
        let keys = of_replica(door, name)?;
        if keys.is_empty() {
            locked(&self.all).remove(name);
            return Ok(RecordSet::default());
        }
        // What was brought by a levelling that was cut may be on no disk yet, and what is told is on one.
        lent_in_a_moment(door, Vault::sync_rows)?;
        numbers.set(door, &keys)
    }

    /// Keeps what these replicas use, and used within some milliseconds.
    pub fn keep(&self, registered: impl Fn(&str) -> bool, (now_ms, for_ms): (u64, u64)) {
        locked(&self.all).retain(|name, one| registered(name) && now_ms.saturating_sub(one.used_ms) < for_ms);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aula_kit::vault::{create, enrol};
    use aula_ledger::types::SchoolYear;
    use aula_lrs::desk::Sheet;
    use aula_lrs::documents::{Document, Key, Kind, Shelf};

    use super::super::entering::Entering;
    use super::*;
    use crate::testkit::{NOW_MS, Tested};

    /// Accounts with this home page are students.
    const HOME_PAGE: &str = "https://sis.example.org";
    /// More than are listed in one borrowing.
    const RECORDS: u32 = 450;

    /// Counts how often a vault is lent.
    struct Counted(Arc<Vault>, AtomicUsize);

    impl Door for Counted {
        fn lend(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), Lent> {
            self.1.fetch_add(1, Ordering::SeqCst);
            call(&self.0);
            Ok(())
        }
    }

    #[test]
    fn a_replicas_records_are_listed_in_pieces_and_their_numbers_go_when_it_comes_no_more() -> Tested {
        let root = tempfile::tempdir()?;
        let vault = Arc::new(create(root.path(), NOW_MS)?.1);
        enrol(&vault, &["S-0"], SchoolYear(2025))?;
        let shelf = Shelf {
            kind: Kind::AgentProfile,
            activity: None,
            agent: Some(format!("account {HOME_PAGE} S-0")),
        };
        let sheet = |n: u32| Sheet {
            key: Key { shelf: shelf.clone(), registration: None, id: format!("pen-{n}") },
            document: Document { content_type: "text/plain".into(), bytes: b"red".to_vec(), updated_us: 1 },
            over_all: true,
        };
        let desk = Entering::new(Arc::new(vault.clone()), None).desk(HOME_PAGE)?;
        desk.lay((0..RECORDS).map(sheet).collect(), "a")?;
        desk.lay((0..RECORDS).map(sheet).take(1).collect(), "b")?;
        let door = Counted(vault, AtomicUsize::new(0));
        let mut keys = of_replica(&door, "a")?;
        assert_eq!((keys.len(), door.1.load(Ordering::SeqCst)), (450, 3));
        keys.dedup();
        assert!(keys.len() == 450 && keys.is_sorted());
        // Kept for its time, of registered replicas, and of as many as there is room for.
        let recorded = Recorded::of(2);
        let there = |name: &str| locked(&recorded.all).contains_key(name);
        assert_eq!(recorded.set(&door, "a", 1)?.ids.len(), 450);
        assert_eq!(recorded.set(&door, "b", 2)?.ids.len(), 1);
        assert!(recorded.set(&door, "c", 3)?.ids.is_empty());
        assert_eq!(["a", "b", "c"].map(there), [false, true, false]);
        recorded.set(&door, "a", 4)?;
        recorded.keep(|name| name != "b", (5, 100));
        assert_eq!(["a", "b"].map(there), [true, false]);
        recorded.keep(|_| true, (104, 100));
        assert!(!there("a"));
        Ok(())
    }
}
