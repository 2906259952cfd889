//! Counts how many students of each school used a resource in an hour, once the hour is over, and publishes what may be shown.
//!
//! Flow: every five minutes → hours that are over since those counted last → each student of the newest school year, some at a time so
//! that nobody waits long for the vault → files of days (`aula_web::hours`) → the moment up to which all is counted. Invariants: an hour
//! is counted once, after [`GRACE_MS`]; no file holds a count that may not be shown; what fails is tried again, from that moment on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aula_api::hours::Hour;
use aula_connect::door::lent;
use aula_district::hours::{READER, Tally};
use aula_files::{Access, replace};
use aula_home::clock::now_ms;
use aula_home::config::Config;
use aula_home::{Advise, DEFECT, Failure, Home};
use aula_ledger::names::Name;
use aula_ledger::state::schema;
use aula_ledger::types::{Handle, SchoolId};
use aula_report::local_hours::{LocalHour, between, day_before};
use aula_vault::VaultError;
use aula_web::hours::{Added, DAYS, Shelf};
use aula_web::http::AppState;

use super::xapi::KeptDoor;

#[cfg(test)]
mod tests;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(300);
/// How long after an hour's end what was sent in it may still come.
pub(super) const GRACE_MS: u64 = 900_000;
/// Students read while the vault is lent once.
const AT_ONCE: usize = 200;
const HINT: &str = "see `aula doctor`; it is tried again in five minutes";

/// What it works with.
#[derive(Clone)]
pub(super) struct Counting {
    pub door: KeptDoor,
    pub folder: PathBuf,
    pub zone: String,
}

/// Counts for as long as the node runs, where config.toml asks for it and the node has a vault.
///
/// # Errors
/// A time zone that is not valid.
pub(super) fn start(home: &Home, config: &Config, node: &Arc<AppState>) -> Result<(), Failure> {
    if !config.reports.hours {
        return Ok(());
    }
    let Some(door) = KeptDoor::of(node) else { return Ok(()) };
    let zone = config.reports.time_zone.clone();
    day_before(&zone, now_ms(), 0)
        .advise("hours cannot be counted", "correct [reports] time_zone in config.toml")?;
    let (counting, node) = (Counting { door, folder: home.hours_dir(), zone }, node.clone());
    tokio::spawn(async move {
        loop {
            let (counting, node) = (counting.clone(), node.clone());
            let look = move || {
                let params = schema::params(&*node.view());
                let params = params.advise("the ledger's parameters cannot be read", HINT)?;
                counting.look(now_ms(), params.min_cell_students)
            };
            // Ends with an error only when the runtime ends.
            match tokio::task::spawn_blocking(look).await {
                Ok(Ok(0)) | Err(_) => {}
                Ok(Ok(hours)) => tracing::info!(hours, "use of resources was counted"),
                Ok(Err(failure)) => {
                    tracing::warn!(code = failure.code, hint = failure.hint, "hours: {failure}")
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    });
    Ok(())
}

impl Counting {
    /// Counts what is over, and shows no fewer students than the least; gives how many hours.
    ///
    /// # Errors
    /// A vault that is not lent, a folder that cannot be written.
    pub(super) fn look(&self, now_ms: u64, least: u32) -> Result<usize, Failure> {
        let from_ms = match self.counted()? {
            Some(counted) => counted,
            None => {
                let days = u16::try_from(DAYS.saturating_sub(1)).unwrap_or(u16::MAX);
                day_before(&self.zone, now_ms, days).advise("the first day cannot be found", HINT)?
            }
        };
        let hours = between(&self.zone, from_ms, now_ms.saturating_sub(GRACE_MS));
        let hours = hours.advise("the hours of these days cannot be found", HINT)?;
        let Some(last) = hours.last() else { return Ok(0) };
        let tally = self.tally(&hours, now_ms)?;
        let shelf = Shelf::at(&self.folder);
        for school in tally.schools() {
            let shown = tally.shown(school, least);
            for day in hours.chunk_by(|one, other| one.date == other.date) {
                let Some(start) = hours.iter().position(|hour| Some(hour) == day.first()) else { continue };
                let date = day.first().map(|hour| hour.date.to_string()).unwrap_or_default();
                let of_day =
                    |row: &Vec<Option<u32>>| row.iter().skip(start).take(day.len()).copied().collect();
                let shown = shown.iter().map(|(resource, row)| (*resource, of_day(row))).collect();
                let told: Vec<Hour> = day
                    .iter()
                    .map(|hour| Hour { from_ms: hour.from_ms, starts: hour.starts.clone() })
                    .collect();
                let added = Added {
                    date: &date,
                    time_zone: &self.zone,
                    rounded_to: least.max(1),
                    hours: &told,
                    shown: &shown,
                };
                shelf.add(SchoolId(school), &added).advise(
                    format!("the hours of school {school} cannot be written"),
                    "check the owner and the space of HOME/hours",
                )?;
            }
        }
        let path = self.mark();
        std::fs::create_dir_all(&self.folder).advise("HOME/hours cannot be made", HINT)?;
        replace(&path, Access::Public, last.until_ms.to_string().as_bytes()).advise(
            format!("cannot write {}", path.display()),
            "check the owner and the space of HOME/hours",
        )?;
        Ok(hours.len())
    }

    fn mark(&self) -> PathBuf {
        self.folder.join("counted_until_ms")
    }

    fn counted(&self) -> Result<Option<u64>, Failure> {
        let path = self.mark();
        let hint = "delete it: what was published stays, and the last thirty days are counted again";
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let counted =
                    text.trim().parse().advise(format!("{} is not a moment", path.display()), hint)?;
                Ok(Some(counted))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).advise(format!("cannot read {}", path.display()), HINT),
        }
    }

    /// Students of the newest school year, counted.
    fn tally(&self, hours: &[LocalHour], now_ms: u64) -> Result<Tally, Failure> {
        let reader = Name::new(READER).hint(DEFECT)?;
        let mut tally = Tally::of(hours.iter().map(|hour| (hour.from_ms, hour.until_ms)).collect());
        let handles: Vec<Handle> = self.lent(|vault| {
            let all = vault.keystore().all_handles();
            let newest = all.iter().map(|(_, year)| *year).max();
            Ok(all.into_iter().filter(|(_, year)| Some(*year) == newest).map(|(handle, _)| handle).collect())
        })?;
        for some in handles.chunks(AT_ONCE) {
            let mut failed = None;
            self.lent(|vault| {
                let mut add =
                    || some.iter().try_for_each(|handle| tally.add(vault, handle, (&reader, now_ms)));
                failed = add().err();
                Ok(())
            })?;
            if let Some(error) = failed {
                return Err(error).advise("a student's events cannot be counted", HINT);
            }
        }
        Ok(tally)
    }

    fn lent<T>(&self, call: impl FnOnce(&aula_vault::Vault) -> Result<T, VaultError>) -> Result<T, Failure> {
        lent(&self.door, call).advise("the vault is not lent for counting hours", HINT)
    }
}
