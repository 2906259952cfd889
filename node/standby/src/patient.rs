//! A lease's store on a thread of its own: whoever asks waits so long for it, and no longer.
//!
//! A folder whose server is gone holds up whoever touches it, for hours. Flow: an order goes to the thread, which opens the store before
//! the first → the answer comes back, or whoever asked goes on without one. Invariants: an order that was not begun when its asker went on is
//! never carried out; one thread hangs at most, however often it is asked. Absent: what is asked; an order that was begun and hangs may
//! be carried out when the store is back, as that of any process that was long away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::lease::{Kept, LeaseError, LeaseStore, Record};

/// Orders that wait at once.
const MOST: usize = 16;

type Opened = Result<Arc<dyn LeaseStore>, LeaseError>;
type Open = Arc<dyn Fn() -> Opened + Send + Sync>;

struct Order {
    /// Whoever asked goes on then.
    until: Instant,
    work: Box<dyn FnOnce(Opened) + Send>,
}

/// A store that is asked with patience; it is opened when it is asked first, since most commands never ask it.
pub struct Patient {
    open: Open,
    is_open: Arc<AtomicBool>,
    /// For an answer.
    patience: Duration,
    /// For the first, with the opening.
    opening: Duration,
    orders: Mutex<Option<SyncSender<Order>>>,
}

impl std::fmt::Debug for Patient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patient").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Patient {
    /// The store that this opens, asked for so long; until it is open, for so long as the second says.
    pub fn of(
        open: impl Fn() -> Result<Arc<dyn LeaseStore>, LeaseError> + Send + Sync + 'static,
        patience: Duration,
        opening: Duration,
    ) -> Self {
        Self { open: Arc::new(open), is_open: Arc::default(), patience, opening, orders: Mutex::default() }
    }

    /// Where orders go: to a thread that is started with the first.
    fn orders(&self) -> Result<SyncSender<Order>, LeaseError> {
        let mut place = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(orders) = &*place {
            return Ok(orders.clone());
        }
        let (give, take) = sync_channel(MOST);
        let (open, is_open) = (Arc::clone(&self.open), Arc::clone(&self.is_open));
        let work = move || run(&*open, &is_open, &take);
        let started = thread::Builder::new().name("pair-store".into()).spawn(work);
        started.map_err(|error| LeaseError(format!("a thread cannot start: {error}")))?;
        *place = Some(give.clone());
        Ok(give)
    }

    fn ask<T: Send + 'static>(
        &self,
        what: impl FnOnce(&dyn LeaseStore) -> Result<T, LeaseError> + Send + 'static,
    ) -> Result<T, LeaseError> {
        let patience = if self.is_open.load(Ordering::SeqCst) { self.patience } else { self.opening };
        let silent = || LeaseError(format!("it does not answer within {} ms", patience.as_millis()));
        let (reply, answer) = sync_channel(1);
        let work = move |opened: Opened| {
            // Whoever waited too long is gone.
            let _ = reply.send(opened.and_then(|store| what(&*store)));
        };
        let order = Order { until: Instant::now() + patience, work: Box::new(work) };
        match self.orders()?.try_send(order) {
            Ok(()) => answer.recv_timeout(patience).map_err(|_| silent())?,
            Err(TrySendError::Full(_)) => Err(silent()),
            Err(TrySendError::Disconnected(_)) => Err(LeaseError("its thread has ended".into())),
        }
    }
}

fn run(open: &dyn Fn() -> Opened, is_open: &AtomicBool, orders: &Receiver<Order>) {
    let mut store: Option<Arc<dyn LeaseStore>> = None;
    while let Ok(Order { until, work }) = orders.recv() {
        if Instant::now() >= until {
            continue;
        }
        let opened = match &store {
            Some(store) => Ok(Arc::clone(store)),
            None => open(),
        };
        if let Ok(opened) = &opened {
            store = Some(Arc::clone(opened));
            is_open.store(true, Ordering::SeqCst);
        }
        // To open it may have taken long.
        if Instant::now() < until {
            work(opened);
        }
    }
}

