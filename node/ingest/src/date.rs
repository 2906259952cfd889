//! Days as people write them: in a declared pattern, or in one of the habits that can mean one day only.
//!
//! Undeclared, `8/22/2023` is read (no month 22) and `8/2/2023` is not: two rows of one file would otherwise be read by
//! different rules. A time behind the day is left out.

use serde::Serialize;

use crate::reading::Rule;

/// A day of the Gregorian calendar, 1900 to 2100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// A day that exists.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 0,
        };
        ((1900..=2100).contains(&year) && (1..=days).contains(&day)).then_some(Self { year, month, day })
    }

    /// The day of a moment, milliseconds since 1970, UTC; none after 2100.
    pub fn of_ms(ms: u64) -> Option<Self> {
        // The inverse of `midnight_ms`: eras of 400 years that begin in March.
        let days = i64::try_from(ms / 86_400_000).ok()? + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let (month, carried) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = u16::try_from(year_of_era + era * 400 + carried).ok()?;
        Self::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }

    /// The school year it falls in, by the calendar year in which that begins: one begins with July.
    pub fn school_year(self) -> u16 {
        if self.month >= 7 { self.year } else { self.year - 1 }
    }

    /// Milliseconds from 1970 to its midnight, UTC; before 1970 it is 0.
    pub fn midnight_ms(self) -> u64 {
        // Days since 1 March 0000 by the usual count of years that begin in March.
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let days =
            365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + i64::from(self.day) - 1;
        u64::try_from(days - 719_468).unwrap_or(0) * 86_400_000
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Year4,
    Year2,
    Month {
        digits: bool,
    },
    MonthName,
    Day {
        digits: bool,
    },
    Text(char),
    Rest,
    /// Days since 30 December 1899, with a time behind the point.
    Serial,
}

/// A pattern: `YYYY`, `YY`, `MM`, `M`, `MMM` (a name), `DD`, `D`, other characters as they stand, `*` for the rest; or
/// `excel`, the number that a spreadsheet keeps a day as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

/// A pattern that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a date format: it needs YYYY or YY, M, MM or MMM, and D or DD, each once (for example M/D/YYYY)"
)]
pub struct PatternError(pub String);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let refused = || PatternError(text.to_owned());
        if text == "excel" {
            return Ok(Self(vec![Part::Serial]));
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(first) = rest.chars().next() {
            let run = rest.chars().take_while(|c| *c == first).count();
            let (part, length) = match (first, run) {
                ('Y', 4) => (Part::Year4, 4),
                ('Y', 2) => (Part::Year2, 2),
                ('M', 3) => (Part::MonthName, 3),
                ('M', 1 | 2) => (Part::Month { digits: run == 2 }, run),
                ('D', 1 | 2) => (Part::Day { digits: run == 2 }, run),
                ('Y' | 'M' | 'D', _) => return Err(refused()),
                ('*', _) => (Part::Rest, 1),
                (other, _) => (Part::Text(other), other.len_utf8()),
            };
            parts.push(part);
            rest = rest.get(length..).unwrap_or_default();
        }
        let count = |wanted: fn(&Part) -> bool| parts.iter().filter(|part| wanted(part)).count();
        let years = count(|part| matches!(part, Part::Year4 | Part::Year2));
        let months = count(|part| matches!(part, Part::Month { .. } | Part::MonthName));
        let days = count(|part| matches!(part, Part::Day { .. }));
        if (years, months, days) == (1, 1, 1) { Ok(Self(parts)) } else { Err(refused()) }
    }

    /// Every day that a text can mean under the pattern: without separators, `1112023` is 1 November and 11 January.
    fn days(&self, text: &str) -> Vec<Date> {
        let mut found = Vec::new();
        if self.0 == [Part::Serial] {
            let whole = text.split('.').next().unwrap_or_default();
            // 25,569 is 1 January 1970.
            let days = whole.parse::<u64>().ok().and_then(|days| days.checked_sub(25_569));
            found.extend(days.and_then(|days| Date::of_ms(days.saturating_mul(86_400_000))));
            return found;
        }
        walk(&self.0, text, (None, None, None), &mut found);
        found.dedup();
        found
    }
}

type Half = (Option<u16>, Option<u8>, Option<u8>);

