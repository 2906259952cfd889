//! `aula steward class`: a class of resources, with its kinds, its table of costs and its calendar.

use aula_home::clock::now_ms;
use aula_ledger::names::{Name, Title};
use aula_ledger::tx::{Calendar, DefineClass};
use aula_ledger::types::{ClassId, SchoolYear, TimeMs};
use clap::Args;
use serde_json::json;

use crate::command::acting::Acting;
use crate::command::{Advise, Failure, Outcome};

/// A year and a month: how long rounds of a class may be opened unless said otherwise.
const OPEN_MS: u64 = 396 * 24 * 60 * 60 * 1_000;

/// A class of resources.
#[derive(Debug, Args)]
pub struct ClassArgs {
    /// Its number, which no class has yet
    #[arg(long, value_name = "N")]
    pub class: u16,
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    pub title: String,
    /// The school year whose students may ask, by the calendar year in which it begins
    #[arg(long, value_name = "YEAR")]
    pub year: u16,
    /// Its kinds, 1 to 32 names of lower-case letters, digits and dashes
    #[arg(long, value_delimiter = ',', required = true, value_name = "NAME,...")]
    pub kinds: Vec<String>,
    /// Cost of a place at the own school, in the own district, at a school of the same type; each 0 to 10,000, the lower the better
    #[arg(long, value_delimiter = ',', default_values_t = [10, 20, 40], value_name = "A,B,C")]
    pub tiers: Vec<u32>,
    /// Cost added for each further rank of a wish, 0 to 1,000
    #[arg(long, default_value_t = 5, value_name = "COST")]
    pub rank_step: u32,
    /// Cost of waiting, at most twice the largest of the table; without it everyone must be placed
    #[arg(long, value_name = "COST")]
    pub waitlist: Option<u32>,
    /// First block time at which rounds may be opened, in milliseconds since 1970 UTC [default: now]
    #[arg(long, value_name = "MS")]
    pub opens_ms: Option<u64>,
    /// Last block time at which rounds may be opened, in milliseconds since 1970 UTC [default: 13 months later]
    #[arg(long, value_name = "MS")]
    pub closes_ms: Option<u64>,
    /// The member who runs it, by name or account [default: this home's member]
    #[arg(long, value_name = "MEMBER")]
    pub steward: Option<String>,
}

/// Defines it.
///
/// # Errors
/// When a name is refused or the node refuses.
pub(super) async fn run(mut acting: Acting, args: &ClassArgs) -> Result<Outcome, Failure> {
    let hint = "a kind is 1 to 40 lower-case letters, digits and dashes, for example laptop";
    let kind = |text: &String| Name::new(text).advise("a kind is refused", hint);
    let opens = args.opens_ms.unwrap_or_else(now_ms);
    let calendar = Calendar {
        opens_ms: TimeMs(opens),
        closes_ms: TimeMs(args.closes_ms.unwrap_or(opens.saturating_add(OPEN_MS))),
    };
    let tier_costs = <[u32; 3]>::try_from(args.tiers.as_slice())
        .advise("a table has three tiers", "give --tiers A,B,C")?;
    let steward = match &args.steward {
        Some(member) => Some(acting.member(member).await?),
        None => None,
    };
    let class = DefineClass {
        class: ClassId(args.class),
        title: Title::new(&args.title).advise("the title is refused", "choose another --title")?,
        school_year: SchoolYear(args.year),
        kinds: args.kinds.iter().map(kind).collect::<Result<_, _>>()?,
        tier_costs,
        rank_step: args.rank_step,
        waitlist_cost: args.waitlist,
        calendar,
        steward,
    };
    let steward = steward.unwrap_or(acting.sender.account());
    let done = acting.send(class).await?;
    let text = format!("class {} is defined; next: aula steward pool --class {}", args.class, args.class);
    Ok(done.outcome(json!({ "class": args.class, "steward": steward }), text))
}
