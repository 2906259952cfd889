//! Rosters of the systems that `[[roster]]` names: asked for at their intervals, and imported as `aula district import --from` does.
//!
//! Each source is asked for what changed since it was asked last, and at longer intervals for the whole, which ends the enrolment of those
//! it omits within the limit of one in twenty. Where each stands is in HOME/service/rosters.json, written when an import is in the
//! vault: a process that dies in between imports the same changes again, which changes nothing. A source that fails is asked again after a
//! minute, then two, four, at most its interval, and stops no other.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aula_files::{Access, private_folder, replace};
use aula_home::config::{Config, RosterSource};
use aula_home::{Home, fault};
use serde::{Deserialize, Serialize};

use super::office::Office;
use crate::command::district::import::{self, ImportArgs};
use crate::command::{Advise, Failure, Verdict};

/// The first wait after a failure, milliseconds; it doubles.
const FIRST_MS: u64 = 60_000;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;

/// Where a source stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Until when its changes are in the vault, in its own words.
    pub until: Option<String>,
    /// When the whole was imported last, milliseconds since 1970.
    pub whole_ms: Option<u64>,
    /// When anything was imported last, milliseconds since 1970; none when nothing ever was.
    pub last_ms: Option<u64>,
    /// When it is asked next, milliseconds since 1970.
    pub next_ms: u64,
    /// Failures in a row.
    pub failures: u32,
    /// Why it failed the last time; none when it did not.
    pub error: Option<String>,
    /// Rows that changed something, since the beginning.
    pub changed: u64,
    /// Rows that were rejected the last time.
    pub rejected: u64,
    /// Students whom the last whole roster omits and who stay enrolled until somebody confirms.
    pub held: u64,
}

/// By source.
pub type Standings = BTreeMap<String, Standing>;

fn path(home: &Home) -> PathBuf {
    home.service_dir().join("rosters.json")
}

/// What the home's file says; nothing where there is none: then the whole is asked for.
pub(super) fn kept(home: &Home) -> Standings {
    let bytes = std::fs::read(path(home)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn keep(home: &Home, standings: &Standings) -> Result<(), Failure> {
    let hint = "check the folder's owner and the space left";
    let (folder, path) = (home.service_dir(), path(home));
    private_folder(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
    let bytes = serde_json::to_vec(standings).advise("where rosters stand cannot be written", hint)?;
    fault::point();
    replace(&path, Access::Private, &bytes).advise(format!("cannot write {}", path.display()), hint)?;
    fault::point();
    Ok(())
}

/// Asks every source that is due.
///
/// # Errors
/// When a source failed the last time it was asked.
pub(super) async fn follow(office: &Office) -> Result<String, Failure> {
    let home = &office.context.home;
    let sources = Config::load(home)?.roster;
    if sources.is_empty() {
        return Ok("no system is asked for its roster".into());
    }
    let mut standings = kept(home);
    standings.retain(|name, _| sources.iter().any(|source| source.name == *name));
    let mut told = Vec::new();
    for source in &sources {
        let before = standings.get(&source.name).cloned().unwrap_or_default();
        let now = office.now_ms();
        if before.next_ms > now
            && before.next_ms <= now.saturating_add(source.every_minutes.saturating_mul(MINUTE_MS))
        {
            continue;
        }
        let after = asked(office, source, before).await;
        match &after.error {
            None => told.push(said(source, &after)),
            Some(error) => {
                tracing::warn!(home = %home.path().display(), source = source.name, error, "a roster was not had")
            }
        }
        standings.insert(source.name.clone(), after);
        keep(home, &standings)?;
    }
    let failing = standings.iter().find_map(|(name, one)| Some((name, one.error.as_ref()?)));
    match failing {
        Some((name, error)) => {
            Err(Failure::because(format!("{name}: {error}"), "see it mended there, or its file here"))
        }
        None if told.is_empty() => Ok("none is due".into()),
        None => Ok(told.join("; ")),
    }
}

/// Whether the whole is to be asked for.
fn wants_whole(source: &RosterSource, standing: &Standing, now_ms: u64) -> bool {
    let Some(whole_ms) = standing.whole_ms else { return true };
    let every_ms = source.whole_every_hours.saturating_mul(HOUR_MS);
    standing.until.is_none() || every_ms > 0 && whole_ms.saturating_add(every_ms) <= now_ms
}

/// Asks one source; gives where it stands then.
async fn asked(office: &Office, source: &RosterSource, before: Standing) -> Standing {
    let now = office.now_ms();
    let whole = wants_whole(source, &before, now);
    let args = ImportArgs {
        files: Vec::new(),
        from: Some(source.from.clone()),
        since: before.until.clone().filter(|_| !whole),
        format: None,
        map: None,
        schools: source.schools.clone(),
        school_year: None,
        dry_run: false,
        confirm_leavers: false,
        report: None,
        place: office.place.clone(),
    };
    let every_ms = source.every_minutes.saturating_mul(MINUTE_MS);
    let outcome = import::import(&office.context, &office.ledger.rpc, &args).await;
    let failed = |error: String| {
        let wait = FIRST_MS.saturating_mul(1 << before.failures.min(10)).min(every_ms);
        Standing {
            next_ms: now.saturating_add(wait),
            failures: before.failures.saturating_add(1),
            error: Some(error),
            ..before.clone()
        }
    };
    match outcome {
        Err(failure) => failed(format!("{}; next: {}", failure.message, failure.hint)),
        Ok(imported) => {
            if imported.verdict() == Verdict::CannotTell {
                let report = imported.report.display();
                return failed(format!("every row was rejected; next: see {report}"));
            }
            let (counts, leavers) = (imported.counts, imported.leavers);
            let held = if leavers.held.is_some() { leavers.omitted as u64 } else { 0 };
            let changed = counts.added.saturating_add(counts.changed) as u64;
            Standing {
                until: imported.until.or(before.until),
                whole_ms: if whole { Some(now) } else { before.whole_ms },
                last_ms: Some(now),
                next_ms: now.saturating_add(every_ms),
                failures: 0,
                error: None,
                changed: before.changed.saturating_add(changed),
                rejected: counts.rejected as u64,
                held: if whole { held } else { before.held },
            }
        }
    }
}

fn said(source: &RosterSource, after: &Standing) -> String {
    let mut text = format!("{}: {} rows changed something so far", source.name, after.changed);
    if after.rejected > 0 {
        text.push_str(&format!(", {} rejected, see HOME/imports", after.rejected));
    }
    if after.held > 0 {
        text.push_str(&format!(
            ", {} are in no row and stay enrolled: `aula district import --from {} --confirm-leavers` if they left",
            after.held,
            source.from.display()
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_is_asked_for_first_and_at_its_interval() {
        let source = |hours| RosterSource {
            name: "sis".into(),
            from: "sis.toml".into(),
            schools: None,
            every_minutes: 60,
            whole_every_hours: hours,
        };
        let known = Standing { until: Some("7".into()), whole_ms: Some(HOUR_MS), ..Standing::default() };
        for (hours, standing, now, whole) in [
            (24, Standing::default(), 0, true),
            (24, known.clone(), 2 * HOUR_MS, false),
            (24, known.clone(), 25 * HOUR_MS, true),
            (0, known.clone(), 1_000 * HOUR_MS, false),
            // A source that tells no until is asked for the whole each time.
            (0, Standing { until: None, ..known }, 2 * HOUR_MS, true),
        ] {
            assert_eq!(wants_whole(&source(hours), &standing, now), whole, "{hours} {now}");
        }
    }
}
