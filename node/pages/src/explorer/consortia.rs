//! Consortia: other ledgers whose certified heads stand on this one, as a ministry sees its consortia.

use std::sync::Arc;

use aula_ledger::types::Hash;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::error::Shown;
use super::shell::{self, short, whole};
use super::table::{head, number, text};
use super::verify;
use super::words::{explained, word};
use aula_read::consortia::{self, ConsortiumLine, span};
use aula_read::utc;
use aula_read::words::grouped;
use aula_web::api_error::ApiError;
use aula_web::consortia::GENESIS;
use aula_web::http::places::blocking;
use aula_web::http::{AppState, FromPath};
use aula_web::pages;

mod sums;

pub(super) async fn list(State(node): State<Arc<AppState>>) -> Shown {
    let view = node.view();
    let lines = consortia::lines(&view)?;
    let content = html! {
        h1 { "Consortia" }
        p .lead { "Other ledgers that this ledger's members admitted by vote. A head is one of their blocks with the signatures of more than two thirds of their "
            (word("validator", "validators")) ", checked here before it was taken: whoever trusts this ledger can check a receipt of theirs against it, offline." }
        @if lines.is_empty() {
            p .note { "This ledger has admitted none. Members admit one with " code { "aula consortium propose --consortium GENESIS" } "." }
        } @else {
            (verify::panel(&pages::CONSORTIA, ""))
            (table(&lines))
            p { "An age is the time from the head's block, by that ledger's clock, to the newest block here. A head older than a day is marked: somebody should bring a newer one "
                "with " code { "aula consortium anchor --of URL" } "." }
        }
        (sums::section(&lines, &node.consortia(), view.tip().time_ms.0))
        (explained(&["validator", "block", "height"]))
    };
    Ok(shell::page(&node, &pages::CONSORTIA, content))
}

