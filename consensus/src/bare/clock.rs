//! A clock that stands still until it is moved, and workers that do their work where it is asked for.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::future::{BoxFuture, ready};

use crate::ports::{Moment, Runtime, WorkFailed};

#[derive(Debug, Default)]
struct Inner {
    now: Moment,
    next: u64,
    sleepers: BTreeMap<(Moment, u64), Waker>,
}

#[derive(Debug, Default)]
pub(super) struct StillClock {
    inner: Arc<Mutex<Inner>>,
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StillClock {
    /// Moves the clock, never back, and wakes whoever slept until then.
    pub(super) fn set(&self, now: Moment) {
        let mut inner = lock(&self.inner);
        inner.now = inner.now.max(now);
        let now = inner.now;
        let later = inner.sleepers.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut inner.sleepers, later);
        drop(inner);
        due.into_values().for_each(Waker::wake);
    }

    /// When the first sleeper wakes.
    pub(super) fn wakes_at(&self) -> Option<Moment> {
        lock(&self.inner).sleepers.keys().next().map(|(moment, _)| *moment)
    }
}

impl Runtime for StillClock {
    fn now(&self) -> Moment {
        lock(&self.inner).now
    }

    fn sleep_until(&self, moment: Moment) -> BoxFuture<'static, ()> {
        Box::pin(Sleep { inner: Arc::clone(&self.inner), moment, name: None })
    }

    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, Result<(), WorkFailed>> {
        let done = catch_unwind(AssertUnwindSafe(work));
        Box::pin(ready(done.map_err(|_| WorkFailed("it panicked".to_owned()))))
    }
}

struct Sleep {
    inner: Arc<Mutex<Inner>>,
    moment: Moment,
    name: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.inner);
        let mut inner = lock(&shared);
        if inner.now >= self.moment {
            return Poll::Ready(());
        }
        let name = *self.name.get_or_insert_with(|| {
            inner.next += 1;
            inner.next
        });
        inner.sleepers.insert((self.moment, name), context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(name) = self.name {
            lock(&self.inner).sleepers.remove(&(self.moment, name));
        }
    }
}
