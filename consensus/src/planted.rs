//! Bugs that are planted to see whether the simulator finds them.
//!
//! Without the feature `planted` there is nothing here to plant: `is` is a constant. The program `aula` does not compile
//! with it.

/// A fault that a simulation must find, or it proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The sign guard admits everything and records nothing.
    NoGuard,
    /// The sign guard and the engine's log do not wait for the disk.
    NoFsync,
    /// A fresh block may name another proposer than its round's.
    WrongProposer,
    /// A validator forgets what it is locked on: it prevotes whatever fresh block of the round is right, and once restarted it
    /// does not read its log.
    ForgetLock,
    /// Whoever comes once more through a round that it had left, its log being lost, precommits a block there.
    LatePrecommit,
}

impl Bug {
    /// All of them, with their names.
    pub const ALL: [(&'static str, Self); 5] = [
        ("no-guard", Self::NoGuard),
        ("no-fsync", Self::NoFsync),
        ("wrong-proposer", Self::WrongProposer),
        ("forget-lock", Self::ForgetLock),
        ("late-precommit", Self::LatePrecommit),
    ];
}

/// Whether bugs can be planted in this build.
pub const CAN_BE: bool = cfg!(feature = "planted");

#[cfg(feature = "planted")]
mod on {
    use std::sync::Mutex;

    use super::Bug;

    // Of the process, not of a thread: a simulation runs in one of its own.
    static PLANTED: Mutex<Option<Bug>> = Mutex::new(None);

    /// Plants a bug into everything that this process does, or takes it out.
    pub fn plant(bug: Option<Bug>) {
        *PLANTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = bug;
    }

    pub(crate) fn is(bug: Bug) -> bool {
        *PLANTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner) == Some(bug)
    }
}

#[cfg(feature = "planted")]
pub(crate) use on::is;
#[cfg(feature = "planted")]
pub use on::plant;

/// Whether this bug is planted.
#[cfg(not(feature = "planted"))]
pub(crate) const fn is(_: Bug) -> bool {
    false
}
