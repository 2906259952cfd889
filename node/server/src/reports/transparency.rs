//! The transparency report's figures, read from a state; the newest standing rounds are solved again with something changed.
//!
//! Rows are read here and leave only as sums that pass the ledger's rule of suppression.

use std::collections::BTreeMap;

use aula_ledger::audit::why::Decided;
use aula_ledger::rounds::report::may_show;
use aula_ledger::rounds::{self, PublishedReport, RoundInputs};
use aula_ledger::state::schema::{self, Class, DecisionStanding, ProposalStatus, Round, StudentLeaf};
use aula_ledger::state::{StateReader, StoreError};
use aula_ledger::tx::Change as Voted;
use aula_ledger::types::{Band, Hash, Height};
use aula_report::district::figures::{BandFared, Source};
use aula_report::paper::Language;
use aula_report::transparency::figures::{ModelUse, ParameterVote, RoundShown, Rule, Transparency};
use aula_report::transparency::paper;
use serde_json::json;

use super::changed;
use super::district::{both, equity, everywhere, fared, standing};
use super::folder::Made;
use super::past::Chain;
use aula_home::{Advise, DEFECT, Failure};

/// What was made.
#[derive(Debug)]
pub struct Report {
    /// The files, the manifest last.
    pub files: Vec<Made>,
    /// How many rounds it is about.
    pub rounds: usize,
    /// How many figures one language shows.
    pub figures: usize,
}

/// Makes the report.
///
/// # Errors
/// When the chain cannot be read, or a PDF not be made.
pub fn make(chain: &Chain, height: Height, languages: &[Language], link: &str) -> Result<Report, Failure> {
    let header = chain.header(height.0)?;
    let mut found = None;
    chain.states(&[height].into(), |state, header| {
        let source = chain.source(state, header)?;
        let hint = "run `aula replay`, which names what is damaged";
        found = Some(figures(state, source).advise("the figures cannot be read", hint)?);
        Ok(())
    })?;
    let figures = found.ok_or_else(|| Failure::because("the state was not shown", DEFECT))?;
    let mut report = Report { files: Vec::new(), rounds: figures.rounds.len(), figures: 0 };
    for (at, language) in languages.iter().enumerate() {
        let paper = paper::of(&figures, *language, link);
        report.figures += if at == 0 { paper.figures() } else { 0 };
        report.files.extend(both(&paper, &format!("transparency.{}", language.tag()))?);
    }
    report.files.push(Made::json("figures.json", &figures)?);
    let lines: Vec<_> = report.files.iter().map(Made::line).collect();
    let manifest = json!({
        "report": "transparency", "genesis": header.genesis, "height": header.height, "time_ms": header.time_ms,
        "state_root": header.state_root, "files": lines,
    });
    report.files.push(Made::json("manifest.json", &manifest)?);
    Ok(report)
}

/// Reads the figures.
///
/// # Errors
/// When the store fails or a record is damaged.
pub fn figures(state: &dyn StateReader, source: Source) -> Result<Transparency, StoreError> {
    let classes: BTreeMap<_, Class> =
        schema::classes(state)?.into_iter().map(|class| (class.definition.class, class)).collect();
    let min_cell = source.min_cell;
    let mut shown = Vec::new();
    for round in schema::rounds(state)? {
        let Some(report) = schema::published_report(state, round.round)? else { continue };
        let Some(stands) = schema::decision_standing(state, &round)? else { continue };
        let Some(class) = classes.get(&round.class) else { continue };
        let inputs = match stands {
            DecisionStanding::Stands => decided(state, &round, class)?,
            DecisionStanding::Reverted | DecisionStanding::Replaced => None,
        };
        let changed = inputs.and_then(|(inputs, decided)| changed::of(&inputs, &decided, min_cell));
        shown.push(RoundShown { changed, ..one_round(&round, &report, class, stands) });
    }
    let votes = schema::proposals(state)?.into_iter().filter_map(|one| match (one.change, one.status) {
        (Voted::SetParameters { .. }, ProposalStatus::Applied { height }) => {
            Some(ParameterVote { proposal: one.proposal.0, height: height.0 })
        }
        _ => None,
    });
    Ok(Transparency {
        source,
        equity: schema::params(state)?.equity,
        models: models(state, min_cell)?,
        rounds: shown,
        changes: votes.collect(),
    })
}

