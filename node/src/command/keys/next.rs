//! The key that will be: drawn beside the one in force, or where that is lost, and put in its place. Broken off anywhere, the
//! next run goes on: a key that was drawn is used again.
//!
//! A validator's new key has a guard of its own, made before it: what it signs has nothing to do with what the old one did.

use std::fs;
use std::path::{Path, PathBuf};

use aula_consensus::sign_guard::SignGuard;
use aula_files::is_there;
use aula_home::keys::{KeyKind, NodeKey, OperatorFile};
use aula_home::operator::export;
use aula_home::{Home, running};

use crate::command::{Advise, Failure};

/// What to do when a file cannot be written or moved.
const AGAIN: &str =
    "check the folder's owner and the space left, then run it again: it goes on where it stopped";

/// A drawn key that is not in its place yet.
#[derive(Debug)]
pub(super) struct Next {
    /// The key.
    pub(super) key: NodeKey,
    file: PathBuf,
    guard: PathBuf,
}

impl Next {
    /// Whether an earlier run has drawn one.
    pub(super) fn is_drawn(home: &Home, kind: KeyKind) -> bool {
        is_there(&file(home, kind))
    }

    /// Draws it where no earlier run did, a validator's with its guard before it.
    ///
    /// # Errors
    /// When a file cannot be written, or what an earlier run drew is refused.
    pub(super) fn drawn(home: &Home, kind: KeyKind) -> Result<Self, Failure> {
        let file = file(home, kind);
        let guard = home.consensus_dir().join("sign_guard.next");
        if !is_there(&file) {
            if kind == KeyKind::Validator {
                let folder = home.consensus_dir();
                fs::create_dir_all(&folder).advise(format!("cannot make {}", folder.display()), AGAIN)?;
                SignGuard::create(&guard, 0).advise("cannot create the new key's guard", AGAIN)?;
            }
            NodeKey::generate(kind).save(&file).advise("cannot create the new key", AGAIN)?;
        }
        let key = NodeKey::load(&file, kind).advise("the new key is refused", AGAIN)?;
        Ok(Self { key, file, guard })
    }

    /// Whether it may take its place at once: nothing stands there, and no node runs that has the lost key in its memory. Such
    /// a node writes its guard anew under its name, which would be the new key's by then.
    ///
    /// # Errors
    /// When it cannot be told whether a node runs.
    pub(super) fn finds_its_place_free(home: &Home, kind: KeyKind) -> Result<bool, Failure> {
        Ok(!is_there(&NodeKey::path(home, kind)) && !running::runs(home)?)
    }

    /// Puts it in the old one's place, which is gone then, and names it in operator.json. What a validator key signed whose file is
    /// lost is remembered apart, in `consensus/sign_guard.lost`. The old key must sign nothing any more: no node has it, or it
    /// decides nothing.
    ///
    /// # Errors
    /// When a file cannot be moved or written.
    pub(super) fn take_place(&self, home: &Home) -> Result<(), Failure> {
        let place = NodeKey::path(home, self.key.kind());
        if self.key.kind() == KeyKind::Validator {
            let old = home.sign_guard_file();
            // Broken off in between, the new guard stands there already.
            if !is_there(&place) && self.guard.exists() {
                replace(&old, &old.with_extension("lost"))?;
            }
            replace(&self.guard, &old)?;
        }
        replace(&self.file, &place)?;
        tell_operator_file(home)
    }
}

/// Writes operator.json again where there is one, with the keys as they are now. Where another key is lost too, its replacement
/// writes it.
///
/// # Errors
/// When a key is refused or the file cannot be written.
pub(super) fn tell_operator_file(home: &Home) -> Result<(), Failure> {
    if !KeyKind::ALL.iter().all(|kind| is_there(&NodeKey::path(home, *kind))) {
        return Ok(());
    }
    let hint = "write it again with `aula keys export --name NAME`";
    let stored = OperatorFile::stored(home).advise("operator.json cannot be read", hint)?;
    if let Some(file) = stored {
        export(home, &file.name, None)?;
    }
    Ok(())
}

fn file(home: &Home, kind: KeyKind) -> PathBuf {
    home.keys_dir().join(format!("{}.next.json", kind.name()))
}

