//! `aula estate staff`: how many teachers a forecast of students asks for, beside the staff there is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aula_estate::staffing::{Need, needs, read_sections, read_staff, read_stays, to_csv};
use clap::Args;

use super::super::{Failure, Outcome};
use super::{read, refused, write};

/// Arguments of `aula estate staff`.
#[derive(Debug, Args)]
#[command(
    after_help = "The forecast is what `aula estate forecast` writes, its series or grades being courses. SECTIONS.csv: course, subject, size \
                  (most students of a section), hours (a week); optional least (fewest students for whom it is taught) and stay (share who \
                  stay). STAFF.csv: subject, teachers (full posts), hours (a week that one teaches).\n\nExample:\n  aula estate staff next.csv \
                  --sections sections.csv --staff staff.csv --optout leave.csv -o staffing.csv\n\nExit codes: 0 there are enough as expected, \
                  1 a subject is short, 2 could not."
)]
pub struct StaffArgs {
    /// The forecast of each course's students, CSV
    pub forecast: PathBuf,
    /// How courses are taught, CSV
    #[arg(long, value_name = "SECTIONS.csv")]
    pub sections: PathBuf,
    /// The teachers there are, CSV
    #[arg(long, value_name = "STAFF.csv")]
    pub staff: PathBuf,
    /// Who leaves each course, as `aula estate optout` writes it; a course's own `stay` comes before it
    #[arg(long, value_name = "FILE")]
    pub optout: Option<PathBuf>,
    /// Where the table of subjects is written
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Runs `aula estate staff`.
///
/// # Errors
/// When a file cannot be read, is refused, or cannot be written.
pub fn run(args: &StaffArgs) -> Result<Outcome, Failure> {
    let sections = read_sections(&read(&args.sections)?).map_err(|error| refused(&args.sections, &error))?;
    let staff = read_staff(&read(&args.staff)?).map_err(|error| refused(&args.staff, &error))?;
    let stays = match &args.optout {
        None => BTreeMap::new(),
        Some(path) => read_stays(&read(path)?).map_err(|error| refused(path, &error))?,
    };
    let all = needs(&read(&args.forecast)?, &sections, &staff, &stays).map_err(|error| {
        let at = if error.place == "sections" { &args.sections } else { &args.forecast };
        refused(at, &error)
    })?;
    if let Some(out) = &args.out {
        write(out, to_csv(&all.staff).as_bytes())?;
    }
    let line = |one: &Need| {
        let Need { period, subject, sections, teachers, low, high, there, .. } = one;
        format!(
            "{period} {subject}: {teachers:.1} teachers for {sections} sections ({low:.1} to {high:.1}), {there:.1} there"
        )
    };
    let mut lines: Vec<String> = all.staff.iter().map(line).collect();
    if !all.left_out.is_empty() {
        lines.push(format!("not in the table of sections: {}", all.left_out.join(", ")));
    }
    let enough = all.staff.iter().all(|one| one.short <= 1e-9);
    let text = lines.join("\n");
    Ok(if enough { Outcome::yes(all, text) } else { Outcome::no(all, text) })
}
