//! Numbers as each language writes them. Integers all the way: no rounding but where it is said.

use super::Language;

/// A whole number: 12,345 in English, 12 345 in Spanish (a number of four digits is not parted there).
pub fn whole(n: u64, language: Language) -> String {
    let digits = n.to_string();
    let (mark, least) = match language {
        Language::En => (',', 4),
        Language::Es => ('\u{a0}', 5),
    };
    if digits.len() < least {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(mark);
        }
        text.push(digit);
    }
    text
}

const fn point(language: Language) -> char {
    match language {
        Language::En => '.',
        Language::Es => ',',
    }
}

/// An amount of money in units of the consortium's currency, from cents.
pub fn money(cents: u64, language: Language) -> String {
    format!("{}{}{:02}", whole(cents / 100, language), point(language), cents % 100)
}

/// Parts per million as percent with one decimal, rounded half up.
pub fn percent(ppm: u64, language: Language) -> String {
    let tenths = ppm.saturating_add(500) / 1_000;
    let space = language.pick("", "\u{a0}");
    format!("{}{}{}{space}%", whole(tenths / 10, language), point(language), tenths % 10)
}

/// A number in units of 10^-`decimals`.
pub fn decimal(n: u64, decimals: u32, language: Language) -> String {
    let unit = 10u64.saturating_pow(decimals).max(1);
    format!("{}{}{:0width$}", whole(n / unit, language), point(language), n % unit, width = decimals as usize)
}

/// A difference with its sign.
pub fn change(now: u64, before: u64, language: Language, text: impl Fn(u64, Language) -> String) -> String {
    match now.cmp(&before) {
        std::cmp::Ordering::Equal => "\u{b1}0".to_owned(),
        std::cmp::Ordering::Greater => format!("+{}", text(now - before, language)),
        std::cmp::Ordering::Less => format!("\u{2212}{}", text(before - now, language)),
    }
}

/// `YYYY-MM-DD hh:mm` of milliseconds since 1970, in UTC.
pub fn utc(time_ms: u64) -> String {
    let (year, month, day, hour, minute, _) = civil(time_ms);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// Year, month, day, hour, minute and second of milliseconds since 1970, in UTC.
///
/// Source: H. Hinnant, *chrono-compatible low-level date algorithms*, `civil_from_days`.
pub fn civil(time_ms: u64) -> (u16, u8, u8, u8, u8, u8) {
    let seconds = time_ms / 1_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let small = |n: u64| u8::try_from(n).unwrap_or(u8::MAX);
    let year = u16::try_from(year).unwrap_or(u16::MAX);
    (year, small(month), small(day), small(rest / 3_600), small(rest / 60 % 60), small(rest % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_writes_its_own_way() {
        let both = |text: fn(Language) -> String| [text(Language::En), text(Language::Es)];
        assert_eq!(both(|l| whole(1_234, l)), ["1,234", "1234"]);
        assert_eq!(both(|l| whole(12_345_678, l)), ["12,345,678", "12\u{a0}345\u{a0}678"]);
        assert_eq!(both(|l| money(123_405, l)), ["1,234.05", "1234,05"]);
        assert_eq!(both(|l| percent(123_456, l)), ["12.3%", "12,3\u{a0}%"]);
        assert_eq!(both(|l| percent(999_950, l)), ["100.0%", "100,0\u{a0}%"]);
        assert_eq!(both(|l| decimal(205_000, 6, l)), ["0.205000", "0,205000"]);
        assert_eq!(change(5, 9, Language::En, whole), "\u{2212}4");
    }

    #[test]
    fn moments_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01 00:00 UTC");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00 UTC");
        assert_eq!(utc(1_709_164_799_000), "2024-02-28 23:59 UTC");
        assert_eq!(utc(253_402_300_799_000), "9999-12-31 23:59 UTC");
    }
}
