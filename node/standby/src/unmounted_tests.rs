//! Keepers whose lease's folder is not there, or holds up whoever looks at it.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, Mode, mkfifoat};

use crate::folder::FolderLease;
use crate::keeper::{Keeper, Turn};
use crate::lease::LeaseStore;
use crate::pair_tests::{ID, SOON, Tested, hello, started, two};
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
