//! Forms and queries as browsers and programs write them: `name=value` joined by `&`, percent signs and pluses decoded; and what is put into
//! an address, encoded.
//!
//! What is malformed is refused and not guessed at: a percent sign without two hexadecimal digits, bytes that are no UTF-8, a name that
//! stands twice, of which nobody knows which is meant.

use std::collections::BTreeMap;

/// Names and values; none where a name stands twice or something cannot be decoded.
pub fn pairs(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = (pair.get(..at)?, pair.get(at + 1..).unwrap_or_default());
        if all.insert(decoded(name)?, decoded(value)?).is_some() {
            return None;
        }
    }
    Some(all)
}

/// A name or a value, in which a plus is a space.
pub fn decoded(bytes: &[u8]) -> Option<String> {
    unescaped(bytes, b' ')
}

/// A part of an address's path, in which a plus is a plus.
pub fn decoded_part(text: &str) -> Option<String> {
    unescaped(text.as_bytes(), b'+')
}

fn unescaped(bytes: &[u8], plus: u8) -> Option<String> {
    let (mut out, mut rest) = (Vec::with_capacity(bytes.len()), bytes.iter());
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => plus,
            b'%' => digit(*rest.next()?)? << 4 | digit(*rest.next()?)?,
            other => *other,
        });
    }
    String::from_utf8(out).ok()
}

/// A value for a query or for one part of an address's path: everything but ASCII letters, digits and `-._~` percent-encoded.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_decoded_and_a_plus_is_a_space_in_forms_alone() {
        for (text, form, part) in [
            ("", "", ""),
            ("a+b", "a b", "a+b"),
            ("a%2Bb%20c", "a+b c", "a+b c"),
            ("Zo%C3%AB%2f%2F", "Zoë//", "Zoë//"),
            ("Zoë", "Zoë", "Zoë"),
            ("%25%32%35", "%25", "%25"),
            ("%00", "\0", "\0"),
        ] {
            assert_eq!(decoded(text.as_bytes()).as_deref(), Some(form), "{text}");
            assert_eq!(decoded_part(text).as_deref(), Some(part), "{text}");
        }
    }

    #[test]
    fn what_is_encoded_is_one_part_and_is_decoded_to_itself() {
        assert_eq!(encoded("a-b._~9/?#%+ &=ë"), "a-b._~9%2F%3F%23%25%2B%20%26%3D%C3%AB");
        for text in ["", "plain", "a+b c/ë%2F", "\0\u{1f}"] {
            assert_eq!(decoded(encoded(text).as_bytes()).as_deref(), Some(text));
            assert_eq!(decoded_part(&encoded(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_malformed_is_nothing() {
        for text in
            ["%", "%2", "a%", "%zz", "%2z", "%z2", "%+f", "%-1", "% 1", "%FF", "%C3", "%C3%28", "%ed%a0%80"]
        {
            assert_eq!(decoded(text.as_bytes()), None, "{text}");
            assert_eq!(decoded_part(text), None, "{text}");
        }
        assert_eq!(decoded(b"\xff"), None);
    }

    #[test]
    fn a_form_has_each_name_once() {
        let of = |text: &str| pairs(text.as_bytes());
        let all = of("a=1&&b=x+y&c&d=e=f&%C3%AB=%26").unwrap_or_default();
        let all: Vec<(&str, &str)> =
            all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(all, [("a", "1"), ("b", "x y"), ("c", ""), ("d", "e=f"), ("ë", "&")]);
        for text in ["a=1&a=1", "a=1&%61=2", "a=%", "%=a", "a=%FF"] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(of(""), Some(BTreeMap::new()));
    }
}
