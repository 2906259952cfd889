//! What a family's link opens: the decisions on one student's requests, in plain words, and nothing about anyone else.
//!
//! Flow: the rounds of the link's school year that hold a request of the handle → the round is put together from the
//! state and its certificate checked ([`Decided`]) → the student's row, explained at the round's prices. Invariants: only
//! the handle's own rows are read out; the prices and pools that a sentence names are public. Absent: the exact least
//! band, which solves the round again up to nine times: the district computes it (`aula query why`).

use std::collections::BTreeMap;

use aula_allocation::explain::{Explanation, Standing};
use aula_ledger::audit::why::{Decided, Who, Why, WhyError};
use aula_ledger::rounds::{RoundInputs, decided_rows};
use aula_ledger::state::StateReader;
use aula_ledger::state::schema::{self, Class, Decision, Placement, PoolRecord, Round};
use aula_ledger::tx::Mandate;
use aula_ledger::types::{DistrictId, Handle, Height, RoundId, SchoolId, SchoolYear};

use super::round_figures::kind_name;
use crate::ReadError;
use aula_store::{ChainView, StorageError};

/// A decision on one student's request.
#[derive(Debug, Clone)]
pub struct OwnDecision {
    /// The round that decided it.
    pub round: RoundId,
    /// Its class's title.
    pub title: String,
    /// The block that recorded it.
    pub height: Height,
    /// What was asked for.
    pub asked: String,
    /// What was decided.
    pub decided: String,
    /// Why, at the round's prices, and what would have changed it.
    pub why: String,
    /// Whether the decision still stands.
    pub stands: bool,
    /// The same for whoever says it in another language.
    pub parts: OwnParts,
}

/// A decision as its parts.
#[derive(Debug, Clone)]
pub struct OwnParts {
    /// Kinds asked for, in their order.
    pub wishes: Vec<String>,
    /// Need band, 0 to 9.
    pub band: u8,
    /// Whether there was a mandate.
    pub mandated: bool,
    /// The school that the student is of.
    pub home_school: SchoolId,
    /// The place given, with its number among the wishes, from 1; none: waiting.
    pub placed: Option<(OwnPlace, u32)>,
    /// Each place that the explanation names, with what it says; the one given first. No place is waiting.
    pub reasons: Vec<(Option<OwnPlace>, Reason)>,
}

/// A place as a family is told of it, without its price.
#[derive(Debug, Clone)]
pub struct OwnPlace {
    /// What people call the kind of place.
    pub kind: String,
    /// The school that it is at.
    pub school: SchoolId,
}

/// What an explanation says of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The best at these prices.
    Best,
    /// Given, and so much off the best.
    OffBy(i64),
    /// As good: the lottery chose.
    AsGood,
    /// Better by so much and dearer by so much; the band that would be needed at these prices, if any is enough.
    Better(i64, i64, Option<u8>),
}

/// All decisions on a student of a school year, newest first.
///
/// # Errors
/// When the database fails or a round in it does not hold.
pub fn decisions(
    view: &ChainView,
    year: SchoolYear,
    (district, handle): (DistrictId, Handle),
) -> Result<Vec<OwnDecision>, ReadError> {
    let mut found = Vec::new();
    let key = schema::round_row_key(district, &handle);
    for round in schema::rounds(view)?.iter().rev().filter(|round| round.school_year == year) {
        if view.row(&schema::requests_tree(round.round), &key)?.is_none() {
            continue;
        }
        let Some(decision) = schema::decision(view, round.round)? else { continue };
        let Some(class) = schema::class(view, round.class)? else { continue };
        let failed = |error: WhyError| StorageError::Damaged(format!("round {}: {error}", round.round));
        let whole = whole(view, round, &class, &decision)?;
        let why = whole.why(Who { handle, district: Some(district) }).map_err(failed)?;
        found.push(told(round, &class, &decision, whole.pools(), &why));
    }
    Ok(found)
}

