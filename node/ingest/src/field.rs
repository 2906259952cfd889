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

#[cfg(test)]
mod tests {
    use super::*;

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
