//! A point in time, in nanoseconds since 1970, UTC.

/// A timestamp; equal when it is the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(i128);

const SECOND: i128 = 1_000_000_000;

impl Stamp {
    /// Reads `2015-01-02T03:04:05.678Z`, extended or basic, offset `Z`, `±hh:mm`, `±hhmm` or `±hh`, or none, which is
    /// taken as UTC. Years 0001 to 9999; a leap second counts as the next one. Offsets of minus zero are refused, as
    /// xAPI asks: they say that the offset is unknown.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(['T', 't', ' '])?;
        let days = days(date)?;
        let (clock, offset) = match time.find(['Z', 'z', '+', '-']) {
            Some(at) => (time.get(..at)?, time.get(at..)?),
            None => (time, "Z"),
        };
        let nanos = day_nanos(clock)?;
        Some(Self(days * 86_400 * SECOND + nanos - i128::from(offset_minutes(offset)?) * 60 * SECOND))
    }

    /// From microseconds since 1970.
    pub fn from_micros(micros: u64) -> Self {
        Self(i128::from(micros) * 1_000)
    }

    /// Microseconds since 1970, rounded down; zero for earlier ones.
    pub fn micros(self) -> u64 {
        u64::try_from(self.0.div_euclid(1_000)).unwrap_or(if self.0 < 0 { 0 } else { u64::MAX })
    }

    /// UTC, with three, six or nine digits of a second, whichever lose nothing.
    pub fn to_utc(self) -> String {
        let (days, rest) = (self.0.div_euclid(86_400 * SECOND), self.0.rem_euclid(86_400 * SECOND));
        let (year, month, day) = civil(days);
        let (seconds, nanos) = (rest / SECOND, rest % SECOND);
        let fraction = match nanos {
            _ if nanos % 1_000_000 == 0 => format!("{:03}", nanos / 1_000_000),
            _ if nanos % 1_000 == 0 => format!("{:06}", nanos / 1_000),
            _ => format!("{nanos:09}"),
        };
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction}Z")
    }
}

fn number(text: &str, digits: usize) -> Option<i128> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// Days since 1970 of `YYYY-MM-DD` or `YYYYMMDD`.
fn days(date: &str) -> Option<i128> {
    let parts: Vec<&str> = date.split('-').collect();
    let (year, month, day) = match parts.as_slice() {
        [year, month, day] => (*year, *month, *day),
        [basic] if basic.len() == 8 && basic.is_ascii() => {
            (basic.get(..4)?, basic.get(4..6)?, basic.get(6..)?)
        }
        _ => return None,
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i128::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    ((1..=9_999).contains(&year) && (1..=longest).contains(&day)).then(|| from_civil(year, month, day))
}

/// Days since 1970 of a date of the proleptic Gregorian calendar, whose years are counted here from March.
fn from_civil(year: i128, month: i128, day: i128) -> i128 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leaps + (153 * month + 2) / 5 + day - 719_469
}

/// The date of a day since 1970.
fn civil(days: i128) -> (i128, i128, i128) {
    // The year is found by one guess and a correction: a mean year has 365.2425 days.
    let mut year = (days * 10_000).div_euclid(3_652_425) + 1970;
    while from_civil(year, 1, 1) > days {
        year -= 1;
    }
    while from_civil(year + 1, 1, 1) <= days {
        year += 1;
    }
    let month = (1..=12).rev().find(|month| from_civil(year, *month, 1) <= days).unwrap_or(1);
    (year, month, days - from_civil(year, month, 1) + 1)
}

/// Nanoseconds of `hh:mm[:ss[.f]]` or `hhmm[ss[.f]]`.
fn day_nanos(clock: &str) -> Option<i128> {
    let (whole, fraction) = match clock.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (clock, None),
    };
    let parts: Vec<&str> = whole.split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute, second] => (*hour, *minute, Some(*second)),
        [hour, minute] => (*hour, *minute, None),
        [basic] if basic.len() == 6 && basic.is_ascii() => {
            (basic.get(..2)?, basic.get(2..4)?, basic.get(4..))
        }
        [basic] if basic.len() == 4 && basic.is_ascii() => (basic.get(..2)?, basic.get(2..)?, None),
        _ => return None,
    };
    if fraction.is_some() && second.is_none() {
        return None;
    }
    let (hour, minute) = (number(hour, 2)?, number(minute, 2)?);
    let second = second.map_or(Some(0), |second| number(second, 2))?;
    let nanos = match fraction {
        None => 0,
        Some(text) if (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            let kept = text.get(..9.min(text.len()))?;
            format!("{kept:0<9}").parse().ok()?
        }
        Some(_) => return None,
    };
    let within = hour < 24 && minute < 60 && (second < 60 || (second == 60 && minute == 59));
    within.then(|| ((hour * 60 + minute) * 60 + second) * SECOND + nanos)
}

fn offset_minutes(offset: &str) -> Option<i64> {
    if offset.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, digits) = match offset.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "00"),
    };
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    let total = i64::try_from(hours * 60 + minutes).ok()?;
    let unknown = sign < 0 && total == 0;
    (hours < 24 && minutes < 60 && !unknown).then_some(sign * total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_compared_and_written_in_utc() {
        for (text, utc) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            ("2008-09-15T15:53:00.601+00:00", "2008-09-15T15:53:00.601Z"),
            ("2016-02-29T23:30:00.1234567-01:30", "2016-03-01T01:00:00.123456700Z"),
            ("20151118T121720.123Z", "2015-11-18T12:17:20.123Z"),
            ("2015-11-18T12:17", "2015-11-18T12:17:00.000Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Stamp::parse(text).expect(text).to_utc(), utc, "{text}");
        }
        assert_eq!(Stamp::from_micros(1_500_000).to_utc(), "1970-01-01T00:00:01.500Z");
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "should fail",
            "01/011/2015",
            "2015-02-29T00:00:00Z",
            "2015-13-01T00:00:00Z",
            "2015-01-01",
            "2015-01-01T24:00:00Z",
            "2015-01-01T10:60:00Z",
            "2008-09-15T15:53:00.601-00",
            "2008-09-15T15:53:00.601-0000",
            "2008-09-15T15:53:00.601-00:00",
            "2008-09-15T15:53:00.Z",
            "2008-09-15T15:53:00+25:00",
            "２００８-09-15T15:53:00Z",
        ] {
            assert_eq!(Stamp::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_microsecond_is_read_again(micros in 0u64..200_000_000_000_000_000) {
            let stamp = Stamp::from_micros(micros);
            proptest::prop_assert_eq!(Stamp::parse(&stamp.to_utc()), Some(stamp));
            proptest::prop_assert_eq!(stamp.micros(), micros);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = Stamp::parse(&text);
        }

        #[test]
        fn nothing_like_a_timestamp_makes_it_panic(text in "[0-9TZ:.+-]{0,40}") {
            let _ = Stamp::parse(&text);
        }
    }
}
