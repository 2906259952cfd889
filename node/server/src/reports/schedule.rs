//! What `config.toml` schedules, made when it is due: each (report, date) once.
//!
//! Due by block time: a report of a date is due when a block at or after its moment is final, and is of the last block
//! before that. So no machine's clock matters, and every node makes the same bytes. What was missed is caught up, from the
//! moment at which the schedule was first seen (kept in the outbox) and as far back as it is kept.
//!
//! What a report compares with is kept as its moment passes ([`Kept`]), so that no report executes a week or a year again: a running
//! node holds the view of moments before ([`is_near`]) and executes the few blocks from there. [`compared`] says which moments those are,
//! to whoever makes a report. Invariant: what cannot be done is told, and holds up no other schedule and no delivery.

use aula_files::Access;
use aula_home::config::{Config, ReportEvery, ReportKind, ScheduledReport};
use aula_home::{Advise, Failure, Home};
use aula_ledger::types::Height;
use aula_report::paper::Language;
use aula_report::schedule::{Due, Every, Schedule};
use serde::Serialize;

use super::deliver::Sent;
use super::district::{self, Against, Wanted};
use super::folder;
use super::kept::Kept;
use super::outbox::{Delivered, Outbox};
use super::past::{Chain, PRUNED};
use super::{state, transparency};

/// A year and a week: how far ahead a report may compare with a moment.
const AHEAD_MS: u64 = 373 * 24 * 60 * 60 * 1_000;
/// So long before a moment a view is held: two looks and a half.
const NEAR_MS: u64 = 150 * 1_000;
/// Most blocks that a scheduled report executes for what it compares with and was not kept.
const MOST_BLOCKS: u64 = 50_000;
const UNTOLD: &str = "a schedule cannot be told";
const TIME_HINT: &str = "is the chain's time right? `aula status` says it";

/// A report that was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// The schedule's name.
    pub name: String,
    /// The local date, YYYY-MM-DD.
    pub date: String,
    /// The last block before the report's moment, whose state it is of.
    pub height: u64,
    /// Whether this node delivered it; else another had.
    pub delivered: bool,
}

/// What could not be done at a look; it is tried again at the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The schedule's name; `figures` of what later reports compare with, `deliveries` of what waits for its places.
    pub name: String,
    /// The failure's code.
    pub code: String,
    /// Why.
    pub error: String,
    /// What to do.
    pub next: String,
}

impl Failed {
    pub(super) fn of(name: &str, failure: Failure) -> Self {
        Self { name: name.to_owned(), code: failure.code, error: failure.message, next: failure.hint }
    }
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
    /// What could not be done otherwise.
    pub failed: Vec<Failed>,
}

