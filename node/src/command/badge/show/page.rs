//! The page to print: English above, Spanish below, the code between; nothing from elsewhere.

use aula_web::qr;
use maud::{DOCTYPE, PreEscaped, html};

use super::Shown;

const STYLE: &str = "@page{margin:20mm}:root{color-scheme:light dark}body{font:12pt/1.5 Georgia,serif;max-width:40em;margin:2em auto;padding:0 1em}\
                     h1{font-size:1.7em;margin:.2em 0}h2{font-size:1.1em}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}\
                     dd{margin:0;overflow-wrap:anywhere}section{border-top:1pt solid;margin-top:1.5em}.qr{inline-size:9em;block-size:auto}\
                     @media(max-width:30em){dl{grid-template-columns:1fr;gap:0}dd{margin-block-end:.5em}}";

/// What stands beside each line, in one language.
struct Said {
    lang: &'static str,
    issuer: &'static str,
    from: &'static str,
    until: &'static str,
    criteria: &'static str,
    milestone: &'static str,
    check: &'static str,
    how: [&'static str; 2],
}

const ENGLISH: Said = Said {
    lang: "en",
    issuer: "Issued by",
    from: "From",
    until: "Until",
    criteria: "Shown by",
    milestone: "Milestone on the ledger",
    check: "Check it",
    how: [
        "The code opens the page on which the milestone's proof is checked, in one's own browser. This paper proves nothing: whoever has the badge's file judges it with ",
        ", which looks at signature, dates, issuer and whether it was revoked.",
    ],
};

const SPANISH: Said = Said {
    lang: "es",
    issuer: "Emitida por",
    from: "Desde",
    until: "Hasta",
    criteria: "Demostrado por",
    milestone: "Logro en el registro",
    check: "Compruébela",
    how: [
        "El código abre la página donde se comprueba la prueba del logro, en el propio navegador. Este papel no prueba nada: quien tenga el archivo de la insignia la juzga con ",
        ", que mira la firma, las fechas, el emisor y si fue revocada.",
    ],
};

/// The page; none when the address fits into no code.
pub fn page(shown: &Shown<'_>) -> Option<String> {
    let words = shown.words();
    let code = qr::picture(&shown.link, "Opens the verify page. Abre la página de verificación.")?;
    let facts = |said: &Said| {
        html! {
            dl {
                dt { (said.issuer) } dd { (words.issuer) }
                dt { (said.from) } dd { (words.from) }
                @if let Some(until) = words.until { dt { (said.until) } dd { (until) } }
                @if let Some(criteria) = words.criteria { dt { (said.criteria) } dd lang="und" { (criteria) } }
                @if let Some(milestone) = words.milestone { dt { (said.milestone) } dd { (milestone) } }
            }
            h2 { (said.check) }
            p { (said.how[0]) code { "aula badge verify" } (said.how[1]) }
        }
    };
    let page = html! {
        (DOCTYPE)
        html lang=(ENGLISH.lang) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (words.name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (words.name) }
                @if let Some(description) = words.description { p { (description) } }
                (facts(&ENGLISH))
                p { a href=(shown.link) { (code) } }
                p { code { (shown.link) } }
                section lang=(SPANISH.lang) { h2 { (words.name) } (facts(&SPANISH)) }
            }
        }
    };
    Some(page.into_string())
}
