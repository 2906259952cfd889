//! `aula estate pools`: an estate's rooms as pools of an hourly class, so that the optimizer decides who sits where.

use std::path::PathBuf;

use aula_api::paths;
use aula_api::registers::{Classes, Pools};
use aula_estate::check::estate::read_estate;
use aula_estate::pools::{Alike, RoomPool, pools};
use aula_home::clock::now_ms;
use aula_ledger::names::{Name, Title};
use aula_ledger::state::schema::PoolRecord;
use aula_ledger::tx::{Cadence, Calendar, ClassTerms, DefineClass, DefinePool, SetClassTerms};
use aula_ledger::types::{Cents, ClassId, KindId, PoolId, SchoolId, SchoolYear, TimeMs};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{read, refused};
use crate::command::acting::{Acting, ActingArgs};
use crate::command::{Advise, Context, Failure, Outcome};

/// A year and a month: how long rounds of the class may be opened.
const OPEN_MS: u64 = 396 * 24 * 60 * 60 * 1_000;

/// What makes rooms one kind.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum By {
    /// Rooms with the same features
    Features,
    /// Each room by itself; a class has at most 32 kinds
    Room,
}

/// Arguments of `aula estate pools`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula estate pools school.json --class 7 --first-pool 700 --title \"Rooms by the hour\" --year 2026 \
                  --home D/steward\n  aula estate pools school.json --class 7 --first-pool 700 --dry-run --home D/steward\n\nThe estate's \
                  sites name their `school` on the ledger. A seat is a place; rooms alike at a school are one pool. A class that is not \
                  there yet is defined with the rooms' kinds, once an hour. Pools that are there already stay; one of another number of \
                  seats is named and left to `aula tx retire-pool`. Exit codes: 0 all are there, 1 one was rejected or differs, 2 could not."
)]
pub struct PoolsArgs {
    /// The estate, JSON, whose sites name their school on the ledger
    pub estate: PathBuf,
    /// The number of the class of rooms
    #[arg(long, value_name = "N")]
    pub class: u16,
    /// Number of the first pool; the next ones follow it
    #[arg(long, value_name = "N")]
    pub first_pool: u32,
    /// What makes rooms one kind
    #[arg(long, value_enum, default_value = "features")]
    pub by: By,
    /// What people call the class, if it is not there yet
    #[arg(long, value_name = "TEXT", requires = "year")]
    pub title: Option<String>,
    /// The school year whose students may ask, by the calendar year in which it starts, if the class is not there yet
    #[arg(long, value_name = "YEAR", requires = "title")]
    pub year: Option<u16>,
    /// Say what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The node to ask
    #[command(flatten)]
    pub acting: ActingArgs,
}

/// Sends what is missing.
///
/// # Errors
/// When the estate is refused, a kind is not one of the class, or the node cannot be reached or refuses.
pub(super) async fn run(context: &Context, args: &PoolsArgs) -> Result<Outcome, Failure> {
    let alike = match args.by {
        By::Features => Alike::Features,
        By::Room => Alike::Room,
    };
    let wanted = read_estate(&read(&args.estate)?).and_then(|estate| pools(&estate, alike));
    let wanted = wanted.map_err(|error| refused(&args.estate, &error))?;
    if wanted.is_empty() {
        let hint = "say of each site which school of the ledger it is: {\"id\":\"main\",\"school\":31}";
        return Err(Failure::new("no_rooms", "no room with seats stands at a school of the ledger", hint));
    }
    let client = args.acting.rpc.client(context)?;
    let classes: Classes = client.get(paths::CLASSES).await?;
    let class = classes.classes.into_iter().map(|one| one.definition).find(|one| one.class.0 == args.class);
    let there: Pools = client.get(&format!("{}?class={}", paths::POOLS, args.class)).await?;
    let kinds = match &class {
        Some(class) => class.kinds.iter().map(ToString::to_string).collect(),
        None => kinds_of(&wanted),
    };
    let plan = Plan::of(args, wanted, &kinds, &there.pools)?;
    if args.dry_run {
        return Ok(plan.told(class.is_none(), &[]));
    }
    let mut acting = args.acting.acting(context).await?;
    let mut rejected = Vec::new();
    if class.is_none() {
        define(&mut acting, args, &kinds, &mut rejected).await?;
    }
    if rejected.is_empty() {
        for (pool, kind, number) in &plan.missing {
            let definition = DefinePool {
                pool: PoolId(*number),
                class: ClassId(args.class),
                school: SchoolId(pool.school),
                kind: *kind,
                capacity: pool.seats,
                floor: 0,
                unit_cost_cents: Cents(0),
                funder: acting.sender.account(),
            };
            let sent = acting.send(definition).await?;
            if !sent.accepted() {
                rejected.push(json!({ "pool": number, "meaning": sent.told.meaning }));
            }
        }
    }
    Ok(plan.told(class.is_none(), &rejected))
}

