//! Exact decimals of scores: six places, no floating point, so that 41 is 41 whoever reads it.

/// Places behind the point.
const PLACES: usize = 6;
const ONE: i64 = 1_000_000;

/// A number with up to six places, about ±9 · 10^12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(i64);

impl Decimal {
    /// 0, with all six places.
    pub const ZERO: Self = Self(0);
    /// 1, with all six places.
    pub const ONE: Self = Self(ONE);

    /// Reads a number; `point` is the decimal sign, the other of point and comma may part thousands. More than six places
    /// are rounded half away from zero.
    pub fn parse(text: &str, point: char) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix(['-', '\u{2212}']) {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, places) = digits.split_once(point).unwrap_or((digits, ""));
        let whole = thousands(whole, if point == ',' { '.' } else { ',' })?;
        let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && places.is_empty()) || !all_digits(&whole) || !all_digits(places) {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let mut micro: i64 = 0;
        for at in 0..PLACES {
            let digit = places.as_bytes().get(at).map_or(0, |b| i64::from(b - b'0'));
            micro = micro * 10 + digit;
        }
        if places.as_bytes().get(PLACES).is_some_and(|b| *b >= b'5') {
            micro += 1;
        }
        let value = whole.checked_mul(ONE)?.checked_add(micro)?;
        Some(Self(if negative { -value } else { value }))
    }

    /// Multiplied and moved, rounded half away from zero; none when too large.
    pub fn scaled(self, by: Self, plus: Self) -> Option<Self> {
        let product = i128::from(self.0) * i128::from(by.0);
        let half = if product < 0 { -i128::from(ONE / 2) } else { i128::from(ONE / 2) };
        let value = (product + half) / i128::from(ONE) + i128::from(plus.0);
        i64::try_from(value).ok().map(Self)
    }

    /// In tenths of a point, rounded half up; none when negative or too large.
    pub fn tenths(self) -> Option<u32> {
        u32::try_from((self.0.checked_add(50_000)?).checked_div_euclid(100_000)?).ok().filter(|_| self.0 >= 0)
    }

    /// In millionths.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// As a JSON number.
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.to_string()).unwrap_or(serde_json::Value::Null)
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sign, value) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (whole, micro) = (value / ONE as u64, value % ONE as u64);
        let places = format!("{micro:06}");
        match places.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            places => write!(f, "{sign}{whole}.{places}"),
        }
    }
}

/// The digits without separators of thousands; none when those stand elsewhere than before three digits.
fn thousands(text: &str, separator: char) -> Option<String> {
    if !text.contains(separator) {
        return Some(text.to_owned());
    }
    let groups: Vec<&str> = text.split(separator).collect();
    let (first, rest) = groups.split_first()?;
    let fits = (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3);
    fits.then(|| groups.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_both_habits() {
        let read = |text, point| Decimal::parse(text, point).map(|value| value.to_string());
        for (text, point, want) in [
            ("41", '.', Some("41")),
            ("00450", '.', Some("450")),
            ("-0.5", '.', Some("-0.5")),
            (".25", '.', Some("0.25")),
            ("14.4444449", '.', Some("14.444445")),
            ("1,234.5", '.', Some("1234.5")),
            ("1.234,5", ',', Some("1234.5")),
            ("12,34", '.', None),
            ("", '.', None),
            ("-", '.', None),
            ("4 1", '.', None),
            ("<10", '.', None),
            ("1e5", '.', None),
            ("99999999999999999999", '.', None),
        ] {
            assert_eq!(read(text, point).as_deref(), want, "{text:?}");
        }
        let tenth = Decimal::parse("0.1", '.').expect("a number");
        let score = Decimal::parse("437", '.').expect("a number");
        assert_eq!(score.scaled(tenth, Decimal::ONE).map(|s| s.to_string()).as_deref(), Some("44.7"));
        assert_eq!(score.tenths(), Some(4_370));
        assert_eq!(score.json(), serde_json::json!(437));
    }
}
