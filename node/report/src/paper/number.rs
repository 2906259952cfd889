//! Numbers as each language writes them. Integers all the way: no rounding but where it is said.

use jiff::SignedDuration;
use jiff::civil::DateTime;

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
    civil(time_ms).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The moment so many milliseconds after 1970, in UTC; what no four-digit year has is the last one.
pub fn civil(time_ms: u64) -> DateTime {
    let since = SignedDuration::from_millis(i64::try_from(time_ms).unwrap_or(i64::MAX));
    jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0).saturating_add(since)
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
