//! Texts with a form: IRIs, UUIDs, mail addresses, hashes, language tags, media types.

use crate::limits::MAX_ID_BYTES;

/// An IRI (RFC 3987) with a scheme, at most 2,048 bytes.
pub fn is_iri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let forbidden = |letter: char| {
        letter.is_control()
            || letter.is_whitespace()
            || matches!(letter, '<' | '>' | '"' | '{' | '}' | '|' | '\\' | '^' | '`')
    };
    let named = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    // With an authority there must be a host or a path: `http://` names nothing.
    let names_something = !rest.trim_start_matches('/').is_empty();
    text.len() <= MAX_ID_BYTES && named && names_something && !rest.contains(forbidden)
}

/// A UUID (RFC 4122): 8-4-4-4-12 hexadecimal digits.
pub fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths = parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]);
    lengths && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// `mailto:` and an address.
pub fn is_mailto(text: &str) -> bool {
    let Some((user, host)) = text.strip_prefix("mailto:").and_then(|address| address.rsplit_once('@')) else {
        return false;
    };
    let plain =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    text.len() <= MAX_ID_BYTES && plain(user) && plain(host) && !host.contains(['@', ',', ';', '<', '>'])
}

/// A hash in hexadecimal with this many digits.
fn is_hex(text: &str, digits: &[usize]) -> bool {
    digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A SHA-1 in hexadecimal.
pub fn is_sha1(text: &str) -> bool {
    is_hex(text, &[40])
}

/// A hash of the SHA-2 family in hexadecimal: 224, 256, 384 or 512 bits.
pub fn is_sha2(text: &str) -> bool {
    is_hex(text, &[56, 64, 96, 128])
}

/// A media type: `type/subtype`, with parameters.
pub fn is_media_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let printable = text.len() <= 255 && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    printable && essence.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub))
}

/// Tags registered before the grammar (RFC 5646, 2.2.8, irregular).
const IRREGULAR: &[&str] = &[
    "en-gb-oed",
    "i-ami",
    "i-bnn",
    "i-default",
    "i-enochian",
    "i-hak",
    "i-klingon",
    "i-lux",
    "i-mingo",
    "i-navajo",
    "i-pwn",
    "i-tao",
    "i-tay",
    "i-tsu",
    "sgn-be-fr",
    "sgn-be-nl",
    "sgn-ch-de",
];

/// A well-formed language tag (RFC 5646, 2.1).
pub fn is_language_tag(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if IRREGULAR.contains(&lower.as_str()) {
        return true;
    }
    let mut parts = lower.split('-').peekable();
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase());
    let word = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let language = parts.next().unwrap_or_default();
    if language == "x" {
        let mut own = parts.peekable();
        return own.peek().is_some() && own.all(|part| (1..=8).contains(&part.len()) && word(part));
    }
    if !(2..=8).contains(&language.len()) || !letters(language) {
        return false;
    }
    let mut extended = 0;
    while language.len() <= 3
        && extended < 3
        && parts.next_if(|part| part.len() == 3 && letters(part)).is_some()
    {
        extended += 1;
    }
    parts.next_if(|part| part.len() == 4 && letters(part));
    parts.next_if(|part| {
        (part.len() == 2 && letters(part))
            || (part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let variant = |part: &&str| {
        word(part)
            && ((5..=8).contains(&part.len())
                || (part.len() == 4 && part.starts_with(|letter: char| letter.is_ascii_digit())))
    };
    while parts.next_if(variant).is_some() {}
    while let Some(singleton) = parts.next() {
        let shortest = if singleton == "x" { 1 } else { 2 };
        if singleton.len() != 1 || !word(singleton) {
            return false;
        }
        let mut count = 0;
        while parts.next_if(|part| (shortest..=8).contains(&part.len()) && word(part)).is_some() {
            count += 1;
        }
        if count == 0 || (singleton == "x" && parts.peek().is_some()) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_tags_are_those_of_the_rfc() {
        for tag in [
            "en",
            "en-US",
            "es-MX",
            "zh-Hant-TW",
            "zh-yue-HK",
            "sl-rozaj-biske",
            "de-CH-1901",
            "es-419",
            "de-u-co-phonebk",
            "x-whatever",
            "i-klingon",
            "en-a-bbb-x-a-b",
            "cmn-Hans-CN",
            "und",
        ] {
            assert!(is_language_tag(tag), "{tag}");
        }
        for tag in
            ["", "e", "something", "a12345678", "en_US", "en-", "en-u", "x", "en-x", "12", "é", "en-US-u"]
        {
            assert!(!is_language_tag(tag), "{tag}");
        }
    }

    #[test]
    fn iris_have_a_scheme_and_name_something() {
        for text in
            ["http://example.org/x", "urn:uuid:1", "tag:adlnet.gov,2013:a", "mailto:a@b", "http://例え.jp/ü"]
        {
            assert!(is_iri(text), "{text}");
        }
        for text in
            ["", "x", "should fail", "example.org/x", "http://", "1http://a", "http://a b", "ab:", "://a"]
        {
            assert!(!is_iri(text), "{text}");
        }
    }

    #[test]
    fn the_other_forms() {
        assert!(is_uuid("AA97B177-9383-4934-8543-0F91A7A02836"));
        assert!(!is_uuid("AA97B177-9383-4934-8543-0F91A7A028368"));
        assert!(!is_uuid("MA97B177-9383-4934-8543-0F91A7A02836"));
        assert!(!is_uuid("AA97B177938349348543-0F91A7A02836"));
        assert!(is_mailto("mailto:a.b@example.org"));
        for text in ["mailto:", "mailto:a", "a@b", "mailto:@b", "mailto:a@", "mailto:a b@c", "MAILTO:a@b"] {
            assert!(!is_mailto(text), "{text}");
        }
        assert!(is_media_type("text/plain; charset=ascii") && is_media_type("image/svg+xml"));
        assert!(!is_media_type("text") && !is_media_type("a/b\r\nX: y") && !is_media_type(""));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_check_panic(text in "\\PC{0,40}") {
            let _ = (is_iri(&text), is_uuid(&text), is_mailto(&text), is_sha2(&text), is_media_type(&text));
            is_language_tag(&text);
        }
    }
}
