//! A running node that is one of a pair: it keeps the lease or waits for it, and while it acts it brings the other one level.
//!
//! Feeds and routes are there all the time: while this one stands by, its vault is its receiver's, so that they answer that it is closed.
//! When another has the lease, this process begins anew: nothing that it had in memory outlives its turn. Absent: the lease and
//! the copy, which `aula-standby` is.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use aula_home::config::{Config, Role};
use aula_home::{Advise, Failure, Home};
use aula_standby::keeper::{Keeper, Turn};
use aula_standby::owners::{self, NotOwn};
use aula_standby::settings;
use aula_vault::VaultError;
use aula_web::http::AppState;
use metrics::{describe_gauge, gauge};
use tokio::sync::oneshot;

use super::xapi::KeptDoor;

/// How often the other one is brought level, where it is not.
const SOON: Duration = Duration::from_millis(300);
/// How often what lies beside the database is copied, where it is.
const NOW_AND_THEN: Duration = Duration::from_secs(2);

/// Between two claims, where the store did not say whose a validator's keys are.
const AGAIN: Duration = Duration::from_secs(3);
/// A store that is silent for so long is said to be.
const SILENT: Duration = Duration::from_secs(10);
/// For how long a start waits for it. Of the 15 minutes that the unit gives a start it leaves some for the database; and starts that take so long
/// are never five in ten minutes, after which the service manager would give up.
const PATIENCE: Duration = Duration::from_secs(600);

/// Leave to sign with this home's keys: only [`claim`] gives it.
#[derive(Debug)]
pub struct Claimed(());

/// One of a pair, at work.
pub(super) struct Paired {
    pub keeper: Arc<Keeper>,
    /// Another has the lease.
    pub over: oneshot::Receiver<()>,
}

/// Says in the lease's store that a validator's keys are this home's, before anything is signed with them; of a home that is in no pair,
/// and of a follower, nothing. A store that cannot be asked is waited for, also by one whose keys were its own in an earlier run.
///
/// # Errors
/// Settings that are refused, a key that is the other one's, a store that does not answer for ten minutes.
pub async fn claim(home: &Home, config: &Config) -> Result<Claimed, Failure> {
    if config.consensus.role == Role::Follower {
        return Ok(Claimed(()));
    }
    let Some(reach) = settings::of_node(home, config)?.map(|setup| setup.reach) else {
        return Ok(Claimed(()));
    };
    let answers = owners::keep_claiming(reach, AGAIN);
    let mut answers = answers.advise("a thread cannot start", "see how many this system allows")?;
    let begun = Instant::now();
    loop {
        let why = match tokio::time::timeout(SILENT, answers.recv()).await {
            Ok(Some(Ok(()))) => return Ok(Claimed(())),
            Ok(Some(Err(why @ (NotOwn::Others(_) | NotOwn::Namesakes(_))))) => return Err(shared_key(&why)),
            Ok(Some(Err(NotOwn::Store(error)))) => error.to_string(),
            Ok(None) => return Err(no_lease_store("who asks the lease's store has ended".into())),
            Err(_) => "the lease's store does not answer".into(),
        };
        if begun.elapsed() >= PATIENCE {
            return Err(no_lease_store(why));
        }
        tracing::warn!("{why}; it is asked again: this validator starts when it says whose the keys are");
    }
}

fn no_lease_store(why: String) -> Failure {
    let hint = "a validator of a pair signs nothing before its keys are known to be its own: see [pair] in config.toml, and start again \
                when that store answers; as a follower (--follower) it starts without";
    Failure::new("no_lease_store", why, hint)
}

fn shared_key(why: &NotOwn) -> Failure {
    let hint = "where another home has these keys too, only one may sign: start this one with --follower. Where this home was renamed ([pair] \
                name), moved or restored, or its keys were moved here for good, and no other home has them: remove the files of-KEY beside \
                the lease's record that say whose they were, and start again (docs/failover.md)";
    Failure::new("shared_key", why, hint)
}

