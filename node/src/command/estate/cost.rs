//! `aula estate cost`: what a student costs a year in one system and in another, every assumption in sight.

use std::path::PathBuf;

use aula_estate::costs::{Total, read_figures, totals};
use clap::Args;

use super::super::{Failure, Outcome};
use super::{read, refused};

/// Arguments of `aula estate cost`.
#[derive(Debug, Args)]
#[command(
    after_help = "FIGURES.json: {\"students\":1000,\"currency\":\"USD\",\"systems\":[{\"name\":\"schools\",\"lines\":[{\"name\":\"building\",\
                  \"amount\":2000000,\"per\":\"district\",\"source\":\"budget 2026\"},{\"name\":\"payroll\",\"amount\":90000,\"per\":\"unit\",\
                  \"students_per_unit\":15}]},…]}\nper is district, student or unit; years spreads what lasts longer. Nothing is assumed that \
                  the file does not say.\n\nExample:\n  aula estate cost figures.json --output json"
)]
pub struct CostArgs {
    /// The district's figures
    pub figures: PathBuf,
}

/// Runs `aula estate cost`.
///
/// # Errors
/// When the figures cannot be read or are refused.
pub fn run(args: &CostArgs) -> Result<Outcome, Failure> {
    let figures = read_figures(&read(&args.figures)?).map_err(|error| refused(&args.figures, &error))?;
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
