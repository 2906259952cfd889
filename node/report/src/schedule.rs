//! When a report is due, and when it is kept long enough, in local time of an IANA zone.
//!
//! Pure: who asks gives the moments, and those are block times, so that a machine's clock that is off by years makes nothing
//! early, late, or twice. A local time that a change of clocks skips is the moment after the gap; one that happens twice
//! is the first.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// At the same local time each day.
    Day,
    /// The first of every month.
    Month,
    /// The first of January, April, July and October.
    Quarter,
}

/// Why a schedule is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not a name of the IANA time zone database.
    #[error("{0:?} is not a time zone of the IANA database, such as America/Chicago")]
    Zone(String),
    /// Not hh:mm.
    #[error("{0:?} is not a time of day from 00:00 to 23:59")]
    Time(String),
    /// A moment that no calendar has.
    #[error("a moment is outside of the calendar")]
    Calendar,
}

/// How often a report is due, at which local time of which zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    every: Every,
    hour: i8,
    minute: i8,
    zone: TimeZone,
}

/// A date on which a report is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// The local date, which names the report.
    pub date: Date,
    /// When, in milliseconds since 1970 UTC.
    pub moment_ms: u64,
}

impl Schedule {
    /// A schedule at a local time of day, `hh:mm`.
    ///
    /// # Errors
    /// [`ScheduleError::Zone`], [`ScheduleError::Time`].
    pub fn new(every: Every, at: &str, zone: &str) -> Result<Self, ScheduleError> {
        let time = || ScheduleError::Time(at.to_owned());
        let (hour, minute) = at.split_once(':').ok_or_else(time)?;
        let part = |text: &str, most: i8| {
            let plain = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<i8>().ok().filter(|n| plain && *n <= most).ok_or_else(time)
        };
        let (hour, minute) = (part(hour, 23)?, part(minute, 59)?);
        let zone = TimeZone::get(zone).map_err(|_| ScheduleError::Zone(zone.to_owned()))?;
        Ok(Self { every, hour, minute, zone })
    }

    /// The daily schedule of a moment's own local minute, rounded up, and the date on which it is due then.
    ///
    /// # Errors
    /// [`ScheduleError::Zone`], [`ScheduleError::Calendar`].
    pub fn of_moment(moment_ms: u64, zone: &str) -> Result<(Self, Due), ScheduleError> {
        let moment_ms = moment_ms.checked_next_multiple_of(60_000).ok_or(ScheduleError::Calendar)?;
        let zone = TimeZone::get(zone).map_err(|_| ScheduleError::Zone(zone.to_owned()))?;
        let mut own = Self { every: Every::Day, hour: 0, minute: 0, zone };
        let local = own.local(moment_ms)?;
        (own.hour, own.minute) = (local.hour(), local.minute());
        Ok((own, Due { date: local.date(), moment_ms }))
    }

    /// All dates whose moment is after `from_ms` and not after `until_ms`, ascending.
    ///
    /// # Errors
    /// [`ScheduleError::Calendar`].
    pub fn due(&self, from_ms: u64, until_ms: u64) -> Result<Vec<Due>, ScheduleError> {
        let mut found = Vec::new();
        if until_ms <= from_ms {
            return Ok(found);
        }
        let outside = |_| ScheduleError::Calendar;
        let mut date = self.local(from_ms)?.date().checked_sub(1.day()).map_err(outside)?;
        let last = self.local(until_ms)?.date();
        while date <= last {
            if self.is_on(date) {
                // Before 1970 is before every block.
                let moment = u64::try_from(self.moment(date)?).ok();
                let within = |moment: &u64| from_ms < *moment && *moment <= until_ms;
                found.extend(moment.filter(within).map(|moment_ms| Due { date, moment_ms }));
            }
            date = date.checked_add(1.day()).map_err(outside)?;
        }
        Ok(found)
    }

    /// The same time of day so many days before a date; none before 1970.
    ///
    /// # Errors
    /// [`ScheduleError::Calendar`].
    pub fn days_before(&self, date: Date, days: i32) -> Result<Option<u64>, ScheduleError> {
        let then = date.checked_sub(days.days()).map_err(|_| ScheduleError::Calendar)?;
        Ok(u64::try_from(self.moment(then)?).ok())
    }

    /// The last date that is no longer kept at a moment, after so many years.
    ///
    /// # Errors
    /// [`ScheduleError::Calendar`].
    pub fn forgotten(&self, now_ms: u64, keep_years: u16) -> Result<Date, ScheduleError> {
        let years = i64::from(keep_years).years();
        self.local(now_ms)?.date().checked_sub(years).map_err(|_| ScheduleError::Calendar)
    }

    fn local(&self, time_ms: u64) -> Result<DateTime, ScheduleError> {
        let time_ms = i64::try_from(time_ms).map_err(|_| ScheduleError::Calendar)?;
        let moment = Timestamp::from_millisecond(time_ms).map_err(|_| ScheduleError::Calendar)?;
        Ok(self.zone.to_datetime(moment))
    }

    /// Milliseconds since 1970, below 0 before.
    fn moment(&self, date: Date) -> Result<i64, ScheduleError> {
        let local = date.at(self.hour, self.minute, 0, 0).to_zoned_datetime(self.zone.clone());
        Ok(local.map_err(|_| ScheduleError::Calendar)?.timestamp().as_millisecond())
    }