/// The round as the optimizer had it.
fn whole(view: &ChainView, round: &Round, class: &Class, decision: &Decision) -> Result<Decided, ReadError> {
    let (requests, decisions) = decided_rows(view, round.round)?;
    let mut pools = schema::pools(view, round.class)?;
    pools.retain(|pool| decision.prices.iter().any(|line| line.pool == pool.pool));
    let schools: BTreeMap<_, _> =
        schema::schools(view)?.into_iter().map(|school| (school.id, school)).collect();
    let inputs = RoundInputs {
        definition: class.definition.clone(),
        equity: round.equity,
        terms: round.terms,
        pools,
        schools,
        requests,
        seed: decision.seed,
    };
    let damaged = |what: String| StorageError::Damaged(format!("round {}: {what}", round.round));
    let stored = schema::certificate(view, round.round)?.ok_or_else(|| damaged("no certificate".into()))?;
    let certificate = borsh::from_slice(&stored.bytes).map_err(|e| damaged(e.to_string()))?;
    let whole = Decided::new(round.round, inputs, decisions, certificate);
    Ok(whole.map_err(|error| damaged(error.to_string()))?)
}

fn told(round: &Round, class: &Class, decision: &Decision, pools: &[PoolRecord], why: &Why) -> OwnDecision {
    let own = |pool: &PoolRecord| OwnPlace { kind: kind_name(Some(class), pool), school: pool.school };
    let place = |pool: &PoolRecord| format!("{} at school {}", kind_name(Some(class), pool), pool.school);
    let name = |index: u32| pools.get(index as usize).map_or_else(|| "Waiting".to_owned(), place);
    let kinds = &class.definition.kinds;
    let wishes: Vec<String> = why
        .request
        .kinds
        .iter()
        .filter_map(|kind| kinds.get(usize::from(kind.0)).map(ToString::to_string))
        .collect();
    let mandated = why.request.mandate == Mandate::Mandated;
    let mandate = if mandated { ", with a mandate" } else { "" };
    let placed = match why.decision.placement {
        Placement::Waitlist => None,
        Placement::Pool { pool, rank, .. } => {
            let found = pools.iter().find(|one| one.pool == pool);
            found.map(|found| (own(found), u32::from(rank).saturating_add(1)))
        }
    };
    let parts = OwnParts {
        wishes: wishes.clone(),
        band: why.request.band.get(),
        mandated,
        home_school: why.request.home_school,
        placed,
        reasons: reasons(&why.explanation, |index| pools.get(index as usize).map(own)),
    };
    let decided = match why.decision.placement {
        Placement::Waitlist => "There was no place; the student waits.".to_owned(),
        Placement::Pool { pool, rank, .. } => {
            let found =
                pools.iter().find(|one| one.pool == pool).map_or_else(|| format!("pool {pool}"), place);
            format!("A place: {found}, choice number {}.", u32::from(rank) + 1)
        }
    };
    OwnDecision {
        round: round.round,
        title: class.definition.title.to_string(),
        height: decision.height,
        asked: format!(
            "Asked for: {}. Need band {} of 9{mandate}, home school {}.",
            wishes.join(", then "),
            why.request.band.get(),
            why.request.home_school
        ),
        decided,
        why: why.explanation.words(name),
        stands: class.standing_round == Some(round.round),
        parts,
    }
}

/// What an explanation says, place by place.
fn reasons(said: &Explanation, place: impl Fn(u32) -> Option<OwnPlace>) -> Vec<(Option<OwnPlace>, Reason)> {
    let given = match said.standing {
        Standing::Best => Reason::Best,
        Standing::OffBy(by) => Reason::OffBy(by),
    };
    let others = said.preferred.iter().map(|one| {
        let reason = match one.better_by == one.dearer_by {
            true => Reason::AsGood,
            false => Reason::Better(one.better_by, one.dearer_by, one.band_needed),
        };
        (place(one.pool), reason)
    });
    std::iter::once((place(said.pool), given)).chain(others).collect()
}
