//! Numbers as they were written, compared as decimals.

use std::cmp::Ordering;

use crate::limits::{MAX_EXPONENT, MAX_NUMBER_CHARS};

/// A JSON number. Keeps its digits; equal and ordered by value: `1`, `1.0` and `10e-1` are the same.
#[derive(Debug, Clone)]
pub struct Number(String);

/// Sign, digits without outer zeros, and the exponent `e` of `0.DIGITS · 10^e`.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Number {
    /// Checks the grammar of JSON, at most 64 characters, and that the value's magnitude is within a double's: 10^±308.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_NUMBER_CHARS || !is_number(text.as_bytes()) {
            return None;
        }
        let number = Self(text.to_owned());
        if !text.contains(['e', 'E']) {
            // At most 64 digits: far from either end.
            return Some(number);
        }
        let decimal = number.decimal()?;
        let within = decimal.digits.is_empty() || (-MAX_EXPONENT..=MAX_EXPONENT).contains(&decimal.exponent);
        within.then_some(number)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value, if it is a whole number from 0 to 2^64 - 1.
    pub fn as_u64(&self) -> Option<u64> {
        let decimal = self.decimal()?;
        if decimal.digits.is_empty() {
            return Some(0);
        }
        let places = usize::try_from(decimal.exponent).ok()?;
        if decimal.negative || places < decimal.digits.len() || places > 20 {
            return None;
        }
        let digits = decimal.digits.iter().copied().chain(std::iter::repeat(b'0')).take(places);
        digits.into_iter().try_fold(0u64, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u64::from(digit.checked_sub(b'0')?))
        })
    }

    fn decimal(&self) -> Option<Decimal> {
        let (negative, rest) = match self.0.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, self.0.as_str()),
        };
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let exponent: i64 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = all.iter().take_while(|digit| **digit == b'0').count();
        let mut digits = all.get(leading..).unwrap_or_default().to_vec();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits, exponent: 0 });
        }
        let point = i64::try_from(whole.len()).ok()?.checked_sub(i64::try_from(leading).ok()?)?;
        Some(Decimal { negative, digits, exponent: exponent.checked_add(point)? })
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(value.to_string())
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.decimal() == other.decimal()
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let (Some(own), Some(other)) = (self.decimal(), other.decimal()) else { return Ordering::Equal };
        let sign = |one: &Decimal| match (one.digits.is_empty(), one.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let magnitude = own.exponent.cmp(&other.exponent).then_with(|| own.digits.cmp(&other.digits));
        sign(&own).cmp(&sign(&other)).then(match sign(&own) {
            0 => Ordering::Equal,
            1 => magnitude,
            _ => magnitude.reverse(),
        })
    }
}

/// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.first() == Some(&b'0')) {
        return false;
    }
    rest = rest.get(whole..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = fraction.get(count..).unwrap_or_default();
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let unsigned =
            exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        let count = digits(unsigned);
        if count == 0 {
            return false;
        }
        rest = unsigned.get(count..).unwrap_or_default();
    }
    rest.is_empty()
}
