//! A stop at a chosen write, for tests that a process which dies there loses nothing and does nothing twice.
//!
//! Whoever writes durably passes [`point`] before and after it. Nothing happens until [`arm`] says at the how manieth pass the
//! process is to die, which only a hidden option of `aula district run` does. Invariant: dying is `abort`: no destructor, no flush.

use std::sync::atomic::{AtomicU64, Ordering};

/// Passes left; 0 is never.
static LEFT: AtomicU64 = AtomicU64::new(0);

/// Dies at the `pass`th point from now, from 1; 0 never.
pub fn arm(pass: u64) {
    LEFT.store(pass, Ordering::SeqCst);
}

/// A place at which a process may die.
pub fn point() {
    let before = LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if before == Ok(1) {
        std::process::abort();
    }
}
