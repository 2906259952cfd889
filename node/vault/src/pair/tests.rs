use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aula_ledger::names::Name;
use aula_ledger::types::Handle;

use super::*;
use crate::testkit::World;
use crate::vault::{Folders, Vault};

type Tested = Result<(), Box<dyn std::error::Error>>;

/// A partner in this process: its standby takes what is copied, unless it is away.
#[derive(Default)]
struct Near {
    epoch: AtomicU64,
    standby: Mutex<Option<Standby>>,
    data: PathBuf,
    away: AtomicBool,
    level: AtomicBool,
}

struct Copying(Arc<Near>);

impl Near {
    fn partner(self: &Arc<Self>) -> Arc<dyn Partner> {
        Arc::new(Copying(self.clone()))
    }
}

impl Partner for Copying {
    fn epoch(&self) -> Result<u64, String> {
        match self.0.epoch.load(Ordering::SeqCst) {
            0 => Err("the lease is somebody else's".into()),
            epoch => Ok(epoch),
        }
    }

    fn copier(&self) -> Box<dyn Copier> {
        self.0.level.store(false, Ordering::SeqCst);
        Box::new(Copying(self.0.clone()))
    }
}

impl Copier for Copying {
    fn copied(&self, source: &Source<'_>, _epoch: u64, last: u64) -> Result<(), String> {
        if self.0.away.load(Ordering::SeqCst) {
            return Err("away".into());
        }
        if !self.0.level.load(Ordering::SeqCst) {
            return Ok(());
        }
        let standby = locked(&self.0.standby);
        let Some(standby) = standby.as_ref() else { return Ok(()) };
        let had = standby.apply(&source.drain()).map_err(|error| error.to_string())?;
        if had == last { Ok(()) } else { Err(format!("it has {had} of {last}")) }
    }

    fn level(&self, source: &Source<'_>, _epoch: u64) -> Level {
        match self.bring(source) {
            Ok(()) => Level { behind: Some(0), why: None },
            Err(why) => Level { behind: None, why: Some(why) },
        }
    }
}

impl Copying {
    fn bring(&self, source: &Source<'_>) -> Result<(), String> {
        let said = |error: VaultError| error.to_string();
        let mut place = locked(&self.0.standby);
        let known = match place.as_ref() {
            Some(standby) => source.history().map_err(said)?.holds(
                source.last(),
                &standby.history().map_err(said)?,
                standby.last(),
            ),
            None => false,
        };
        if !known {
            *place = None;
            source.checkpoint(&incoming(&self.0.data)).map_err(said)?;
            take_place(&self.0.data).map_err(said)?;
            *place = Standby::open(&self.0.data).map_err(said)?;
        }
        let standby = place.as_ref().ok_or("nothing there")?;
        let mut stopped = source.stopped();
        while standby.last() < source.last() {
            let batches = source.since(standby.last(), 1 << 20).map_err(said)?.ok_or("the log is cut")?;
            standby.apply(&batches).map_err(said)?;
        }
        stopped.keep(true);
        self.0.level.store(true, Ordering::SeqCst);
        Ok(())
    }
}

/// The folder of both, where the vault is, its standby, and a student.
type Paired = (tempfile::TempDir, Folders, Arc<Near>, Handle);

/// A vault that is opened again as one of a pair, and its standby's folder.
fn paired() -> Result<Paired, Box<dyn std::error::Error>> {
    let World { root, vault, handles, .. } = World::new()?;
    let folders = vault.folders().clone();
    drop(vault);
    let near = Arc::new(Near {
        epoch: AtomicU64::new(1),
        data: root.path().join("other").join("vault"),
        ..Near::default()
    });
    std::fs::create_dir(root.path().join("other"))?;
    register(&folders.data, near.partner());
    Ok((root, folders, near, handles[0][0]))
}

fn note(vault: &Vault, number: u64) -> Result<(), VaultError> {
    let mut batch = WriteBatch::default();
    batch.put_cf(family(&vault.db, Table::Sources)?, number.to_be_bytes(), b"a note");
    batch.put_cf(family(&vault.db, Table::Meta)?, b"other", number.to_be_bytes());
    vault.write(batch)
}

fn notes(near: &Near) -> Result<Vec<u64>, VaultError> {
    let standby = locked(&near.standby);
    let Some(standby) = standby.as_ref() else { return Ok(Vec::new()) };
    let rows = standby.db.iterator_cf(family(&standby.db, Table::Sources)?, rocksdb::IteratorMode::Start);
    rows.map(|row| Ok(u64::from_be_bytes(row?.0[..].try_into().unwrap_or_default()))).collect()
}

