//! `aula twin plan`: which skills to practise next, and what that is expected to bring.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use aula_twin_model::graph::{self, GraphFileError};
use aula_twin_runtime::fixed::Proportion;
use aula_twin_runtime::planner::{Plan, PlanParams, Tree};
use aula_twin_runtime::skill_graph::SkillGraph;
use clap::Args;
use serde::Serialize;

use super::super::{Advise, Context, Failure, Outcome};

/// Simulated learners behind an expected gain.
const LEARNERS: u32 = 400;
/// Alternatives that are explained.
const EXPLAINED: usize = 5;

/// Arguments of `aula twin plan`.
#[derive(Debug, Args)]
#[command(
    after_help = "The graph is a folder with standards.csv (id, ...) and prerequisites.csv (from_id is the \
                        prerequisite of to_id), or one with a table of columns name and prerequisites. Declared \
                        assumptions: 10 hours in blocks of 10 minutes; a block adds 0.6 logits after a right response \
                        and 0.3 after a wrong one, a tenth of it to direct dependents; a skill never observed starts at \
                        0.30 and opens no gate."
)]
pub struct PlanArgs {
    /// Folder of the skill graph, as `aula twin graph` writes one
    #[arg(long, value_name = "DIR")]
    pub graph: PathBuf,
    /// The student's mastery, JSON: {"id": 0..10000}; skills that are missing take the prior
    #[arg(long, value_name = "M.json")]
    pub mastery: PathBuf,
    /// Trajectories of the search, 1 to 1,000,000; more take longer and come closer to the best path
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub trajectories: u32,
    /// Seed of the search; equal seeds give equal trees on every machine
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Minutes that the student has left, in blocks of 10
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u16).range(10..=60_000))]
    pub minutes: u16,
}

/// The answer. Gains are in skills: 1 is one skill from nothing to certain mastery.
#[derive(Debug, Serialize)]
struct Report {
    path: Vec<String>,
    visits: BTreeMap<String, u32>,
    expected_gain: f64,
    greedy_gain: f64,
    time_ms: f64,
    tree_sha256: String,
    /// Whether the path is the best there is under the assumptions, by dynamic programming.
    exact: bool,
    alternatives: Vec<Reason>,
}

/// A first action and why it was or was not taken.
#[derive(Debug, Serialize)]
struct Reason {
    id: String,
    visits: u32,
    expected_gain: f64,
    next_block_gain: f64,
    opens: Vec<String>,
}

/// What to do where no plan can be made.
const UNPLANNED: &str =
    "give a graph and a mastery of the same skills, minutes in blocks of 5, and at least one trajectory";

/// Runs `aula twin plan`.
///
/// # Errors
/// When the graph is refused, the mastery cannot be read, or names a skill the graph does not have.
pub fn run(_: &Context, args: &PlanArgs) -> Result<Outcome, Failure> {
    let graph = read_graph(&args.graph)?;
    let mastery = read_mastery(&args.mastery, &graph)?;
    let params = PlanParams { blocks: args.minutes / PlanParams::BLOCK_MINUTES, ..PlanParams::reference() };
    let plan = Plan::new(&graph, &mastery, params).hint(UNPLANNED)?;
    let started = Instant::now();
    let tree = plan.search(args.trajectories, args.seed).hint(UNPLANNED)?;
    let time_ms = started.elapsed().as_secs_f64() * 1e3;
    let report = report(args, &graph, &plan, &tree, time_ms);
    let text = text(&report);
    Ok(Outcome::yes(report, text))
}

fn report(args: &PlanArgs, graph: &SkillGraph, plan: &Plan, tree: &Tree, time_ms: f64) -> Report {
    let name = |skill: &u16| graph.names().get(usize::from(*skill)).cloned().unwrap_or_default();
    let skills = |e4: i64| e4 as f64 / 1e4;
    let alternatives = tree.alternatives();
    Report {
        path: plan.path(tree).iter().map(name).collect(),
        visits: alternatives.iter().map(|a| (name(&a.skill), a.visits)).collect(),
        expected_gain: skills(plan.expected_gain_e4(tree, LEARNERS, args.seed)),
        greedy_gain: skills(plan.greedy_gain_e4(LEARNERS, args.seed)),
        time_ms,
        tree_sha256: hex::encode(tree.digest()),
        exact: tree.is_exact(),
        alternatives: alternatives
            .iter()
            .take(EXPLAINED)
            .map(|a| Reason {
                id: name(&a.skill),
                visits: a.visits,
                expected_gain: skills(a.gain_e4),
                next_block_gain: skills(plan.next_block_gain_e4(a.skill).unwrap_or_default()),
                opens: graph.dependents(a.skill).iter().map(name).collect(),
            })
            .collect(),
    }
}

