//! What `config.toml` schedules, made when it is due: each (report, date) once.
//!
//! Due by block time: a report of a date is due when a block at or after its moment is final, and is of the last block
//! before that. So no machine's clock matters, and every node makes the same bytes. What was missed is caught up, from the
//! moment at which the schedule was first seen (kept in the outbox) and as far back as it is kept.

use aula_ledger::types::Height;
use aula_report::paper::Language;
use aula_report::schedule::{Every, Schedule};
use serde::Serialize;

use super::deliver::{self, Sent};
use super::district::{self, Wanted};
use super::folder::Made;
use super::outbox::{Delivered, Outbox};
use super::past::Chain;
use super::{state, transparency};
use aula_home::config::{Config, ReportEvery, ReportKind, ScheduledReport};
use aula_home::home::Home;
use aula_home::{Advise, Failure};
use aula_home::whole_file::{self, Access};

/// A report that was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// The schedule's name.
    pub name: String,
    /// The local date.
    pub date: String,
    /// Of which height.
    pub height: u64,
    /// Whether this node delivered it; else another had.
    pub delivered: bool,
}

/// What a look at the schedules did.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// Reports made.
    pub reports: Vec<Done>,
    /// Reports deleted because their years are over.
    pub deleted: usize,
    /// What went to the places of the settings, or could not.
    pub sent: Vec<Sent>,
}

/// Checks every schedule: names, times, zone.
///
/// # Errors
/// Code `bad_schedule`.
pub fn check(config: &Config) -> Result<Vec<(ScheduledReport, Schedule)>, Failure> {
    let each = config.report.iter().map(|report| {
        let every = match report.every() {
            ReportEvery::Day => Every::Day,
            ReportEvery::Month => Every::Month,
            ReportEvery::Quarter => Every::Quarter,
        };
        let schedule = Schedule::new(every, &report.at, &config.reports.time_zone).map_err(|error| {
            let message = format!("[[report]] {}: {error}", report.name);
            Failure::new("bad_schedule", message, "correct it in config.toml; docs/reports.md has an example")
        })?;
        Ok((report.clone(), schedule))
    });
    each.collect()
}

/// Makes everything that is due and deletes what is over its years.
///
/// # Errors
/// When a schedule is refused, the chain cannot be read, or the outbox not be written.
pub fn look(home: &Home, config: &Config, chain: &Chain) -> Result<Looked, Failure> {
    let mut looked = Looked::default();
    let now_ms = chain.view().tip().time_ms.0;
    for (report, schedule) in check(config)? {
        let outbox = Outbox::open(&config.reports.outbox_dir(home), &report.name)?;
        let hint = "is the chain's time right? `aula status` says it";
        let forgotten =
            schedule.forgotten(now_ms, report.keep_years()).advise("a schedule cannot be told", hint)?;
        looked.deleted = looked.deleted.saturating_add(outbox.forget(&forgotten.to_string())?);
        looked.sent.extend(deliver::forgotten(home, config, &report, &forgotten.to_string())?);
        let since = since(home, config, &report.name, now_ms)?;
        for due in schedule.due(since, now_ms).advise("a schedule cannot be told", hint)? {
            let date = due.date.to_string();
            if due.date <= forgotten || outbox.has(&date) {
                continue;
            }
            let Some(height) = chain.at_time(due.moment_ms)? else { continue };
            let files = make(home, config, &report, chain, height)?;
            let delivered = outbox.deliver(&date, &files)? == Delivered::Now;
            looked.reports.push(Done { name: report.name.clone(), date, height: height.0, delivered });
        }
    }
    looked.sent.extend(deliver::pending(home, config)?);
    Ok(looked)
}

/// From when on a schedule counts: the chain's time when it was first seen.
fn since(home: &Home, config: &Config, name: &str, now_ms: u64) -> Result<u64, Failure> {
    let path = config.reports.outbox_dir(home).join(name).join("since");
    let hint = "it holds milliseconds since 1970: write the moment from which reports are wanted";
    match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().advise(format!("{} is no moment", path.display()), hint),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let written = whole_file::create(&path, Access::Private, format!("{now_ms}\n").as_bytes());
            match written {
                Ok(()) => Ok(now_ms),
                // Another node was first.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(now_ms),
                Err(error) => Err(super::folder::unwritable(&path, &error)),
            }
        }
        Err(error) => Err(error).advise(format!("cannot read {}", path.display()), hint),
    }
}

/// A report's files.
///
/// # Errors
/// As each report's own.
fn make(
    home: &Home,
    config: &Config,
    report: &ScheduledReport,
    chain: &Chain,
    height: Height,
) -> Result<Vec<Made>, Failure> {
    let link = config.reports.link.trim_end_matches('/');
    let languages = &Language::ALL;
    match report.kind {
        ReportKind::District => {
            let district = match report.district {
                Some(district) => Some(district),
                None => district::own(chain, home)?,
            };
            Ok(district::make(chain, &Wanted { height, district, languages, link })?.files)
        }
        ReportKind::State => state::whole(chain, height),
        ReportKind::Transparency => Ok(transparency::make(chain, height, languages, link)?.files),
    }
}