/// What is there and what is not.
struct Plan {
    /// To be defined: of which kind, under which number.
    missing: Vec<(RoomPool, KindId, u32)>,
    /// There as they should be: how many.
    present: usize,
    /// There with another number of seats.
    differ: Vec<Value>,
}

impl Plan {
    fn of(
        args: &PoolsArgs,
        wanted: Vec<RoomPool>,
        kinds: &[String],
        there: &[PoolRecord],
    ) -> Result<Self, Failure> {
        let mut plan = Self { missing: Vec::new(), present: 0, differ: Vec::new() };
        let mut number = args.first_pool;
        for pool in wanted {
            let kind = kinds.iter().position(|name| *name == pool.kind).and_then(|at| u8::try_from(at).ok());
            let kind = kind.ok_or_else(|| {
                let message = format!("class {} has no kind {:?}", args.class, pool.kind);
                let hint =
                    format!("its kinds are {}; define another class for these rooms", kinds.join(", "));
                Failure::new("unknown_kind", message, hint)
            })?;
            let stands = |one: &&PoolRecord| {
                one.school.0 == pool.school && one.kind.0 == kind && one.retired.is_none()
            };
            match there.iter().find(stands) {
                Some(one) if one.capacity == pool.seats => plan.present += 1,
                Some(one) => plan.differ.push(json!({
                    "pool": one.pool, "school": pool.school, "kind": pool.kind, "seats": pool.seats, "places": one.capacity,
                })),
                None => {
                    while there.iter().any(|one| one.pool.0 == number) {
                        number = number.saturating_add(1);
                    }
                    plan.missing.push((pool, KindId(kind), number));
                    number = number.saturating_add(1);
                }
            }
        }
        Ok(plan)
    }

    fn told(&self, new_class: bool, rejected: &[Value]) -> Outcome {
        let line = |(pool, _, number): &(RoomPool, KindId, u32)| json!({ "pool": number, "school": pool.school, "kind": pool.kind, "places": pool.seats, "rooms": pool.rooms });
        let pools: Vec<Value> = self.missing.iter().map(line).collect();
        let text = format!(
            "{} pools of {} seats; {} were there, {} have other seats, {} rejected",
            pools.len(),
            self.missing.iter().map(|(pool, ..)| u64::from(pool.seats)).sum::<u64>(),
            self.present,
            self.differ.len(),
            rejected.len()
        );
        let fields = json!({
            "new_class": new_class, "pools": pools, "present": self.present, "differ": self.differ, "rejected": rejected,
        });
        match rejected.is_empty() && self.differ.is_empty() {
            true => Outcome::yes(fields, text),
            false => Outcome::no(fields, text),
        }
    }
}

/// The kinds of a class of these rooms, ascending.
fn kinds_of(wanted: &[RoomPool]) -> Vec<String> {
    let mut kinds: Vec<String> = wanted.iter().map(|pool| pool.kind.clone()).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// Defines the class and lets it open a round an hour.
async fn define(
    acting: &mut Acting,
    args: &PoolsArgs,
    kinds: &[String],
    rejected: &mut Vec<Value>,
) -> Result<(), Failure> {
    let (Some(text), Some(year)) = (&args.title, args.year) else {
        let message = format!("there is no class {}", args.class);
        let hint = "give --title and --year to define it with the rooms' kinds";
        return Err(Failure::new("unknown_class", message, hint));
    };
    let now = now_ms();
    let class = ClassId(args.class);
    let kind = |name: &String| Name::new(name).advise("a kind is refused", "rename the room's features");
    let definition = DefineClass {
        class,
        title: Title::new(text).advise("the title is refused", "choose another --title")?,
        school_year: SchoolYear(year),
        kinds: kinds.iter().map(kind).collect::<Result<_, _>>()?,
        tier_costs: [10, 20, 40],
        rank_step: 5,
        waitlist_cost: Some(80),
        calendar: Calendar { opens_ms: TimeMs(now), closes_ms: TimeMs(now.saturating_add(OPEN_MS)) },
        steward: None,
    };
    let terms = ClassTerms { cadence: Cadence::Hourly, ..ClassTerms::default() };
    let sent = acting.send(definition).await?;
    let mut all = vec![sent];
    if all.iter().all(crate::command::acting::Done::accepted) {
        all.push(acting.send(SetClassTerms { class, terms }).await?);
    }
    let refused = all.iter().filter(|sent| !sent.accepted());
    rejected.extend(refused.map(|sent| json!({ "class": args.class, "meaning": sent.told.meaning })));
    Ok(())
}
