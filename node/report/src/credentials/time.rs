//! Moments of credentials: xsd:dateTime with a time zone, and POSIX seconds of a token.
//!
//! Read by hand because the field's form is narrower than what date crates take: a zone is required (VC Data Model 2.0,
//! 4.9), and a moment without one would be valid in one place and not in another.

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl Moment {
    /// From the text of xsd:dateTimeStamp; fractions below a millisecond are cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let shape = bytes.len() >= 20
            && bytes.is_ascii()
            && [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]
                .iter()
                .all(|(at, want)| bytes[*at] == *want);
        if !shape {
            return None;
        }
        let number = |from: usize, to: usize| -> Option<i64> {
            let digits = &text[from..to];
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if year == 0 || !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let rest = &text[19..];
        let (fraction, zone) = match rest.strip_prefix('.') {
            None => (0, rest),
            Some(after) => {
                let digits = after.bytes().take_while(u8::is_ascii_digit).count();
                if digits == 0 {
                    return None;
                }
                let padded = format!("{:0<3}", &after[..digits]);
                (padded[..3].parse::<i64>().ok()?, &after[digits..])
            }
        };
        let zone_minutes = zone_minutes(zone)?;
        let minutes = (days_from_civil(year, month, day) * 24 + hour) * 60 + minute - zone_minutes;
        Some(Self((minutes * 60 + second) * 1000 + fraction))
    }

    /// The text in UTC, to the second: `2026-11-29T12:00:00Z`.
    pub fn text(self) -> String {
        let seconds = self.0.div_euclid(1000);
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// From a token's NumericDate: seconds, perhaps with a fraction (RFC 7519, 2).
    pub fn from_seconds(value: &serde_json::Value) -> Option<Self> {
        if let Some(whole) = value.as_i64() {
            return whole.checked_mul(1000).map(Self);
        }
        let seconds = value.as_f64()?;
        // Fits: bounded first.
        #[allow(clippy::cast_possible_truncation)]
        let milliseconds = (seconds * 1000.0) as i64;
        (seconds.abs() < 1e12).then_some(Self(milliseconds))
    }
}

fn zone_minutes(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let bytes = zone.as_bytes();
    if bytes.len() != 6 || bytes[3] != b':' {
        return None;
    }
    let two = |s: &str| s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse::<i64>().ok()).flatten();
    let (hours, minutes) = (two(&zone[1..3])?, two(&zone[4..6])?);
    if hours > 14 || minutes > 59 || (hours == 14 && minutes > 0) {
        return None;
    }
    match bytes[0] {
        b'+' => Some(hours * 60 + minutes),
        b'-' => Some(-(hours * 60 + minutes)),
        _ => None,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in eras of 400 years from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let (era, of_era) = ((days + 719_468).div_euclid(146_097), (days + 719_468).rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> Option<i64> {
        Moment::parse(text).map(|m| m.0)
    }

    #[test]
    fn zones_and_fractions_are_read() {
        assert_eq!(ms("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(ms("2010-01-01T00:00:00Z"), Some(1_262_304_000_000));
        assert_eq!(ms("2010-01-01T02:30:00+02:30"), Some(1_262_304_000_000));
        assert_eq!(ms("2009-12-31T16:00:00.25-08:00"), Some(1_262_304_000_250));
        assert_eq!(ms("2024-02-29T00:00:00Z"), Some(1_709_164_800_000));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "2010-01-01T00:00:00",
            "2010-01-01",
            "2010-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2010-01-01T24:00:00Z",
            "2010-01-01T00:00:00.Z",
            "2010-01-01T00:00:00+25:00",
            "2010-01-01t00:00:00Z",
            "+010-01-01T00:00:00Z",
            "2010-01-01T00:00:00Zjunk",
        ] {
            assert_eq!(ms(text), None, "{text}");
        }
    }

    #[test]
    fn text_and_moment_are_inverse() {
        for days in (-200_000..200_000).step_by(37) {
            let moment = Moment(days * 86_400_000 + 3_723_000);
            assert_eq!(Moment::parse(&moment.text()), Some(moment));
        }
    }
}
