//! The sentiment of a written response, as the one number that leaves the text.
//!
//! VADER (Hutto and Gilbert 2014): a lexicon with rules for negation, emphasis and contrast, for English. Its compound
//! score has four decimals, so ten-thousandths hold it exactly. Computed in the district; the text goes nowhere.
//! Invariants: equal texts give equal scores on every machine (tables come with the library, square roots are IEEE's).
//! Absent: other languages, whose words the lexicon does not have and which score 0, and any claim about one pupil's
//! mood: it is one weak signal of engagement, moved at a small rate.

use aula_twin_runtime::fixed::Signal;
use vader_parity::SentimentIntensityAnalyzer;

/// Longest text, bytes: an essay of about 10,000 words.
pub const MAX_TEXT_BYTES: usize = 64 << 10;

/// The loaded lexicon.
pub struct Lexicon(SentimentIntensityAnalyzer);

impl Lexicon {
    /// Loads it: about 11,000 lines, some milliseconds.
    #[must_use]
    pub fn load() -> Self {
        Self(SentimentIntensityAnalyzer::new())
    }

    /// The score, −1..=1 in ten-thousandths; 0 for a text without any known word. `None` for a text of more than
    /// [`MAX_TEXT_BYTES`].
    #[must_use]
    pub fn score(&self, text: &str) -> Option<Signal> {
        let compound = (text.len() <= MAX_TEXT_BYTES).then(|| self.0.polarity_scores(text).compound)?;
        // Four decimals times 10,000 is whole but for the last bit of the product.
        Some(Signal::clamped((compound * 10_000.0).round() as i64))
    }
}

impl std::fmt::Debug for Lexicon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lexicon")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_published_scores() {
        let lexicon = Lexicon::load();
        let score = |text: &str| lexicon.score(text).map(Signal::e4);
        // The paper's own examples, as its reference program prints them.
        assert_eq!(score("VADER is smart, handsome, and funny."), Some(8_316));
        assert_eq!(score("VADER is not smart, handsome, nor funny."), Some(-7_424));
        assert_eq!(score("At least it isn't a horrible book."), Some(4_310));
        assert_eq!((score(""), score("7 + 5 = 12")), (Some(0), Some(0)));
    }

    #[test]
    fn negation_and_contrast_turn_the_sign_and_long_texts_have_no_score() {
        let lexicon = Lexicon::load();
        let e4 = |text: &str| lexicon.score(text).map_or(0, Signal::e4);
        assert!(e4("I like fractions") > 0 && e4("I don't like fractions") < 0);
        assert!(e4("The start was fun, but I hate the rest") < e4("I hate the start, but the rest was fun"));
        assert_eq!(lexicon.score(&"a".repeat(MAX_TEXT_BYTES + 1)), None);
    }
}
