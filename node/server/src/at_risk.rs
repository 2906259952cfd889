//! From when on whose engagement is low for too long, as this node folded it: HOME/feeds/at_risk, written within seconds of a
//! change, read by the district's service at every look for alerts.
//!
//! The service folds whole once an hour by default; what stands here is newer, and what is older than the last whole fold is left out:
//! the service's register has it. Whom that fold passed over (at no open school of the ledger, denied by the access check) the register does
//! not have: what was noted of her stays until a fold finds something else. A line a student: pseudonym, when it was folded, from when on an
//! intervention is due, or `-`. Commands that bring events past feeds and imports name their students in HOME/feeds/at_risk.ask, which the
//! node takes. Absent: folding, which the node's wiring does, and telling, which alerts do.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::PathBuf;

use aula_files::{Access, append_private, private_folder, replace};
use aula_home::{Advise, Failure, Home};
use aula_ledger::types::Handle;

const HINT: &str = "check the folder's owner and the space left";

/// What a fold found of one student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// When it was folded, milliseconds since 1970.
    pub at_ms: u64,
    /// From when on an intervention is due if nothing else comes, milliseconds since 1970; none while none is.
    pub due_ms: Option<u64>,
}

fn path(home: &Home) -> PathBuf {
    home.feeds_dir().join("at_risk")
}

fn asked_path(home: &Home) -> PathBuf {
    home.feeds_dir().join("at_risk.ask")
}

fn taken_path(home: &Home) -> PathBuf {
    asked_path(home).with_extension("taken")
}

fn whole_path(home: &Home) -> PathBuf {
    home.service_dir().join("whole_fold_ms")
}

/// What the node's folds found since the last whole fold, and before it of whom that passed over; nothing where no node wrote.
pub fn read(home: &Home) -> HashMap<Handle, Noted> {
    let whole = WholeFold::of(home);
    let text = std::fs::read_to_string(path(home)).unwrap_or_default();
    text.lines().filter_map(line).filter(|(handle, noted)| !whole.has(handle, noted)).collect()
}

/// A line; none of one that was cut or is of another version, which the next whole fold makes up for.
fn line(text: &str) -> Option<(Handle, Noted)> {
    let mut parts = text.split(' ');
    let (handle, at_ms) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let due_ms = match parts.next()? {
        "-" => None,
        due => Some(due.parse().ok()?),
    };
    Some((handle, Noted { at_ms, due_ms }))
}

/// Writes it whole.
///
/// # Errors
/// A folder that cannot be written.
pub fn write<'a>(home: &Home, all: impl IntoIterator<Item = (&'a Handle, &'a Noted)>) -> Result<(), Failure> {
    let (whole, mut text) = (WholeFold::of(home), String::new());
    for (handle, noted) in all {
        if !whole.has(handle, noted) {
            let due = noted.due_ms.map_or_else(|| "-".to_owned(), |due| due.to_string());
            // A string takes everything.
            let _ = writeln!(text, "{handle} {} {due}", noted.at_ms);
        }
    }
    private_folder(&home.feeds_dir()).advise("the folder of feeds cannot be made", HINT)?;
    let path = path(home);
    replace(&path, Access::Private, text.as_bytes()).advise(format!("cannot write {}", path.display()), HINT)
}

/// The last whole fold that went through; one at 0 that has nobody's notes where there was none.
#[derive(Debug, Default)]
struct WholeFold {
    /// When it began, milliseconds since 1970.
    began_ms: u64,
    /// Enrolled, and not folded by it.
    passed_over: HashSet<Handle>,
}

impl WholeFold {
    fn of(home: &Home) -> Self {
        let text = std::fs::read_to_string(whole_path(home)).unwrap_or_default();
        let mut lines = text.lines();
        let began_ms = lines.next().and_then(|first| first.trim().parse().ok()).unwrap_or(0);
        Self { began_ms, passed_over: lines.filter_map(|line| line.trim().parse().ok()).collect() }
    }

    /// Whether the service's register has by it what was noted of a student.
    fn has(&self, handle: &Handle, noted: &Noted) -> bool {
        noted.at_ms < self.began_ms && !self.passed_over.contains(handle)
    }
}

/// Notes when a whole fold began that is done, and who is enrolled and was not folded by it: what the node noted before it of all others is
/// in the service's register.
///
/// # Errors
/// A folder that cannot be written.
pub fn note_whole_fold(home: &Home, began_ms: u64, passed_over: &BTreeSet<Handle>) -> Result<(), Failure> {
    private_folder(&home.service_dir()).advise("the service's folder cannot be made", HINT)?;
    let (path, mut text) = (whole_path(home), format!("{began_ms}\n"));
    for handle in passed_over {
        // A string takes everything.
        let _ = writeln!(text, "{handle}");
    }
    replace(&path, Access::Private, text.as_bytes()).advise(format!("cannot write {}", path.display()), HINT)
}

