//! Decimals as scaled integers: what a file says is kept exactly, or rounded half away from zero at the last place.

/// `text` times 10^`places`, rounded. None when it is not a plain decimal (an exponent is taken) or does not fit.
#[must_use]
pub fn scaled(text: &str, places: u32) -> Option<i64> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && part.is_empty() || !(-40..=40).contains(&exponent) {
        return None;
    }
    let mut value: i128 = 0;
    // How many digits still count before the last place.
    let mut left = whole.len() as i64 + i64::from(exponent) + i64::from(places);
    let mut round = false;
    for digit in whole.bytes().chain(part.bytes()) {
        let digit = digit.is_ascii_digit().then(|| i128::from(digit - b'0'))?;
        if left > 0 {
            value = value.checked_mul(10)?.checked_add(digit)?;
        } else if left == 0 {
            round = digit >= 5;
        }
        left -= 1;
    }
    while left > 0 && value != 0 {
        value = value.checked_mul(10)?;
        left -= 1;
    }
    let value = value + i128::from(round);
    i64::try_from(if negative { -value } else { value }).ok()
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn decimals_are_scaled_and_rounded() {
        let rows = [
            ("0.2", 6, Some(200_000)),
            ("-2.10", 3, Some(-2100)),
            ("584.188460", 3, Some(584_188)),
            ("1.2345", 3, Some(1235)),
            ("-0.0005", 3, Some(-1)),
            ("0.0004", 3, Some(0)),
            ("1e-3", 6, Some(1000)),
            ("16.5e4", 0, Some(165_000)),
            (".5", 1, Some(5)),
            ("7.", 2, Some(700)),
            ("", 3, None),
            (".", 3, None),
            ("1,5", 3, None),
            ("nan", 3, None),
            ("99999999999999999999", 0, None),
            ("1e99", 0, None),
        ];
        for (text, places, expected) in rows {
            assert_eq!(scaled(text, places), expected, "{text}");
        }
    }
}
