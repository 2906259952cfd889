//! The book of alerts: HOME/service/alerts.json, whole at any time, changed under a lock, since a command acknowledges while the
//! service works.
//!
//! Flow: what is found at a look → [`Book::found`]: an alert begins when something is found for the first time and ends when it is found no
//! more; found again later it is another alert → [`Book::plan`]: what a place was not told yet becomes a note, written down before it is
//! sent → [`Book::sent`]. Invariants: a note has the same alerts and the same id however often it is tried; an alert is told once a
//! place; one that was acknowledged or has ended is told nowhere. Absent: finding and sending.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;

use aula_files::{Access, private_folder, replace};
use aula_home::config::AlertKind;
use aula_home::{Advise, Failure, Home, fault};
use aula_twin_runtime::clock::DAY_MS;
use rand::RngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};

/// Ended alerts are kept so long, milliseconds: 90 days.
const KEPT_MS: u64 = 90 * DAY_MS;

/// Something that somebody should know of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// 32 hex digits, drawn.
    pub id: String,
    /// Which of the things that config.toml names it is of.
    pub kind: AlertKind,
    /// What it is about, for the district's own eyes: never sent.
    pub about: String,
    /// When it was found first, milliseconds since 1970.
    pub since_ms: u64,
    /// When it was found no more.
    pub ended_ms: Option<u64>,
    /// When somebody said that they know.
    pub acknowledged_ms: Option<u64>,
    /// When it was told where.
    pub told_ms: BTreeMap<String, u64>,
}

impl Alert {
    /// Whether people should do something about it.
    pub const fn stands(&self) -> bool {
        self.ended_ms.is_none() && self.acknowledged_ms.is_none()
    }
}

/// A note of alerts of one kind to one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// 32 hex digits, drawn: what makes it this note.
    pub id: String,
    /// Every alert of the note is of this kind.
    pub kind: AlertKind,
    /// The place's name.
    pub to: String,
    /// Their ids, oldest first.
    pub alerts: Vec<String>,
    /// Why it was not taken the last time.
    pub error: Option<String>,
}

/// Every alert and every note that is on its way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Alerts, oldest first.
    pub alerts: Vec<Alert>,
    /// Notes that are on their way.
    pub notes: Vec<Planned>,
}

fn path(home: &Home) -> PathBuf {
    home.service_dir().join("alerts.json")
}

