//! Keepers whose lease's folder is not there, or holds up whoever looks at it, at the start or in the middle of a turn.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use aula_vault::Vault;
use aula_vault::pair::register;
use rustix::fs::{CWD, Mode, mkfifoat};

use crate::folder::FolderLease;
use crate::keeper::{Keeper, Turn};
use crate::lease::{Kept, LeaseError, LeaseStore, Record};
use crate::pair_tests::{ID, One, SOON, Tested, enrol, has, hello, level, started, two};
use crate::patient::Patient;
use crate::place::MARK;
use crate::receiver::{Caller, Receiver};
use crate::wire::{Answer, Question};

/// Waits until it says this.
fn says(keeper: &Keeper, word: &str) {
    while !keeper.standing().why.is_some_and(|why| why.contains(word)) {
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nobody_acts_while_the_share_is_not_mounted_and_one_does_when_it_is() -> Tested {
    let root = tempfile::tempdir()?;
    let (east, west) = two(root.path(), [1, 2])?;
    let (folder, away) = (root.path().join("lease"), root.path().join("share"));
    fs::rename(&folder, &away)?;
    fs::create_dir(&folder)?;
    let ((east_keeper, east_told), (west_keeper, west_told)) = (started(&east)?, started(&west)?);
    for keeper in [&east_keeper, &west_keeper] {
        says(keeper, "has no mark of this pair");
        assert_eq!(keeper.standing().role, "nobody");
    }
    assert_eq!(fs::read_dir(&folder)?.count(), 0);
    fs::remove_dir(&folder)?;
    fs::rename(&away, &folder)?;
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(1));
    assert!(west_told.try_recv().is_err());
    east_keeper.stop();
    west_keeper.stop();
    Ok(())
}

#[test]
fn a_share_that_hangs_holds_up_neither_what_is_told_nor_the_end() -> Tested {
    let root = tempfile::tempdir()?;
    let (mut east, _west) = two(root.path(), [1, 2])?;
    let folder = root.path().join("lease");
    // Whoever opens it waits for one who writes to it, as for a server that is gone.
    let mark = folder.join(MARK);
    fs::remove_file(&mark)?;
    mkfifoat(CWD, &mark, Mode::RUSR | Mode::WUSR)?;
    let open =
        move || FolderLease::at(&folder, ID, "east").map(|store| Arc::new(store) as Arc<dyn LeaseStore>);
    let short = Duration::from_millis(50);
    east.setup.reach.lease = Arc::new(Patient::of(open, short, short));
    let (keeper, told) = started(&east)?;
    says(&keeper, "does not answer");
    assert_eq!(keeper.standing().role, "nobody");
    keeper.stop();
    assert!(told.try_recv().is_err(), "nobody acted");
    Ok(())
}

/// One home's way to the store: whoever asks it while it hangs waits until it does not.
struct Hanging {
    of: Arc<dyn LeaseStore>,
    hangs: Arc<AtomicBool>,
}

impl Hanging {
    fn wait(&self) -> &dyn LeaseStore {
        while self.hangs.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
        &*self.of
    }
}

impl LeaseStore for Hanging {
    fn read(&self) -> Result<Option<Kept>, LeaseError> {
        self.wait().read()
    }

    fn put(&self, over: Option<&str>, record: &Record) -> Result<Option<String>, LeaseError> {
        self.wait().put(over, record)
    }

    fn claim(&self, what: &str, owner: &str) -> Result<String, LeaseError> {
        self.wait().claim(what, owner)
    }
}

/// Puts such a way before its store, on which it waits so long for an answer; gives what makes it hang.
fn hanging(one: &mut One, wait: Duration) -> Arc<AtomicBool> {
    let hangs = Arc::new(AtomicBool::new(false));
    let store: Arc<dyn LeaseStore> =
        Arc::new(Hanging { of: one.setup.reach.lease.clone(), hangs: hangs.clone() });
    one.setup.reach.lease = Arc::new(Patient::of(move || Ok(store.clone()), wait, wait));
    hangs
}

#[test]
fn who_acts_and_whose_store_hangs_has_stopped_when_the_other_one_begins_and_says_so() -> Tested {
    let root = tempfile::tempdir()?;
    let (mut east, west) = two(root.path(), [1, 2])?;
    let hangs = hanging(&mut east, Duration::from_secs(1));
    register(&east.folders.data, Arc::new(east.setup.reach.clone()));
    let (east_keeper, east_told) = started(&east)?;
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Acts(1));
    // West looks whether east may still write in the moment in which its own turn begins, before it is told.
    let (tell, west_told) = mpsc::channel();
    let permit = east.setup.own.permit.clone();
    let west_keeper = Keeper::start(west.setup.clone(), move |turn| {
        // A test that has seen enough listens no longer.
        let _ = tell.send((turn, permit.epoch()));
    })?;
    let vault = Vault::open(&east.folders)?;
    enrol(&vault, 1)?;
    assert_eq!(level(&vault)?, None);
    enrol(&vault, 2)?;

    hangs.store(true, Ordering::SeqCst);
    let (turn, others) = west_told.recv_timeout(SOON)?;
    assert_eq!(turn, Turn::Acts(2));
    assert!(others.is_err(), "east may write in epoch {others:?} while west acts");
    assert!(enrol(&vault, 3).is_err(), "and it takes nothing");
    says(&east_keeper, "was not renewed in time");
    assert_eq!(east_keeper.standing().role, "nobody");
    assert!(east_told.try_recv().is_err(), "it does not know yet that another acts");

    hangs.store(false, Ordering::SeqCst);
    assert_eq!(east_told.recv_timeout(SOON)?, Turn::Over);
    drop(vault);
    let vault = Vault::open(&west.folders)?;
    assert!(has(&vault, 1) && has(&vault, 2) && !has(&vault, 3));
    drop(vault);
    east_keeper.stop();
    west_keeper.stop();
    Ok(())
}

