//! The duty of alerts: what somebody should know of, told once, to mail and webhook, without a name or a figure under ten.
//!
//! Flow of a look: what is found ([`find`]) → the book ([`Book`]), where alerts begin and end and notes are written down → unless
//! it is quiet, the notes that are on their way ([`tell`]). It has a loop of its own beside the other duties, since an anchor may
//! take minutes and an alert may not. Absent: what opens interventions and records acknowledgements, which other duties do.

use aula_district::alert_book::Book;
use aula_home::clock::now_ms;
use aula_home::config::{Alerts, Config};
use aula_report::quiet::Quiet;

use super::office::Office;
use crate::command::{Advise, Failure};

mod find;
mod tell;
#[cfg(test)]
mod tests;

/// Seconds between two looks at most, however seldom the other duties look: what begins is told within a minute.
pub(super) const EVERY_S: u64 = 10;

/// Looks, and tells.
pub(super) async fn look(office: &Office) -> Result<String, Failure> {
    let home = &office.context.home;
    // Read anew: who is told may change while the service works.
    let config = Config::load(home)?;
    let found = find::look(office, &config, office.now_ms()).await;
    let now = office.now_ms();
    let began = Book::change(home, |book| book.found(&found.found, &found.looked, now))?;
    let quiet = is_quiet(&config.alerts, &config.reports.time_zone, now)?;
    let (sent, failed) = if quiet {
        (0, Vec::new())
    } else {
        let notes = Book::change(home, |book| book.plan(&config.alerts.deliver))?;
        if notes.is_empty() { (0, Vec::new()) } else { tell::tell(home, &config, notes, now_ms)? }
    };
    if let Some(why) = failed.first() {
        let hint =
            "it is tried again at the next look; correct the [[delivery]] in config.toml if it is wrong";
        return Err(Failure::new(
            "not_told",
            format!("{} notes of alerts were not taken: {why}", failed.len()),
            hint,
        ));
    }
    match found.failure {
        Some(failure) => Err(failure),
        None if quiet => Ok(format!("{began} alerts began; it is quiet")),
        None => Ok(format!("{began} alerts began, {sent} notes sent")),
    }
}

fn is_quiet(alerts: &Alerts, zone: &str, now_ms: u64) -> Result<bool, Failure> {
    let Some(minutes) = alerts.quiet_minutes() else { return Ok(false) };
    let quiet =
        Quiet::new(minutes, zone).advise("the quiet hours have no zone", "correct time_zone of [reports]")?;
    Ok(quiet.is_quiet(now_ms))
}
