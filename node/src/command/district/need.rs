//! `aula district need`: a student's need by the voted rule, each term; and what the rule reads, recorded from a file.
//!
//! Flow: the student's events, read through the vault's access check and listed → folded under the parameters in force for the
//! school year → the rule's inputs, what each adds, and the sum. With `--record` rows of a file become events instead. Invariants:
//! the rule comes from the ledger, never from this program; a person who reads needs what it always needs. Absent: anchoring.

use std::path::PathBuf;

use aula_district::inputs::{self, Refused};
use aula_district::keep;
use aula_district::parameters::Explained;
use aula_files::{MOST_GIVEN_BYTES, read_at_most};
use aula_ledger::types::{Handle, SchoolYear};
use aula_twin_runtime::twin::TwinState;
use aula_vault::{LocalId, Vault};
use clap::{ArgGroup, Args};
use serde_json::json;

use super::report;
use crate::command::evidence::act::Act;
use crate::command::evidence::disclose::Own;
use crate::command::evidence::undisclosed::Undisclosed;
use crate::command::twin_parameters::Voted;
use crate::command::vault::record::LedgerArgs;
use crate::command::vault::{Place, refused};
use crate::command::{Advise, Context, Failure, Outcome, now_ms};

/// Arguments of `aula district need`.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").required(true),
    after_help = "Examples:\n  aula district need --explain S-1042 --home D/district-07\n  aula district need --record lunch.csv --source 12 \
                  --home D/district-07\n\nSTUDENT is the district's own identifier, or a pseudonym of 64 hex digits. A file to record has \
                  local_id,input,value: input is the name that the voted rule gives it.\nExit 0: told, or all recorded; 1: the access \
                  check denied it, or some rows were refused; 2: could not."
)]
pub struct NeedArgs {
    /// Tell a student's need, term by term; the student by the district's own identifier
    #[arg(long, value_name = "STUDENT", group = "what")]
    pub explain: Option<String>,
    /// Record inputs of the need rule from a CSV file: local_id,input,value
    #[arg(long, value_name = "FILE", group = "what", requires = "source")]
    pub record: Option<PathBuf>,
    /// Who recorded the inputs: the number of one of the district's systems, always the same for one system
    #[arg(long, value_name = "N")]
    pub source: Option<u64>,
    /// The calendar year in which the school year starts [default: the student's newest, or the current one]
    #[arg(long, value_name = "YEAR")]
    pub year: Option<u16>,
    /// A file with the reader's credential, or - for standard input [default: the district's own key, as its operator]
    #[arg(long, env = "AULA_VAULT_CREDENTIAL_FILE", value_name = "FILE")]
    pub credential: Option<PathBuf>,
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
}

/// Tells or records.
///
/// # Errors
/// A student who is not known, a file that is not valid, a vault or node that cannot be read.
pub async fn run(context: &Context, ledger: &LedgerArgs, args: &NeedArgs) -> Result<Outcome, Failure> {
    let voted = Voted::of(&ledger.rpc.client(context)?, &context.home).await?;
    match (&args.explain, &args.record) {
        (Some(student), _) => explain(context, args, &voted, student),
        (None, Some(file)) => record(context, args, &voted, file),
        (None, None) => Err(Failure::new("nothing_asked", "no student is named", "give --explain STUDENT")),
    }
}

fn explain(context: &Context, args: &NeedArgs, voted: &Voted, student: &str) -> Result<Outcome, Failure> {
    let reader =
        Own { context, place: &args.place, reader: args.credential.as_deref(), act: Act::plan() }.reader()?;
    let (handle, year) = find(&reader.vault, student, args.year.map(SchoolYear))?;
    let in_force = voted.in_force(year)?;
    let own = match reader.twin(handle) {
        Ok(own) => own,
        Err(undisclosed @ (Undisclosed::Denied(_) | Undisclosed::NoField { .. })) => {
            return undisclosed.outcome();
        }
        Err(Undisclosed::Failed(failure)) => return Err(failure),
    };
    let params = &in_force.params;
    let state = keep::fold(&own.events, params).unwrap_or_else(|| TwinState::new(params));
    let told = in_force.explain(&state);
    let reveals: Vec<String> = in_force
        .voted
        .parameters
        .need
        .reveals()
        .iter()
        .filter(|one| one.band == told.band)
        .map(ToString::to_string)
        .collect();
    let json = json!({
        "student": student, "handle": handle, "school_year": year, "parameters": told.parameters,
        "constant": told.constant, "terms": told.terms, "need": told.need, "band": told.band, "reveals": reveals,
        "events": own.events.len(),
    });
    Ok(Outcome::yes(json, lines(&told, year, &reveals)))
}

