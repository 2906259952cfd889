//! `aula twin graph`: frameworks of competencies (CASE) as the folder of a skill graph.

use std::path::{Path, PathBuf};

use aula_files::{MOST_GIVEN_BYTES, read_at_most};
use aula_ingest::case::{self, Graph};
use clap::Args;
use serde_json::json;

use super::super::{Advise, Context, Failure, Outcome, absolute};

/// Arguments of `aula twin graph`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula twin graph maths.json -o graph                       a CASE package as its API gives it\n  aula twin \
                  graph maths.json crosswalk.json -o graph       several, joined by identifiers\n  aula twin plan --graph graph \
                  --mastery m.json        plan with it\n\nSkills are the items without children; `precedes` makes prerequisites, and what \
                  precedes a group precedes everything below it. Writes standards.csv (id, code, grade, text) and prerequisites.csv \
                  (from_id, to_id). Items that stand twice and circles are named and refused (exit 2)."
)]
pub struct GraphArgs {
    /// CASE 1.0 or 1.1 packages (CFPackage), JSON
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Folder to write; made when it is not there
    #[arg(long, short, value_name = "DIR")]
    pub out: PathBuf,
}

/// Reads and writes.
///
/// # Errors
/// Files that are not packages, items that stand twice, circles, a folder that cannot be written.
pub fn run(_: &Context, args: &GraphArgs) -> Result<Outcome, Failure> {
    let mut packages = Vec::with_capacity(args.files.len());
    for path in &args.files {
        let shown = path.display().to_string();
        let bytes = read_at_most(path, MOST_GIVEN_BYTES)
            .advise(format!("cannot read {shown}"), "give the package's file")?;
        packages.push((shown, bytes));
    }
    let graph = case::graph(&packages)
        .advise("the frameworks are not a valid skill graph", "mend them where they are kept")?;
    write(&args.out, &graph)
        .advise(format!("cannot write {}", args.out.display()), "check its owner and space")?;
    let kinds: Vec<String> =
        graph.associations.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let text = format!(
        "{} skills, {} prerequisites, {} groups in {}\nassociations: {}\n{} name items of other packages, {} lead from a part to its whole",
        graph.skills.len(),
        graph.prerequisites.len(),
        graph.groups,
        args.out.display(),
        if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") },
        graph.outside,
        graph.within,
    );
    let json = json!({
        "skills": graph.skills.len(), "prerequisites": graph.prerequisites.len(), "groups": graph.groups,
        "associations": graph.associations, "outside": graph.outside, "within": graph.within,
        "graph": absolute(&args.out)?,
    });
    Ok(Outcome::yes(json, text))
}

fn write(folder: &Path, graph: &Graph) -> Result<(), csv::Error> {
    std::fs::create_dir_all(folder)?;
    let mut standards = csv::Writer::from_path(folder.join("standards.csv"))?;
    standards.write_record(["id", "code", "grade", "text"])?;
    for skill in &graph.skills {
        standards.write_record([&skill.id, &skill.code, &skill.grades, &skill.text])?;
    }
    standards.flush()?;
    let mut prerequisites = csv::Writer::from_path(folder.join("prerequisites.csv"))?;
    prerequisites.write_record(["from_id", "to_id"])?;
    for (from, to) in &graph.prerequisites {
        prerequisites.write_record([from, to])?;
    }
    Ok(prerequisites.flush()?)
}
