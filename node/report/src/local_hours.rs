//! The hours of local days, as moments: 23 or 25 of them on the days on which clocks change.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::schedule::ScheduleError;

const HOUR_MS: i64 = 3_600_000;

/// An hour of a local day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalHour {
    /// In the zone that `starts` is in.
    pub date: Date,
    /// The local time at which it begins, as HH:MM.
    pub starts: String,
    /// When it begins, milliseconds since 1970.
    pub from_ms: u64,
    /// When it is over.
    pub until_ms: u64,
}

/// The local midnight with which the day of a moment, less so many days, begins.
///
/// # Errors
/// A name that is no zone's, a moment outside of the calendar.
pub fn day_before(zone: &str, moment_ms: u64, days: u16) -> Result<u64, ScheduleError> {
    let zone = named(zone)?;
    let date = date(&zone, moment_ms)?;
    let date = date.checked_sub(i64::from(days).days()).map_err(|_| ScheduleError::Calendar)?;
    Ok(u64::try_from(midnight(&zone, date)?).unwrap_or(0))
}

/// The hours that begin at a moment or later and are over at another, ascending.
///
/// # Errors
/// A name that is no zone's, a moment outside of the calendar.
pub fn between(zone: &str, from_ms: u64, until_ms: u64) -> Result<Vec<LocalHour>, ScheduleError> {
    let zone = named(zone)?;
    let mut found = Vec::new();
    if until_ms <= from_ms {
        return Ok(found);
    }
    let (mut day, last) = (date(&zone, from_ms)?, date(&zone, until_ms)?);
    while day <= last {
        let next = day.checked_add(1.day()).map_err(|_| ScheduleError::Calendar)?;
        let (mut at, end) = (midnight(&zone, day)?, midnight(&zone, next)?);
        while at < end {
            // A day that is not whole hours long ends with a shorter one.
            let over = at.saturating_add(HOUR_MS).min(end);
            let (begins, ends) = (u64::try_from(at), u64::try_from(over));
            if let (Ok(begins), Ok(ends)) = (begins, ends)
                && begins >= from_ms
                && ends <= until_ms
            {
                let moment = Timestamp::from_millisecond(at).map_err(|_| ScheduleError::Calendar)?;
                let time = zone.to_datetime(moment);
                let starts = format!("{:02}:{:02}", time.hour(), time.minute());
                found.push(LocalHour { date: day, starts, from_ms: begins, until_ms: ends });
            }
            at = over;
        }
        day = next;
    }
    Ok(found)
}

fn named(zone: &str) -> Result<TimeZone, ScheduleError> {
    TimeZone::get(zone).map_err(|_| ScheduleError::Zone(zone.to_owned()))
}

fn date(zone: &TimeZone, moment_ms: u64) -> Result<Date, ScheduleError> {
    let moment = i64::try_from(moment_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Ok(zone.to_datetime(moment.ok_or(ScheduleError::Calendar)?).date())
}

fn midnight(zone: &TimeZone, date: Date) -> Result<i64, ScheduleError> {
    let begins = date.at(0, 0, 0, 0).to_zoned_datetime(zone.clone()).map_err(|_| ScheduleError::Calendar)?;
    Ok(begins.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    fn ms(text: &str) -> Result<u64, Box<dyn std::error::Error>> {
        Ok(u64::try_from(text.parse::<Timestamp>()?.as_millisecond())?)
    }

    #[test]
    fn days_on_which_clocks_change_have_another_number_of_hours() -> Tested {
        let of = |day: &str, zone: &str| -> Result<Vec<LocalHour>, Box<dyn std::error::Error>> {
            let noon = ms(&format!("{day}T12:00:00Z"))?;
            let begins = day_before(zone, noon, 0)?;
            let hours = between(zone, begins, begins + 50 * 3_600_000)?;
            Ok(hours.into_iter().filter(|hour| hour.date.to_string() == day).collect())
        };
        let autumn = of("2026-11-01", "America/Chicago")?;
        let starts: Vec<&str> = autumn.iter().map(|hour| hour.starts.as_str()).collect();
        assert_eq!((autumn.len(), &starts[..4]), (25, &["00:00", "01:00", "01:00", "02:00"][..]));
        let spring = of("2027-03-14", "America/Chicago")?;
        assert_eq!((spring.len(), spring[2].starts.as_str()), (23, "03:00"));
        assert_eq!(of("2027-03-14", "Asia/Kathmandu")?.len(), 24);
        assert!(autumn.windows(2).all(|two| two[0].until_ms == two[1].from_ms));
        Ok(())
    }

    #[test]
    fn only_whole_hours_within_are_given_and_none_twice() -> Tested {
        let (from, until) = (ms("2026-11-29T08:00:00Z")?, ms("2026-11-29T10:59:00Z")?);
        let hours = between("UTC", from, until)?;
        assert_eq!(hours.iter().map(|hour| hour.starts.as_str()).collect::<Vec<_>>(), ["08:00", "09:00"]);
        assert!(between("UTC", hours[1].until_ms, until)?.is_empty());
        assert_eq!(day_before("UTC", until, 2)?, ms("2026-11-27T00:00:00Z")?);
        assert!(between("Mars/Olympus", from, until).is_err());
        Ok(())
    }
}
