//! Verify: the verifier runs in the reader's browser, over a bundle and the genesis, step by step.
//!
//! The script `verify.mjs` fetches both, runs the WebAssembly that `aula-audit` is too, and compares every figure on the
//! page that names its place in the proven record (`data-proof`) with what was proved. Without a script the page says
//! how to check the same bundle with `aula-audit`.

use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};

use super::assets::{self, VERIFIER_SHA256};
use super::error::Shown;
use super::shell;
use crate::http::Node;
use crate::pages::{self, Page};

/// What a page offers to check, as the registry says; `part` is what varies in the bundle's address.
pub(super) fn panel(page: &Page, part: impl std::fmt::Display) -> Markup {
    html! { @if let Some(proof) = &page.proof { (button(&proof.bundle(part), proof.of)) } }
}

fn button(bundle: &str, what: &str) -> Markup {
    html! {
        section .verify aria-label="Verify" data-bundle=(bundle) data-verifier=(assets::address("aula_verifier.wasm")) data-genesis="/v1/genesis" {
            p { button type="button" .verify-button { "Verify " (what) }
                span { "Do not trust this page: your own browser checks it, figure by figure. Or offline: " a href=(bundle) { "the bundle" }
                    " with " code { "aula-audit verify" } "." }
            }
            div .verdict role="status" aria-live="polite" {}
        }
        script type="module" src=(assets::address("verify.mjs")) {}
    }
}

pub(super) async fn show(State(node): State<Arc<Node>>) -> Shown {
    let content = html! {
        h1 { "Verify" }
        p .lead { "A figure here is worth what its proof is worth. The button fetches a bundle (the figures, the path of hashes from them to a block, "
            "and the validators' signatures under it) and the genesis, and checks one against the other in your browser, without asking this node anything else." }
        (panel(&pages::VERIFY, ""))
        h2 { "What must not come from this node" }
        p { "A lying node would serve its own genesis and its own verifier. Compare both fingerprints with those that the consortium published elsewhere:" }
        dl .facts {
            dt { "Genesis, SHA-256" } dd { code { (node.genesis.sha256) } }
            dt { "Verifier, SHA-256" } dd { code { (*VERIFIER_SHA256) } }
        }
        p { "To pin them, open any page with " code { "#genesis=…&verifier=…" } " (64 digits each) at the end of its address: verification then fails when what this node serves has another fingerprint." }
        h2 { "What it does not show" }
        p { "Not every page has something to verify: search, this page and the families' page have none. On the others outlined figures are proved; what stands beside "
            "them without an outline, such as whether a decision still stands, acknowledgements and audits, is this node's word. An act that names a student or tells a withheld count has its "
            "proof in auditors' hands, and how often a validator signed is counted by this node from all certificates." }
        p { "A public bundle proves that the published figures are what more than two thirds of the validators signed. That a round's result is "
            "optimal follows from its rows, which are pseudonymous and not public: the auditor's bundle (" code { "aula evidence round" } ") holds them, and "
            code { "aula-audit verify" } " proves the optimum from them. That an anchored need is true is what the audits of drawn students are for." }
    };
    Ok(shell::page(&node, "/verify", "Verify", content))
}
