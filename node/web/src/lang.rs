//! Languages of the pages that families, learners and teachers read, and tables of phrases: a line a phrase, so that none is
//! missing in any.
//!
//! `{}` stands for what is filled in. A further language is a column of [`phrases`] and a row of [`Lang::ALL`]; one that runs from right to
//! left says so in [`Lang::direction`], and the styles know no left and right.

use axum::http::{HeaderMap, header};
use serde::Deserialize;

/// A language of the pages that families read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// Spanish.
    Es,
}

impl Lang {
    /// All, with what each is called in itself.
    pub const ALL: [(Self, &'static str); 2] = [(Self::En, "English"), (Self::Es, "Español")];

    /// The language tag of BCP 47, as in the page's `lang`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }

    /// In which direction it is written.
    pub const fn direction(self) -> &'static str {
        match self {
            Self::En | Self::Es => "ltr",
        }
    }

    /// The one of this tag.
    pub fn tagged(tag: &str) -> Option<Self> {
        let main = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().map(|(lang, _)| lang).find(|lang| lang.tag().eq_ignore_ascii_case(main))
    }

    /// What was asked for by name, else what the browser prefers, else English.
    pub fn of(asked: Option<&str>, headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut wanted: Vec<(&str, u16)> = accepted.unwrap_or_default().split(',').map(weighed).collect();
        // Stable: of equals the first stands first.
        wanted.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        let preferred =
            wanted.iter().filter(|(_, weight)| *weight > 0).find_map(|(tag, _)| Self::tagged(tag));
        asked.and_then(Self::tagged).or(preferred).unwrap_or(Self::En)
    }
}

/// A tag of `Accept-Language` with its weight in thousandths.
fn weighed(part: &str) -> (&str, u16) {
    let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
    let weight = weight.trim().strip_prefix("q=").and_then(|text| text.parse::<f32>().ok()).unwrap_or(1.0);
    // Between 0 and 1 by its grammar; what is not is cut off.
    (tag.trim(), (weight.clamp(0.0, 1.0) * 1_000.0) as u16)
}

/// In which language a page is asked for: `?lang=es`.
#[derive(Debug, Deserialize)]
pub struct LangQuery {
    /// The tag of a language; none: what the browser prefers.
    #[serde(default)]
    pub lang: Option<String>,
}

impl LangQuery {
    /// What was asked for, or what the browser prefers.
    pub fn lang(&self, headers: &HeaderMap) -> Lang {
        Lang::of(self.lang.as_deref(), headers)
    }
}

/// Fills in a value for each `{}`.
pub fn filled(phrase: &str, values: &[&str]) -> String {
    let mut parts = phrase.split("{}");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (part, value) in parts.zip(values.iter().copied().chain(std::iter::repeat(""))) {
        text.push_str(value);
        text.push_str(part);
    }
    text
}

/// A set of phrases as an enum with its words in each language.
#[macro_export]
macro_rules! phrases {
    ($set:ident { $($name:ident: $en:literal, $es:literal;)* }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is its own words, below")]
        pub(crate) enum $set { $($name),* }

        impl $set {
            #[cfg(test)]
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// In a language.
            pub const fn said(self, lang: $crate::lang::Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, $crate::lang::Lang::En) => $en, (Self::$name, $crate::lang::Lang::Es) => $es,)*
                }
            }

            /// With what is filled in for each `{}`.
            #[allow(dead_code, reason = "a set may fill in by its script alone")]
            pub fn with(self, lang: $crate::lang::Lang, values: &[&str]) -> String {
                $crate::lang::filled(self.said(lang), values)
            }
        }
    };
}
pub use phrases;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_stands_where_the_phrase_says() {
        assert_eq!(filled("de {} a {}", &["1", "2"]), "de 1 a 2");
        assert_eq!(filled("{}", &[]), "");
    }

    #[test]
    fn the_language_is_what_was_asked_for_or_the_browser_prefers() {
        let mut headers = HeaderMap::new();
        assert_eq!(Lang::of(None, &headers), Lang::En);
        headers.insert(header::ACCEPT_LANGUAGE, "de;q=0.9, en;q=0.1, es-MX;q=0.5".parse().expect("a header"));
        assert_eq!(Lang::of(None, &headers), Lang::Es);
        assert_eq!(Lang::of(Some("en"), &headers), Lang::En);
        assert_eq!(Lang::of(Some("xx"), &headers), Lang::Es);
        headers.insert(header::ACCEPT_LANGUAGE, "es;q=0, en".parse().expect("a header"));
        assert_eq!(Lang::of(None, &headers), Lang::En);
    }
}