fn walk(parts: &[Part], text: &str, (year, month, day): Half, found: &mut Vec<Date>) {
    let Some((part, parts)) = parts.split_first() else {
        if let (true, Some(year), Some(month), Some(day)) = (text.is_empty(), year, month, day)
            && let Some(date) = Date::new(year, month, day)
        {
            found.push(date);
        }
        return;
    };
    let number = |length: usize| -> Option<(u16, &str)> {
        let digits = text.get(..length).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
        Some((digits.parse().ok()?, text.get(length..)?))
    };
    let small = |length: usize| number(length).and_then(|(n, rest)| Some((u8::try_from(n).ok()?, rest)));
    let lengths = |digits: bool| if digits { 2..=2 } else { 1..=2 };
    match part {
        Part::Year4 => {
            if let Some((n, rest)) = number(4) {
                walk(parts, rest, (Some(n), month, day), found);
            }
        }
        Part::Year2 => {
            if let Some((n, rest)) = number(2) {
                // Students were born and tested between 1950 and 2049.
                walk(parts, rest, (Some(if n < 50 { 2000 + n } else { 1900 + n }), month, day), found);
            }
        }
        Part::Month { digits } => {
            for (n, rest) in lengths(*digits).filter_map(small) {
                walk(parts, rest, (year, Some(n), day), found);
            }
        }
        Part::Day { digits } => {
            for (n, rest) in lengths(*digits).filter_map(small) {
                walk(parts, rest, (year, month, Some(n)), found);
            }
        }
        Part::MonthName => {
            let length = text.chars().take_while(|c| c.is_alphabetic()).map(char::len_utf8).sum::<usize>();
            if let Some(n) = month_named(text.get(..length).unwrap_or_default()) {
                walk(parts, text.get(length..).unwrap_or_default(), (year, Some(n), day), found);
            }
        }
        Part::Text(c) => {
            if let Some(rest) = text.strip_prefix(*c) {
                walk(parts, rest, (year, month, day), found);
            }
        }
        Part::Serial => {}
        Part::Rest => walk(parts, "", (year, month, day), found),
    }
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A month by its English name or the first three letters or more of it.
fn month_named(word: &str) -> Option<u8> {
    let word = word.to_lowercase();
    if word.len() < 3 {
        return None;
    }
    // "Sept" is as usual as "Sep".
    MONTHS.iter().position(|name| name.starts_with(&word)).and_then(|at| u8::try_from(at + 1).ok())
}

/// Reads a day. With a pattern only by it, without one only what can mean one day.
///
/// # Errors
/// [`Rule::Date`], [`Rule::AmbiguousDate`].
pub fn parse(text: &str, pattern: Option<&Pattern>) -> Result<Date, Rule> {
    let text = text.trim();
    if let Some(pattern) = pattern {
        return one(pattern.days(text));
    }
    let day = without_time(text);
    let iso = day.len() == 10 && day.as_bytes().get(4).is_some_and(|b| matches!(b, b'-' | b'/'));
    let compact = day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit());
    let any = |patterns: &[&str]| -> Vec<Date> {
        let patterns = patterns.iter().filter_map(|pattern| Pattern::new(pattern).ok());
        let mut days: Vec<Date> = patterns.flat_map(|pattern| pattern.days(day)).collect();
        days.sort_unstable();
        days.dedup();
        days
    };
    if iso {
        return one(any(&["YYYY-MM-DD", "YYYY/MM/DD"]));
    }
    if compact {
        return one(any(&["YYYYMMDD", "MMDDYYYY", "DDMMYYYY"]));
    }
    // With points the day stands first wherever they are used.
    one(any(&[
        "M/D/YYYY",
        "D/M/YYYY",
        "M-D-YYYY",
        "D-M-YYYY",
        "D.M.YYYY",
        "D MMM YYYY",
        "D-MMM-YYYY",
        "MMM D, YYYY",
        "MMM D YYYY",
        "D. MMM YYYY",
        "YYYY-M-D",
        "YYYY/M/D",
    ]))
}

fn one(days: Vec<Date>) -> Result<Date, Rule> {
    match days.as_slice() {
        [] => Err(Rule::Date),
        [day] => Ok(*day),
        _ => Err(Rule::AmbiguousDate),
    }
}

/// The text without a time of day behind `T` or a space.
fn without_time(text: &str) -> &str {
    let is_time = |rest: &str| rest.contains(':') && rest.bytes().next().is_some_and(|b| b.is_ascii_digit());
    for (at, separator) in text.match_indices(['T', ' ']) {
        if at > 0 && is_time(text.get(at + separator.len()..).unwrap_or_default().trim_start()) {
            return text.get(..at).unwrap_or(text).trim_end();
        }
    }
    text
}