fn lines(told: &Explained, year: SchoolYear, reveals: &[String]) -> String {
    let mut lines =
        vec![format!("{:>6}  constant of the rule (parameters {})", told.constant, told.parameters)];
    lines.extend(told.terms.iter().map(|term| {
        let from = match term.recorded {
            Some(value) if value != u16::from(term.value) => format!(", recorded as {value}"),
            None if term.source.starts_with("recorded/") => ", nothing recorded".to_owned(),
            _ => String::new(),
        };
        format!(
            "{:>+6}  {} = {} x {}  ({}{from})",
            term.adds, term.input, term.value, term.weight, term.source
        )
    }));
    lines.push(format!("{:>6}  need in school year {year}: band {}", told.need, told.band));
    lines.extend(reveals.iter().map(|one| format!("        {one}")));
    lines.join("\n")
}

/// The student's handle in the year, or in the newest that it has one of.
fn find(vault: &Vault, student: &str, year: Option<SchoolYear>) -> Result<(Handle, SchoolYear), Failure> {
    let unknown = || {
        let message = format!("the vault has no student {student:?} in that school year");
        Failure::new("unknown_student", message, "give the district's own identifier, or a pseudonym")
    };
    // The keystore is for one use each: `find_in` waits for whoever has it, this function too.
    let year_of = |handle: &Handle| vault.keystore().student(handle).map(|(year, _)| year);
    if let Some(found) = student.parse().ok().and_then(|handle: Handle| Some((handle, year_of(&handle)?))) {
        return Ok(found);
    }
    let id = LocalId::new(student).ok_or_else(unknown)?;
    let mut years: Vec<SchoolYear> = match year {
        Some(year) => vec![year],
        None => vault.keystore().all_handles().into_iter().map(|(_, year)| year).collect(),
    };
    years.sort_unstable();
    years.dedup();
    for year in years.into_iter().rev() {
        if let Some(handle) = vault.find_in(&id, year).map_err(refused)? {
            return Ok((handle, year));
        }
    }
    Err(unknown())
}

fn record(
    context: &Context,
    args: &NeedArgs,
    voted: &Voted,
    file: &std::path::Path,
) -> Result<Outcome, Failure> {
    let now = now_ms();
    let year = args.year.map_or_else(|| SchoolYear::at(aula_ledger::types::TimeMs(now)), SchoolYear);
    let in_force = voted.in_force(year)?;
    let bytes = read_at_most(file, MOST_GIVEN_BYTES)
        .advise(format!("cannot read {}", file.display()), "check the path and that you may read it")?;
    let (rows, mut refused_rows) = inputs::read(&bytes, &in_force.voted.parameters.need)
        .advise(format!("{} is not a file of inputs", file.display()), "see aula district need --help")?;
    let vault = args.place.open(context)?;
    let source = args.source.unwrap_or_default();
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let known =
            LocalId::new(&row.local_id).map(|id| vault.find_in(&id, year)).transpose().map_err(refused)?;
        match known.flatten() {
            Some(handle) => events.push((handle, row)),
            None => refused_rows.push(Refused::unknown_student(row)),
        }
    }
    let recorded = events.len();
    inputs::keep(&vault, source, now, &events).map_err(refused)?;
    refused_rows.sort_by_key(|one| one.line);
    let report = report::write(context, "need-record", &refused_rows)?;
    let text = format!(
        "{recorded} inputs recorded, {} rows refused\nreport {}",
        refused_rows.len(),
        report.display()
    );
    let json = json!({ "recorded": recorded, "rejected": refused_rows.len(), "report": report });
    Ok(if refused_rows.is_empty() { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_kit::{Tested, vault};

    #[test]
    fn a_student_is_found_by_the_districts_identifier_and_by_pseudonym() -> Tested {
        let folder = tempfile::tempdir()?;
        let (_, vault) = vault::create(folder.path(), 0)?;
        let (year, next) = (SchoolYear(2026), SchoolYear(2027));
        let first = vault::enrol(&vault, &["S-1"], year)?;
        let second = vault::enrol(&vault, &["S-1"], next)?;
        let found = |student: &str, year| find(&vault, student, year).map_err(|failure| failure.code);
        assert_eq!(found("S-1", None)?, (second[0], next), "the newest");
        assert_eq!(found("S-1", Some(year))?, (first[0], year));
        assert_eq!(found(&first[0].to_string(), None)?, (first[0], year));
        let nobody = Handle([9; 32]).to_string();
        for stranger in ["S-2", nobody.as_str(), ""] {
            assert_eq!(found(stranger, None), Err("unknown_student".to_owned()), "{stranger}");
        }
        Ok(())
    }
}
