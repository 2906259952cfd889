//! Moments as services write them: RFC 3339 in UTC.

use jiff::Timestamp;

/// A moment of milliseconds since 1970 as `2026-03-02T09:30:00Z`. One beyond the year 9999 is its end.
pub fn moment(ms: u64) -> String {
    let second = i64::try_from(ms / 1_000).ok().and_then(|second| Timestamp::from_second(second).ok());
    second.unwrap_or_else(end).to_string()
}

/// A moment of milliseconds since 1970 with all of them: `2026-03-02T09:30:00.250Z`.
pub fn to_the_millisecond(ms: u64) -> String {
    let found = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", found.unwrap_or_else(end))
}

/// The last second that is written with a year of four digits.
fn end() -> Timestamp {
    Timestamp::from_second(Timestamp::MAX.as_second()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::{moment, to_the_millisecond};

    #[test]
    fn moments_are_written_as_services_read_them() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_000, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00Z"),
            (1_772_443_800_999, "2026-03-02T09:30:00Z"),
        ] {
            assert_eq!(moment(ms), text);
        }
        assert_eq!(to_the_millisecond(1_772_443_800_250), "2026-03-02T09:30:00.250Z");
        assert_eq!(to_the_millisecond(0), "1970-01-01T00:00:00.000Z");
        assert!(to_the_millisecond(u64::MAX).starts_with("9999-12-30T"));
        assert!(moment(u64::MAX).starts_with("9999-12-30T"));
    }
}
