//! A teacher's heatmap as a page: it holds nothing about anybody, and its script asks the API with the credential that the teacher gives.
//!
//! The credential stays in the page's memory: it is in no address, no store of the browser and no cookie, and leaves with the page.
//! Where staff log in on this address (docs/identity.md), the login is exchanged for one. Absent: who may see whom, which the
//! access check decides each time that the map is asked for.

use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;
use serde_json::json;

use super::page;
use super::words::{Lang, Word};
use crate::http::FromQuery;
use crate::lang::{LangQuery, phrases};

phrases! { Say {
    Title: "Heatmap of a section", "Mapa de un grupo";
    Lead: "Units by students, for each of the last 30 days, in per cent of mastery. Each look is an entry of the access log for each student.",
        "Unidades por estudiantes, cada uno de los últimos 30 días, en tanto por ciento de dominio. Cada consulta se anota por cada estudiante.";
    Section: "Section, as the district's roster names it", "Grupo, como lo nombra la lista del distrito";
    Credential: "Your credential", "Su credencial";
    CredentialWhat: "The text that the district's office gave you (aula vault credential). It stays in this page and leaves with it.",
        "El texto que le dio la oficina del distrito (aula vault credential). Se queda en esta página y desaparece con ella.";
    Show: "Show", "Mostrar";
    UseLogin: "Use my login", "Usar mi acceso";
    NoLogin: "Nobody is logged in at this address. Log in first, or paste a credential.", "Nadie ha iniciado sesión en esta dirección. Inicie sesión o pegue una credencial.";
    Day: "Day", "Día";
    Download: "This day as a table (CSV)", "Este día como tabla (CSV)";
    Student: "Student", "Estudiante";
    Unit: "Unit", "Unidad";
    Computed: "Section {}: {}, as computed at {} UTC; again every five minutes.", "Grupo {}: {}, calculado a las {} UTC; de nuevo cada cinco minutos.";
    Withheld: "{} students are not shown: no consent of their families.", "{} estudiantes no se muestran: falta el consentimiento de sus familias.";
    Empty: "No unit has any evidence yet.", "Ninguna unidad tiene todavía evidencias.";
    Failed: "It cannot be had now: {}", "Ahora no se puede obtener: {}";
    Shades: "The stronger a cell's colour, the higher the mastery; a dash is a unit without evidence.", "Cuanto más intenso el color de la celda, mayor el dominio; un guion es una unidad sin evidencias.";
} }

/// The page without any student's row: a script asks for them with the teacher's credential.
pub async fn classroom(FromQuery(asked): FromQuery<LangQuery>, headers: HeaderMap) -> Response {
    let lang = asked.lang(&headers);
    let said = |say: Say| say.said(lang);
    let words = json!({
        "student": said(Say::Student), "unit": said(Say::Unit), "computed": said(Say::Computed), "withheld": said(Say::Withheld),
        "empty": said(Say::Empty), "failed": said(Say::Failed), "no_login": said(Say::NoLogin), "shades": said(Say::Shades),
    });
    let body = html! {
        a .skip href="#content" { (Word::Skip.said(lang)) }
        header {
            p .brand { "Aula" }
            nav aria-label=(Word::LanguageLabel.said(lang)) { @for (other, name) in Lang::ALL {
                @if other == lang { span aria-current="true" { (name) } }
                @else { a href={ "?lang=" (other.tag()) } hreflang=(other.tag()) lang=(other.tag()) { (name) } }
            } }
        }
        main #content data-words=(words.to_string()) {
            h1 { (said(Say::Title)) }
            p .lead { (said(Say::Lead)) }
            form #ask autocomplete="off" {
                p { label for="section" { (said(Say::Section)) } br; input #section required maxlength="100"; }
                p { label for="credential" { (said(Say::Credential)) } br;
                    input #credential type="password" autocomplete="off" aria-describedby="what"; }
                p #what { (said(Say::CredentialWhat)) }
                p { button type="submit" { (said(Say::Show)) } " " button #login type="button" { (said(Say::UseLogin)) } }
            }
            p #told role="status" {}
            div #controls hidden {
                p { label for="day" { (said(Say::Day)) } " " output #date for="day" {} br; input #day type="range" min="0" max="29" value="29"; }
                p { button #csv type="button" { (said(Say::Download)) } }
            }
            div #map .scroll tabindex="0" role="region" aria-label=(said(Say::Title)) {}
        }
    };
    page::answer(lang, said(Say::Title), ("classroom.mjs", body), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_fills_in_as_much_in_each_language() {
        for say in Say::ALL {
            let holes = |lang| say.said(lang).matches("{}").count();
            assert_eq!(holes(Lang::En), holes(Lang::Es), "{say:?}");
        }
    }
}