/// The bytes of a consortium's figures or of its genesis file, as they were checked here.
pub(super) async fn file(
    State(node): State<Arc<AppState>>,
    FromPath((genesis, name)): FromPath<(Hash, String)>,
) -> Result<Response, ApiError> {
    let Ok(permit) = node.exports.clone().try_acquire_owned() else {
        let (status, hint) = (StatusCode::SERVICE_UNAVAILABLE, "try again in some seconds");
        return Err(ApiError::new(status, "busy", "as many large files as may are being read", hint));
    };
    let (figures, wanted) = (node.consortia(), name.clone());
    let read = blocking(move || {
        let _permit = permit;
        figures.bytes(&genesis, &wanted)
    });
    let bytes = read.await.ok().flatten().ok_or_else(|| {
        let message = format!("this node shows no file {name} of the ledger of genesis {genesis}");
        ApiError::not_found(message, "see /consortia for those that it shows")
    })?;
    let kind = if name == GENESIS { "application/json" } else { "application/octet-stream" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok((headers, bytes).into_response())
}

fn table(lines: &[ConsortiumLine]) -> Markup {
    let columns @ [name, newest, its_time, how_old, its_block, anchored, heads, validators, genesis] = [
        text("Name"),
        number("Newest head"),
        text("Its time"),
        text("Age"),
        text("Its block"),
        number("Anchored in block"),
        number("Heads"),
        number("Validators"),
        text("Genesis"),
    ];
    let silent = lines.iter().filter(|line| line.is_silent()).count();
    html! {
        div .scroll tabindex="0" role="region" aria-label="Consortia" { table .sortable .cards {
            caption { (lines.len()) " consortia" @if silent > 0 { ", " (silent) " without a head of the last day" } }
            (head(columns))
            tbody { @for line in lines { @let one = &line.record; @let at = format!("consortium-{}", one.genesis); tr id=(one.genesis) {
                td .wide data-label=(name) data-proof={ (at) ".name" } data-value=(one.name) { (one.name) }
                @if let Some(head) = &one.newest {
                    td .n data-label=(newest) data-proof={ (at) ".newest.height" } data-value=(head.height) { (head.height) }
                    td data-label=(its_time) data-proof={ (at) ".newest.time_ms" } data-value=(head.time_ms.0) { (utc(head.time_ms.0)) }
                    td data-label=(how_old) { @if line.is_silent() { strong { (age(line)) } } @else { (age(line)) } }
                    td data-label=(its_block) data-proof={ "head-" (one.genesis) "-" (head.height) ".block_hash" } data-value=(head.block_hash) { (short(&head.block_hash.to_string())) }
                    td .n data-label=(anchored) data-proof={ (at) ".newest.at.height" } data-value=(head.at.height) { a href={ "/blocks/" (head.at.height) } { (head.at.height) } }
                } @else {
                    td .n data-label=(newest) { "–" }
                    td data-label=(its_time) { "–" }
                    td data-label=(how_old) { strong { "never" } }
                    td data-label=(its_block) { "–" }
                    td .n data-label=(anchored) { "–" }
                }
                td .n data-label=(heads) data-proof={ (at) ".heads" } data-value=(one.heads) { (grouped(one.heads)) }
                td .n data-label=(validators) { (line.validators) }
                td .wide data-label=(genesis) data-proof={ (at) ".genesis" } data-value=(one.genesis) { (whole(&one.genesis)) }
            } } }
        } }
    }
}

fn age(line: &ConsortiumLine) -> String {
    line.age_ms.map_or_else(|| "never".to_owned(), span)
}

#[cfg(test)]
mod tests {
    use aula_ledger::chain::{Validator, ValidatorSet};
    use aula_ledger::keys::PublicKey;
    use aula_ledger::names::Title;
    use aula_ledger::state::schema::{AnchoredHead, Consortium, Moment};
    use aula_ledger::types::{AccountId, Height, TimeMs};

    use super::*;
    use crate::explorer::table::misplaced;

    pub(super) fn line(name: &str, age_ms: Option<u64>) -> ConsortiumLine {
        let genesis = Hash([7; 32]);
        let newest = age_ms.map(|_| AnchoredHead {
            genesis,
            height: Height(41),
            time_ms: TimeMs(1_700_000_000_000),
            block_hash: Hash([9; 32]),
            state_root: Hash([8; 32]),
            by: AccountId([1; 20]),
            at: Moment { height: Height(5), time_ms: TimeMs(1_700_000_001_000) },
        });
        // The curve's base point: a key that may stand in a set.
        let mut point = [0x66; 32];
        point[0] = 0x58;
        let founder = Validator::new(PublicKey(point), 1);
        let next = ValidatorSet::new(vec![founder]).expect("a set of one");
        let record = Consortium {
            genesis,
            name: Title::new(name).expect("a title"),
            founded_ms: TimeMs(5_000),
            founders_hash: next.hash(),
            admitted: Height(2),
            heads: u64::from(newest.is_some()),
            newest,
            next,
        };
        ConsortiumLine { record, age_ms, validators: 1 }
    }

    #[test]
    fn a_head_is_shown_with_its_proof_and_an_old_or_missing_one_is_marked() {
        let fresh = table(&[line("Eastern consortium", Some(60_000))]).into_string();
        let head = format!("head-{}-41.block_hash", Hash([7; 32]));
        assert!(fresh.contains(&head) && fresh.contains("1 min 0 s"), "{fresh}");
        assert!(!fresh.contains("<strong>") && !fresh.contains("without a head"), "{fresh}");
        let old = table(&[line("Old", Some(consortia::SILENT_MS + 1_000)), line("New", None)]).into_string();
        assert!(old.contains("<strong>1 d 0 h</strong>") && old.contains("<strong>never</strong>"), "{old}");
        assert!(old.contains("2 consortia, 2 without a head of the last day"), "{old}");
        assert_eq!([misplaced(&fresh), misplaced(&old)].concat(), Vec::<String>::new());
        let hostile = table(&[line("<b>x</b>", None)]).into_string();
        assert!(!hostile.contains("<b>"), "a name is text");
    }
}
