//! Notes of alerts to their places, each place on a thread of its own, so that one that is down holds up no other.
//!
//! A note says of what kind, how many (never a number under ten), and where a login shows them. Invariant: nothing of what an alert
//! is about is in it.

use std::collections::BTreeMap;

use aula_delivery::mail::Note;
use aula_district::alert_book::{Book, Planned};
use aula_files::private_folder;
use aula_home::Home;
use aula_home::config::{AlertKind, Config};
use aula_server::reports::deliver::{Said, say};
use serde_json::{Value, json};

use crate::command::Failure;

/// The least count that is told: the ledger's own default for a cell.
const LEAST: usize = 10;

/// Sends what is on its way; gives how many notes were taken, and why others were not.
pub(super) fn tell(
    home: &Home,
    config: &Config,
    notes: Vec<Planned>,
    now_ms: impl Fn() -> u64 + Sync,
) -> Result<(usize, Vec<String>), Failure> {
    let mut by_place: BTreeMap<String, Vec<Planned>> = BTreeMap::new();
    for note in notes {
        by_place.entry(note.to.clone()).or_default().push(note);
    }
    let folder = home.service_dir().join("alerts");
    private_folder(&folder).map_err(|error| aula_server::reports::folder::unwritable(&folder, &error))?;
    let done: Vec<Result<(usize, Vec<String>), Failure>> = std::thread::scope(|scope| {
        let now_ms = &now_ms;
        let threads: Vec<_> = by_place
            .into_iter()
            .map(|(place, notes)| {
                let folder = &folder;
                scope.spawn(move || {
                    let (mut sent, mut failed) = (0, Vec::new());
                    for note in notes {
                        let said = said(config, &note);
                        let file = folder.join(format!("{}-{place}.eml", note.id));
                        let outcome = say(config, &place, &said, &file).map_err(|failure| failure.message);
                        let is_down = outcome.is_err();
                        if let Err(why) = &outcome {
                            failed.push(format!("{place}: {why}"));
                        }
                        sent += usize::from(outcome.is_ok());
                        Book::change(home, |book| book.sent(&note.id, outcome, now_ms()))?;
                        if is_down {
                            break;
                        }
                    }
                    Ok((sent, failed))
                })
            })
            .collect();
        let ended =
            || Err(Failure::new("failed", "a note's thread ended unexpectedly", "report it with the log"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| ended())).collect()
    });
    let (mut sent, mut failed) = (0, Vec::new());
    for one in done {
        let (own, why) = one?;
        sent += own;
        failed.extend(why);
    }
    Ok((sent, failed))
}

/// How many, as anybody may read it.
fn count(alerts: usize) -> Value {
    if alerts < LEAST { json!(format!("fewer than {LEAST}")) } else { json!(alerts) }
}

fn words(kind: AlertKind) -> (&'static str, &'static str) {
    match kind {
        AlertKind::AtRisk => {
            ("students at risk", "students whose engagement is low for longer than it should be")
        }
        AlertKind::Feeds => ("feeds fail", "feeds that bring nothing, or whose events do not get on"),
        AlertKind::Acknowledgements => {
            ("acknowledgements overdue", "pools whose places a school has not acknowledged in time")
        }
        AlertKind::Divergence => {
            ("the node diverges", "a node whose state is not the others', or whose database is damaged")
        }
        AlertKind::VaultQuota => {
            ("the vault is nearly full", "a vault that takes 90% of its share of the disk")
        }
        AlertKind::Pair => {
            ("the pair is alone", "an acting node whose acknowledged writes are on its own disk alone")
        }
    }
}

/// A note as a mail and as JSON.
fn said(config: &Config, note: &Planned) -> Said {
    let (subject, what) = words(note.kind);
    let count = count(note.alerts.len());
    let many = count.as_str().map_or_else(|| count.to_string(), str::to_owned);
    let link = &config.reports.link;
    let text = format!(
        "Alert: {subject}.\n\nNew since the last note: {many} ({what}).\nRead which at {link} after your login, or with `aula district alerts \
         list` at the district; `aula district alerts ack` says that somebody knows.\n"
    );
    let body = json!({ "alert": note.id, "kind": note.kind, "count": count, "link": link });
    Said { note: Note { subject: format!("Alert: {subject}"), text, id: note.id.clone() }, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_has_no_number_under_ten_and_nothing_of_what_it_is_about() {
        for kind in AlertKind::ALL {
            for many in [1, 9, 10, 37] {
                let alerts = vec!["0123456789abcdef0123456789abcdef".to_owned(); many];
                let note = Planned { id: "ab".repeat(16), kind, to: "board".into(), alerts, error: None };
                let config = Config::default();
                let Said { note, body } = said(&config, &note);
                let link = &config.reports.link;
                let text = format!("{}\n{}\n{body}", note.subject, note.text)
                    .replace(link, "")
                    .replace(&note.id, "");
                let numbers: Vec<u32> = text
                    .split(|c: char| !c.is_ascii_digit())
                    .filter_map(|digits| digits.parse().ok())
                    .collect();
                assert!(numbers.iter().all(|number| *number >= 10), "{text}");
                assert_eq!(many >= 10, text.contains(&format!(": {many} (")), "{text}");
                assert!(!text.contains("0123456789abcdef"), "{text}");
            }
        }
    }
}
