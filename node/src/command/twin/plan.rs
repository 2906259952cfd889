//! `aula twin plan`: which skills to practise next, and what that is expected to bring.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

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
    /// Folder of the skill graph
    #[arg(long, value_name = "DIR")]
    pub graph: PathBuf,
    /// The student's mastery: {"id": 0..10000}, missing ids take the prior
    #[arg(long, value_name = "M.json")]
    pub mastery: PathBuf,
    /// Trajectories of the search
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub trajectories: u32,
    /// Seed of the search; equal seeds give equal trees on every machine
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Minutes left, in blocks of 10
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

/// Runs `aula twin plan`.
///
/// # Errors
/// When the graph is refused, the mastery cannot be read, or names a skill the graph does not have.
pub fn run(_: &Context, args: &PlanArgs) -> Result<Outcome, Failure> {
    let graph = read_graph(&args.graph)?;
    let mastery = read_mastery(&args.mastery, &graph)?;
    let params = PlanParams { blocks: args.minutes / PlanParams::BLOCK_MINUTES, ..PlanParams::reference() };
    let plan = Plan::new(&graph, &mastery, params)?;
    let started = Instant::now();
    let tree = plan.search(args.trajectories, args.seed)?;
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
        "expected gain {:.2} skills, greedy {:.2}; searched in {:.0} ms; tree {}",
        report.expected_gain, report.greedy_gain, report.time_ms, report.tree_sha256
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
    const HINT: &str = "give a folder with standards.csv (id) and prerequisites.csv (from_id,to_id)";
    let standards = dir.join("standards.csv");
    let (names, edges) = if standards.exists() {
        let names = read_columns(&standards, ["id"])?.into_iter().map(|[id]| id).collect();
        let edges = read_columns(&dir.join("prerequisites.csv"), ["from_id", "to_id"])?;
        (names, edges.into_iter().map(|[from, to]| (from, to)).collect::<Vec<_>>())
    } else {
        let entries = std::fs::read_dir(dir).advise(format!("cannot read {}", dir.display()), HINT)?;
        let mut tables: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        tables.retain(|p| p.extension().is_some_and(|e| e == "csv"));
        tables.sort();
        let table = tables.first().ok_or_else(|| {
            Failure::new("no_graph", format!("{} holds no skill graph", dir.display()), HINT)
        })?;
        from_table(read_columns(table, ["name", "prerequisites"])?)
    };
    SkillGraph::new(names, &edges).map_err(|error| {
        let hint = "mend the graph: each skill once, no chain of prerequisites back to itself";
        Failure::new("bad_graph", format!("{} is refused: {error}", dir.display()), hint)
    })
}

/// Rows of (name, prerequisites joined by commas).
fn from_table(rows: Vec<[String; 2]>) -> (Vec<String>, Vec<(String, String)>) {
    let mut edges = Vec::new();
    for [name, joined] in &rows {
        for before in joined.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            edges.push((before.to_owned(), name.clone()));
        }
    }
    (rows.into_iter().map(|[name, _]| name).collect(), edges)
}

/// The named columns of a CSV file, row by row.
fn read_columns<const N: usize>(path: &Path, columns: [&str; N]) -> Result<Vec<[String; N]>, Failure> {
    const HINT: &str = "check that it is CSV with the columns the graph needs";
    let unusable = || format!("cannot read {}", path.display());
    let mut reader = csv::Reader::from_path(path).advise(unusable(), HINT)?;
    let header = reader.headers().advise(unusable(), HINT)?.clone();
    let mut places = [0; N];
    for (place, column) in places.iter_mut().zip(columns) {
        *place = header.iter().position(|h| h.trim_start_matches('\u{feff}').trim() == column).ok_or_else(
            || Failure::new("no_column", format!("{} has no column {column:?}", path.display()), HINT),
        )?;
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.advise(unusable(), HINT)?;
        rows.push(places.map(|at| record.get(at).unwrap_or_default().trim().to_owned()));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_in_a_table_is_refused_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let table = "name,live,prerequisites\na,TRUE,c\nb,TRUE,a\nc,TRUE,\"b,d\"\nd,TRUE,\n";
        std::fs::write(dir.path().join("table.csv"), table).unwrap();
        let failure = read_graph(dir.path()).unwrap_err();
        assert!(failure.message.contains("a -> b -> c -> a"), "{}", failure.message);
    }

    #[test]
    fn unknown_skills_and_columns_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("standards.csv"), "id\n1\n2\n").unwrap();
        std::fs::write(dir.path().join("prerequisites.csv"), "from,to_id\n1,2\n").unwrap();
        assert_eq!(read_graph(dir.path()).unwrap_err().code, "no_column");
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
