//! A time of day within which people are left alone, by the clocks of a zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::schedule::ScheduleError;

/// From one time of day until another, which may be the next day's.
#[derive(Debug, Clone)]
pub struct Quiet {
    from: u16,
    until: u16,
    zone: TimeZone,
}

impl Quiet {
    /// Minutes of the day, from and until, in a zone of the IANA's.
    ///
    /// # Errors
    /// [`ScheduleError::Zone`].
    pub fn new((from, until): (u16, u16), zone: &str) -> Result<Self, ScheduleError> {
        let zone = TimeZone::get(zone).map_err(|_| ScheduleError::Zone(zone.to_owned()))?;
        Ok(Self { from, until, zone })
    }

    /// Whether this moment, in milliseconds since 1970, is within it; the end is not. A clock beyond every calendar is not.
    pub fn is_quiet(&self, now_ms: u64) -> bool {
        let moment = i64::try_from(now_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let Some(moment) = moment else { return false };
        let time = self.zone.to_datetime(moment).time();
        let now = u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs());
        match self.from < self.until {
            true => (self.from..self.until).contains(&now),
            false => now >= self.from || now < self.until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-29 00:00 UTC.
    const MIDNIGHT: u64 = 1_795_910_400_000;
    const MINUTE: u64 = 60_000;

    #[test]
    fn a_night_and_a_lesson_are_quiet_by_the_zones_clocks() -> Result<(), ScheduleError> {
        let night = Quiet::new((21 * 60, 6 * 60), "UTC")?;
        for (minute, quiet) in
            [(0, true), (359, true), (360, false), (720, false), (1_259, false), (1_260, true)]
        {
            assert_eq!(night.is_quiet(MIDNIGHT + minute * MINUTE), quiet, "{minute}");
        }
        let lesson = Quiet::new((8 * 60, 9 * 60), "UTC")?;
        for (minute, quiet) in [(479, false), (480, true), (539, true), (540, false)] {
            assert_eq!(lesson.is_quiet(MIDNIGHT + minute * MINUTE), quiet, "{minute}");
        }
        // Six hours behind in winter.
        let chicago = Quiet::new((21 * 60, 6 * 60), "America/Chicago")?;
        assert!(
            chicago.is_quiet(MIDNIGHT + 11 * 60 * MINUTE) && !chicago.is_quiet(MIDNIGHT + 12 * 60 * MINUTE)
        );
        assert!(Quiet::new((0, 1), "Mars/Base").is_err() && !night.is_quiet(u64::MAX));
        Ok(())
    }
}
