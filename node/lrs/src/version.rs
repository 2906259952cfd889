//! Which version of the standard a request speaks: the header `X-Experience-API-Version`.

/// The name of the header.
pub const HEADER: &str = "x-experience-api-version";

/// A version family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// xAPI 1.0.x, answered as 1.0.3.
    One,
    /// xAPI 2.0.x (IEEE 9274.1.1), answered as 2.0.0.
    Two,
}

impl Version {
    /// From the header: `1.0` or `1.0.x`, `2.0` or `2.0.x`; anything else is refused.
    pub fn parse(text: &str) -> Option<Self> {
        let (family, patch) = match text.split('.').collect::<Vec<_>>().as_slice() {
            ["1", "0"] => (Self::One, "0"),
            ["1", "0", patch] => (Self::One, *patch),
            ["2", "0"] => (Self::Two, "0"),
            ["2", "0", patch] => (Self::Two, *patch),
            _ => return None,
        };
        let number = (1..=4).contains(&patch.len()) && patch.bytes().all(|byte| byte.is_ascii_digit());
        number.then_some(family)
    }

    /// What answers say.
    pub const fn header(self) -> &'static str {
        match self {
            Self::One => "1.0.3",
            Self::Two => "2.0.0",
        }
    }

    /// What a statement without a version gets.
    pub const fn of_statement(self) -> &'static str {
        match self {
            Self::One => "1.0.0",
            Self::Two => "2.0.0",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_families_are_spoken() {
        for text in ["1.0", "1.0.0", "1.0.3", "1.0.10"] {
            assert_eq!(Version::parse(text), Some(Version::One), "{text}");
        }
        for text in ["2.0", "2.0.0"] {
            assert_eq!(Version::parse(text), Some(Version::Two), "{text}");
        }
        for text in ["", "1", "1.1", "0.95", "2.1.0", "1.0.", "1.0.x", "1.0.3.1", "v1.0", "1.0.99999"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