fn drawn() -> String {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

impl Book {
    /// As it stands; empty where there is none.
    ///
    /// # Errors
    /// A book that cannot be read: what was told is not told again by forgetting it.
    pub fn load(home: &Home) -> Result<Self, Failure> {
        let path = path(home);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(error)
                    .advise(format!("cannot read {}", path.display()), "check its owner and mode");
            }
        };
        let hint = "move it away: alerts that stand are then told again";
        serde_json::from_slice(&bytes).advise(format!("{} is damaged", path.display()), hint)
    }

    /// Changes it, one process at a time.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn change<T>(home: &Home, work: impl FnOnce(&mut Self) -> T) -> Result<T, Failure> {
        let (folder, hint) = (home.service_dir(), "check the folder's owner and the space left");
        private_folder(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
        let lock = folder.join(".alerts");
        let lock = File::create(&lock).advise(format!("cannot make {}", lock.display()), hint)?;
        lock.lock().advise("the book of alerts cannot be locked", hint)?;
        let before = Self::load(home)?;
        let mut book = before.clone();
        let told = work(&mut book);
        if book != before {
            let (path, bytes) =
                (path(home), serde_json::to_vec(&book).advise("the alerts cannot be written", hint)?);
            fault::point();
            replace(&path, Access::Private, &bytes)
                .advise(format!("cannot write {}", path.display()), hint)?;
            fault::point();
        }
        Ok(told)
    }

    /// Takes what a look found, of the kinds that could be looked at; gives how many began.
    pub fn found(
        &mut self,
        found: &[(AlertKind, String)],
        looked: &BTreeSet<AlertKind>,
        now_ms: u64,
    ) -> usize {
        let there: BTreeSet<(AlertKind, &str)> =
            found.iter().map(|(kind, about)| (*kind, about.as_str())).collect();
        let is_there = |alert: &Alert| there.contains(&(alert.kind, alert.about.as_str()));
        for alert in self.alerts.iter_mut().filter(|alert| alert.ended_ms.is_none()) {
            if looked.contains(&alert.kind) && !is_there(alert) {
                alert.ended_ms = Some(now_ms);
            }
        }
        let open: BTreeSet<(AlertKind, String)> = self
            .alerts
            .iter()
            .filter(|alert| alert.ended_ms.is_none())
            .map(|alert| (alert.kind, alert.about.clone()))
            .collect();
        let new: Vec<Alert> = there
            .into_iter()
            .filter(|(kind, about)| !open.contains(&(*kind, (*about).to_owned())))
            .map(|(kind, about)| Alert {
                id: drawn(),
                kind,
                about: about.to_owned(),
                since_ms: now_ms,
                ended_ms: None,
                acknowledged_ms: None,
                told_ms: BTreeMap::new(),
            })
            .collect();
        let began = new.len();
        self.alerts.extend(new);
        self.alerts.retain(|alert| alert.ended_ms.is_none_or(|ended| ended.saturating_add(KEPT_MS) > now_ms));
        began
    }

    /// Writes down a note of each kind to each place for what it was not told; gives all that are on their way.
    pub fn plan(&mut self, places: &[String]) -> Vec<Planned> {
        let stands: BTreeSet<String> =
            self.alerts.iter().filter(|alert| alert.stands()).map(|alert| alert.id.clone()).collect();
        // Nobody needs to hear of what is over or known, unless others in the note are not.
        self.notes
            .retain(|note| places.contains(&note.to) && note.alerts.iter().any(|id| stands.contains(id)));
        for to in places {
            for kind in AlertKind::ALL {
                let noted =
                    |id: &String| self.notes.iter().any(|note| note.to == *to && note.alerts.contains(id));
                let alerts: Vec<String> = self
                    .alerts
                    .iter()
                    .filter(|alert| alert.kind == kind && alert.stands() && !alert.told_ms.contains_key(to))
                    .map(|alert| alert.id.clone())
                    .filter(|id| !noted(id))
                    .collect();
                if !alerts.is_empty() {
                    self.notes.push(Planned { id: drawn(), kind, to: to.clone(), alerts, error: None });
                }
            }
        }
        self.notes.clone()
    }

    /// Notes what became of a note.
    pub fn sent(&mut self, id: &str, outcome: Result<(), String>, now_ms: u64) {
        let Some(at) = self.notes.iter().position(|note| note.id == id) else { return };
        match outcome {
            Err(error) => {
                if let Some(note) = self.notes.get_mut(at) {
                    note.error = Some(error);
                }
            }
            Ok(()) => {
                let note = self.notes.remove(at);
                for alert in self.alerts.iter_mut().filter(|alert| note.alerts.contains(&alert.id)) {
                    alert.told_ms.insert(note.to.clone(), now_ms);
                }
            }
        }
    }

    /// Somebody knows of these; gives how many stood.
    pub fn acknowledge(&mut self, is_meant: impl Fn(&Alert) -> bool, now_ms: u64) -> usize {
        let mut count = 0;
        for alert in self.alerts.iter_mut().filter(|alert| alert.stands() && is_meant(alert)) {
            alert.acknowledged_ms = Some(now_ms);
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> BTreeSet<AlertKind> {
        AlertKind::ALL.into_iter().collect()
    }

    fn risk(who: &str) -> (AlertKind, String) {
        (AlertKind::AtRisk, who.to_owned())
    }

    #[test]
    fn an_alert_is_told_once_a_place_until_it_ends_and_again_when_it_comes_back() {
        let mut book = Book::default();
        let places = ["mail".to_owned(), "hook".to_owned()];
        assert_eq!(book.found(&[risk("a"), risk("b")], &all(), 1), 2);
        let notes = book.plan(&places);
        assert_eq!(
            notes.iter().map(|note| note.alerts.len()).collect::<Vec<_>>(),
            [2, 2],
            "one note a place"
        );
        assert_eq!(book.plan(&places), notes, "a note stays what it is until it is sent");
        book.sent(&notes[0].id, Ok(()), 2);
        book.sent(&notes[1].id, Err("down".into()), 2);
        assert_eq!(book.found(&[risk("a"), risk("b"), risk("c")], &all(), 3), 1);
        let later = book.plan(&places);
        assert_eq!(later.len(), 3, "what failed, and the third to both");
        assert!(later.iter().any(|note| note.id == notes[1].id && note.error.as_deref() == Some("down")));
        later.iter().for_each(|note| book.sent(&note.id, Ok(()), 4));
        assert!(book.plan(&places).is_empty());
        // A look that could not be taken ends nothing.
        assert_eq!(book.found(&[], &BTreeSet::from([AlertKind::Feeds]), 5), 0);
        assert_eq!(book.alerts.iter().filter(|alert| alert.stands()).count(), 3);
        book.found(&[risk("a")], &all(), 6);
        assert_eq!(book.alerts.iter().filter(|alert| alert.stands()).count(), 1);
        assert_eq!(book.found(&[risk("a"), risk("b")], &all(), 7), 1, "it came back");
        assert_eq!(book.plan(&places).len(), 2);
        book.found(&[], &all(), 8);
        assert!(book.plan(&places).is_empty(), "over before it was told");
        book.found(&[], &all(), 8 + KEPT_MS);
        assert!(book.alerts.is_empty());
    }

    #[test]
    fn what_is_acknowledged_is_told_nowhere() {
        let mut book = Book::default();
        book.found(&[risk("a"), (AlertKind::Divergence, "chain".into())], &all(), 1);
        let id = book.alerts[0].id.clone();
        assert_eq!(book.acknowledge(|alert| alert.id == id, 2), 1);
        assert_eq!(book.acknowledge(|alert| alert.id == id, 3), 0, "once");
        let notes = book.plan(&["mail".to_owned()]);
        assert_eq!(notes.iter().map(|note| note.kind).collect::<Vec<_>>(), [AlertKind::Divergence]);
        // It stands on, known: it does not begin again.
        assert_eq!(book.found(&[risk("a"), (AlertKind::Divergence, "chain".into())], &all(), 4), 0);
    }

    #[test]
    fn a_book_outlives_its_process_and_a_damaged_one_is_not_forgotten() -> Result<(), Failure> {
        let folder = tempfile::tempdir().advise("a folder", "give the tests a TMPDIR")?;
        let home = Home::at(folder.path().to_owned());
        let notes = Book::change(&home, |book| {
            book.found(&[risk("a")], &all(), 1);
            book.plan(&["mail".to_owned()])
        })?;
        // The process dies between the note and its mark: the same note, by the same id.
        let again = Book::change(&home, |book| {
            book.found(&[risk("a"), risk("b")], &all(), 2);
            book.plan(&["mail".to_owned()])
        })?;
        assert_eq!(again[0], notes[0]);
        assert_eq!(again.len(), 2);
        std::fs::write(path(&home), b"{").advise("a file", "space")?;
        assert!(Book::load(&home).is_err());
        Ok(())
    }
}