impl LeaseStore for Patient {
    fn read(&self) -> Result<Option<Kept>, LeaseError> {
        self.ask(|store| store.read())
    }

    fn put(&self, over: Option<&str>, record: &Record) -> Result<Option<String>, LeaseError> {
        let (over, record) = (over.map(str::to_owned), record.clone());
        self.ask(move |store| store.put(over.as_deref(), &record))
    }

    fn claim(&self, what: &str, owner: &str) -> Result<String, LeaseError> {
        let (what, owner) = (what.to_owned(), owner.to_owned());
        self.ask(move |store| store.claim(&what, &owner))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::{Condvar, MutexGuard};

    use super::*;
    use crate::pair_tests::Tested;

    /// A store that holds up whoever asks it until its gate is open.
    #[derive(Default)]
    struct Gated {
        is_open: Mutex<bool>,
        changed: Condvar,
        puts: AtomicUsize,
    }

    impl Gated {
        fn gate(&self) -> MutexGuard<'_, bool> {
            self.is_open.lock().expect("no panic")
        }

        fn open(&self) {
            *self.gate() = true;
            self.changed.notify_all();
        }

        fn wait(&self) {
            drop(self.changed.wait_while(self.gate(), |is_open| !*is_open).expect("no panic"));
        }
    }

    impl LeaseStore for Gated {
        fn read(&self) -> Result<Option<Kept>, LeaseError> {
            self.wait();
            Ok(None)
        }

        fn put(&self, _: Option<&str>, _: &Record) -> Result<Option<String>, LeaseError> {
            self.wait();
            self.puts.fetch_add(1, Ordering::SeqCst);
            Ok(Some("1".into()))
        }

        fn claim(&self, _: &str, owner: &str) -> Result<String, LeaseError> {
            self.wait();
            Ok(owner.to_owned())
        }
    }

    fn record() -> Record {
        Record { epoch: 1, holder: "east".into(), lease_ms: 1_000, level: None, released: false, turn: 0 }
    }

    fn is_silent<T>(answer: Result<T, LeaseError>) -> bool {
        answer.is_err_and(|error| error.0.contains("does not answer"))
    }

    #[test]
    fn who_asks_a_store_that_hangs_goes_on_and_what_nobody_waits_for_is_not_done() -> Tested {
        let gated = Arc::new(Gated::default());
        let (own, short) = (gated.clone(), Duration::from_millis(20));
        let store = Patient::of(move || Ok(own.clone() as Arc<dyn LeaseStore>), short, short);
        assert!(is_silent(store.read()));
        // More than may wait at once.
        for _ in 0..2 * MOST {
            assert!(is_silent(store.put(None, &record())));
        }
        assert!(is_silent(store.claim("07", "east")));
        gated.open();
        while store.read().is_err() {}
        assert_eq!(gated.puts.load(Ordering::SeqCst), 0);
        while store.put(None, &record()).is_err() {}
        assert!(gated.puts.load(Ordering::SeqCst) > 0);
        Ok(())
    }

    #[test]
    fn a_store_that_hangs_while_it_is_opened_is_opened_once_it_does_not() -> Tested {
        let gated = Arc::new(Gated::default());
        let (own, times, short) = (gated.clone(), Arc::new(AtomicUsize::new(0)), Duration::from_millis(20));
        let counted = times.clone();
        let open = move || {
            own.wait();
            // The first try fails, as that of a share that is not mounted yet.
            match counted.fetch_add(1, Ordering::SeqCst) {
                0 => Err(LeaseError("away".into())),
                _ => Ok(own.clone() as Arc<dyn LeaseStore>),
            }
        };
        let store = Patient::of(open, Duration::from_secs(600), short);
        assert!(is_silent(store.read()));
        gated.open();
        while store.read().is_err() {}
        assert_eq!((store.read()?, store.claim("07", "east")?), (None, "east".into()));
        assert_eq!(times.load(Ordering::SeqCst), 2);
        Ok(())
    }
}