fn text(report: &Report) -> String {
    let mut lines = vec![if report.path.is_empty() {
        "nothing to practise: every open skill is above the gate".to_owned()
    } else {
        format!("path: {}", report.path.join(" "))
    }];
    lines.push(format!(
        "expected gain {:.2} skills, greedy {:.2}; {} in {:.0} ms; tree {}",
        report.expected_gain,
        report.greedy_gain,
        if report.exact { "known exactly" } else { "searched" },
        report.time_ms,
        report.tree_sha256
    ));
    for (n, a) in report.alternatives.iter().enumerate() {
        lines.push(format!(
            "{} {}: {:.2} skills over {} trajectories; {:.3} in the next block; opens {}",
            if n == 0 { "first" } else { "or   " },
            a.id,
            a.expected_gain,
            a.visits,
            a.next_block_gain,
            if a.opens.is_empty() { "nothing".to_owned() } else { a.opens.join(", ") }
        ));
    }
    lines.join("\n")
}

fn read_mastery(path: &Path, graph: &SkillGraph) -> Result<Vec<Option<Proportion>>, Failure> {
    const HINT: &str = "give a JSON object of skill ids and mastery in ten-thousandths, like {\"6\": 9000}";
    let bytes = std::fs::read(path).advise(format!("cannot read {}", path.display()), HINT)?;
    let given: BTreeMap<String, u16> =
        serde_json::from_slice(&bytes).advise(format!("cannot use {}", path.display()), HINT)?;
    let places: BTreeMap<&str, usize> =
        graph.names().iter().enumerate().map(|(n, s)| (s.as_str(), n)).collect();
    let mut mastery = vec![None; graph.len()];
    for (id, value) in &given {
        let place = places.get(id.as_str()).and_then(|n| mastery.get_mut(*n)).ok_or_else(|| {
            Failure::new(
                "unknown_skill",
                format!("skill {id:?} is not in the graph"),
                "use the ids of the graph",
            )
        })?;
        let value = Proportion::new(*value).advise(format!("mastery of skill {id:?} is refused"), HINT)?;
        *place = Some(value);
    }
    Ok(mastery)
}

fn read_graph(dir: &Path) -> Result<SkillGraph, Failure> {
    graph::read(dir).map_err(|error| {
        let hint = match &error {
            GraphFileError::Refused { .. } => {
                "mend the graph: each skill once, no chain of prerequisites back to itself"
            }
            _ => "give a folder with standards.csv (id) and prerequisites.csv (from_id, to_id)",
        };
        Failure::telling(&error, hint).named("bad_graph")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_skills_and_columns_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("standards.csv"), "id\n1\n2\n").unwrap();
        std::fs::write(dir.path().join("prerequisites.csv"), "from,to_id\n1,2\n").unwrap();
        let refused = read_graph(dir.path()).unwrap_err();
        assert!(
            refused.code == "bad_graph" && refused.message.contains("no column \"from_id\""),
            "{refused:?}"
        );
        std::fs::write(dir.path().join("prerequisites.csv"), "from_id,to_id\n1,2\n").unwrap();
        let graph = read_graph(dir.path()).unwrap();
        let file = dir.path().join("m.json");
        std::fs::write(&file, "{\"3\": 5}").unwrap();
        assert_eq!(read_mastery(&file, &graph).unwrap_err().code, "unknown_skill");
        std::fs::write(&file, "{\"2\": 10001}").unwrap();
        assert!(read_mastery(&file, &graph).is_err());
        std::fs::write(&file, "{\"2\": 9000}").unwrap();
        assert_eq!(read_mastery(&file, &graph).unwrap(), [None, Some(Proportion::clamped(9_000))]);
    }
}
