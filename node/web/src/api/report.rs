//! What followed from a round, in one answer: its published report, who did not reveal, what schools acknowledged,
//! whether the decision was taken back, and how its pools are used.
//!
//! The report is the ledger's own and the same for everybody. Of the other records nobody sees a count of students below
//! `min_cell_students`: an auditor has the rows themselves.

use std::sync::Arc;

use aula_api::paths;
use aula_api::report::{
    AcknowledgementLine, OneAudit, Reverted, RoundReport, SeedReport, SeedShares, UseLine,
};
use aula_ledger::rounds::PublishedReport;
use aula_ledger::state::schema::{self, Acknowledgement, DecisionStanding, Round};
use aula_ledger::types::RoundId;
use aula_read::rounds::placed;
use aula_read::{acknowledgements, audits, publish};
use aula_store::ChainView;
use axum::extract::State;

use super::registers::known_round;
use crate::api_error::{ApiError, ErrorBody};
use crate::http::{AppState, FromPath, Sorted};

/// A round's report, missing reveals, acknowledgements, reversion and use of its pools
#[utoipa::path(get, path = paths::ROUND_REPORT, tag = "resources", params(("id" = u32, Path)),
    responses((status = 200, body = RoundReport), (status = 404, body = ErrorBody)))]
pub async fn report(
    State(node): State<Arc<AppState>>,
    FromPath(id): FromPath<u32>,
) -> Result<Sorted<RoundReport>, ApiError> {
    let view = node.view();
    let round = known_round(&view, RoundId(id))?;
    report_of(&view, &round).map(Sorted)
}

/// The truth audit of a decided round: of each district how many students the seed drew and what was found; who took the
/// round's rows
#[utoipa::path(get, path = paths::ROUND_AUDITS, tag = "resources", params(("id" = u32, Path)),
    responses((status = 200, body = OneAudit), (status = 404, body = ErrorBody)))]
pub async fn audits(
    State(node): State<Arc<AppState>>,
    FromPath(id): FromPath<u32>,
) -> Result<Sorted<OneAudit>, ApiError> {
    let view = node.view();
    let audit = audits::of_round(&view, RoundId(id))?.ok_or_else(|| {
        ApiError::not_found(format!("round {id} is not decided"), "rounds are listed by /v1/rounds")
    })?;
    Ok(Sorted(OneAudit { as_of_height: view.tip().height, audit }))
}

fn report_of(view: &ChainView, round: &Round) -> Result<RoundReport, ApiError> {
    let id = round.round;
    let min_cell = schema::params(view)?.min_cell_students;
    let count = |n: u32| publish::count(n, min_cell);
    let report = schema::published_report(view, id)?;
    let standing = schema::decision_standing(view, round)?;
    let owed = schema::acknowledgements(view, id)?;
    let places = |owed: &Acknowledgement| used(report.as_ref()?, owed);
    let mut lines = Vec::with_capacity(owed.len());
    for owed in &owed {
        lines.push(AcknowledgementLine {
            due_ms: owed.due_ms,
            escalated: owed.escalated,
            places: places(owed),
            pool: owed.pool,
            received: owed.received,
            school: owed.school,
            state: acknowledgements::owed(view, owed)?,
        });
    }
    // Freed places are the students placed: with the requests, which are public, they tell how many waited.
    let freed = report.as_ref().and_then(|report| report.totals.as_ref()).map(placed);
    let reverted = schema::reversion(view, id)?.map(|back| Reverted {
        at: back.at,
        freed,
        proposal: back.proposal,
        reason_sha256: back.reason,
        standing: back.standing,
    });
    Ok(RoundReport {
        acknowledgements: lines,
        as_of_height: view.tip().height,
        class: round.class,
        report,
        reverted,
        round: id,
        seed: seed(view, round)?,
        standing,
        stands: standing == Some(DecisionStanding::Stands),
        status: round.status,
        utilisation: utilisation(view, round, count)?,
    })
}

/// Students placed in an acknowledged pool, where the ledger's rule lets them be shown.
fn used(report: &PublishedReport, owed: &Acknowledgement) -> Option<u32> {
    report.prices.iter().find(|line| line.pool == owed.pool)?.used
}

/// Who committed a share of the seed, who revealed it, and who is missing, in the attempt that drew or is under way, and
/// in those before it.
fn seed(view: &ChainView, round: &Round) -> Result<SeedReport, ApiError> {
    let draw = schema::draw(view, round.round)?;
    let (source, attempt) = match &draw {
        Some(draw) => (draw.source, draw.attempt),
        None => (round.round, round.attempt),
    };
    let earlier = (1..attempt).map(|earlier| shares(view, source, earlier));
    Ok(SeedReport {
        drawn: draw.is_some(),
        draw: draw.as_ref().map(|draw| draw.number),
        earlier_attempts: earlier.collect::<Result<_, ApiError>>()?,
        previous_draw: draw.and_then(|draw| draw.previous),
        round: source,
        shares: shares(view, source, attempt)?,
    })
}

/// Of one attempt. Who took no part neither revealed nor is missing: its power is part of the whole.
fn shares(view: &ChainView, id: RoundId, attempt: u32) -> Result<SeedShares, ApiError> {
    let shares = schema::seed_shares(view, id, attempt)?;
    let power = schema::seed_power(view, id)?;
    let accounts = |revealed: bool| -> Vec<_> {
        let wanted = shares.iter().filter(|share| share.secret.is_some() == revealed);
        wanted.map(|share| share.account).collect()
    };
    let missing = accounts(false);
    let choices = u32::try_from(missing.len()).ok().and_then(|f| 1u64.checked_shl(f));
    let revealed = accounts(true);
    Ok(SeedShares {
        attempt,
        missing,
        of_power: power.as_ref().map(|power| power.total),
        power: power.as_ref().map(|power| power.of(revealed.iter())),
        revealed,
        seeds_open_to_the_missing: choices,
    })
}

/// The newest reports of use of the class's pools; pools that never reported are left out.
fn utilisation(
    view: &ChainView,
    round: &Round,
    count: impl Fn(u32) -> Option<u32>,
) -> Result<Vec<UseLine>, ApiError> {
    let mut lines = Vec::new();
    for pool in schema::pools(view, round.class)? {
        let Some(line) = schema::utilisation(view, pool.pool)? else { continue };
        lines.push(UseLine {
            at: line.at,
            by: line.by,
            capacity: line.capacity,
            demand: line.demand,
            demand_of_round: line.round,
            in_use: count(line.in_use),
            pool: line.pool,
            reports: line.reports,
        });
    }
    Ok(lines)
}
