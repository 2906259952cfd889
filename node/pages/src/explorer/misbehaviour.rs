//! Evidence against validators, and accounts that blocks pass over: what members look at before they vote on a validator.

use std::collections::BTreeMap;

use aula_api::delays::Delays;
use aula_api::paths;
use aula_ledger::state::schema::{Misbehaviour, ValidatorInfo};
use aula_ledger::types::ValidatorAddress;
use maud::{Markup, html};

use super::shell::whole;
use super::table::{head, number, text};

fn names(known: &[ValidatorInfo]) -> BTreeMap<ValidatorAddress, &str> {
    known.iter().map(|one| (one.address, one.name.as_str())).collect()
}

/// What the ledger holds against validators; nothing when it holds nothing.
pub(super) fn on_record(records: &[Misbehaviour], known: &[ValidatorInfo]) -> Markup {
    let names = names(known);
    let columns @ [validator, twice, height, round, recorded, address] = [
        text("Validator"),
        text("Signed twice"),
        number("At height"),
        number("Round"),
        number("Recorded in block"),
        text("Address"),
    ];
    html! {
        @if !records.is_empty() {
            h2 #misbehaviour { "Misbehaviour on record" }
            p { "Each row is evidence that a validator signed two things where the rules allow one. Both signatures stand in the ledger and in "
                a href=(paths::VALIDATORS) { (paths::VALIDATORS) } ": anybody can check them. Nothing follows by itself; members vote on a validator's removal." }
            div .scroll tabindex="0" role="region" aria-label="Misbehaviour on record" { table .cards {
                (head(columns))
                tbody { @for record in records { @for offence in &record.offences { @let evidence = &offence.evidence; tr {
                    td .wide data-label=(validator) { (names.get(&record.validator).copied().unwrap_or("no longer a validator")) }
                    td data-label=(twice) { "two " (evidence.first.said.kind()) "s" }
                    td .n data-label=(height) { a href={ "/blocks/" (evidence.height) } { (evidence.height) } }
                    td .n data-label=(round) { (evidence.round) }
                    td .n data-label=(recorded) { a href={ "/blocks/" (offence.at.height) } { (offence.at.height) } }
                    td .wide data-label=(address) { (whole(&record.validator)) }
                } } } }
            } }
        }
    }
}

/// Accounts that blocks with room pass over, as this node sees it; nothing when there are none.
pub(super) fn passed_over(delays: &Delays, known: &[ValidatorInfo]) -> Markup {
    let names = names(known);
    let name = |address: &ValidatorAddress| {
        names.get(address).map_or_else(|| address.to_string(), |name| (*name).to_owned())
    };
    html! {
        @if !delays.passed_over.is_empty() {
            h2 #passed-over { "Passed over" }
            p { "Transactions that wait at this node although three blocks in a row or more had room for them. One validator that leaves them out "
                "delays them; if all do, they may not have heard of them." }
            ul { @for one in &delays.passed_over { li { (one.words(name)) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_api::delays::{Builder, PassedOver};
    use aula_ledger::types::{AccountId, Hash};

    #[test]
    fn who_is_passed_over_is_told_with_who_built_the_blocks() {
        let by = vec![Builder { validator: ValidatorAddress([7; 20]), blocks: 4 }];
        let transaction = Hash([2; 32]);
        let one = PassedOver { account: AccountId([1; 20]), transaction, blocks: 4, by };
        let shown = passed_over(&Delays { oldest_waiting_ms: Some(9), passed_over: vec![one] }, &[]);
        let text = shown.into_string();
        assert!(text.contains(&ValidatorAddress([7; 20]).to_string()) && text.contains("4 blocks with room"));
        assert_eq!(passed_over(&Delays::default(), &[]).into_string(), "");
        assert_eq!(on_record(&[], &[]).into_string(), "");
    }
}
