//! Places for requests that are answered at once: eight, of which one replica has two at most, so that whoever is slow, on purpose or not,
//! keeps nobody else out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests that are answered at once.
const MAX_REQUESTS: usize = 8;
/// Requests of one replica that are answered at once: its node's levelling, and a command's.
const MAX_OWN: usize = 2;

/// A place that is held: given back when it is dropped.
pub(super) struct Place {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Taken {
    /// By the replica itself.
    #[error("{MAX_OWN} questions of this replica are being answered")]
    Own,
    /// By others.
    #[error("too many replicas level now")]
    All,
}

/// All places.
pub(super) struct Places {
    all: Arc<Semaphore>,
    own: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl Default for Places {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(MAX_REQUESTS)), own: Mutex::default() }
    }
}

impl Places {
    /// A place for a request of this replica.
    ///
    /// # Errors
    /// [`Taken`].
    pub fn take(&self, name: &str) -> Result<Place, Taken> {
        let own = {
            let mut all = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(name.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(MAX_OWN))).clone()
        };
        let own = own.try_acquire_owned().map_err(|_| Taken::Own)?;
        let of_all = self.all.clone().try_acquire_owned().map_err(|_| Taken::All)?;
        Ok(Place { _own: own, _of_all: of_all })
    }

    /// Forgets replicas that are registered no more and hold no place.
    pub fn keep(&self, registered: impl Fn(&str) -> bool) {
        let mut all = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|name, own| registered(name) || own.available_permits() < MAX_OWN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_one_replica_has_two_places_and_all_have_eight() {
        let places = Places::default();
        let mut held = Vec::new();
        for name in ["a", "b", "c"] {
            held.extend([places.take(name), places.take(name)].map(|place| place.ok()));
            assert_eq!(places.take(name).err(), Some(Taken::Own), "{name}");
        }
        held.extend([places.take("d").ok(), places.take("e").ok()]);
        assert!(held.iter().all(Option::is_some));
        assert_eq!((places.take("d").err(), places.take("f").err()), (Some(Taken::All), Some(Taken::All)));
        // Whose line went while it holds places does not have others beside them when it is back.
        places.keep(|_| false);
        assert_eq!(places.take("a").err(), Some(Taken::Own));
        drop(held);
        assert!(places.take("a").is_ok() && places.take("f").is_ok());
        places.keep(|name| name == "a");
        assert_eq!(places.own.lock().map(|all| all.len()).ok(), Some(1));
    }
}
