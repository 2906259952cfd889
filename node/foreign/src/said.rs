//! What another system says in words, before it is shown or logged here.

/// At most so many signs of a text, without those that steer a screen or a log: control characters, and what turns the direction of writing.
pub fn shown(text: &str, most: usize) -> String {
    let steers = |sign: char| {
        sign.is_control()
            || matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|sign| !steers(*sign)).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn attack_what_steers_a_screen_is_not_shown_and_nothing_is_without_end() {
        for (text, expected) in [
            ("the vault is closed: come again", "the vault is closed: come again"),
            ("a\u{1b}[2Jb\r\nlevel\u{7}\0", "a[2Jblevel"),
            ("Zoë 学校", "Zoë 学校"),
            ("x\u{202e}gnp.exe\u{2069}\u{85}", "xgnp.exe"),
            ("1\u{61c}2\u{200e}3\u{200f}4", "1234"),
            ("", ""),
        ] {
            assert_eq!(shown(text, 300), expected);
        }
        assert_eq!(shown(&"é\n".repeat(1_000), 300), "é".repeat(300));
    }
}
