//! `aula twin whatif`: the past decided again, with something changed.
//!
//! Flow: the home's chain is executed again up to a height ([`fork`]); every round decided by then is given to
//! the production optimizer, with its inputs changed as `--set` says ([`change`]), and compared with what was
//! committed. With students' disclosures, or from the district's own vault, their twins are forked as well ([`twins`])
//! and compared with the anchored hashes; a method's effect on a persona among them changes plans, needs, bands and so
//! the rounds ([`effect`]). With a log and a skill graph instead, simulated learners of each persona plan their paths before and
//! after. Without any change every root and hash is reproduced, or the exit code is 1. Nothing is written anywhere.

mod change;
mod effect;
mod estate;
mod fork;
mod method;
mod own;
mod twins;

use std::collections::BTreeMap;

use aula_ledger::state::schema::{DecisionRow, Placement};
use aula_ledger::types::Handle;
use clap::Args;
use serde::Serialize;

use super::super::{Context, Failure, Outcome, with_chain};
use change::Change;
use fork::{Anew, Decided};

/// Arguments of `aula twin whatif`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula twin whatif --home D/node-01 --height 40\n  aula twin whatif --home D/node-01 --set \
                        pools.capacity=120% --set equity=0\n  aula twin whatif --home D/node-01 --from-vault D/district-07 --set method.0=150%\n  aula twin whatif --home D/node-01 --twins DIR --set method.0=150%\n  aula twin whatif --home D/node-01 --responses T.csv.gz --graph DIR --set \
                        method.0=150%\n  aula twin whatif --home D/node-01 --estate school --set close=building:A@fri --set \
                        pools.capacity=110%\n\n--from-vault reads the district's own anchored students through the vault's access check, for \
                        educational necessity: a read a student, listed in the access log; whose family has not consented takes \
                        no part. Only aggregates are printed. --twins takes what a district disclosed to an auditor.\n\n\
                        Assumed, not known: with --twins and --from-vault a student's need falls in proportion to the mastery that an \
                        hour of the changed method is planned to add, by 2,559 for a gain of one in every skill; a block's \
                        effect and its transfer are those of `aula twin plan`. What a method really does, only a trial tells.\n\n\
                        Exit 0: done (without --set: every root and hash was reproduced); 1: without --set, one \
                        differs; or the access check denied the reader; 2: could not. Stop the node of --home first: it holds the chain's \
                        database; or give the --home of a copy (aula node backup, then aula node restore). Of the folder of a demo or localnet its first node's chain is read."
)]
pub struct WhatIfArgs {
    /// The height of the last block that is executed [default: the chain's tip]
    #[arg(long, value_name = "H")]
    pub height: Option<u64>,
    /// A change: equity=N, class.C.rank_step=N, class.C.tier_cost.T=N, class.C.waitlist_cost=N, pool.P.capacity=N,
    /// pool.P.floor=N, pools.capacity=P%, enrolment=P%, enrolment.S=P%, method.K=P%
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub changes: Vec<String>,
    /// Most entries that the optimizer may scan for each round
    #[arg(long, default_value_t = 1_000_000_000)]
    pub work: u64,
    /// Fork twins too: a folder of disclosures (aula vault disclose)
    #[arg(long, value_name = "DIR", conflicts_with = "responses")]
    pub twins: Option<std::path::PathBuf>,
    /// Fork the twins of the district's own vault: its folder, with the account key, vault and keystore
    #[arg(long, value_name = "DIR", conflicts_with_all = ["responses", "twins"])]
    pub from_vault: Option<std::path::PathBuf>,
    /// With --from-vault: a file with the reader's credential, or - for standard input [default: the district's own
    /// key, as its operator]
    #[arg(long, env = "AULA_VAULT_CREDENTIAL_FILE", value_name = "FILE", requires = "from_vault")]
    pub credential: Option<std::path::PathBuf>,
    /// With method.K: the folder of the skill graph, as `aula twin graph` writes one
    #[arg(long, value_name = "DIR", requires = "responses")]
    pub graph: Option<std::path::PathBuf>,
    /// With method.K: the log of responses whose students fall into personas
    #[arg(long, value_name = "T.csv[.gz]", requires = "graph")]
    pub responses: Option<std::path::PathBuf>,
    /// Into how many personas twins or students are grouped, 1 to 16
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub personas: u8,
    /// Where the simulated learners begin: equal seeds give equal answers
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The estate beside the chain: a folder as `aula estate whatif` takes it, with its changes (close=, room.R.capacity=, students=,
    /// staff.S=, energy_budget=); its buildings are held against what was anchored at the fork
    #[arg(long, value_name = "FOLDER")]
    pub estate: Option<std::path::PathBuf>,
    /// Whose buildings the folder's are [default: of the district that the account key in --from-vault, else in --home, acts for]
    #[arg(long, value_name = "N", requires = "estate")]
    pub district: Option<u16>,
    #[command(flatten)]
    pub day: super::super::estate::whatif::DayArgs,
}

/// What was executed, and what the changes moved.
#[derive(Debug, Serialize)]
struct Report {
    height: u64,
    state_root: String,
    changes: Vec<String>,
    reproduced: bool,
    rounds: Vec<RoundChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    twins: Option<own::TwinChange>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    personas: Vec<method::Effect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estate: Option<estate::EstateChange>,
}

/// A round before and after.
#[derive(Debug, Serialize)]
struct RoundChange {
    round: u64,
    class: u64,
    changed: bool,
    committed: Figures,
    #[serde(skip_serializing_if = "Option::is_none")]
    forked: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    infeasible: Option<String>,
    /// Students of both whose place differs.
    moved: u64,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Figures {
    decisions_root: String,
    objective: i64,
    gap_ppm: u32,
    requests: u32,
    placed: u32,
    waitlisted: u32,
    first_choice: u32,
    mandates_met: u32,
}

/// Runs `aula twin whatif`.
///
/// # Errors
/// When a change is refused, the chain cannot be executed, or a file cannot be used.
pub fn run(context: &Context, args: &WhatIfArgs) -> Result<Outcome, Failure> {
    let context = &with_chain(context);
    // What the estate does not know is the chain's, and says so if it is neither.
    let of_estate =
        |text: &&String| args.estate.is_some() && aula_estate::whatif::Change::parse(text).is_ok();
    let (building, chain): (Vec<&String>, Vec<&String>) = args.changes.iter().partition(of_estate);
    let changes = chain.iter().map(|text| Change::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let building = building
        .iter()
        .map(|text| super::super::estate::whatif::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    // What the folder can be refused for is said before the chain is executed, which takes long.
    let beside = match &args.estate {
        None => None,
        Some(folder) => Some(estate::Beside::read(context, args, folder, &building)?),
    };
    context.tell("executing the chain from its genesis");
    let fork = fork::at(&context.home, args.height)?;
    let estate = beside.map(|beside| beside.held_against(&fork)).transpose()?;
    let mut concerned = vec![false; changes.len()];
    let (twins, bands) = match own::forked(context, args, &fork, &changes, &mut concerned) {
        Ok(forked) => forked,
        Err(undisclosed) => return undisclosed.outcome(),
    };
    let mut rounds = Vec::new();
    for decided in fork.rounds {
        rounds.push(one(decided, (&changes, &bands), &mut concerned, args.work)?);
    }
    let personas = match (&args.responses, &args.graph) {
        (Some(log), Some(graph)) => method::effects(
            context,
            log,
            graph,
            usize::from(args.personas),
            args.seed,
            &changes,
            &mut concerned,
        )?,
        _ => Vec::new(),
    };
    if let Some(at) = concerned.iter().position(|c| !c) {
        let text = chain.get(at).copied().cloned().unwrap_or_default();
        let why = format!("{text:?} concerns nothing up to height {}", fork.height);
        return Err(Failure::new(
            "nothing_to_change",
            why,
            "aula query shows classes, pools and rounds; method.K needs --from-vault, --twins, or --responses and --graph",
        ));
    }
    let same = |r: &RoundChange| r.forked.as_ref() == Some(&r.committed);
    let report = Report {
        height: fork.height.0,
        state_root: fork.root.to_string(),
        changes: args.changes.clone(),
        reproduced: rounds.iter().all(same) && twins.as_ref().is_none_or(own::TwinChange::all_reproduced),
        rounds,
        twins,
        personas,
        estate,
    };
    let text = text(&report);
    let honest = report.reproduced || !changes.is_empty();
    Ok(if honest { Outcome::yes(report, text) } else { Outcome::no(report, text) })
}

fn one(
    decided: Decided,
    (changes, bands): (&[Change], &effect::Bands),
    concerned: &mut [bool],
    work: u64,
) -> Result<RoundChange, Failure> {
    let Decided { decision, mut inputs, rows } = decided;
    let mut changed = false;
    for (change, concerned) in changes.iter().zip(concerned) {
        let applied = change.apply(&mut inputs);
        changed |= applied;
        *concerned |= applied;
    }
    changed |= effect::apply(bands, &mut inputs);
    let report = &decision.report;
    let committed = figures(&decision.decisions.root, decision.objective, decision.gap_ppm, report);
    let (forked, infeasible, moved) = match fork::decide(&inputs, work)? {
        Ok(anew) => {
            let forked = figures(&anew.root, anew.objective, anew.gap_ppm, &anew.report);
            (Some(forked), None, moved(&rows, &anew))
        }
        Err(why) => (None, Some(why), 0),
    };
    let (round, class) = (u64::from(decision.round.0), u64::from(decision.class.0));
    Ok(RoundChange { round, class, changed, committed, forked, infeasible, moved })
}

fn figures(
    root: &aula_ledger::types::Hash,
    objective: i64,
    gap_ppm: u32,
    report: &aula_ledger::state::schema::RoundReport,
) -> Figures {
    Figures {
        decisions_root: root.to_string(),
        objective,
        gap_ppm,
        requests: report.requests,
        placed: report.placed,
        waitlisted: report.waitlisted,
        first_choice: report.first_choice,
        mandates_met: report.mandates_met,
    }
}

fn moved(before: &[(Handle, DecisionRow)], anew: &Anew) -> u64 {
    let pool = |row: &DecisionRow| match row.placement {
        Placement::Waitlist => None,
        Placement::Pool { pool, .. } => Some(pool),
    };
    let then: BTreeMap<&Handle, _> = before.iter().map(|(handle, row)| (handle, pool(row))).collect();
    anew.rows.iter().filter(|(h, row)| then.get(h).is_some_and(|p| *p != pool(row))).count() as u64
}

fn text(report: &Report) -> String {
    let mut lines = vec![format!(
        "executed to height {}, state root {}; {}",
        report.height,
        report.state_root,
        if report.reproduced { "everything committed is reproduced" } else { "decided anew:" }
    )];
    for r in &report.rounds {
        let c = &r.committed;
        let mut line = format!("round {} (class {}): ", r.round, r.class);
        match (&r.forked, &r.infeasible) {
            (Some(f), _) if f == c => line.push_str(&format!("as committed, {}", c.decisions_root)),
            (Some(f), _) => {
                let d = |name: &str, a: i64, b: i64| format!("{name} {a} -> {b} ({:+})", b - a);
                let parts = [
                    d("objective", c.objective, f.objective),
                    d("requests", c.requests.into(), f.requests.into()),
                    d("placed", c.placed.into(), f.placed.into()),
                    d("waiting", c.waitlisted.into(), f.waitlisted.into()),
                    d("first choice", c.first_choice.into(), f.first_choice.into()),
                    format!("{} moved", r.moved),
                ];
                line.push_str(&parts.join(", "));
            }
            (None, why) => line.push_str(&format!("no allocation: {}", why.as_deref().unwrap_or("unknown"))),
        }
        lines.push(line);
    }
    if let Some(t) = &report.twins {
        lines.extend(t.lines());
    }
    lines.extend(report.personas.iter().map(method::Effect::text));
    lines.extend(report.estate.iter().flat_map(estate::EstateChange::lines));
    lines.join("\n")
}

#[cfg(test)]
mod tests;
