//! Verify: the verifier runs in the reader's browser, over a bundle and the genesis, step by step.
//!
//! The script `verify.mjs` fetches both, runs the WebAssembly that `aula-audit` is too, and compares every figure on the
//! page that names its place in the proven record (`data-proof`) with what was proved. Without a script the page says
//! how to check the same bundle with `aula-audit`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use maud::{Markup, html};
use serde_json::json;

use super::assets::{self, VERIFIER_SHA256};
use super::error::Shown;
use super::shell;
use super::spoken::Say;
use aula_api::paths;
use aula_web::http::{AppState, FromQuery};
use aula_web::lang::{Lang, LangQuery};
use aula_web::pages::{self, PAGES, Page};

/// What a page offers to check, as the registry says; `part` is what varies in the bundle's address.
pub(super) fn panel(page: &Page, part: impl std::fmt::Display) -> Markup {
    html! { @if let Some(proof) = &page.proof { (button(Lang::En, &proof.bundle(part), proof.of)) } }
}

/// The same in a language, in which `what` says what is verified.
pub(super) fn panel_in(lang: Lang, page: &Page, part: impl std::fmt::Display, what: &str) -> Markup {
    html! { @if let Some(proof) = &page.proof { (button(lang, &proof.bundle(part), what)) } }
}

fn button(lang: Lang, bundle: &str, what: &str) -> Markup {
    html! {
        section .verify aria-label=(Say::Verify.said(lang)) data-bundle=(bundle) data-words=(words(lang))
            data-verifier=(assets::address("aula_verifier.wasm")) data-genesis=(paths::GENESIS) {
            p { button type="button" .verify-button { (Say::VerifyWhat.with(lang, &[what])) }
                span { (Say::VerifyWhy.said(lang)) a href=(bundle) { (Say::TheBundle.said(lang)) }
                    (Say::With.said(lang)) code { "aula-audit verify" } "." }
            }
            div .verdict role="status" aria-live="polite" {}
        }
        script type="module" src=(assets::address("verify.mjs")) {}
    }
}

/// A panel for a file that the reader has: it stays in the browser.
pub(super) fn file_panel(lang: Lang, what: &str, button: &str) -> Markup {
    html! {
        section .verify aria-label=(Say::CheckFile.said(lang)) data-words=(words(lang))
            data-verifier=(assets::address("aula_verifier.wasm")) data-genesis=(paths::GENESIS) {
            p { label for="file" { (what) } " " input #file .verify-file type="file" accept=".bundle,.aula,application/octet-stream"; }
            p { button type="button" .verify-button { (button) } (Say::Stays.said(lang)) }
            div .verdict role="status" aria-live="polite" {}
        }
        script type="module" src=(assets::address("verify.mjs")) {}
    }
}

/// What the script says.
fn words(lang: Lang) -> String {
    let said = |say: Say| say.said(lang);
    let sentences = if lang == Lang::En { "" } else { said(Say::Sentences) };
    json!({
        "checking": said(Say::Checking), "verified": said(Say::Verified), "not_verified": said(Say::NotVerified),
        "fallen": said(Say::Fallen), "not_checked": said(Say::NotChecked), "choose": said(Say::ChooseFirst),
        "figures": said(Say::Figures), "same": said(Say::FiguresSame), "other": said(Say::FiguresOther), "hold": said(Say::Hold),
        "sentences": sentences,
    })
    .to_string()
}

/// The pages of the navigation that no bundle proves, by name.
fn unproved(lang: Lang) -> String {
    let pages = PAGES.iter().filter(|page| page.proof.is_none()).filter_map(|page| page.listed);
    pages.map(|(_, name)| name.said(lang)).collect::<Vec<_>>().join(", ")
}

pub(super) async fn show(
    State(node): State<Arc<AppState>>,
    FromQuery(asked): FromQuery<LangQuery>,
    headers: HeaderMap,
) -> Shown {
    let lang = asked.lang(&headers);
    let said = |say: Say| say.said(lang);
    let content = html! {
        h1 { (said(Say::Verify)) }
        p .lead { (said(Say::VerifyLead)) }
        (panel_in(lang, &pages::VERIFY, "", said(Say::VerifyOf)))
        h2 #credential { (said(Say::CheckBadge)) }
        p { (said(Say::CheckBadgeLead)) code { "aula badge verify FILE" } (said(Say::CheckBadgeAfter)) }
        (file_panel(lang, said(Say::BadgeFile), said(Say::CheckTheFile)))
        h2 { (said(Say::NotFromHere)) }
        p { (said(Say::NotFromHereWhy)) }
        dl .facts {
            dt { (said(Say::GenesisPrint)) } dd { code { (node.genesis.sha256) } }
            dt { (said(Say::VerifierPrint)) } dd { code { (*VERIFIER_SHA256) } }
        }
        p { (said(Say::PinBefore)) code { "#genesis=…&verifier=…" } (said(Say::PinAfter)) }
        h2 { (said(Say::NotShownHere)) }
        p { (Say::NotShownWhy.with(lang, &[&unproved(lang)])) }
        p { (said(Say::ProvesBefore)) code { "aula evidence round" } (said(Say::ProvesMiddle)) code { "aula-audit verify" } (said(Say::ProvesAfter)) }
    };
    Ok(shell::spoken(&node, &pages::VERIFY, (lang, said(Say::Verify)), content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_without_a_proof_are_named_and_no_others() {
        let named = unproved(Lang::En);
        assert!(named.contains("Activity") && named.contains("Families"), "{named}");
        assert!(!named.contains("Rounds") && !named.contains("Verify"), "{named}");
        assert!(unproved(Lang::Es).contains("Actividad"));
    }
}
