//! What the ledger publishes of rounds as rows of the lake. A figure that it withholds is a row without a value.

use aula_api::chain::BlockDetail;
use aula_api::paths;
use aula_api::registers::Rounds;
use aula_api::rounds::{DecisionView, OneRound, RoundView};
use aula_client::Client;
use aula_lake::rows::{Cell, Row, RowId};
use aula_lake::tables::FIGURES;
use aula_ledger::state::schema::DecisionStanding;
use sha2::{Digest, Sha256};

use crate::command::Failure;

/// A round that was decided, and when.
pub(super) struct Decided {
    pub(super) round: RoundView,
    pub(super) at_ms: u64,
}

impl Decided {
    /// Whether the decision stands, in a word.
    pub(super) fn standing(&self) -> &'static str {
        self.round.standing.map_or("stands", DecisionStanding::name)
    }

    /// When it was decided, in microseconds.
    pub(super) fn at_us(&self) -> i64 {
        i64::try_from(self.at_ms).unwrap_or(i64::MAX).saturating_mul(1_000)
    }
}

/// Every round that was decided.
pub(super) async fn rounds(client: &Client) -> Result<Vec<Decided>, Failure> {
    let all: Rounds = client.get(paths::ROUNDS).await?;
    let mut decided = Vec::new();
    for listed in all.rounds.iter().filter(|round| round.standing.is_some()) {
        let OneRound { round, .. } = client.get(&paths::round(listed.round)).await?;
        let Some(decision) = &round.decision else { continue };
        let block: BlockDetail = client.get(&paths::block(decision.height)).await?;
        decided.push(Decided { at_ms: block.summary.time_ms.0, round });
    }
    Ok(decided)
}

/// Of what a figure is.
#[derive(Default)]
struct Of {
    band: Option<u32>,
    pool: Option<u32>,
}

/// The rows of these rounds.
pub(super) fn rows(rounds: &[Decided]) -> Vec<(RowId, Row)> {
    let mut rows = Vec::new();
    for decided in rounds {
        let Some(decision) = &decided.round.decision else { continue };
        let mut add =
            |figure: &str, of: Of, value: Option<i64>| rows.push(row(decided, (figure, &of), value));
        whole(decision, &mut add);
        for line in decision.by_band.iter().flatten() {
            for (figure, value) in
                [("requests", line.requests), ("placed", line.placed), ("first_choice", line.first_choice)]
            {
                add(figure, Of { band: Some(line.band), ..Of::default() }, value.map(Into::into));
            }
        }
        for line in &decision.prices {
            let of = || Of { pool: Some(line.pool.0), ..Of::default() };
            add("price", of(), line.price);
            add("used", of(), line.used.map(Into::into));
        }
    }
    rows
}

/// What is said of the round as a whole.
fn whole(decision: &DecisionView, add: &mut impl FnMut(&str, Of, Option<i64>)) {
    for (figure, value) in [
        ("requests", decision.requests),
        ("placed", decision.placed),
        ("waitlisted", decision.waitlisted),
        ("first_choice", decision.first_choice),
        ("mandated", decision.mandated),
        ("gap_ppm", Some(decision.gap_ppm)),
    ] {
        add(figure, Of::default(), value.map(Into::into));
    }
    add("objective", Of::default(), Some(decision.objective));
    for (tier, figure) in ["placed_own_school", "placed_own_district", "placed_same_type"].iter().enumerate()
    {
        let value = decision.by_tier.and_then(|tiers| tiers.get(tier).copied());
        add(figure, Of::default(), value.map(Into::into));
    }
}

fn row(decided: &Decided, (figure, of): (&str, &Of), value: Option<i64>) -> (RowId, Row) {
    let round = &decided.round;
    let says = format!(
        "{} {} {} {figure} {:?} {:?} {value:?}",
        round.round,
        decided.at_ms,
        decided.standing(),
        of.band,
        of.pool
    );
    let mut id = [0; 16];
    id.copy_from_slice(&Sha256::digest(says)[..16]);
    let mut row = Row::new(&FIGURES, &id);
    let mut set = |name, value| row.set(&FIGURES, name, value);
    set("at", Cell::Time(decided.at_us()));
    set("school_year", Cell::Int(round.school_year.0.into()));
    set("round", int(round.round.0));
    set("class", int(round.class.0.into()));
    set("standing", Cell::Text(decided.standing().into()));
    set("figure", Cell::Text(figure.into()));
    set("band", of.band.map_or(Cell::None, int));
    set("pool", of.pool.map_or(Cell::None, |pool| Cell::Long(pool.into())));
    set("value", value.map_or(Cell::None, Cell::Long));
    (id, row)
}

/// Numbers of the ledger are small; one that is not would be no number of this table.
pub(super) fn int(number: u32) -> Cell {
    i32::try_from(number).map_or(Cell::None, Cell::Int)
}
