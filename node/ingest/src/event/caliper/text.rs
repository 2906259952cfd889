//! Values of Caliper's simple types: IRIs, UUIDs as URNs, moments, durations.

use crate::event::instant::instant_ms;

/// Most bytes of an identifier.
const MAX_IRI_BYTES: usize = 2_048;

/// An absolute IRI, or a blank node's identifier (`_:b0`).
pub(super) fn is_iri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let bytes = scheme.as_bytes();
    let named = bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace() || "<>\"{}|\\^`".contains(c));
    (named || scheme == "_") && !rest.is_empty() && plain && text.len() <= MAX_IRI_BYTES
}

/// `urn:uuid:` and a UUID, in letters of either case.
pub(super) fn is_uuid_urn(text: &str) -> bool {
    let prefix = text.get(..9).filter(|prefix| prefix.eq_ignore_ascii_case("urn:uuid:"));
    let uuid = prefix.and_then(|_| text.get(9..)).unwrap_or_default();
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    uuid.len() == 36
        && uuid
            .bytes()
            .enumerate()
            .all(|(at, byte)| if dash(at) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// Milliseconds since 1970 of `YYYY-MM-DDTHH:mm:ss.SSSZ`, the only form that the standard takes.
pub(super) fn moment_ms(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let formed = bytes.len() == 24
        && bytes.get(10) == Some(&b'T')
        && bytes.get(19) == Some(&b'.')
        && bytes.last() == Some(&b'Z');
    instant_ms(text).filter(|_| formed)
}

/// A moment as it may stand in a description: the same form, before 1970 too.
pub(super) fn is_moment(text: &str) -> bool {
    let early = text.get(..4).filter(|year| *year < "1970" && year.bytes().all(|b| b.is_ascii_digit()));
    match early.and_then(|_| text.get(4..)) {
        // 1972 is a leap year: 29 February of an earlier year is not looked at more closely.
        Some(rest) => moment_ms(&format!("1972{rest}")).is_some(),
        None => moment_ms(text).is_some(),
    }
}

/// A duration of ISO 8601: `P1Y2M3DT4H5M6.5S` or `P3W`.
pub(super) fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P').filter(|rest| !rest.is_empty() && !rest.ends_with('T')) else {
        return false;
    };
    let (date, time) = match rest.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (rest, None),
    };
    part(date, "YMWD") && time.is_none_or(|time| part(time, "HMS"))
}

/// Numbers with these letters behind them, each at most once and in order; only the last number may have a fraction.
fn part(text: &str, letters: &str) -> bool {
    let (mut rest, mut letters) = (text, letters);
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        let Some(at) = behind.chars().next().and_then(|letter| letters.find(letter)) else { return false };
        let (whole, fraction) = number.split_once(['.', ',']).map_or((number, None), |(w, f)| (w, Some(f)));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || fraction.is_some_and(|f| !digits(f) || behind.len() > 1) {
            return false;
        }
        (rest, letters) = (&behind[1..], &letters[at + 1..]);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_the_standard_takes() {
        let long = format!("https://example.edu/{}", "a".repeat(MAX_IRI_BYTES));
        for (text, good) in [
            ("https://example.edu/users/554433", true),
            ("urn:instructure:canvas:user:1", true),
            ("_:b0", true),
            ("users/1", false),
            ("https:", false),
            ("1a:b", false),
            ("https://example.edu/a b", false),
            (long.as_str(), false),
            ("", false),
        ] {
            assert_eq!(is_iri(text), good, "{text}");
        }
        for (text, good) in [
            ("urn:uuid:c51570e4-f8ed-4c18-bb3a-dfe51b2cc594", true),
            ("URN:UUID:C51570E4-F8ED-4C18-BB3A-DFE51B2CC594", true),
            ("c51570e4-f8ed-4c18-bb3a-dfe51b2cc594", false),
            ("urn:uuid:c51570e4-f8ed-4c18-bb3a-dfe51b2cc59", false),
            ("urn:uuid:c51570e4-f8ed-4c18-bb3a-dfe51b2cc59g", false),
            ("urn:uuid:c51570e4f8ed4c18bb3adfe51b2cc594aaaa", false),
        ] {
            assert_eq!(is_uuid_urn(text), good, "{text}");
        }
        for (text, good) in [
            ("2016-11-15T11:05:01.000Z", true),
            ("1911-11-15T11:05:01.000Z", true),
            ("2016-11-15T11:05:01Z", false),
            ("2016-11-15T11:05:01.000+00:00", false),
            ("2016-11-15T11:05:01.0000Z", false),
            ("2016-11-15 11:05:01.000Z", false),
            ("2016-02-30T11:05:01.000Z", false),
            ("2016-11-15", false),
        ] {
            assert_eq!(is_moment(text), good, "{text}");
        }
        assert_eq!(moment_ms("2016-11-15T11:05:01.250Z"), Some(1_479_207_901_250));
        assert_eq!(moment_ms("1911-11-15T11:05:01.000Z"), None);
        for (text, good) in [
            ("PT40M12S", true),
            ("P1Y2M3DT4H5M6.5S", true),
            ("P2W", true),
            ("PT3000S", true),
            ("P", false),
            ("PT", false),
            ("P1DT", false),
            ("PT1.5M2S", false),
            ("PT2S1M", false),
            ("40M", false),
            ("PT-5S", false),
            ("PTé", false),
            ("PT5", false),
        ] {
            assert_eq!(is_duration(text), good, "{text}");
        }
    }
}
