//! `aula estate import`: an estate's file of what others write.

use std::path::PathBuf;

use aula_estate::check::rooms::{of_archive, of_csv, of_ctt};
use aula_estate::{ctt, xhstt};
use clap::Args;
use serde_json::json;

use super::super::{Advise, Failure, Outcome};
use super::{counted, is_archive, read, refused, write};

/// Arguments of `aula estate import`.
#[derive(Debug, Args)]
#[command(
    after_help = "ROOMS.csv: room, capacity; optional building, site, school (its number on the ledger), features (joined by ;), zone, kwh_per_hour, \
                  floor, x, y, width, depth. Of a .ctt instance the rooms and seats are taken, of an XHSTT archive the resources called \
                  Room. Lessons stay in their schedule: CSV, iCalendar or timetables.\n\nExamples:\n  aula estate import rooms.csv -o \
                  school.json\n  aula estate import comp01.ctt -o comp01.json"
)]
pub struct ImportArgs {
    /// The table of rooms, a .ctt instance or an XHSTT archive
    pub source: PathBuf,
    /// Where the estate is written
    #[arg(short = 'o', long = "out", value_name = "ESTATE.json")]
    pub out: PathBuf,
}

/// Runs `aula estate import`.
///
/// # Errors
/// When the file cannot be read, is refused, or the estate cannot be written.
pub fn run(args: &ImportArgs) -> Result<Outcome, Failure> {
    let bytes = read(&args.source)?;
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii_start();
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or(start);
    let estate = if is_archive(&args.source, &bytes) {
        xhstt::read(&bytes).and_then(|archive| of_archive(&archive))
    } else if first.contains(&b',') {
        of_csv(&bytes)
    } else {
        ctt::read(&bytes).and_then(|instance| of_ctt(&instance))
    };
    let estate = estate.map_err(|error| refused(&args.source, &error))?;
    let text = serde_json::to_string_pretty(&estate).advise("the estate cannot be written", "report this")?;
    write(&args.out, format!("{text}\n").as_bytes())?;
    let counts = (estate.sites.len(), estate.buildings.len(), estate.rooms.len());
    let fields = json!({ "sites": counts.0, "buildings": counts.1, "rooms": counts.2 });
    let text = [
        counted(counts.0, "site", "sites"),
        counted(counts.1, "building", "buildings"),
        counted(counts.2, "room", "rooms"),
    ];
    Ok(Outcome::yes(fields, text.join(", ")))
}