/// Has the node look at these students, to whom a command brought events.
///
/// # Errors
/// A folder that cannot be written.
pub fn ask(home: &Home, handles: &BTreeSet<Handle>) -> Result<(), Failure> {
    if handles.is_empty() {
        return Ok(());
    }
    let mut text = String::with_capacity(handles.len().saturating_mul(65));
    for handle in handles {
        // A string takes everything.
        let _ = writeln!(text, "{handle}");
    }
    private_folder(&home.feeds_dir()).advise("the folder of feeds cannot be made", HINT)?;
    let path = asked_path(home);
    append_private(&path, text.as_bytes()).advise(format!("cannot write {}", path.display()), HINT)
}

/// Takes what commands asked for.
///
/// # Errors
/// A file that cannot be read or taken away.
pub fn asked(home: &Home) -> std::io::Result<Vec<Handle>> {
    // Taken away before it is read: what is asked meanwhile begins another.
    let taken = taken_path(home);
    match std::fs::rename(asked_path(home), &taken) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        other => other?,
    }
    let bytes = match std::fs::read(&taken) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes?,
    };
    std::fs::remove_file(&taken)?;
    // A damaged line is passed over: were it an error, no look would come further.
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// Takes all notes away, and what commands asked for: where nobody looks any more, nobody would take out who is erased.
///
/// # Errors
/// A file that cannot be taken away.
pub fn clear(home: &Home) -> std::io::Result<()> {
    for path in [path(home), asked_path(home), taken_path(home)] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn what_a_whole_fold_has_is_left_out_and_a_line_that_is_none_is_passed_over() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        assert!(read(&home).is_empty());
        let (one, two, three) = (Handle([1; 32]), Handle([2; 32]), Handle([3; 32]));
        let all = HashMap::from([
            (one, Noted { at_ms: 10, due_ms: Some(70) }),
            (two, Noted { at_ms: 20, due_ms: None }),
            (three, Noted { at_ms: 30, due_ms: Some(90) }),
        ]);
        write(&home, &all)?;
        assert_eq!(read(&home), all);
        note_whole_fold(&home, 20, &BTreeSet::new())?;
        assert_eq!(read(&home).keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from([two, three]));
        write(&home, &all)?;
        let text = std::fs::read_to_string(path(&home))?;
        assert_eq!(text.lines().count(), 2, "{text}");
        std::fs::write(path(&home), format!("{text}\n{one} 40\nno line\n{one} 50 x\n"))?;
        assert_eq!(read(&home).len(), 2);
        Ok(())
    }

    #[test]
    fn whom_whole_folds_pass_over_is_noted_once_until_a_fold_finds_something_else() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let (away, other) = (Handle([1; 32]), Handle([2; 32]));
        let low = Noted { at_ms: 10, due_ms: Some(70) };
        write(&home, &HashMap::from([(away, low), (other, low)]))?;
        // Hour after hour: she is noted as she was, and a node that writes meanwhile leaves her in.
        for began_ms in [20, 30, 40] {
            note_whole_fold(&home, began_ms, &BTreeSet::from([away]))?;
            assert_eq!(read(&home), HashMap::from([(away, low)]));
            write(&home, &HashMap::from([(away, low), (other, low)]))?;
            assert_eq!(std::fs::read_to_string(path(&home))?.lines().count(), 1);
        }
        // She recovered: so it stays, too.
        let well = Noted { at_ms: 45, due_ms: None };
        write(&home, &HashMap::from([(away, well)]))?;
        note_whole_fold(&home, 50, &BTreeSet::from([away]))?;
        assert_eq!(read(&home), HashMap::from([(away, well)]));
        // Her school opened: the register has her from then on.
        note_whole_fold(&home, 60, &BTreeSet::new())?;
        assert!(read(&home).is_empty());
        Ok(())
    }

    #[test]
    fn what_is_asked_is_taken_once() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        assert!(asked(&home)?.is_empty());
        ask(&home, &BTreeSet::new())?;
        ask(&home, &BTreeSet::from([Handle([1; 32])]))?;
        ask(&home, &BTreeSet::from([Handle([2; 32]), Handle([3; 32])]))?;
        assert_eq!(asked(&home)?, [1, 2, 3].map(|n| Handle([n; 32])));
        assert!(asked(&home)?.is_empty());
        // Damage is passed over, and does not come again.
        let line = format!("{}\n", Handle([4; 32]));
        std::fs::write(asked_path(&home), [&b"\xff\xfe\n"[..], line.as_bytes()].concat())?;
        assert_eq!(asked(&home)?, [Handle([4; 32])]);
        assert!(asked(&home)?.is_empty());
        Ok(())
    }

    #[test]
    fn what_nobody_looks_at_any_more_is_taken_away() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        clear(&home)?;
        let one = Handle([1; 32]);
        write(&home, &HashMap::from([(one, Noted { at_ms: 10, due_ms: Some(70) })]))?;
        ask(&home, &BTreeSet::from([one]))?;
        clear(&home)?;
        assert!(read(&home).is_empty() && asked(&home)?.is_empty());
        assert_eq!(std::fs::read_dir(home.feeds_dir())?.count(), 0);
        Ok(())
    }
}
