//! Schedules on their ways to their places: each goes on by itself.
//!
//! Flow: a `Way` for each place of each schedule → what is over its years is deleted there and what waits is delivered
//! (`deliver::to_place`). A command waits for all ways ([`look`]); a running node begins them at every look and waits for none ([`begin`]).
//! Invariants: a way that is under way is not begun again, by the lock in its outbox; the time that a place takes, be it hours, it takes from
//! no other place, look or report.

use std::sync::Arc;

use aula_report::schedule::Schedule;

use super::deliver;
use super::past::Chain;
use super::schedule::{self, Failed, Looked, check, forgotten};
use aula_home::config::{Config, Delivery, ScheduledReport};
use aula_home::{Failure, Home};

#[cfg(test)]
mod tests;

/// A schedule's reports to one of its places.
struct Way {
    report: ScheduledReport,
    schedule: Schedule,
    place: Delivery,
}

/// All ways of the settings.
fn of(config: &Config) -> Result<Vec<Way>, Failure> {
    let mut ways = Vec::new();
    for (report, schedule) in check(config)? {
        for place in deliver::places(config, &report) {
            let (report, schedule, place) = (report.clone(), schedule.clone(), place.clone());
            ways.push(Way { report, schedule, place });
        }
    }
    Ok(ways)
}

impl Way {
    /// To its end; at once where another is at it. `now_ms` is the chain's newest moment.
    fn go(&self, home: &Home, config: &Config, now_ms: u64) -> Looked {
        let mut looked = Looked::default();
        let until = match forgotten(&self.report, &self.schedule, now_ms) {
            Ok(until) => Some(until),
            Err(failure) => {
                looked.failed.push(Failed::of(&self.report.name, failure));
                None
            }
        };
        match deliver::to_place(home, config, (&self.report, &self.place), until.as_deref()) {
            Ok(sent) => looked.sent.extend(sent),
            Err(failure) => looked.failed.push(Failed::of("deliveries", failure)),
        }
        looked
    }
}

/// Of a way whose thread ended by a defect.
fn ended() -> Looked {
    let why = Failure::new("failed", "deliveries ended unexpectedly", "report it with the log");
    Looked { failed: vec![Failed::of("deliveries", why)], ..Looked::default() }
}

/// Goes all ways, each on a thread of its own, and waits for them: deletes at the places what is over its years, and delivers what waits.
/// `now_ms` is the chain's newest moment, milliseconds since 1970. The answer is in the order of the dates.
///
/// # Errors
/// When a schedule is refused; what a place refuses stands in the answer.
fn send(home: &Home, config: &Config, now_ms: u64) -> Result<Looked, Failure> {
    let ways = of(config)?;
    let mut looked = Looked::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            ways.iter().map(|way| scope.spawn(move || way.go(home, config, now_ms))).collect();
        for thread in threads {
            let own = thread.join().unwrap_or_else(|_| ended());
            looked.sent.extend(own.sent);
            looked.failed.extend(own.failed);
        }
    });
    looked.sent.sort_by(|one, other| one.date.cmp(&other.date));
    Ok(looked)
}

/// Makes everything that is due and deletes what is over its years, here and at its places; then delivers.
///
/// # Errors
/// When a schedule is refused. What cannot be made, kept, deleted or delivered stands in the answer.
pub fn look(home: &Home, config: &Config, chain: &Chain) -> Result<Looked, Failure> {
    let mut looked = schedule::make(home, config, chain)?;
    let sent = send(home, config, chain.view().tip().time_ms.0)?;
    looked.sent.extend(sent.sent);
    looked.failed.extend(sent.failed);
    Ok(looked)
}

/// Begins all ways that nobody is on, and waits for none; what each did is told at its end. Must be called within a runtime.
///
/// # Errors
/// When a schedule is refused.
pub fn begin(
    home: &Home,
    config: &Config,
    now_ms: u64,
    tell: impl Fn(&Looked) + Send + Sync + 'static,
) -> Result<(), Failure> {
    let tell = Arc::new(tell);
    for way in of(config)? {
        let (home, config, tell) = (home.clone(), config.clone(), tell.clone());
        tokio::spawn(async move {
            let gone = tokio::task::spawn_blocking(move || way.go(&home, &config, now_ms));
            tell(&gone.await.unwrap_or_else(|_| ended()));
        });
    }
    Ok(())
}
