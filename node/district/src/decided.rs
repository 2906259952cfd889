//! What a round decided for a district's own students, in the words that its offices and families use.

use aula_ledger::names::Name;
use aula_ledger::state::schema::{DecisionRow, Placement, PoolRecord, RequestRow};
use aula_ledger::tx::Mandate;

/// The columns of the file of decisions.
pub const COLUMNS: [&str; 7] =
    ["local_id", "school_local_id", "kind", "place", "tier", "reason", "verify_url"];

/// One student's decision in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The kind that the student got; none when it waits.
    pub kind: Option<String>,
    /// The pool's number and school; none when it waits.
    pub place: Option<String>,
    /// `own school`, `own district` or `same type of school`; none when it waits.
    pub tier: Option<&'static str>,
    /// Why, in one sentence.
    pub reason: String,
}

/// Says what was decided on a request. `pool` is the record of the pool that it was placed in.
pub fn tell(request: &RequestRow, decision: &DecisionRow, pool: Option<&PoolRecord>, kinds: &[Name]) -> Told {
    let named = |number: u8| {
        kinds.get(usize::from(number)).map_or_else(|| format!("kind {number}"), ToString::to_string)
    };
    match decision.placement {
        Placement::Pool { pool: id, rank, tier } => {
            let tier = tier_words(tier);
            let kind = request.kinds.get(usize::from(rank)).map(|kind| named(kind.0));
            let place = pool
                .map_or_else(|| format!("pool {id}"), |pool| format!("pool {id} at school {}", pool.school));
            let wish = match rank {
                0 => "the first choice".to_owned(),
                rank => format!("choice {} of {}", u16::from(rank) + 1, request.kinds.len()),
            };
            let why = match (rank, request.mandate) {
                (_, Mandate::Mandated) => "a mandated place is always given",
                (0, _) => "no better place was asked for",
                _ => {
                    "at the places that were preferred, all were given to requests with more need, a nearer school, or a better draw"
                }
            };
            Told { kind, place: Some(place), tier: Some(tier), reason: format!("{wish}, {tier}: {why}") }
        }
        Placement::Waitlist => {
            let wished: Vec<String> = request.kinds.iter().map(|kind| named(kind.0)).collect();
            let reason = format!(
                "waits: every place within reach of {} was given to requests with more need, a nearer school, a mandate, or a \
                 better draw",
                wished.join(", ")
            );
            Told { kind: None, place: None, tier: None, reason }
        }
    }
}

const fn tier_words(tier: u8) -> &'static str {
    match tier {
        0 => "own school",
        1 => "own district",
        _ => "same type of school",
    }
}
