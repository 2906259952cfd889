//! The other one of a pair, as far as the files of logins go: it has a change before the change is told done.
//!
//! Flow: a file is changed on this disk → [`Partner::copied`] → it is told done; where the other one could not be given it, the file is
//! put back and who asked is told 503. Each turn of acting begins with the files as the other one left them ([`Partner::turn`]).
//! Invariant: neither is asked for while what requests read is locked. Absent: how files are copied, who acts.

use std::fmt::Debug;
use std::sync::Arc;

/// Why nothing is told done now, or nothing is answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Withheld(pub String);

/// Stands between this node's files and whoever is told that they changed. Both calls may block.
pub trait Partner: Debug + Send + Sync {
    /// In which turn of acting this one is: another number than before where the other one may have written meanwhile.
    ///
    /// # Errors
    /// [`Withheld`] while this one does not act.
    fn turn(&self) -> Result<u64, Withheld>;

    /// Returns once the other one has the files as they are now, or once it is recorded that this one goes on alone.
    ///
    /// # Errors
    /// [`Withheld`] when neither is so: nobody may be told that a change is done.
    fn copied(&self) -> Result<(), Withheld>;
}

/// The other one; none of a node that is in no pair.
pub type Other = Option<Arc<dyn Partner>>;

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A partner that acts in the turn that it is told, and takes what it is given as long as it is not away.
    #[derive(Debug)]
    pub(crate) struct Near {
        pub(crate) turn: Mutex<Option<u64>>,
        pub(crate) away: Mutex<bool>,
    }

    impl Near {
        pub(crate) fn new(turn: Option<u64>) -> Arc<Self> {
            Arc::new(Self { turn: Mutex::new(turn), away: Mutex::new(false) })
        }

        pub(crate) fn set(&self, turn: Option<u64>) {
            *self.turn.lock().unwrap() = turn;
        }

        pub(crate) fn go_away(&self, away: bool) {
            *self.away.lock().unwrap() = away;
        }
    }

    impl Partner for Near {
        fn turn(&self) -> Result<u64, Withheld> {
            self.turn.lock().unwrap().ok_or_else(|| Withheld("the other one acts".into()))
        }

        fn copied(&self) -> Result<(), Withheld> {
            match *self.away.lock().unwrap() {
                true => Err(Withheld("the lease is another's".into())),
                false => Ok(()),
            }
        }
    }
}