#[test]
fn what_is_acknowledged_is_with_the_other_and_what_is_not_is_an_error() -> Tested {
    let (_root, folders, near, handle) = paired()?;
    let vault = Vault::open(&folders)?;
    assert_eq!(vault.level_pair()?, Level { behind: Some(0), why: None });
    for number in 0..20 {
        note(&vault, number)?;
        assert_eq!(notes(&near)?.len() as u64, number + 1);
    }
    // Every way of writing takes this one: reads of a person list themselves.
    let reader = Name::new("t-1")?;
    let _ = vault.traced(&handle, b"no event", &reader, 7)?;
    assert_eq!(locked(&near.standby).as_ref().map(Standby::last), Some(vault.db.latest_sequence_number()));
    let before = vault.db.latest_sequence_number();
    vault.beside_changed()?;
    vault.beside_changed()?;
    assert_eq!(vault.db.latest_sequence_number(), before + 2, "each is a write of its own");
    assert_eq!(locked(&near.standby).as_ref().map(Standby::last), Some(before + 2));
    near.away.store(true, Ordering::SeqCst);
    assert!(matches!(vault.beside_changed(), Err(VaultError::NotActing(_))));
    assert!(matches!(note(&vault, 20), Err(VaultError::NotActing(_))));
    near.away.store(false, Ordering::SeqCst);
    note(&vault, 21)?;
    assert_eq!(notes(&near)?.len(), 22, "what waited goes with what comes next");
    // The lease is lost: nothing is written, and it is not opened again.
    let before = vault.db.latest_sequence_number();
    near.epoch.store(0, Ordering::SeqCst);
    assert!(matches!(note(&vault, 22), Err(VaultError::NotActing(_))));
    assert_eq!(vault.db.latest_sequence_number(), before);
    drop(vault);
    assert!(matches!(Vault::open(&folders), Err(VaultError::NotActing(_))));
    Ok(())
}

#[test]
fn a_write_that_the_database_does_not_take_is_noted() -> Tested {
    let (_root, folders, _near, _) = paired()?;
    let vault = Vault::open(&folders)?;
    note(&vault, 1)?;
    assert!(!vault.is_refused());
    // One write to a column family that is not there: number, count, then its kind, family, key and value.
    let bytes = [&[0; 8][..], &[1, 0, 0, 0], &[5, 99, 1, b'k', 1, b'v']].concat();
    assert!(vault.write(WriteBatch::from_data(&bytes)).is_err());
    assert!(vault.is_refused());
    Ok(())
}

#[test]
fn who_was_away_gets_what_came_meanwhile_and_who_went_another_way_gets_all_of_it() -> Tested {
    let (_root, folders, near, _) = paired()?;
    let vault = Vault::open(&folders)?;
    vault.level_pair()?;
    note(&vault, 0)?;
    drop(vault);
    // Another opening, another copier: what is written before it is level is in the log.
    let vault = Vault::open(&folders)?;
    let held = locked(&near.standby).take();
    note(&vault, 1)?;
    *locked(&near.standby) = held;
    let before = locked(&near.standby).as_ref().map(Standby::last);
    vault.level_pair()?;
    assert_eq!(notes(&near)?, [0, 1]);
    assert!(before < locked(&near.standby).as_ref().map(Standby::last));

    // The standby begins an epoch of its own, and this one wrote what nobody was told of.
    near.away.store(true, Ordering::SeqCst);
    assert!(note(&vault, 2).is_err());
    drop(vault);
    near.away.store(false, Ordering::SeqCst);
    *locked(&near.standby) = None;
    let other = Folders { data: near.data.clone(), keystore: folders.keystore.clone() };
    let far = Arc::new(Near { epoch: AtomicU64::new(2), data: folders.data.clone(), ..Near::default() });
    register(&other.data, far.partner());
    *locked(&far.standby) = Standby::open(&folders.data)?;
    let vault = Vault::open(&other)?;
    vault.level_pair()?;
    note(&vault, 3)?;
    assert_eq!(notes(&far)?, [0, 1, 3], "the note that nobody was told of is gone");
    Ok(())
}

#[test]
fn one_history_holds_another_only_as_far_as_they_are_one() {
    let begin = |epoch, after| Begin { epoch, after };
    let of = |begins: &[Begin]| History { pair: [1; 16], begins: begins.to_vec() };
    let own = of(&[begin(1, 10), begin(2, 30), begin(4, 50)]);
    for (other, last, holds) in [
        (of(&[begin(1, 10)]), 20, true),
        (of(&[begin(1, 10)]), 30, true),
        (of(&[begin(1, 10)]), 31, false),
        (of(&[begin(1, 10), begin(2, 30)]), 50, true),
        (of(&[begin(1, 10), begin(3, 30)]), 31, false),
        (own.clone(), 60, true),
        (own.clone(), 61, false),
        (of(&[]), 5, false),
        (History { pair: [2; 16], ..own.clone() }, 20, false),
    ] {
        assert_eq!(own.holds(60, &other, last), holds, "{other:?} {last}");
    }
}
