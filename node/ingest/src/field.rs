//! Names of fields in a vault, from words of any kind.

use sha2::{Digest, Sha256};

/// Most characters of a field's name in a vault.
const MAX_NAME: usize = 64;

/// A field's name: prefix, then the parts as lower-case words joined by `:`. One that would be too long, or whose parts
/// differ only in characters that a name cannot have, ends in a digest of the parts, so that two results never share a name.
pub fn field_name(prefix: &str, parts: &[&str]) -> String {
    let (mut name, mut lossy) = (prefix.to_owned(), false);
    for part in parts {
        name.push(':');
        let before = name.len();
        for c in part.trim().chars() {
            match c {
                'a'..='z' | '0'..='9' | '.' | '-' => name.push(c),
                'A'..='Z' => name.push(c.to_ascii_lowercase()),
                ' ' | '_' => name.push('-'),
                _ => lossy = true,
            }
        }
        lossy |= name.len() == before;
    }
    if lossy || name.len() > MAX_NAME {
        let digest = Sha256::digest(parts.join("\u{1f}").as_bytes());
        let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        name.truncate(MAX_NAME - short.len() - 1);
        name.push('.');
        name.push_str(&short);
    }
    name
}

/// A word for a section or a reader: lower-case letters, digits and dashes, at most `max` characters. One whose characters a word
/// cannot have, or that is too long, ends in a digest of the whole, so that two never share a word.
pub fn word(text: &str, max: usize) -> String {
    let (mut word, mut lossy) = (String::new(), false);
    for c in text.trim().chars() {
        match c {
            'a'..='z' | '0'..='9' => word.push(c),
            '-' if !word.is_empty() => word.push(c),
            // Systems that tell two names apart by their case alone are not known.
            'A'..='Z' => word.push(c.to_ascii_lowercase()),
            _ => lossy = true,
        }
    }
    if lossy || word.is_empty() || word.len() > max {
        let digest = Sha256::digest(text.trim().as_bytes());
        let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        word.truncate(max.saturating_sub(short.len() + 1));
        if !word.is_empty() {
            word.push('-');
        }
        word.push_str(&short);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_credentials_take_and_distinct() {
        assert_eq!((word("T-1042", 40), word("usr_7", 40).len()), ("t-1042".to_owned(), 4 + 1 + 12));
        let long = "0c7d1f6e-8f3a-4b1f-9d8e-5a6b7c8d9e0f-and-more";
        let (one, other) = (word(long, 40), word(&format!("{long}!"), 40));
        assert!(one.len() == 40 && other.len() == 40 && one != other);
        for text in ["", "Zoë", "--x", "日本", "a b"] {
            let made = word(text, 40);
            assert!(!made.is_empty() && !made.starts_with('-'), "{text:?} gives {made:?}");
            assert!(
                made.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{made:?}"
            );
        }
    }

    #[test]
    fn names_are_short_plain_and_distinct() {
        assert_eq!(
            field_name("assessment", &["Iowa", "Reading", "Fall 2023"]),
            "assessment:iowa:reading:fall-2023"
        );
        let (one, other) = (field_name("assessment", &["a/b"]), field_name("assessment", &["ab"]));
        assert_ne!(one, other);
        let long = field_name("assessment", &["x".repeat(90).as_str(), "y"]);
        assert_eq!(long.len(), MAX_NAME);
        assert_ne!(long, field_name("assessment", &["x".repeat(90).as_str(), "z"]));
        for name in [one, long, field_name("attendance", &["Zoë", "", "日本"])] {
            assert!(
                name.len() <= MAX_NAME
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-:.".contains(&b))
            );
        }
    }
}