/// A moment as OneRoster and Ed-Fi write it (RFC 3339, or a day alone), milliseconds since 1970; a zone other than UTC moves
/// it by its minutes.
pub fn moment_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    let day = parse(text, None).ok()?.midnight_ms();
    let clock = text.get(10..).unwrap_or_default().trim_start_matches(['T', ' ']);
    let part = |at: usize| clock.get(at..at + 2).and_then(|digits| digits.parse::<u64>().ok());
    let (Some(hour), Some(minute)) = (part(0), part(3)) else { return Some(day) };
    let second = part(6).unwrap_or(0);
    let fraction = clock.get(8..).and_then(|rest| rest.strip_prefix(['.', ','])).unwrap_or_default();
    let digits = fraction.chars().take_while(char::is_ascii_digit).chain("000".chars());
    let thousandths =
        digits.take(3).filter_map(|digit| digit.to_digit(10)).fold(0, |sum, digit| sum * 10 + digit);
    let zone = clock.find(['+', '-']).and_then(|at| clock.get(at..)).unwrap_or_default();
    let digits: String = zone.chars().filter(char::is_ascii_digit).take(4).collect();
    let offset = match (digits.get(..2).map(str::parse::<u64>), digits.get(2..4).map(str::parse::<u64>)) {
        (Some(Ok(hours)), Some(Ok(minutes))) => (hours * 60 + minutes) * 60_000,
        _ => 0,
    };
    let at = day + ((hour * 60 + minute) * 60 + second) * 1_000 + u64::from(thousandths);
    Some(if zone.starts_with('+') { at.saturating_sub(offset) } else { at + offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, pattern: Option<&str>) -> Result<String, Rule> {
        let pattern = pattern.map(|pattern| Pattern::new(pattern).expect("a pattern"));
        parse(text, pattern.as_ref()).map(|date| date.to_string())
    }

    #[test]
    fn what_can_mean_one_day_is_read_and_what_can_mean_two_is_refused() {
        for text in [
            "2023-08-22",
            "2023/08/22",
            "20230822",
            "08222023",
            "8/22/2023",
            "22/8/2023",
            "22.8.2023",
            "22.08.2023",
            "22 Aug 2023",
            "22-AUG-2023",
            "Aug 22, 2023",
            "August 22, 2023",
            "2023-08-22T09:10:11Z",
            "2023-08-22 09:10",
            "8/22/2023 9:10:00 AM",
            "2023-8-22",
        ] {
            assert_eq!(read(text, None), Ok("2023-08-22".into()), "{text}");
        }
        assert_eq!(read("8/2/2023", None), Err(Rule::AmbiguousDate));
        assert_eq!(read("8/8/2023", None), Ok("2023-08-08".into()));
        assert_eq!(read("8.2.2023", None), Ok("2023-02-08".into()));
        for text in ["", "2023-02-29", "13/13/2023", "8/22/23", "yesterday", "2023-08-22x", "٢٠٢٣-٠٨-٢٢"]
        {
            assert_eq!(read(text, None), Err(Rule::Date), "{text}");
        }
    }

    #[test]
    fn a_declared_pattern_is_the_only_reading() {
        assert_eq!(read("8/2/2023", Some("M/D/YYYY")), Ok("2023-08-02".into()));
        assert_eq!(read("8/2/2023", Some("D/M/YYYY")), Ok("2023-02-08".into()));
        assert_eq!(read("10162023", Some("MDDYYYY")), Ok("2023-10-16".into()));
        assert_eq!(read("6142016", Some("MDDYYYY")), Ok("2016-06-14".into()));
        assert_eq!(read("1112023", Some("MDYYYY")), Err(Rule::AmbiguousDate));
        assert_eq!(read("22-Aug-49", Some("D-MMM-YY")), Ok("2049-08-22".into()));
        assert_eq!(read("8/2/2023 10:00 PM", Some("M/D/YYYY *")), Ok("2023-08-02".into()));
        assert_eq!(read("2023-08-02", Some("M/D/YYYY")), Err(Rule::Date));
        assert_eq!(read("45160", Some("excel")), Ok("2023-08-22".into()));
        assert_eq!(read("45160.5", Some("excel")), Ok("2023-08-22".into()));
        assert_eq!(read("8/22/2023", Some("excel")), Err(Rule::Date));
        for pattern in ["", "YYYY", "YYYY-MM", "YYY-M-D", "M/D/M/YYYY"] {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn days_count_from_1970_and_school_years_from_july() {
        let day = |y, m, d| Date::new(y, m, d).expect("a day");
        assert_eq!(day(1970, 1, 1).midnight_ms(), 0);
        assert_eq!(day(2000, 3, 1).midnight_ms(), 951_868_800_000);
        assert_eq!(day(1969, 12, 31).midnight_ms(), 0);
        for days in 0..47_847u64 {
            let ms = days * 86_400_000;
            assert_eq!(Date::of_ms(ms + 3_600_000).map(Date::midnight_ms), Some(ms), "day {days}");
        }
        assert_eq!((Date::of_ms(951_782_400_000), Date::of_ms(u64::MAX)), (Some(day(2000, 2, 29)), None));
        assert_eq!((day(2023, 6, 30).school_year(), day(2023, 7, 1).school_year()), (2022, 2023));
        assert_eq!(moment_ms("2023-05-01T18:25:43.511Z"), Some(1_682_965_543_511));
        assert_eq!(moment_ms("2023-05-01T18:25:43.5Z"), Some(1_682_965_543_500));
        assert_eq!(moment_ms("2023-05-01T18:25:43.123456+00:00"), Some(1_682_965_543_123));
        assert_eq!(moment_ms("2023-05-01T18:25:43-02:00"), Some(1_682_972_743_000));
        assert_eq!(moment_ms("2023-05-01"), Some(1_682_899_200_000));
        assert_eq!(moment_ms("5/1/2023"), None);
    }
}