    fn is_on(&self, date: Date) -> bool {
        match self.every {
            Every::Day => true,
            Every::Month => date.day() == 1,
            Every::Quarter => date.day() == 1 && matches!(date.month(), 1 | 4 | 7 | 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    fn ms(text: &str) -> Result<u64, Box<dyn std::error::Error>> {
        Ok(u64::try_from(text.parse::<Timestamp>()?.as_millisecond())?)
    }

    fn dates(due: &[Due]) -> Vec<String> {
        due.iter().map(|one| one.date.to_string()).collect()
    }

    #[test]
    fn three_in_the_morning_is_local_and_comes_once_a_date_over_changes_of_clocks() -> Tested {
        let nightly = Schedule::new(Every::Day, "03:00", "America/Chicago")?;
        // Clocks go back on 1 November 2026 and forward on 14 March 2027.
        let autumn = nightly.due(ms("2026-10-31T00:00:00Z")?, ms("2026-11-03T00:00:00Z")?)?;
        assert_eq!(dates(&autumn), ["2026-10-31", "2026-11-01", "2026-11-02"]);
        assert_eq!(autumn[0].moment_ms, ms("2026-10-31T08:00:00Z")?);
        assert_eq!(autumn[2].moment_ms, ms("2026-11-02T09:00:00Z")?);
        // 02:30 does not exist on that Sunday in March, and happens twice in November.
        let gap = Schedule::new(Every::Day, "02:30", "America/Chicago")?;
        let spring = gap.due(ms("2027-03-13T12:00:00Z")?, ms("2027-03-15T12:00:00Z")?)?;
        assert_eq!(dates(&spring), ["2027-03-14", "2027-03-15"]);
        assert_eq!(spring[0].moment_ms, ms("2027-03-14T08:30:00Z")?);
        let twice = Schedule::new(Every::Day, "01:30", "America/Chicago")?;
        let autumn = twice.due(ms("2026-11-01T00:00:00Z")?, ms("2026-11-02T00:00:00Z")?)?;
        assert_eq!(
            (dates(&autumn), autumn[0].moment_ms),
            (vec!["2026-11-01".into()], ms("2026-11-01T06:30:00Z")?)
        );
        Ok(())
    }

    #[test]
    fn a_week_before_is_the_moment_of_a_week_before_over_changes_of_clocks() -> Tested {
        let nightly = Schedule::new(Every::Day, "03:00", "America/Chicago")?;
        let due = nightly.due(ms("2026-10-20T00:00:00Z")?, ms("2026-11-20T00:00:00Z")?)?;
        for pair in due.windows(8) {
            assert_eq!(nightly.days_before(pair[7].date, 7)?, Some(pair[0].moment_ms));
        }
        let first = nightly.due(0, 86_400_000)?;
        assert_eq!(nightly.days_before(first[0].date, 7)?, None);
        Ok(())
    }

    #[test]
    fn the_schedule_of_a_moment_compares_as_the_one_that_is_due_then() -> Tested {
        let nightly = Schedule::new(Every::Day, "03:00", "America/Chicago")?;
        for due in nightly.due(ms("2026-10-20T00:00:00Z")?, ms("2026-11-20T00:00:00Z")?)? {
            for before in [0, 1, 59_999] {
                let (own, of) = Schedule::of_moment(due.moment_ms - before, "America/Chicago")?;
                assert_eq!(of, due);
                for days in [7, 365] {
                    assert_eq!(
                        own.days_before(of.date, days)?,
                        nightly.days_before(due.date, days)?,
                        "{due:?}"
                    );
                }
            }
        }
        assert_eq!(Schedule::of_moment(u64::MAX, "UTC").map(|_| ()), Err(ScheduleError::Calendar));
        assert!(matches!(Schedule::of_moment(0, "Mars/Olympus"), Err(ScheduleError::Zone(_))));
        Ok(())
    }

    #[test]
    fn steps_of_any_size_find_every_date_once() -> Tested {
        let (from, until) = (ms("2026-01-15T00:00:00Z")?, ms("2027-02-15T00:00:00Z")?);
        for every in [Every::Day, Every::Month, Every::Quarter] {
            let schedule = Schedule::new(every, "03:00", "Pacific/Auckland")?;
            let whole = schedule.due(from, until)?;
            for step in [3_600_000u64, 86_400_000, 40 * 86_400_000] {
                let (mut at, mut pieces) = (from, Vec::new());
                while at < until {
                    let next = at.saturating_add(step).min(until);
                    pieces.extend(schedule.due(at, next)?);
                    at = next;
                }
                assert_eq!(pieces, whole);
            }
        }
        let quarters = Schedule::new(Every::Quarter, "03:00", "UTC")?.due(from, until)?;
        assert_eq!(dates(&quarters), ["2026-04-01", "2026-07-01", "2026-10-01", "2027-01-01"]);
        Ok(())
    }

    #[test]
    fn a_chain_that_begins_with_1970_has_dates_from_then_on() -> Tested {
        let nightly = Schedule::new(Every::Day, "03:00", "America/Chicago")?;
        assert_eq!(dates(&nightly.due(1_000, 2 * 86_400_000)?), ["1970-01-01", "1970-01-02"]);
        Ok(())
    }

    #[test]
    fn seven_years_are_seven_years() -> Tested {
        let nightly = Schedule::new(Every::Day, "03:00", "America/Chicago")?;
        assert_eq!(nightly.forgotten(ms("2028-02-29T12:00:00Z")?, 7)?.to_string(), "2021-02-28");
        Ok(())
    }

    #[test]
    fn what_is_no_zone_and_no_time_is_refused() {
        assert!(matches!(Schedule::new(Every::Day, "03:00", "Mars/Olympus"), Err(ScheduleError::Zone(_))));
        for time in ["24:00", "3:00", "03:60", "0300", "-1:00", "+3:00"] {
            assert!(matches!(Schedule::new(Every::Day, time, "UTC"), Err(ScheduleError::Time(_))), "{time}");
        }
    }
}