/// Keeps the lease, where config.toml names a pair.
///
/// # Errors
/// Settings that are refused, messages in a spool, an address that cannot be had.
pub(super) fn start(home: &Home, config: &Config, node: &Arc<AppState>) -> Result<Option<Paired>, Failure> {
    let (Some(setup), Some(door)) = (settings::of_node(home, config)?, KeptDoor::of(node)) else {
        return Ok(None);
    };
    for name in ["hot.spool", "cold.spool"] {
        let spool = home.feeds_dir().join(name);
        if std::fs::metadata(&spool).is_ok_and(|found| found.len() > 0) {
            let message = format!("{} has messages, and a pair keeps none there", spool.display());
            let hint = "start once without [pair], until `aula feed status` says that nothing is spooled";
            return Err(Failure::new("spooled", message, hint));
        }
    }
    let (tell, over) = oneshot::channel();
    let tell = Mutex::new(Some(tell));
    let (acts, begins) = channel();
    let keeper = Keeper::start(setup, move |turn| match turn {
        Turn::Acts(_) => {
            // Refused only when the process ends.
            let _ = acts.send(());
        }
        Turn::Over => {
            if let Some(tell) = tell.lock().unwrap_or_else(PoisonError::into_inner).take() {
                // Refused only when the node stops already.
                let _ = tell.send(());
            }
        }
    });
    let hint = "see [pair] in config.toml: is the port free, does another `aula start` run in this home?";
    let keeper = Arc::new(keeper.advise("the pair's lease cannot be kept", hint)?);
    describe();
    let own = keeper.clone();
    let started =
        thread::Builder::new().name("pair-levels".into()).spawn(move || attend(&own, &door, &begins));
    started.advise("a thread cannot start", "see how many this system allows")?;
    Ok(Some(Paired { keeper, over }))
}

fn describe() {
    describe_gauge!("aula_pair_acting", "1 while this one of a pair acts");
    describe_gauge!("aula_pair_alone", "1 while it acknowledges what only it has");
    describe_gauge!("aula_pair_epoch", "the lease's epoch, as this one knows it");
    describe_gauge!(
        "aula_pair_behind_writes",
        "writes that the standby lacks, as the acting one knows; NaN where it does not"
    );
}

/// Brings the other one level for as long as the process runs. When this one's turn begins the vault is opened at once: whoever asks first
/// waits for less.
fn attend(keeper: &Keeper, door: &KeptDoor, begins: &Receiver<()>) {
    loop {
        let standing = keeper.standing();
        let acts = standing.role == "acting";
        gauge!("aula_pair_acting").set(f64::from(u8::from(acts)));
        gauge!("aula_pair_alone").set(f64::from(u8::from(acts && standing.is_alone())));
        gauge!("aula_pair_epoch").set(standing.epoch as f64);
        gauge!("aula_pair_behind_writes").set(standing.behind.map_or(f64::NAN, |behind| behind as f64));
        if acts {
            // Not lent: a copy of the whole must hold nobody up.
            let levelled = door.shared().and_then(|vault| {
                let level = vault.level_pair();
                keeper.disk_refuses(vault.is_refused());
                level
            });
            match levelled {
                Ok(level) => keeper.note(level),
                // A command has it, which copies what it writes; or the lease is over for a moment.
                Err(VaultError::Busy | VaultError::NotActing(_)) => {}
                Err(error) => tracing::warn!(%error, "the standby is brought level later"),
            }
        }
        let level = acts && !keeper.standing().is_alone();
        let pause = if level { NOW_AND_THEN } else { SOON };
        match begins.recv_timeout(pause) {
            Ok(()) => open(door),
            Err(RecvTimeoutError::Timeout) => {}
            // The lease is kept no longer.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(pause),
        }
    }
}

fn open(door: &KeptDoor) {
    let begun = Instant::now();
    match door.shared() {
        Ok(_) => tracing::info!(ms = begun.elapsed().as_millis() as u64, "the vault is open"),
        // Who asks next opens it, or is told why not.
        Err(error) => tracing::warn!(%error, "the vault is not open yet"),
    }
}