impl Looked {
    /// Whether everything was done.
    pub fn is_whole(&self) -> bool {
        self.failed.is_empty() && self.sent.iter().all(|one| one.error.is_none())
    }
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

/// Makes everything that is due and deletes what is over its years here; asks nobody else.
///
/// # Errors
/// When a schedule is refused. What cannot be made, kept or deleted stands in the answer.
pub fn make(home: &Home, config: &Config, chain: &Chain) -> Result<Looked, Failure> {
    let mut looked = Looked::default();
    for (report, schedule) in check(config)? {
        if let Err(failure) = one(home, config, chain, (&report, &schedule), &mut looked) {
            looked.failed.push(Failed::of(&report.name, failure));
        }
    }
    if let Err(failure) = keep_passing(home, config, chain) {
        looked.failed.push(Failed::of("figures", failure));
    }
    Ok(looked)
}

/// The date until which, it included, reports of a schedule are over their years.
pub(super) fn forgotten(
    report: &ScheduledReport,
    schedule: &Schedule,
    now_ms: u64,
) -> Result<String, Failure> {
    let until = schedule.forgotten(now_ms, report.keep_years());
    until.map(|date| date.to_string()).advise(UNTOLD, TIME_HINT)
}

/// What is due of one schedule, and what is over its years.
fn one(
    home: &Home,
    config: &Config,
    chain: &Chain,
    (report, schedule): (&ScheduledReport, &Schedule),
    looked: &mut Looked,
) -> Result<(), Failure> {
    let now_ms = chain.view().tip().time_ms.0;
    let outbox = Outbox::open(&config.reports.outbox_dir(home), &report.name)?;
    let forgotten = forgotten(report, schedule, now_ms)?;
    match outbox.forget(&forgotten) {
        Ok(gone) => looked.deleted = looked.deleted.saturating_add(gone),
        // What stays beyond its years is told; what is due is made all the same.
        Err(failure) => looked.failed.push(Failed::of(&report.name, failure)),
    }
    let since = since(home, config, &report.name, now_ms)?;
    for due in schedule.due(since, now_ms).advise(UNTOLD, TIME_HINT)? {
        let date = due.date.to_string();
        if date <= forgotten || outbox.has(&date) {
            continue;
        }
        let against = against(schedule, due)?;
        let made = chain.at_time(due.moment_ms).and_then(|height| {
            let Some(height) = height else { return Ok(None) };
            let of = (height, due.moment_ms, against);
            let delivered = made_and_delivered(home, config, report, chain, of, (&outbox, &date))?;
            Ok(Some((height, delivered)))
        });
        let (height, delivered) = match made {
            Ok(Some(made)) => made,
            Ok(None) => continue,
            // One that cannot be made here holds up no other.
            Err(failure) if failure.code == PRUNED => {
                let (name, to) = (report.name.clone(), "outbox".to_owned());
                looked.sent.push(Sent { name, date, to, error: Some(failure.message) });
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let delivered = delivered == Delivered::Now;
        looked.reports.push(Done { name: report.name.clone(), date, height: height.0, delivered });
    }
    Ok(())
}

/// With which moments a district's report of a height is compared: those of the schedule that takes this block, so that a command makes
/// the bytes that the schedule made; where none does, the same local time of day as the block's own minute.
///
/// # Errors
/// Code `bad_schedule`; a chain that cannot be read.
pub fn compared(
    config: &Config,
    chain: &Chain,
    height: Height,
    district: Option<u16>,
) -> Result<[Option<u64>; 2], Failure> {
    let time_ms = chain.header(height.0)?.time_ms.0;
    // A block is the last one before every moment from its own time on and before the next block's.
    let until_ms = match height == chain.view().tip().height {
        true => time_ms.saturating_add(59_999),
        false => chain.header(height.0.saturating_add(1))?.time_ms.0.saturating_sub(1),
    };
    for (report, schedule) in check(config)? {
        let is_ours =
            report.kind == ReportKind::District && (report.district.is_none() || report.district == district);
        let due = schedule.due(time_ms.saturating_sub(1), until_ms).advise(UNTOLD, TIME_HINT)?;
        if let Some(due) = due.first().filter(|_| is_ours) {
            return against(&schedule, *due);
        }
    }
    let own = Schedule::of_moment(time_ms, &config.reports.time_zone);
    let (schedule, due) = own.map_err(|error| {
        Failure::new("bad_schedule", format!("[reports]: {error}"), "correct time_zone in config.toml")
    })?;
    against(&schedule, due)
}

/// The same time of day a week and a year before.
fn against(schedule: &Schedule, due: Due) -> Result<[Option<u64>; 2], Failure> {
    let [week, year] = [7, 365].map(|days| schedule.days_before(due.date, days));
    Ok([week.advise(UNTOLD, TIME_HINT)?, year.advise(UNTOLD, TIME_HINT)?])
}

/// Moments between these two that a report is due at, or that a later one compares with.
fn wanted_between(
    config: &Config,
    from_ms: u64,
    until_ms: u64,
) -> Result<Vec<(ScheduledReport, u64)>, Failure> {
    let mut found = Vec::new();
    for (report, schedule) in check(config)? {
        let due = schedule.due(from_ms, until_ms.saturating_add(AHEAD_MS));
        for due in due.advise(UNTOLD, TIME_HINT)? {
            let compared = match report.kind {
                ReportKind::District => against(&schedule, due)?,
                ReportKind::State | ReportKind::Transparency => [None; 2],
            };
            let moments = [Some(due.moment_ms), compared[0], compared[1]].into_iter().flatten();
            let within = moments.filter(|moment| from_ms < *moment && *moment <= until_ms);
            found.extend(within.map(|moment| (report.clone(), moment)));
        }
    }
    Ok(found)
}

/// Whether a report will be due soon: its state is then some blocks after this moment's.
///
/// # Errors
/// Code `bad_schedule`.
pub fn is_near(config: &Config, now_ms: u64) -> Result<bool, Failure> {
    Ok(!wanted_between(config, now_ms, now_ms.saturating_add(NEAR_MS))?.is_empty())
}

/// Keeps the figures of moments that passed since the view that is held, where no report did.
fn keep_passing(home: &Home, config: &Config, chain: &Chain) -> Result<(), Failure> {
    let Some(before_ms) = chain.before_ms() else { return Ok(()) };
    let (kept, now_ms) = (Kept::of(home.figures_dir()), chain.view().tip().time_ms.0);
    for (report, moment) in wanted_between(config, before_ms, now_ms)? {
        let Some(height) = chain.at_time(moment)?.filter(|_| report.kind == ReportKind::District) else {
            continue;
        };
        let district = district_of(home, chain, &report)?;
        let genesis = chain.header(height.0)?.genesis.to_string();
        let there = district.is_some_and(|district| kept.get(&genesis, moment, district).is_some());
        if there || chain.distance(height)?.is_none_or(|far| far > MOST_BLOCKS) {
            continue;
        }
        for figures in district::figures_at(chain, &[height].into(), district)?.into_values().flatten() {
            kept.keep(moment, &figures)?;
        }
    }
    Ok(())
}

fn district_of(home: &Home, chain: &Chain, report: &ScheduledReport) -> Result<Option<u16>, Failure> {
    match report.district {
        Some(district) => Ok(Some(district)),
        None => district::own(chain, home),
    }
}

/// From when on a schedule counts: the chain's time when it was first seen.
fn since(home: &Home, config: &Config, name: &str, now_ms: u64) -> Result<u64, Failure> {
    let path = config.reports.outbox_dir(home).join(name).join("since");
    let hint = "it holds milliseconds since 1970: write the moment from which reports are wanted";
    match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().advise(format!("{} is not a moment", path.display()), hint),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let written = aula_files::create(&path, Access::Private, format!("{now_ms}\n").as_bytes());
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

/// Makes a report and delivers it.
///
/// # Errors
/// As each report's own; codes `disk_full`, `unwritable`.
fn made_and_delivered(
    home: &Home,
    config: &Config,
    report: &ScheduledReport,
    chain: &Chain,
    (height, moment_ms, moments): (Height, u64, [Option<u64>; 2]),
    (outbox, date): (&Outbox, &str),
) -> Result<Delivered, Failure> {
    let link = config.reports.link.trim_end_matches('/');
    let languages = &Language::ALL;
    match report.kind {
        ReportKind::District => {
            let kept = Kept::of(home.figures_dir());
            let against = Against { kept: Some(&kept), moments, most_blocks: MOST_BLOCKS };
            let district = district_of(home, chain, report)?;
            let made = district::make(chain, &Wanted { height, district, languages, link, against })?;
            for figures in &made.now {
                kept.keep(moment_ms, figures)?;
            }
            kept.forget(moment_ms);
            outbox.deliver(date, &made.files)
        }
        // As it is made: an export may be of any length.
        ReportKind::State => outbox.deliver_filled(date, |folder| {
            folder::filling(folder, |out| state::whole(chain, height, out)).map(|_| ())
        }),
        ReportKind::Transparency => {
            outbox.deliver(date, &transparency::make(chain, height, languages, link)?.files)
        }
    }
}
