//! Dates: what kind of day it is and where in the year.

use crate::text::Unreadable;

/// A day of the common calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// From 1900.
    pub year: i32,
    /// From 1.
    pub month: u32,
    /// From 1.
    pub day: u32,
}

/// An hour: days since 1970-01-01 × 24 + hour.
pub type Moment = i64;

impl Date {
    /// Reads YYYY-MM-DD.
    ///
    /// # Errors
    /// When the text is no such date from 1900 to 2199.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let fault = || Unreadable::at(format_args!("{text:?}"), "it is not a date YYYY-MM-DD");
        let mut parts = text.trim().splitn(3, '-').map(|part| part.parse::<u32>().ok());
        let (Some(Some(year)), Some(Some(month)), Some(Some(day))) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(fault());
        };
        let date = Self { year: year as i32, month, day };
        let known = (1900..2200).contains(&year) && (1..=12).contains(&month) && day >= 1;
        if known && Self::of(date.number()) == date { Ok(date) } else { Err(fault()) }
    }

    /// Days since 1970-01-01 (Hinnant's algorithm: years start in March).
    #[must_use]
    pub fn number(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let of_era = year - era * 400;
        let month = (i64::from(self.month) + 9) % 12;
        let of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// The day of a number.
    #[must_use]
    pub fn of(number: i64) -> Self {
        let shifted = number + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted - era * 146_097;
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = (of_year - (153 * month + 2) / 5 + 1) as u32;
        let month = if month < 10 { month + 3 } else { month - 9 } as u32;
        Self { year: (year + era * 400) as i32 + i32::from(month <= 2), month, day }
    }
}

/// Monday 0.
#[must_use]
pub fn weekday(day: i64) -> u32 {
    (day + 3).rem_euclid(7) as u32
}

/// Day of the year from 0.
#[must_use]
pub fn day_of_year(day: i64) -> i64 {
    day - Date { month: 1, day: 1, ..Date::of(day) }.number()
}

/// Easter Sunday (Gauss, in Butcher's form).
#[must_use]
pub fn easter(year: i32) -> i64 {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let (month, day) = ((h + l - 7 * m + 114) / 31, (h + l - 7 * m + 114) % 31 + 1);
    Date { year, month: month as u32, day: day as u32 }.number()
}

/// Whether a day is a public holiday in England: those of Easter, the fixed ones with the weekday they move to, and
/// three Mondays.
#[must_use]
pub fn holiday(day: i64) -> bool {
    let date = Date::of(day);
    let easter = easter(date.year);
    let monday = weekday(day) == 0;
    let moved = |month: u32, fixed: u32| {
        let first = Date { year: date.year, month, day: fixed }.number();
        // A holiday on a weekend is taken on the next free weekday.
        day == first || (weekday(first) == 5 && day == first + 2) || (weekday(first) == 6 && day == first + 1)
    };
    let christmas = Date { year: date.year, month: 12, day: 25 }.number();
    let substitute = match weekday(christmas) {
        4 => christmas + 3,
        5 | 6 => christmas + 2 + i64::from(weekday(christmas) == 5),
        _ => christmas + 1,
    };
    day == easter - 2
        || day == easter + 1
        || moved(1, 1)
        || moved(12, 25)
        || day == christmas + 1
        || day == substitute
        || (monday && date.month == 5 && (date.day <= 7 || date.day >= 25))
        || (monday && date.month == 8 && date.day >= 25)
}