#[test]
fn who_acts_and_whose_store_hung_for_a_while_goes_on_in_its_epoch() -> Tested {
    let root = tempfile::tempdir()?;
    let (mut east, _west) = two(root.path(), [1, 2])?;
    let hangs = hanging(&mut east, Duration::from_secs(1));
    let (keeper, told) = started(&east)?;
    assert_eq!(told.recv_timeout(SOON)?, Turn::Acts(1));
    hangs.store(true, Ordering::SeqCst);
    says(&keeper, "was not renewed in time");
    assert_eq!(keeper.standing().role, "nobody");
    assert!(east.setup.own.permit.epoch().is_err());
    hangs.store(false, Ordering::SeqCst);
    while keeper.standing().role != "acting" || east.setup.own.permit.epoch() != Ok(1) {
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(keeper.standing().why, None, "it does again what it did not do");
    assert!(told.try_recv().is_err(), "its turn is the same");
    keeper.stop();
    Ok(())
}

#[test]
fn whose_permit_is_over_is_not_said_to_act_while_its_store_is_waited_for() -> Tested {
    let root = tempfile::tempdir()?;
    let (mut east, _west) = two(root.path(), [1, 2])?;
    // Longer than the test: nothing is tried meanwhile that could fail.
    let hangs = hanging(&mut east, Duration::from_secs(600));
    let (keeper, told) = started(&east)?;
    assert_eq!(told.recv_timeout(SOON)?, Turn::Acts(1));
    hangs.store(true, Ordering::SeqCst);
    while east.setup.own.permit.epoch().is_ok() {
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(keeper.standing().role, "nobody");
    hangs.store(false, Ordering::SeqCst);
    while keeper.standing().role != "acting" {
        thread::sleep(Duration::from_millis(20));
    }
    keeper.stop();
    Ok(())
}

#[test]
fn two_that_keep_their_lease_in_different_folders_are_told_so_before_anything_is_copied() -> Tested {
    let root = tempfile::tempdir()?;
    let (_east, west) = two(root.path(), [1, 2])?;
    let receiver = Receiver::of(west.setup.own.clone())?;
    let Question::Hello(mut words) = hello(&west.setup.own.secret, 1) else {
        return Err("it says who it is".into());
    };
    for other in [Some("another".to_owned()), None] {
        words.lease_id = other;
        let answer = receiver.answer(&mut Caller::default(), Question::Hello(words.clone()));
        assert!(matches!(&answer, Answer::Refused { code, .. } if code == "other_lease"), "{answer:?}");
    }
    assert_eq!(receiver.floor(), 0, "no fence is raised");
    Ok(())
}
