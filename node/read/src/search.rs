//! Search: what somebody may have copied or typed, and the pages it could mean.
//!
//! A whole number may be a height, a round, a district, a school, a pool; 64 hex digits a block, a transaction or a
//! student's handle; 40 an account or a validator; words a name. Of a handle nothing is looked up: whether it exists is
//! nobody's business but the family's, so that the answer is the same for every handle.

pub use aula_api::places::Hit;
use aula_ledger::state::StoreError;
use aula_ledger::state::schema;
use aula_ledger::state::schema::DecisionStanding;
use aula_ledger::types::{AccountId, DistrictId, Hash, Height, PoolId, RoundId, SchoolId, ValidatorAddress};

use super::places::{self, SchoolLine};
use aula_store::{ChainView, StorageError};

/// Longest text that is looked at, in bytes.
pub const MAX_QUERY_BYTES: usize = 200;
/// Most answers.
const MAX_HITS: usize = 50;

fn hit(kind: &'static str, title: impl Into<String>, href: String) -> Hit {
    Hit { kind: kind.to_owned(), title: title.into(), href }
}

/// Pages that a text may mean, the likeliest first.
///
/// # Errors
/// When the database fails.
pub fn search(view: &ChainView, text: &str) -> Result<Vec<Hit>, StorageError> {
    let text = text.trim().to_lowercase();
    if text.is_empty() || text.len() > MAX_QUERY_BYTES {
        return Ok(Vec::new());
    }
    let failed = |error: StoreError| StorageError::Damaged(error.to_string());
    let (word, number) = match text.rsplit_once([' ', '-', '#']) {
        Some((word, number)) => (word.trim(), number),
        None => ("", text.as_str()),
    };
    let mut hits = Vec::new();
    if let Ok(number) = number.parse::<u64>() {
        numbered(view, word, number, &mut hits)?;
    }
    if text.len() == 64 {
        hashes(view, &text, &mut hits)?;
    }
    if text.len() == 40 {
        addresses(view, &text, &mut hits).map_err(failed)?;
    }
    named(view, &text, &mut hits).map_err(failed)?;
    hits.truncate(MAX_HITS);
    Ok(hits)
}

fn numbered(view: &ChainView, word: &str, number: u64, hits: &mut Vec<Hit>) -> Result<(), StorageError> {
    let failed = |error: StoreError| StorageError::Damaged(error.to_string());
    let any = word.is_empty();
    let (narrow, small) = (u32::try_from(number).ok(), u16::try_from(number).ok());
    if (any || matches!(word, "block" | "height")) && view.header(Height(number))?.is_some() {
        hits.push(hit("block", format!("Block {number}"), format!("/blocks/{number}")));
    }
    if let Some(id) = narrow.filter(|_| any || word == "round")
        && let Some(round) = schema::round(view, RoundId(id)).map_err(failed)?
    {
        let standing = schema::decision_standing(view, &round).map_err(failed)?;
        let fallen = standing.filter(|standing| *standing != DecisionStanding::Stands);
        let said = fallen.map(|standing| format!(" ({})", standing.name())).unwrap_or_default();
        hits.push(hit("round", format!("Round {id}{said}"), format!("/rounds/{id}")));
    }
    if let Some(id) = small.filter(|_| any || word == "district")
        && let Some(found) = schema::district(view, DistrictId(id)).map_err(failed)?
    {
        hits.push(hit("district", found.name.to_string(), format!("/districts/{id}")));
    }
    if let Some(id) = narrow.filter(|_| any || word == "school")
        && let Some(found) = schema::school(view, SchoolId(id)).map_err(failed)?
    {
        let title = SchoolLine::of(found, view.tip().time_ms).title();
        hits.push(hit("school", title, format!("/schools/{id}")));
    }
    if let Some(id) = narrow.filter(|_| any || word == "pool")
        && schema::pool(view, PoolId(id)).map_err(failed)?.is_some()
    {
        hits.push(hit("pool", format!("Pool {id}"), format!("/pools/{id}")));
    }
    Ok(())
}

fn hashes(view: &ChainView, text: &str, hits: &mut Vec<Hit>) -> Result<(), StorageError> {
    let Ok(hash) = text.parse::<Hash>() else { return Ok(()) };
    if let Some(height) = view.height_of(&hash)? {
        hits.push(hit("block", format!("Block {height}"), format!("/blocks/{height}")));
    } else if view.locate(&hash)?.is_some() {
        hits.push(hit("transaction", "Transaction", format!("/transactions/{hash}")));
    } else {
        hits.push(hit("handle", "If this is a student's handle: the family's page", "/family".into()));
    }
    Ok(())
}

fn addresses(view: &ChainView, text: &str, hits: &mut Vec<Hit>) -> Result<(), StoreError> {
    if let Ok(account) = text.parse::<AccountId>()
        && let Some(member) = schema::member(view, &account)?
    {
        hits.push(hit("member", member.name.to_string(), format!("/members#{account}")));
    }
    if let Ok(address) = text.parse::<ValidatorAddress>()
        && let Some(info) = schema::validator_info(view, &address)?
    {
        hits.push(hit("validator", info.name.to_string(), format!("/validators#{address}")));
    }
    Ok(())
}

fn named(view: &ChainView, text: &str, hits: &mut Vec<Hit>) -> Result<(), StoreError> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    let mut add = |found: Hit| {
        if !hits.contains(&found) && hits.len() < MAX_HITS {
            hits.push(found);
        }
    };
    for district in schema::districts(view)? {
        if district.name.as_str().to_lowercase().contains(text) {
            add(hit("district", district.name.to_string(), format!("/districts/{}", district.id)));
        }
    }
    for school in places::schools(view)? {
        if school.name.as_ref().is_some_and(|name| name.to_lowercase().contains(text)) {
            add(hit("school", school.title(), format!("/schools/{}", school.school.id)));
        }
    }
    for class in schema::classes(view)? {
        if class.definition.title.as_str().to_lowercase().contains(text) {
            let title = format!("{}, school year {}", class.definition.title, class.definition.school_year);
            add(hit("class", title, format!("/pools?class={}", class.definition.class)));
        }
    }
    for member in schema::members(view)? {
        if member.name.as_str().contains(text) {
            add(hit("member", member.name.to_string(), format!("/members#{}", member.account)));
        }
    }
    for info in schema::validator_infos(view)? {
        if info.name.as_str().contains(text) {
            add(hit("validator", info.name.to_string(), format!("/validators#{}", info.address)));
        }
    }
    Ok(())
}
