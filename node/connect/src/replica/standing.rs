//! How a school's levelling stands: HOME/feeds/replica.json, written by the node and by `aula feed level`, read by `aula feed status`.
//!
//! Flow: [`Standing::began`] before a levelling, [`Standing::ended`] after it. Invariant: a levelling that was cut is counted, also one whose
//! process was killed: it began, and did not end before the next one of the same kind begins.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;

use aula_files::{Access, private_folder, replace};
use aula_home::{Home, with_causes};
use serde::{Deserialize, Serialize};

use super::asking::Levelled;
use super::district::LevelError;

/// How a school's levelling stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// When it was tried last, milliseconds since 1970.
    pub at_ms: u64,
    /// When both sides were level last; 0 before the first time.
    pub level_ms: u64,
    /// What the last one did that was not cut.
    pub last: Levelled,
    /// Why the last one was cut.
    pub error: Option<String>,
    /// How many were cut since the last one that was not.
    pub cut: u64,
    /// How many were ever cut.
    pub cut_in_all: u64,
    /// When the last one was cut, milliseconds since 1970; of one that was killed, when it began. 0: none ever was.
    pub cut_ms: u64,
    /// Levellings that began and have not ended, by who levels, with their beginning in milliseconds since 1970: they run, or were killed.
    pub began_ms: BTreeMap<By, u64>,
}

/// Who levels; each one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The running node.
    Node,
    /// `aula feed level`.
    Command,
}

impl Standing {
    /// How this home's stands; none of one that never levelled.
    pub fn of(home: &Home) -> Option<Self> {
        let text = std::fs::read(home.feeds_dir().join("replica.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Notes that a levelling begins; gives how it stands.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn began(home: &Home, by: By, now_ms: u64) -> io::Result<Self> {
        Self::change(home, |standing| {
            if let Some(before) = standing.began_ms.insert(by, now_ms) {
                standing.was_cut(before, "its process ended in the middle of it".into());
            }
        })
    }

    /// Notes what a levelling did, or why it was cut; gives how it stands.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn ended(home: &Home, by: By, now_ms: u64, did: Result<&Levelled, &LevelError>) -> io::Result<Self> {
        Self::change(home, |standing| {
            standing.began_ms.remove(&by);
            standing.at_ms = now_ms;
            match did {
                Ok(did) => {
                    if did.level {
                        standing.level_ms = now_ms;
                    }
                    (standing.last, standing.error, standing.cut) = (did.clone(), None, 0);
                }
                Err(error) => standing.was_cut(now_ms, with_causes(error)),
            }
        })
    }

    fn was_cut(&mut self, at_ms: u64, why: String) {
        (self.cut, self.cut_in_all) = (self.cut.saturating_add(1), self.cut_in_all.saturating_add(1));
        (self.cut_ms, self.error) = (at_ms, Some(why));
    }

    /// Changes it, whole; the node and a command one after the other.
    fn change(home: &Home, change: impl FnOnce(&mut Self)) -> io::Result<Self> {
        let folder = home.feeds_dir();
        private_folder(&folder)?;
        let lock = File::create(folder.join("replica.lock"))?;
        lock.lock()?;
        let mut standing = Self::of(home).unwrap_or_default();
        change(&mut standing);
        let text = serde_json::to_vec(&standing).unwrap_or_default();
        replace(&folder.join("replica.json"), Access::Public, &text)?;
        Ok(standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_levelling_that_was_cut_or_killed_is_counted_and_looks_like_none_that_never_was()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        assert_eq!(Standing::of(&home), None);
        Standing::began(&home, By::Node, 1)?;
        let cut = LevelError::Refused(503, "busy".into(), "come again".into());
        Standing::ended(&home, By::Node, 2, Err(&cut))?;
        let standing = Standing::of(&home).ok_or("nothing is noted")?;
        assert_eq!((standing.at_ms, standing.level_ms, standing.cut, standing.cut_ms), (2, 0, 1, 2));
        assert!(standing.error.is_some_and(|why| why.contains("come again")) && standing.began_ms.is_empty());
        // A command beside the node's: neither ends the other's.
        Standing::began(&home, By::Node, 3)?;
        Standing::began(&home, By::Command, 4)?;
        let level = Levelled { level: true, sent: 7, ..Levelled::default() };
        let standing = Standing::ended(&home, By::Command, 5, Ok(&level))?;
        assert_eq!((standing.cut, standing.cut_in_all, standing.level_ms, standing.last.sent), (0, 1, 5, 7));
        assert_eq!((standing.error, standing.began_ms), (None, BTreeMap::from([(By::Node, 3)])));
        // The node was killed: its next one tells so.
        let standing = Standing::began(&home, By::Node, 6)?;
        assert_eq!((standing.cut, standing.cut_in_all, standing.cut_ms, standing.level_ms), (1, 2, 3, 5));
        assert!(standing.error.is_some());
        // What an earlier program wrote is read.
        std::fs::write(home.feeds_dir().join("replica.json"), br#"{"at_ms":1,"level_ms":1,"error":null}"#)?;
        assert_eq!(Standing::of(&home).map(|standing| (standing.level_ms, standing.cut)), Some((1, 0)));
        Ok(())
    }
}
