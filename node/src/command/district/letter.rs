//! A letter to a family, in English and Spanish: one printable page without anything from elsewhere, with its link as a code for a camera.

use aula_district::decided::Told;
use aula_ledger::types::RoundId;
use aula_web::qr::picture;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What it says.
pub struct Letter<'a> {
    /// The district's own identifier of the student.
    pub local_id: &'a str,
    /// The round whose decision it tells.
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
                     background:#fff}h1{font-size:1.3em}h2{font-size:1.1em}code{overflow-wrap:anywhere}section{border-top:1pt solid;margin-top:2em}";

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
                @if let Some(code) = picture(letter.url, "The same link for a phone's camera. El mismo enlace para la cámara del teléfono.") { p { (code) } }
                h2 { "If you do not agree" }
                p {
                    "You can appeal until " (letter.appeal_by) ": ask " (letter.appeal_to) ". They can show you what was decided from, and correct what is wrong; a decision is taken back by a vote of \
                     all districts."
                }
                (spanish(letter))
            }
        }
    }
    .into_string()
}

/// The same in Spanish; why is said on the page of the link, whose words the ledger has in English alone.
fn spanish(letter: &Letter<'_>) -> Markup {
    let Letter { told, round, .. } = letter;
    html! {
        section lang="es" {
            h1 { "Decisión de la ronda " (round) }
            p {
                @if let (Some(kind), Some(place)) = (&told.kind, &told.place) {
                    "Su hijo o hija obtiene " strong { (kind) } ": " (place) "."
                } @else {
                    "Su hijo o hija está en la " strong { "lista de espera" } ": por ahora no queda plaza."
                }
            }
            h2 { "Compruébelo" }
            p {
                "El enlace de arriba, y el código para la cámara del teléfono, son solo para su familia. Muestran la decisión y su motivo, funcionan hasta el "
                (letter.good_until) " y luego caducan; la escuela le da uno nuevo."
            }
            h2 { "Si no está de acuerdo" }
            p {
                "Puede recurrir hasta el " (letter.appeal_by) ": pregunte a " (letter.appeal_to) ". Le mostrarán con qué datos se decidió y corregirán lo que "
                "esté mal; una decisión se revoca por votación de todos los distritos."
            }
        }
    }
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
        assert!(page.contains("<svg") && page.contains("lang=\"es\"") && page.contains("lista de espera"));
        assert!(page.contains("waiting list") && page.contains("until 2027-05-31 and then expires"));
    }
}
