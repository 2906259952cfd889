//! `aula district school`: a district's schools, each from a school year on.

use std::str::FromStr;

use aula_api::paths;
use aula_api::places::SchoolLine;
use aula_api::registers::Schools;
use aula_home::clock::now_ms;
use aula_ledger::names::{Name, Title};
use aula_ledger::position::Position;
use aula_ledger::tx::{ChangeSchool, SchoolChange};
use aula_ledger::types::{SchoolId, SchoolYear, TimeMs};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::command::acting::ActingArgs;
use crate::command::{Advise, Context, Failure, Outcome};

/// Arguments of `aula district school`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district school add --school 31 --name \"Riverside\" --type rural --position 36.162664,-86.781602\n  \
                  aula district school rename --school 31 --name \"Riverside Middle\" --from-year 2027\n  aula district school close \
                  --school 31 --from-year 2028\n  aula district school list --district 7\n\nA school's number and type never change. It \
                  closes from a year in which no pool stands there."
)]
pub struct SchoolArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What happens to a school.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Enter a school
    Add {
        /// Its number, which no school of the consortium has
        #[arg(long, value_name = "N")]
        school: u32,
        /// What people call it
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// Its type, for example rural; schools of one type share the third tier of costs
        #[arg(long = "type", value_name = "NAME")]
        school_type: String,
        /// Where it is, in degrees north and east with up to six decimals, for example 36.162664,-86.781602
        #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
        position: Option<Degrees>,
        /// The first school year it takes students in, by the calendar year in which it starts [default: the present one]
        #[arg(long, value_name = "YEAR")]
        from_year: Option<u16>,
    },
    /// Give a school another name, or another place, from a school year on
    Rename {
        /// The school's number
        #[arg(long, value_name = "N")]
        school: u32,
        /// What people call it from then on
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// Where it is from then on, as for `add` [default: where it was]
        #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
        position: Option<Degrees>,
        /// From which school year on, by the calendar year in which it starts [default: the present one]
        #[arg(long, value_name = "YEAR")]
        from_year: Option<u16>,
    },
    /// Close a school from a school year on
    Close {
        /// The school's number
        #[arg(long, value_name = "N")]
        school: u32,
        /// The first school year it takes no students in, by the calendar year in which it starts [default: the next one]
        #[arg(long, value_name = "YEAR")]
        from_year: Option<u16>,
    },
    /// List schools with their names
    List {
        /// Only schools of this district, by its number
        #[arg(long, value_name = "N")]
        district: Option<u16>,
    },
}

/// A position as people write it: `36.162664,-86.781602`. Read as whole microdegrees, never as a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Degrees(Position);

impl FromStr for Degrees {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "write degrees north and east, for example 36.162664,-86.781602".to_owned();
        let (north, east) = text.split_once(',').ok_or_else(form)?;
        let both = microdegrees(north).zip(microdegrees(east)).ok_or_else(form)?;
        Position::new(both.0, both.1).map(Self).map_err(|error| error.to_string())
    }
}

/// A decimal number of at most six decimals, times a million.
fn microdegrees(text: &str) -> Option<i32> {
    let text = text.trim();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || part.len() > 6 || !plain(whole) || !plain(part) {
        return None;
    }
    let all = format!("{whole}{part:0<6}");
    all.parse::<i32>().ok().map(|number| sign * number)
}

/// Sends the change, or lists what the ledger has.
///
/// # Errors
/// When a name is refused, or the node cannot be reached or refuses.
pub(super) async fn run(
    context: &Context,
    acting: &ActingArgs,
    args: &SchoolArgs,
) -> Result<Outcome, Failure> {
    let now = SchoolYear::at(TimeMs(now_ms())).0;
    let title = |text: &str| Title::new(text).advise("the name is refused", "choose another --name");
    let (school, year, change, done) = match &args.action {
        Action::List { district } => return list(context, acting, *district).await,
        Action::Add { school, name, school_type, position, from_year } => {
            let hint = "a type is 1 to 40 lower-case letters, digits and dashes, for example rural";
            let school_type = Name::new(school_type).advise("the type is refused", hint)?;
            let position = position.map(|degrees| degrees.0);
            let change = SchoolChange::Enter { name: title(name)?, school_type, position };
            (*school, from_year.unwrap_or(now), change, "is entered")
        }
        Action::Rename { school, name, position, from_year } => {
            let position = position.map(|degrees| degrees.0);
            let change = SchoolChange::Rename { name: title(name)?, position };
            (*school, from_year.unwrap_or(now), change, "is renamed")
        }
        Action::Close { school, from_year } => {
            (*school, from_year.unwrap_or(now.saturating_add(1)), SchoolChange::Close, "is closed")
        }
    };
    let mut acting = acting.acting(context).await?;
    let from_year = SchoolYear(year);
    let sent = acting.send(ChangeSchool { school: SchoolId(school), from_year, change }).await?;
    let text = format!("school {school} {done} from school year {year} on");
    Ok(sent.outcome(json!({ "school": school, "from_year": year }), text))
}

async fn list(context: &Context, acting: &ActingArgs, district: Option<u16>) -> Result<Outcome, Failure> {
    let client = acting.rpc.client(context)?;
    let known: Schools = client.get(paths::SCHOOLS).await?;
    let mut schools = known.schools;
    schools.retain(|one| district.is_none_or(|district| one.school.district.0 == district));
    let line = |one: &SchoolLine| {
        let name = one.name.as_deref().unwrap_or("(no name)");
        let closed = one.school.closed_from.map(|year| format!(", closed from {year}")).unwrap_or_default();
        let (id, kind) = (one.school.id.0, &one.school.school_type);
        format!("{id:>8}  district {:<5} {name} ({kind}{closed})", one.school.district.0)
    };
    let text = schools.iter().map(line).collect::<Vec<_>>().join("\n");
    Ok(Outcome::yes(json!({ "height": known.height, "schools": schools }), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_read_exactly_and_what_is_no_place_is_refused() {
        let read =
            |text: &str| text.parse::<Degrees>().map(|Degrees(at)| (at.latitude_e6(), at.longitude_e6()));
        assert_eq!(read("36.162664,-86.781602"), Ok((36_162_664, -86_781_602)));
        assert_eq!(read("-0.5, 7"), Ok((-500_000, 7_000_000)));
        for text in ["91,0", "0,181", "1.1234567,0", "1", ",", "a,b", "1.0,", "+1,2", "1e2,0"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