fn one_round(round: &Round, report: &PublishedReport, class: &Class, stands: DecisionStanding) -> RoundShown {
    let everywhere = everywhere(report);
    let bands = fared(&report.by_band, &everywhere).into_iter();
    let districts = fared(&report.by_district, &everywhere).into_iter();
    let number = |id: u32| u16::try_from(id).unwrap_or(u16::MAX);
    let definition = &class.definition;
    RoundShown {
        round: round.round.0,
        title: definition.title.to_string(),
        school_year: round.school_year.0,
        standing: standing(stands),
        rule: Rule {
            tier_costs: definition.tier_costs,
            rank_step: definition.rank_step,
            waitlist_cost: definition.waitlist_cost,
            equity: round.equity,
            weights: (0..=Band::MAX)
                .filter_map(Band::new)
                .map(|band| rounds::weight(round.equity, band))
                .collect(),
        },
        bands: bands.map(|(band, fared)| BandFared { band, fared }).collect(),
        districts: districts.map(|(id, fared)| (number(id), fared)).collect(),
        everywhere,
        equity: equity(report),
        changed: None,
    }
}

/// A decided round's rows with its certificate; none when they do not make the round.
fn decided(
    state: &dyn StateReader,
    round: &Round,
    class: &Class,
) -> Result<Option<(RoundInputs, Decided)>, StoreError> {
    let Some(decision) = schema::decision(state, round.round)? else { return Ok(None) };
    let Some(stored) = schema::certificate(state, round.round)? else { return Ok(None) };
    let (requests, decisions) = rounds::decided_rows(state, round.round)?;
    let mut pools = schema::pools(state, round.class)?;
    pools.retain(|pool| decision.concerns(pool));
    let inputs = RoundInputs {
        definition: class.definition.clone(),
        equity: round.equity,
        terms: round.terms,
        pools,
        schools: schema::schools(state)?.into_iter().map(|school| (school.id, school)).collect(),
        requests,
        seed: decision.seed,
    };
    let damaged = |what: &str| StoreError::Damaged(format!("round {}: {what}", round.round));
    let certificate =
        borsh::from_slice(&stored.bytes).map_err(|_| damaged("its certificate cannot be read"))?;
    let decided = Decided::new(round.round, inputs.clone(), decisions, certificate);
    Ok(Some((inputs, decided.map_err(|error| damaged(&error.to_string()))?)))
}

/// Which models computed the anchored states, with counts that may be shown.
fn models(state: &dyn StateReader, min_cell: u32) -> Result<Vec<ModelUse>, StoreError> {
    let mut found: BTreeMap<Hash, (u32, u16, u16)> = BTreeMap::new();
    for district in schema::districts(state)? {
        let Some(leaves) = schema::district_leaves(state, district.id)? else { continue };
        for (year, _) in leaves.years {
            for (_, row) in state.rows(&schema::students_tree(district.id, year))? {
                let leaf: StudentLeaf = schema::decode(&row)?;
                let line = found.entry(leaf.model_digest).or_insert((0, year.0, year.0));
                *line = (line.0.saturating_add(1), line.1.min(year.0), line.2.max(year.0));
            }
        }
    }
    // Few states of one model would follow from all others'.
    let shown = may_show(&found.values().map(|line| line.0).collect::<Vec<_>>(), min_cell);
    let line = |(digest, (states, first_year, last_year)): (Hash, (u32, u16, u16))| ModelUse {
        digest: digest.to_string(),
        states: shown.then_some(u64::from(states)),
        first_year,
        last_year,
    };
    Ok(found.into_iter().map(line).collect())
}
