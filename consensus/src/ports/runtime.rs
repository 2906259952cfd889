//! Time and work as the driver asks for them: a clock that never goes back, sleep, and threads that may block.
//!
//! [`TokioRuntime`] is a running node's. The simulator's ([`crate::bare`]) has a clock that stands still until it is moved
//! and does work where it is asked for it, so that the same driver runs in both.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::oneshot;

/// A point of a clock that never goes back, counted from that clock's own beginning. Those of two clocks do not compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// This long after the clock's beginning.
    pub const fn after(beginning: Duration) -> Self {
        Self(beginning)
    }

    /// How long after the clock's beginning.
    pub const fn elapsed(self) -> Duration {
        self.0
    }

    /// The time from an earlier moment to this one; none from a later one.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

/// Work was given up: it panicked, or whatever was to do it is gone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a part of this program failed: {0}")]
pub struct WorkFailed(pub String);

/// A clock and workers.
pub trait Runtime: fmt::Debug + Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Moment;

    /// Completes at this moment, at once when it is past.
    fn sleep_until(&self, moment: Moment) -> BoxFuture<'static, ()>;

    /// Begins work that may block, at once, on a thread that may. Completes when it is done; dropping the answer does not
    /// stop it.
    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, Result<(), WorkFailed>>;
}

/// Begins work that may block; completes with its result.
pub fn run<T: Send + 'static>(
    runtime: &dyn Runtime,
    work: impl FnOnce() -> T + Send + 'static,
) -> BoxFuture<'static, Result<T, WorkFailed>> {
    let (done, result) = oneshot::channel();
    let running = runtime.run(Box::new(move || {
        // An error means that nobody waits for it any more.
        let _ = done.send(work());
    }));
    Box::pin(async move {
        running.await?;
        result.await.map_err(|error| WorkFailed(error.to_string()))
    })
}

/// A running node's: the system's clock and tokio's threads. Made and used inside a tokio runtime.
#[derive(Debug)]
pub struct TokioRuntime {
    beginning: tokio::time::Instant,
}

impl Default for TokioRuntime {
    fn default() -> Self {
        Self { beginning: tokio::time::Instant::now() }
    }
}

impl Runtime for TokioRuntime {
    fn now(&self) -> Moment {
        Moment(self.beginning.elapsed())
    }

    fn sleep_until(&self, moment: Moment) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep_until(self.beginning + moment.0))
    }

    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, Result<(), WorkFailed>> {
        let running = tokio::task::spawn_blocking(work);
        Box::pin(async move { running.await.map_err(|error| WorkFailed(error.to_string())) })
    }
}
