//! Checked text: names, titles, peer identities, addresses. Text from outside enters the ledger only as these.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Text that breaks the rule of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {rule}")]
pub struct TextError {
    /// The text, cut to 100 characters.
    pub text: String,
    /// The rule it breaks, in words.
    pub rule: &'static str,
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What a text must be.
            pub const RULE: &'static str = $rule;

            /// Checks the text.
            ///
            /// # Errors
            /// [`TextError`] with the rule in words.
            pub fn new(text: &str) -> Result<Self, TextError> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(TextError { text: text.chars().take(100).collect(), rule: $rule })
                }
            }

            /// As it was given: checking changes nothing.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = TextError;
            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::new(text)
            }
        }

        impl BorshDeserialize for $name {
            fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
                Self::new(&String::deserialize_reader(reader)?).map_err(std::io::Error::other)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(&<String as Deserialize>::deserialize(d)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Characters that turn the direction of what follows: a title with them reads as another (Unicode, UAX 9).
fn is_directional(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

checked_text! {
    /// A name in commands and keys: a member, a validator, a kind, a type of school.
    Name,
    "1 to 40 lower-case letters, digits and dashes, not beginning with a dash",
    |t| !t.is_empty() && t.len() <= 40 && !t.starts_with('-') && is_plain(t)
}

checked_text! {
    /// A title for people to read: a district, a class, a note.
    Title,
    "1 to 120 bytes of text without control characters, marks of direction or outer spaces",
    |t| !t.is_empty() && t.len() <= 120 && t.trim() == t && !t.chars().any(|c| c.is_control() || is_directional(c))
}

checked_text! {
    /// A libp2p peer identity in base58, as `12D3KooW...`.
    PeerName,
    "a peer identity: 40 to 64 letters and digits",
    |t| (40..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric())
}

checked_text! {
    /// Where a peer may be reached: a multiaddr, as `/ip4/127.0.0.1/tcp/27000`. A hint, not an identity.
    ListenHint,
    "a multiaddr: `/` first, at most 120 printable ASCII bytes",
    |t| t.starts_with('/') && t.len() <= 120 && t.bytes().all(|b| b.is_ascii_graphic())
}

checked_text! {
    /// A word of an access request as it was asked: a role, a class of data, a purpose, known or not.
    Term,
    "1 to 40 letters, digits, dashes and underscores",
    |t| (1..=40).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

checked_text! {
    /// A field of a student's record in a district's vault, as `name` or `skill:3.NF.A.1`.
    FieldName,
    "1 to 64 letters, digits and _-:./",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-:./".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_reads_as_it_is_written() {
        assert!(
            Title::new("Distrito Escolar 7, \u{5d0}\u{5d1}").is_ok(),
            "letters have a direction of their own"
        );
        for mark in
            ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{7}']
        {
            assert!(Title::new(&format!("North{mark}West")).is_err(), "{}", mark.escape_unicode());
        }
    }
}
