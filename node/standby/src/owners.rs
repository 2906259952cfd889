//! Whose each key of a pair is: said once in the lease's store, before anything is signed with it.
//!
//! The two compare their keys when they meet, which says nothing while the line between them is cut. A sign guard is a file of one home, so
//! a key is of the home that said so first, and the other one signs nothing with it. Invariants: nothing is said twice; a
//! store that cannot be asked is no leave, also for one that had it before. Absent: keys' secret halves, guards, for how long it is asked.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::lease::LeaseError;
use crate::shipper::Reach;
use crate::who;

/// Why this home signs nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOwn {
    /// The lease's store says that a key is another's.
    #[error(
        "a validator, network or seed key of this home is {0}'s, as the lease's store says: both signing with it would sign twice"
    )]
    Others(String),
    /// It says that a key is a namesake's.
    #[error(
        "a validator, network or seed key of this home belongs to another home called {0}, or to this one before it was moved, as the \
         lease's store says: both signing with it would sign twice"
    )]
    Namesakes(String),
    /// The lease's store does not say whose it is.
    #[error(transparent)]
    Store(#[from] LeaseError),
}

/// Says that this home's keys are its own, where nobody has said so of them before.
///
/// # Errors
/// [`NotOwn`].
pub fn claim(reach: &Reach) -> Result<(), NotOwn> {
    for key in &reach.keys {
        let what: Vec<String> = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let (me, what) = (reach.name.as_str(), what.concat());
        let mut owner = reach.lease.claim(&what, me)?;
        if owner != me && who::is(me, &owner) {
            // Said before homes had ids: which of those that are called so is meant is said once, too.
            owner = reach.lease.claim(&format!("{what}-home"), me)?;
        }
        if owner != me {
            let name = who::name_of(&owner).to_owned();
            return Err(if who::is_namesake(me, &owner) {
                NotOwn::Namesakes(name)
            } else {
                NotOwn::Others(name)
            });
        }
    }
    Ok(())
}

