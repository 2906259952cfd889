//! Looks whether the chain moves. While it stands, this node says who is missing, and whether its own disk is why.
//!
//! A chain stands for want of votes, which nothing here can mend, or because this node cannot write: then the engine's log
//! fails or hangs under it, and the engine waits without a word. So the disk is tried whenever a look finds no new block. One
//! that refuses twice ends the process with a sentence: an operator, or a service manager, sees that at once. One that does not
//! answer is said in the log and in the status, and after two minutes the service manager hears no more that the process lives
//! ([`is_lost`]): its watchdog ends what may not be able to end itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aula_home::Failure;
use aula_ledger::state::schema;
use aula_ledger::types::{Height, ValidatorAddress};
use aula_store::ChainDb;
use aula_web::api::chain::Standing;

use super::disk::{Disk, Tried, refused};

/// How often is looked, and from when on what is said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Between two looks, and how long a look waits for the disk.
    look: Duration,
    /// A chain without a block for so long stands.
    stands: Duration,
    /// A disk without an answer for so long hangs: a slow one syncs within seconds.
    hangs: Duration,
    /// How often it is said again while it stands.
    again: Duration,
}

impl Pace {
    /// Of a chain that makes an empty block so often. One a second is usual, and a dead proposer's turn costs a few.
    pub(super) fn of(idle: Duration) -> Self {
        Self {
            look: Duration::from_secs(5),
            stands: Duration::from_secs(20).max(idle.saturating_mul(3)),
            hangs: Duration::from_secs(30),
            again: Duration::from_secs(60),
        }
    }
}

/// Looks in a row at which the disk must have refused.
const REFUSALS: u32 = 2;

/// What the status tells while the chain stands.
pub(super) type Told = Arc<Mutex<Option<Standing>>>;

/// A disk that was silent for so many seconds is not expected to answer any more. A small one that a copy is flushed to may need a minute, and
/// a node that is ended then would be ended at each copy.
const LOST_S: u64 = 120;

/// Whether the disk does not come back, by what was told.
pub(super) fn is_lost(told: Option<&Standing>) -> bool {
    told.and_then(|standing| standing.disk_silent_s).is_some_and(|silent_s| silent_s >= LOST_S)
}

/// Where this looks.
pub(super) struct Watch {
    pub(super) disk: Disk,
    pub(super) db: Arc<ChainDb>,
    /// From whom no vote of the next height came.
    pub(super) silent: Box<dyn Fn() -> Vec<ValidatorAddress> + Send>,
    pub(super) told: Told,
    pub(super) pace: Pace,
}

impl Watch {
    /// Looks until the disk refuses; gives what is to be said of it.
    pub(super) async fn attend(mut self) -> Failure {
        let (mut tip, mut since, mut said, mut refusals) = (Height(0), Instant::now(), None, 0);
        loop {
            tokio::time::sleep(self.pace.look).await;
            let now = self.db.latest().tip().height;
            if now != tip {
                if said.take().is_some() {
                    tracing::warn!(height = now.0, "the chain moves again");
                }
                (tip, since, refusals) = (now, Instant::now(), 0);
                self.tell(None);
                continue;
            }
            let mut unanswered = None;
            match self.disk.attempt(self.pace.look).await {
                Tried::Written => refusals = 0,
                Tried::Silent(since) => unanswered = Some(since).filter(|since| *since >= self.pace.hangs),
                Tried::Refused(error) => {
                    refusals += 1;
                    tracing::error!(folder = %self.disk.folder().display(), %error, "the disk takes no bytes");
                    if refusals >= REFUSALS {
                        return refused(self.disk.folder(), &error);
                    }
                }
            }
            if since.elapsed() < self.pace.stands {
                continue;
            }
            let standing = self.standing(since.elapsed(), unanswered);
            if said.is_none_or(|at: Instant| at.elapsed() >= self.pace.again) {
                said = Some(Instant::now());
                tracing::error!(folder = %self.disk.folder().display(), "{}", words(tip, &standing));
            }
            self.tell(Some(standing));
        }
    }

