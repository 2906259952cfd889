//! A letter to a family: one printable page without anything from elsewhere.

use aula_district::decided::Told;
use aula_ledger::types::RoundId;
use maud::{DOCTYPE, PreEscaped, html};

/// What it says.
pub struct Letter<'a> {
    /// The district's own identifier of the student.
    pub local_id: &'a str,
    /// Of which round.
    pub round: RoundId,
    /// What was decided.
    pub told: &'a Told,
    /// The family's link.
    pub url: &'a str,
    /// The last day on which it is good.
    pub good_until: &'a str,
    /// To whom to appeal.
    pub appeal_to: &'a str,
    /// Until when.
    pub appeal_by: &'a str,
}

const STYLE: &str = "@page{margin:25mm}body{font:12pt/1.5 Georgia,serif;max-width:42em;margin:2em auto;color:#000;\
                     background:#fff}h1{font-size:1.3em}h2{font-size:1.1em}code{overflow-wrap:anywhere}";

/// The page: A4 or letter paper, black on white, readable without colour.
pub fn page(letter: &Letter<'_>) -> String {
    let Letter { told, round, .. } = letter;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="robots" content="noindex";
                title { "Decision of round " (round) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                p { "Student " (letter.local_id) }
                h1 { "Decision of round " (round) }
                p {
                    @if let (Some(kind), Some(place), Some(tier)) = (&told.kind, &told.place, told.tier) {
                        "Your child gets " strong { (kind) } ": " (place) ", " (tier) "."
                    } @else {
                        "Your child is on the " strong { "waiting list" } ": no place is left for now."
                    }
                }
                p { "Why: " (told.reason) "." }
                h2 { "Check it yourself" }
                p {
                    "This link is for your family alone. It works until " (letter.good_until) " and then expires; the school's \
                     office gives you a new one."
                }
                p { code { (letter.url) } }
                h2 { "If you do not agree" }
                p {
                    "You can appeal until " (letter.appeal_by) ": ask " (letter.appeal_to) ". They can show you what was decided from, and correct what is wrong; a decision is taken back by a vote of \
                     all districts."
                }
            }
        }
    }
    .into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_letter_is_given_is_text_and_no_markup() {
        let told = Told { kind: None, place: None, tier: None, reason: "waits <b>".into() };
        let letter = Letter {
            local_id: "S<script>",
            round: RoundId(7),
            told: &told,
            url: "https://d.example/f#abc",
            good_until: "2027-05-31",
            appeal_to: "A & B",
            appeal_by: "1 May",
        };
        let page = page(&letter);
        assert!(
            page.contains("S&lt;script&gt;")
                && page.contains("appeal until 1 May: ask A &amp; B.")
                && !page.contains("<b>")
        );
        assert!(page.contains("waiting list") && page.contains("until 2027-05-31 and then expires"));
    }
}
