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

use super::super::{Advise, Context, Failure, Outcome, given};

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
                        0.30 and opens no gate.\n\nWhere nothing is left to practise (every skill that is open is above the gate) `path` is [], \
                        `visits` {} and the gains 0: no trajectory has a first action."
)]
pub struct PlanArgs {
    /// Folder of the skill graph, as `aula twin graph` writes one
    #[arg(long, value_name = "DIR")]
    pub graph: PathBuf,
    /// The student's mastery, JSON: {"id": 0..10000}, whole numbers (9000.0 is one); skills that are missing take the prior, ids that
    /// the graph does not have are refused
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
    let text = given::text(path).advise(format!("cannot read {}", path.display()), HINT)?;
    let given: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(&text).advise(format!("cannot use {}", path.display()), HINT)?;
    let places: BTreeMap<&str, usize> =
        graph.names().iter().enumerate().map(|(n, s)| (s.as_str(), n)).collect();
    let unknown: Vec<&String> = given.keys().filter(|id| !places.contains_key(id.as_str())).collect();
    if let Some(first) = unknown.first() {
        let others = match unknown.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let message = format!("the graph has no skill {first:?}{others}, which {} names", path.display());
        let hint = "use the ids of the graph's standards.csv, or leave those skills out of the mastery";
        return Err(Failure::new("unknown_skill", message, hint));
    }
    let mut mastery = vec![None; graph.len()];
    for (id, value) in &given {
        let refused = || {
            let message = format!("{value} is not a mastery of skill {id:?}, a whole number from 0 to 10000");
            Failure::new("bad_mastery", message, HINT)
        };
        let value = whole(value).and_then(|whole| Proportion::new(whole).ok()).ok_or_else(refused)?;
        if let Some(place) = places.get(id.as_str()).and_then(|n| mastery.get_mut(*n)) {
            *place = Some(value);
        }
    }
    Ok(mastery)
}

/// A whole number, also as who writes every number with a point has it.
fn whole(value: &serde_json::Value) -> Option<u16> {
    let number = value.as_f64()?;
    (number.fract() == 0.0 && (0.0..=f64::from(u16::MAX)).contains(&number)).then_some(number as u16)
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
    fn with_everything_mastered_there_is_no_path_and_no_first_action() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("standards.csv"), "id\n1\n2\n").unwrap();
        std::fs::write(dir.path().join("prerequisites.csv"), "from_id,to_id\n1,2\n").unwrap();
        let mastery = dir.path().join("m.json");
        std::fs::write(&mastery, "{\"1\": 10000, \"2\": 10000.0}").unwrap();
        let args = PlanArgs { graph: dir.path().into(), mastery, trajectories: 100, seed: 1, minutes: 600 };
        let context = Context {
            home: aula_home::Home::at(dir.path().into()),
            output: crate::terminal::OutputFormat::Json,
            log: None,
        };
        let json = run(&context, &args).unwrap().answer.unwrap().json;
        assert_eq!((&json["path"], &json["visits"]), (&serde_json::json!([]), &serde_json::json!({})));
        assert_eq!(json["expected_gain"], 0.0);
    }

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
        std::fs::write(&file, "{\"3\": 5, \"4\": 6, \"1\": 7}").unwrap();
        let refused = read_mastery(&file, &graph).unwrap_err();
        assert_eq!(refused.code, "unknown_skill");
        assert!(refused.message.contains("\"3\", and 1 more"), "{}", refused.message);
        for value in ["10001", "-1", "9000.5", "70000", "1e9", "\"9000\"", "null", "true"] {
            std::fs::write(&file, format!("{{\"2\": {value}}}")).unwrap();
            let refused = read_mastery(&file, &graph).unwrap_err();
            assert!(
                refused.code == "bad_mastery" && refused.message.contains("\"2\""),
                "{value}: {refused:?}"
            );
        }
        for value in ["9000", "9000.0", "9e3"] {
            std::fs::write(&file, format!("{{\"2\": {value}}}")).unwrap();
            let read = read_mastery(&file, &graph).unwrap();
            assert_eq!(read, [None, Some(Proportion::clamped(9_000))], "{value}");
        }
    }
}