    fn tell(&self, standing: Option<Standing>) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// Why it stands. Whose votes are missing is not known to a node that can write down none.
    fn standing(&self, stood: Duration, unanswered: Option<Duration>) -> Standing {
        let missing = if unanswered.is_some() { Vec::new() } else { self.names(&(self.silent)()) };
        Standing { for_s: stood.as_secs(), missing, disk_silent_s: unanswered.map(|since| since.as_secs()) }
    }

    /// Validators by their names, where the state can be read.
    fn names(&self, silent: &[ValidatorAddress]) -> Vec<String> {
        let known = schema::validator_infos(&*self.db.latest()).unwrap_or_default();
        let name = |address: &ValidatorAddress| {
            let found = known.iter().find(|info| info.address == *address);
            found.map_or_else(|| address.to_string(), |info| info.name.to_string())
        };
        silent.iter().map(name).collect()
    }
}

fn words(tip: Height, standing: &Standing) -> String {
    let next = match standing.disk_silent_s {
        Some(_) => {
            "See what the system says of that disk (dmesg); the node goes on once it answers, or is started again"
        }
        None if standing.missing.is_empty() => "See whether blocks are refused above",
        None => "With a third of the power missing it waits, and goes on by itself when they are back",
    };
    format!("the chain has stood at height {tip} for {} s: {}. {next}", standing.for_s, standing.why())
}

#[cfg(test)]
mod tests {
    use aula_kit::{DevChain, Tested, failed};

    use super::super::disk::tests::{hang, release};
    use super::*;

    fn quick() -> Pace {
        let short = Duration::from_millis(5);
        Pace { look: short, stands: short, hangs: short, ..Pace::of(short) }
    }

    /// Waits until the status tells of a disk that hangs, or no longer does.
    async fn until(told: &Told, expected: bool) {
        let hangs = || {
            let told = told.lock().unwrap_or_else(PoisonError::into_inner);
            told.as_ref().is_some_and(|standing| standing.disk_silent_s.is_some())
        };
        while hangs() != expected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_disk_that_hangs_is_told_until_it_answers() -> Tested {
        let (chain, folder, told) = (DevChain::new().map_err(failed)?, tempfile::tempdir()?, Told::default());
        let liar = ValidatorAddress([7; 20]);
        let watch = Watch {
            disk: Disk::of(folder.path().to_owned()),
            db: Arc::clone(&chain.db),
            silent: Box::new(move || vec![liar]),
            told: Arc::clone(&told),
            pace: quick(),
        };
        hang(folder.path())?;
        let watching = tokio::spawn(watch.attend());
        until(&told, true).await;
        let standing = told.lock().map_err(|_| "told")?.clone().ok_or("it stands")?;
        assert!(
            standing.missing.is_empty() && standing.why().contains("disk has not answered"),
            "{standing:?}"
        );
        release(folder.path())?;
        until(&told, false).await;
        watching.abort();
        Ok(())
    }

    #[test]
    fn whoever_is_missing_is_named_and_so_is_the_disk() {
        let of = |missing: &[&str], disk_silent_s| Standing {
            for_s: 30,
            missing: missing.iter().map(ToString::to_string).collect(),
            disk_silent_s,
        };
        let told = words(Height(7), &of(&["lake", "river"], None));
        assert!(told.contains("height 7 for 30 s") && told.contains("lake, river"), "{told}");
        assert!(words(Height(7), &of(&[], None)).contains("every validator has voted"));
        assert!(!is_lost(None) && !is_lost(Some(&of(&[], Some(119)))) && is_lost(Some(&of(&[], Some(120)))));
        let told = words(Height(7), &of(&[], Some(45)));
        assert!(told.contains("has not answered for 45 s") && told.contains("dmesg"), "{told}");
    }
}
