//! The book of milestones: which are due, and which stand on the ledger. HOME/service/milestones.log, its owner's alone.
//!
//! One line an entry, appended and synced; the whole is read when it is opened, and a line that a kill cut is left out. Invariant:
//! writing an entry again changes nothing. A home that lost its book finds out from the ledger what stands, one student at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::PathBuf;

use aula_files::{append_private, private_folder};
use aula_home::{Advise, Failure, Home, fault};
use aula_ledger::tx::{MilestoneKind, RecordMilestone};
use aula_ledger::types::Handle;

/// What of a student a milestone is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A skill was mastered.
    Mastered(u16),
    /// An intervention began.
    Began(u32),
    /// The intervention of this number ended.
    Ended(u32),
}

/// Milestones of every student that are due or on the ledger.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    due: BTreeSet<(Handle, About)>,
    stands: BTreeSet<(Handle, About)>,
    /// By student, the number after the highest that is known to be taken.
    next: BTreeMap<Handle, u16>,
}

impl Book {
    /// Opens the home's book, and makes it where there is none.
    ///
    /// # Errors
    /// A folder that cannot be used.
    pub fn of_home(home: &Home) -> Result<Self, Failure> {
        let folder = home.service_dir();
        let hint = "check the folder's owner and the space left";
        private_folder(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
        let path = folder.join("milestones.log");
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            read => read.advise(format!("cannot read {}", path.display()), hint)?,
        };
        let (due, stands, next) = Default::default();
        let mut book = Self { path, due, stands, next };
        // What is cut has no end of line; the next entry begins on a line of its own.
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            book.read(line.trim_end());
        }
        Ok(book)
    }

    /// What is due and does not stand yet.
    pub fn due(&self) -> Vec<(Handle, About)> {
        self.due.difference(&self.stands).copied().collect()
    }

    /// The next free number of a student, as far as it is known here.
    pub fn next(&self, handle: &Handle) -> u16 {
        self.next.get(handle).copied().unwrap_or(0)
    }

    /// Notes milestones that are due, all at once: a disk has one thing to do however many they are.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn owe(&mut self, owed: impl IntoIterator<Item = (Handle, About)>) -> Result<(), Failure> {
        let mut new = BTreeSet::new();
        new.extend(owed.into_iter().filter(|one| !self.due.contains(one) && !self.stands.contains(one)));
        if new.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> =
            new.iter().map(|(handle, about)| format!("due {handle} {}", word(*about))).collect();
        self.write(&lines.join("\n"))?;
        self.due.append(&mut new);
        Ok(())
    }

    /// Notes that a milestone is due no more, though it was never recorded.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn settle(&mut self, handle: Handle, about: About) -> Result<(), Failure> {
        self.write(&format!("stands {handle} {} -", word(about)))?;
        self.stands.insert((handle, about));
        Ok(())
    }

    /// Notes that a number of a student is taken by something.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn takes(&mut self, handle: Handle, number: u16, about: Option<About>) -> Result<(), Failure> {
        let about = about.map_or_else(|| "-".to_owned(), word);
        let line = format!("stands {handle} {about} {number}");
        self.write(&line)?;
        self.read(&line);
        Ok(())
    }

    /// Notes a milestone that stands on the ledger.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn stands(&mut self, milestone: &RecordMilestone) -> Result<(), Failure> {
        let about = match (&milestone.mastery, milestone.kind) {
            (Some(proof), _) => Some(About::Mastered(proof.skill)),
            // Which intervention it is follows from what is due: one runs at a time.
            (None, MilestoneKind::InterventionBegun) => {
                self.first(&milestone.handle, |about| matches!(about, About::Began(_)))
            }
            (None, MilestoneKind::InterventionEnded) => {
                self.first(&milestone.handle, |about| matches!(about, About::Ended(_)))
            }
            _ => None,
        };
        self.takes(milestone.handle, milestone.number, about)
    }

    fn first(&self, handle: &Handle, wanted: impl Fn(&About) -> bool) -> Option<About> {
        self.due().into_iter().find(|(of, about)| of == handle && wanted(about)).map(|(_, about)| about)
    }

    fn read(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let [kind, handle, about, rest @ ..] = words.as_slice() else { return };
        let Ok(handle) = handle.parse::<Handle>() else { return };
        match (*kind, parse(about)) {
            ("due", Some(about)) => {
                self.due.insert((handle, about));
            }
            ("stands", about) => {
                self.stands.extend(about.map(|about| (handle, about)));
                if let Some(number) = rest.first().and_then(|number| number.parse::<u16>().ok()) {
                    let next = self.next.entry(handle).or_default();
                    *next = (*next).max(number.saturating_add(1));
                }
            }
            _ => {}
        }
    }

    fn write(&self, line: &str) -> Result<(), Failure> {
        fault::point();
        append_private(&self.path, format!("{line}\n").as_bytes()).advise(
            format!("cannot write {}", self.path.display()),
            "check the folder's owner and the space left",
        )?;
        fault::point();
        Ok(())
    }
}

fn word(about: About) -> String {
    match about {
        About::Mastered(skill) => format!("mastered:{skill}"),
        About::Began(id) => format!("began:{id}"),
        About::Ended(id) => format!("ended:{id}"),
    }
}

fn parse(text: &str) -> Option<About> {
    let (kind, number) = text.split_once(':')?;
    match kind {
        "mastered" => Some(About::Mastered(number.parse().ok()?)),
        "began" => Some(About::Began(number.parse().ok()?)),
        "ended" => Some(About::Ended(number.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_a_cut_line_is_left_out() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let open = || Book::of_home(&home).map_err(|failure| failure.message);
        let (one, two) = (Handle([1; 32]), Handle([2; 32]));
        let failed = |failure: Failure| failure.message;
        let mut book = open()?;
        book.owe([(one, About::Mastered(3))]).map_err(failed)?;
        book.owe([(one, About::Mastered(3)), (two, About::Began(1 << 31))]).map_err(failed)?;
        book.takes(one, 4, Some(About::Mastered(3))).map_err(failed)?;
        assert_eq!(std::fs::read_to_string(&book.path)?.lines().count(), 3);
        std::fs::OpenOptions::new()
            .append(true)
            .open(&book.path)?
            .write_all(format!("due {one} mast").as_bytes())?;
        let mut book = open()?;
        assert_eq!(
            (book.due(), book.next(&one), book.next(&two)),
            (vec![(two, About::Began(1 << 31))], 5, 0)
        );
        book.settle(two, About::Began(1 << 31)).map_err(failed)?;
        assert!(open()?.due().is_empty());
        Ok(())
    }
}
