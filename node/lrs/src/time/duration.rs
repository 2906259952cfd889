//! Durations: `P[nY][nM][nD][T[nH][nM][nS]]` or `PnW`, the smallest unit with a fraction if wanted.

/// True for a duration of ISO 8601:2004, 4.4.3.2. The alternative form of 4.4.3.3 is refused.
pub fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else { return false };
    if let Some(weeks) = rest.strip_suffix('W') {
        return is_amount(weeks);
    }
    let (date, time) = match rest.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (rest, None),
    };
    if date.is_empty() && time.is_none() || time == Some("") {
        return false;
    }
    let last_has_fraction = |text: &str| text.contains(['.', ',']);
    (time.is_none() || !last_has_fraction(date))
        && parts(date, &['Y', 'M', 'D'])
        && parts(time.unwrap_or_default(), &['H', 'M', 'S'])
}

/// The duration with at most two digits of a second, cut and not rounded: what comparisons look at.
pub fn to_hundredths(text: &str) -> String {
    let Some((front, seconds)) = text.strip_suffix('S').and_then(|text| text.split_once(['.', ','])) else {
        return text.to_owned();
    };
    let kept = seconds.get(..2.min(seconds.len())).unwrap_or_default().trim_end_matches('0');
    if kept.is_empty() { format!("{front}S") } else { format!("{front}.{kept}S") }
}

/// Amounts with these units in this order, each at most once, a fraction in the last only.
fn parts(mut text: &str, units: &[char]) -> bool {
    let mut units = units.iter();
    while !text.is_empty() {
        let Some(end) = text.find(|letter: char| letter.is_ascii_alphabetic()) else { return false };
        let (amount, rest) = text.split_at(end);
        let Some(unit) = rest.chars().next() else { return false };
        text = rest.get(1..).unwrap_or_default();
        let whole = amount.bytes().all(|byte| byte.is_ascii_digit());
        if !units.any(|own| *own == unit) || !is_amount(amount) || (!whole && !text.is_empty()) {
            return false;
        }
    }
    true
}

fn is_amount(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once(['.', ',']) {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_the_standard_are_taken_and_others_refused() {
        for text in [
            "PT1H0M0.1S",
            "PT4H35M59.14S",
            "PT16559.14S",
            "P3Y1M29DT4H35M59.14S",
            "P3Y",
            "P4W",
            "P0.5Y",
            "PT0S",
        ] {
            assert!(is_duration(text), "{text}");
        }
        for text in [
            "",
            "P",
            "PT",
            "P1YT",
            "PA1H0M0S",
            "P4W1D",
            "should fail",
            "PT1S1M",
            "P1H",
            "PT1.5H3M",
            "P1.5YT1H",
            "P0003-06-04T12:30:05",
            "PT-1S",
            "1Y",
            "PT1é",
        ] {
            assert!(!is_duration(text), "{text}");
        }
    }

    #[test]
    fn hundredths_are_cut() {
        for (text, cut) in [
            ("P1DT12H36M0.12567S", "P1DT12H36M0.12S"),
            ("PT0.129S", "PT0.12S"),
            ("PT1,50S", "PT1.5S"),
            ("PT1.001S", "PT1S"),
            ("PT1S", "PT1S"),
            ("P1.5Y", "P1.5Y"),
        ] {
            assert_eq!(to_hundredths(text), cut, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}") {
            is_duration(&text);
        }
    }
}
