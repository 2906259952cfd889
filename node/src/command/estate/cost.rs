//! `aula estate cost`: what a student costs a year in one system and in another, every assumption in sight.

use std::path::PathBuf;

use aula_estate::costs::{TEMPLATE, Total, read_figures, totals};
use clap::Args;

use super::super::{Failure, Outcome};
use super::{read, refused};

/// Arguments of `aula estate cost`.
#[derive(Debug, Args)]
#[command(
    after_help = "FIGURES.json: {\"students\":1000,\"currency\":\"USD\",\"systems\":[{\"name\":\"schools\",\"lines\":[{\"name\":\"building\",\
                  \"amount\":2000000,\"per\":\"district\",\"source\":\"budget 2026\"},{\"name\":\"payroll\",\"amount\":90000,\"per\":\"unit\",\
                  \"students_per_unit\":15}]},…]}\nper is district, student, unit, or pools with a class (and kind) whose places and \
                  their costs are the ledger's; years spreads what lasts longer. Nothing is assumed that the file does not say.\n\nExamples:\n  \
                  aula estate cost --print-figures > figures.json\n  aula query pools --output json > pools.json\n  aula estate cost \
                  figures.json --pools pools.json --output json"
)]
pub struct CostArgs {
    /// The district's figures, JSON
    #[arg(required_unless_present = "print_figures")]
    pub figures: Option<PathBuf>,
    /// What `aula query pools --output json` printed, for lines per pools
    #[arg(long, value_name = "POOLS.json")]
    pub pools: Option<PathBuf>,
    /// Print figures of two systems to be filled in, and nothing else
    #[arg(long, conflicts_with_all = ["figures", "pools"])]
    pub print_figures: bool,
}

/// Runs `aula estate cost`.
///
/// # Errors
/// When the figures cannot be read or are refused.
pub fn run(args: &CostArgs) -> Result<Outcome, Failure> {
    let Some(path) = &args.figures else {
        let text = TEMPLATE.trim_end();
        return Ok(Outcome::yes(serde_json::json!({ "figures": text }), text.to_owned()));
    };
    let mut figures = read_figures(&read(path)?).map_err(|error| refused(path, &error))?;
    match &args.pools {
        Some(pools) => figures.enter_pools(&read(pools)?).map_err(|error| refused(pools, &error))?,
        None if figures.asks_pools() => {
            let hint = "give --pools with what aula query pools --output json printed";
            return Err(Failure::new("no_pools", "a line costs what the ledger's pools cost", hint));
        }
        None => {}
    }
    let all = totals(&figures);
    let text = all.iter().map(|total| told(total, &figures.currency)).collect::<Vec<_>>().join("\n");
    let json =
        serde_json::json!({ "students": figures.students, "currency": figures.currency, "systems": all });
    Ok(Outcome::yes(json, text))
}

fn told(total: &Total, currency: &str) -> String {
    let mut lines = vec![format!(
        "{}: {:.2} {currency} a student and year ({:+.1}% of the first), {:.0} in all",
        total.name,
        total.a_student,
        total.change_ppm as f64 / 1e4,
        total.a_year
    )];
    for part in &total.lines {
        let source = if part.source.is_empty() { String::new() } else { format!("  [{}]", part.source) };
        lines.push(format!(
            "  {:24}{:>12.2}   a tenth more: {:+.2}{source}",
            part.name, part.a_student, part.if_a_tenth_more
        ));
    }
    lines.join("\n")
}
