//! Moments of RFC 3339 to the millisecond. A zone is required: a local time means another moment in each town.

use crate::date::Date;

/// Milliseconds since 1970 of `YYYY-MM-DDThh:mm:ss[.f]` with `Z` or `±hh:mm`; finer digits are cut. None for another form, and
/// for what lies before 1970.
pub fn instant_ms(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| -> Option<u64> {
        let digits = text.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse().ok()
    };
    let sign = |at: usize, signs: &[u8]| text.as_bytes().get(at).is_some_and(|byte| signs.contains(byte));
    if ![(4, "-"), (7, "-"), (13, ":"), (16, ":")].iter().all(|(at, of)| sign(*at, of.as_bytes()))
        || !sign(10, b"Tt ")
    {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let date = Date::new(u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)?;
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = text.get(19..)?;
    let (millis, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(fraction) => {
            let end = fraction.find(|letter: char| !letter.is_ascii_digit())?;
            let (digits, zone) = fraction.split_at(end);
            let first: String = digits.chars().chain("000".chars()).take(3).collect();
            (if digits.is_empty() { return None } else { first.parse::<u64>().ok()? }, zone)
        }
    };
    let local = date.midnight_ms() + ((hour * 60 + minute) * 60 + second) * 1_000 + millis;
    if zone.eq_ignore_ascii_case("z") {
        return Some(local);
    }
    let (ahead, clock) = match zone.split_at_checked(1)? {
        ("+", clock) => (true, clock),
        ("-", clock) => (false, clock),
        _ => return None,
    };
    let (hours, minutes) = clock.split_once(':').unwrap_or((clock.get(..2)?, clock.get(2..)?));
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes) = (hours.parse::<u64>().ok()?, minutes.parse::<u64>().ok()?);
    let offset = (hours < 24 && minutes < 60).then_some((hours * 60 + minutes) * 60_000)?;
    if ahead { local.checked_sub(offset) } else { Some(local + offset) }
}

#[cfg(test)]
mod tests {
    use super::instant_ms;

    #[test]
    fn moments_are_read_to_the_millisecond_and_need_a_zone() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-03-01T08:00:00.25Z", Some(1_772_352_000_250)),
            ("2021-11-29T23:09:00.867219+00:00", Some(1_638_227_340_867)),
            ("2021-11-29T23:09:00-01:30", Some(1_638_232_740_000)),
            ("1970-01-01T00:30:00+01:00", None),
            ("2021-11-29T23:09:00", None),
            ("2021-02-29T23:09:00Z", None),
            ("2021-11-29", None),
            ("2021-11-29T24:00:00Z", None),
            ("2021-11-29T23:09:00.Z", None),
            ("２021-11-29T23:09:00Z", None),
            ("", None),
        ] {
            assert_eq!(instant_ms(text), ms, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9TZ:.+é-]{0,32}") {
            let _ = instant_ms(&text);
        }
    }
}
