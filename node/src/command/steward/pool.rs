//! `aula steward pool`: places of one kind at one school, charged to a budget as they are opened.

use aula_api::event::PoolDefined;
use aula_ledger::tx::DefinePool;
use aula_ledger::types::{Cents, ClassId, KindId, PoolId, SchoolId};
use clap::Args;
use serde_json::json;

use crate::command::acting::Acting;
use crate::command::{Failure, Outcome};

/// A pool of places.
#[derive(Debug, Args)]
pub struct PoolArgs {
    /// Its number, which no pool has yet
    #[arg(long, value_name = "N")]
    pub pool: u32,
    /// The number of the class that it belongs to
    #[arg(long, value_name = "N")]
    pub class: u16,
    /// The number of the school that has the places
    #[arg(long, value_name = "N")]
    pub school: u32,
    /// The kind of places, by its name in the class
    #[arg(long, value_name = "NAME")]
    pub kind: String,
    /// How many places, 1 to 1,000,000
    #[arg(long, value_name = "N")]
    pub places: u32,
    /// How many of the places must be used, at most --places
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub floor: u32,
    /// What a place costs, in cents; the whole pool is charged at once
    #[arg(long, default_value_t = 0, value_name = "CENTS")]
    pub unit_cents: u64,
    /// The member whose budget of the class's school year is charged [default: this home's member]
    #[arg(long, value_name = "MEMBER")]
    pub funder: Option<String>,
}

/// Opens it.
///
/// # Errors
/// When there is no such class or kind, or the node refuses.
pub(super) async fn run(mut acting: Acting, args: &PoolArgs) -> Result<Outcome, Failure> {
    let kind = kind(&acting, args).await?;
    let funder = match &args.funder {
        Some(member) => acting.member(member).await?,
        None => acting.sender.account(),
    };
    let pool = DefinePool {
        pool: PoolId(args.pool),
        class: ClassId(args.class),
        school: SchoolId(args.school),
        kind,
        capacity: args.places,
        floor: args.floor,
        unit_cost_cents: Cents(args.unit_cents),
        funder,
    };
    let done = acting.send(pool).await?;
    done.told_by(|PoolDefined { charged_cents: charged }| {
        let text = format!("pool {} has {} places; {charged} cents are charged", args.pool, args.places);
        (json!({ "pool": args.pool, "charged_cents": charged }), text)
    })
}

/// The position of a kind's name in its class.
async fn kind(acting: &Acting, args: &PoolArgs) -> Result<KindId, Failure> {
    let class = acting.class(args.class, "define it with `aula steward class`").await?;
    let kinds: Vec<String> = class.definition.kinds.iter().map(ToString::to_string).collect();
    let at = kinds.iter().position(|name| *name == args.kind);
    at.and_then(|at| u8::try_from(at).ok()).map(KindId).ok_or_else(|| {
        let message = format!("class {} has no kind {:?}", args.class, args.kind);
        Failure::new("unknown_kind", message, format!("its kinds are {}", kinds.join(", ")))
    })
}