/// Claims on a thread of its own until the store has said whose the keys are, with this pause after each time that it has not. Each answer
/// is told; the last one is no [`NotOwn::Store`]. A store that hangs tells nothing. Ends when nobody listens.
///
/// # Errors
/// A thread that cannot start.
pub fn keep_claiming(reach: Reach, pause: Duration) -> io::Result<UnboundedReceiver<Result<(), NotOwn>>> {
    let (tell, answers) = unbounded_channel();
    let work = move || {
        loop {
            let answer = claim(&reach);
            let is_last = !matches!(answer, Err(NotOwn::Store(_)));
            if tell.send(answer).is_err() || is_last {
                break;
            }
            thread::sleep(pause);
        }
    };
    thread::Builder::new().name("pair-claims".into()).spawn(work)?;
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::lease::{Kept, LeaseStore, Record};
    use crate::pair_tests::{Tested, two};

    /// A store that cannot be reached.
    struct Away;

    impl LeaseStore for Away {
        fn read(&self) -> Result<Option<Kept>, LeaseError> {
            Err(LeaseError("away".into()))
        }

        fn put(&self, _: Option<&str>, _: &Record) -> Result<Option<String>, LeaseError> {
            Err(LeaseError("away".into()))
        }

        fn claim(&self, _: &str, _: &str) -> Result<String, LeaseError> {
            Err(LeaseError("away".into()))
        }
    }

    /// A store that is away for so many claims.
    struct Back(Mutex<u32>, Arc<dyn LeaseStore>);

    impl LeaseStore for Back {
        fn read(&self) -> Result<Option<Kept>, LeaseError> {
            self.1.read()
        }

        fn put(&self, over: Option<&str>, record: &Record) -> Result<Option<String>, LeaseError> {
            self.1.put(over, record)
        }

        fn claim(&self, what: &str, owner: &str) -> Result<String, LeaseError> {
            let mut left = self.0.lock().expect("no panic");
            if *left > 0 {
                *left -= 1;
                return Err(LeaseError("away".into()));
            }
            self.1.claim(what, owner)
        }
    }

    #[test]
    fn a_store_that_comes_back_is_heard_and_what_it_says_ends_the_asking() -> Tested {
        let root = tempfile::tempdir()?;
        let (east, west) = two(root.path(), [1, 1])?;
        let (east, west) = (&east.setup.reach, &west.setup.reach);
        let away: Option<Result<(), NotOwn>> = Some(Err(NotOwn::Store(LeaseError("away".into()))));
        let others = Err(NotOwn::Others("east".into()));
        // The last one had its leave already: while the store is away that counts for nothing.
        for (reach, says) in [(east, Ok(())), (west, others), (east, Ok(()))] {
            let lease = Arc::new(Back(Mutex::new(3), reach.lease.clone()));
            let mut answers = keep_claiming(Reach { lease, ..reach.clone() }, Duration::ZERO)?;
            for _ in 0..3 {
                assert_eq!(answers.blocking_recv(), away);
            }
            assert_eq!(answers.blocking_recv(), Some(says));
            assert_eq!(answers.blocking_recv(), None);
        }
        Ok(())
    }

    #[test]
    fn a_key_that_both_have_signs_in_one_of_them_alone_while_the_line_between_them_is_cut() -> Tested {
        let root = tempfile::tempdir()?;
        // Nobody listens where either calls: they never meet, and the lease's store is all that both reach.
        let (east, west) = two(root.path(), [1, 2])?;
        for key in 10..40 {
            let shared = |reach: &Reach| Reach { keys: vec![[key; 32]], ..reach.clone() };
            let both = [shared(&east.setup.reach), shared(&west.setup.reach)];
            let signs = std::thread::scope(|scope| {
                let started = both.each_ref().map(|reach| scope.spawn(move || claim(reach)));
                started.map(|thread| thread.join().expect("no panic"))
            });
            let winner = usize::from(signs[1].is_ok());
            assert_eq!(signs[winner], Ok(()), "{key}");
            assert_eq!(signs[1 - winner], Err(NotOwn::Others(both[winner].name.clone())), "{key}");
            // Whoever starts anew, and however often.
            for _ in 0..3 {
                assert!(claim(&both[winner]).is_ok() && claim(&both[1 - winner]).is_err(), "{key}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_key_of_a_home_is_not_its_copys_also_where_it_was_said_before_homes_had_ids() -> Tested {
        let root = tempfile::tempdir()?;
        let (east, _west) = two(root.path(), [1, 2])?;
        let of = |name: &str, key: u8| {
            claim(&Reach { name: name.into(), keys: vec![[key; 32]], ..east.setup.reach.clone() })
        };
        let namesakes = Err(NotOwn::Namesakes("east".into()));
        let others = Err(NotOwn::Others("east".into()));
        assert_eq!(
            [of("east.1", 7), of("east.2", 7), of("west.3", 7)],
            [Ok(()), namesakes.clone(), others.clone()]
        );
        assert_eq!(of("east", 8), Ok(()));
        for _ in 0..2 {
            assert_eq!(
                [of("east.1", 8), of("east.2", 8), of("west.3", 8)],
                [Ok(()), namesakes.clone(), others.clone()]
            );
        }
        Ok(())
    }

    #[test]
    fn keys_of_their_own_are_both_s_and_nothing_is_signed_where_the_store_does_not_answer() -> Tested {
        let root = tempfile::tempdir()?;
        let (east, west) = two(root.path(), [1, 2])?;
        assert_eq!((claim(&east.setup.reach), claim(&west.setup.reach)), (Ok(()), Ok(())));
        let away = Reach { lease: Arc::new(Away), ..east.setup.reach.clone() };
        assert_eq!(claim(&away), Err(NotOwn::Store(LeaseError("away".into()))));
        Ok(())
    }
}
