//! Settings that only who uses them can judge, long after the start: what is logged, and when reports are made.

use aula_home::config::Config;
use aula_report::schedule::Schedule;
use aula_server::reports::schedule;
use tracing_subscriber::EnvFilter;

use super::Check;

/// The filter of the log, the schedules and their time zone.
pub(super) fn all(config: &Config, now_ms: u64) -> [Check; 2] {
    [log(&config.log.filter), reports(config, now_ms)]
}

fn log(filter: &str) -> Check {
    match EnvFilter::try_new(filter) {
        Ok(_) => Check::ok("log", format!("{filter:?} is logged")),
        Err(error) => Check::warn(
            "log",
            format!("{filter:?} is not a valid log filter: {error}; warnings alone are logged"),
            "correct [log] filter in config.toml: error, warn, info, debug or trace, also by module: aula=debug,warn",
        ),
    }
}

fn reports(config: &Config, now_ms: u64) -> Check {
    let kept = match schedule::check(config) {
        Ok(kept) => kept.len(),
        Err(failure) => return Check::failure("reports", failure),
    };
    let zone = &config.reports.time_zone;
    match Schedule::of_moment(now_ms, zone) {
        Ok(_) => Check::ok("reports", format!("{kept} schedules, by the time of {zone}")),
        Err(error) => Check::fail(
            "reports",
            format!("[reports]: {error}"),
            "correct time_zone in config.toml, for example America/Chicago",
        ),
    }
}