/// Puts a file in another's place; what stood there is gone. Nothing is done where it was moved already.
fn replace(new: &Path, old: &Path) -> Result<(), Failure> {
    if !new.exists() {
        return Ok(());
    }
    fs::rename(new, old).advise(format!("cannot move {} to {}", new.display(), old.display()), AGAIN)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use aula_consensus::sign_guard::{Opened, Step};
    use aula_home::operator::{Choice, make};

    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    fn signed_at(path: &Path) -> Result<u64, Box<dyn std::error::Error>> {
        match SignGuard::open(path)? {
            Opened::Ready(guard) => Ok(guard.last_height()),
            other => Err(format!("{}: {other:?}", path.display()).into()),
        }
    }

    /// A home whose validator key has signed at height 5.
    fn home(folder: &Path) -> Result<Home, Box<dyn std::error::Error>> {
        let home = Home::at(folder.to_owned());
        make(&home, &Choice::default())?;
        let Opened::Ready(guard) = SignGuard::open(&home.sign_guard_file())? else {
            return Err("a new home has a guard".into());
        };
        guard.admit(5, 0, Step::Prevote, b"a vote")?;
        Ok(home)
    }

    #[test]
    fn a_lost_keys_guard_is_kept_apart_and_the_new_one_has_its_own_wherever_it_was_broken_off() -> Tested {
        for broken_off in [false, true] {
            let folder = tempfile::tempdir()?;
            let home = home(folder.path())?;
            let place = NodeKey::path(&home, KeyKind::Validator);
            fs::remove_file(&place)?;
            let next = Next::drawn(&home, KeyKind::Validator)?;
            let public = next.key.public();
            assert!(Next::is_drawn(&home, KeyKind::Validator));
            let lost = home.sign_guard_file().with_extension("lost");
            if broken_off {
                fs::rename(home.sign_guard_file(), &lost)?;
                fs::rename(&next.guard, home.sign_guard_file())?;
            }
            assert!(Next::finds_its_place_free(&home, KeyKind::Validator)?);
            Next::drawn(&home, KeyKind::Validator)?.take_place(&home)?;
            assert_eq!(NodeKey::of_home(&home, KeyKind::Validator)?.public(), public);
            assert_eq!(OperatorFile::stored(&home)?.map(|file| file.validator), Some(public));
            assert_eq!((signed_at(&home.sign_guard_file())?, signed_at(&lost)?), (0, 5));
            assert!(!Next::is_drawn(&home, KeyKind::Validator));
        }
        Ok(())
    }

    #[test]
    fn a_node_that_runs_with_the_lost_key_keeps_its_guard_until_it_has_ended() -> Tested {
        /// More records than a guard's file holds.
        const TOP: u64 = 2_100;
        let folder = tempfile::tempdir()?;
        let home = home(folder.path())?;
        let node = UnixListener::bind(home.control_socket())?;
        let Opened::Ready(guard) = SignGuard::open(&home.sign_guard_file())? else {
            return Err("the lost key has a guard".into());
        };
        fs::remove_file(NodeKey::path(&home, KeyKind::Validator))?;
        let next = Next::drawn(&home, KeyKind::Validator)?;
        assert!(!Next::finds_its_place_free(&home, KeyKind::Validator)?, "a node runs");
        for height in 6..=TOP {
            guard.admit(height, 0, Step::Prevote, b"a vote")?;
        }
        assert_eq!((signed_at(&home.sign_guard_file())?, signed_at(&next.guard)?), (TOP, 0));
        drop((guard, node));
        assert!(Next::finds_its_place_free(&home, KeyKind::Validator)?, "it has ended");
        next.take_place(&home)?;
        let lost = home.sign_guard_file().with_extension("lost");
        assert_eq!((signed_at(&home.sign_guard_file())?, signed_at(&lost)?), (0, TOP));
        Ok(())
    }

    #[test]
    fn a_key_that_is_drawn_beside_the_old_one_changes_nothing_until_it_takes_its_place() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = home(folder.path())?;
        let old = NodeKey::of_home(&home, KeyKind::Validator)?.public();
        let next = Next::drawn(&home, KeyKind::Validator)?;
        assert_eq!(NodeKey::of_home(&home, KeyKind::Validator)?.public(), old);
        assert_eq!(signed_at(&home.sign_guard_file())?, 5);
        next.take_place(&home)?;
        assert_ne!(NodeKey::of_home(&home, KeyKind::Validator)?.public(), old);
        assert_eq!(signed_at(&home.sign_guard_file())?, 0);
        Ok(())
    }
}
