//! `aula feed level`: a school's replica and its district level now.

use std::sync::Arc;

use aula_connect::door::Door;
use aula_connect::replica::asking::{Replica, make};
use aula_connect::replica::district::{District, LevelError};
use aula_connect::replica::entering::Entering;
use aula_home::clock::now_ms;
use aula_home::config::Config;
use aula_ledger::types::{SchoolYear, TimeMs};
use aula_server::bootstrap::read_genesis;
use aula_server::wiring::replicas::{By, Standing};
use aula_vault::vault::is_there;
use clap::Args;
use serde_json::json;

use super::configured;
use crate::command::rpc::RpcArgs;
use crate::command::twin_parameters::Voted;
use crate::command::vault::Place;
use crate::command::{Advise, Context, Failure, Outcome};
use crate::terminal::with_causes;

const HINT: &str = "correct [replica] in config.toml; docs/replicas.md has an example";

/// Arguments of `aula feed level`.
#[derive(Debug, Args)]
pub struct LevelArgs {
    /// Fold the students' states on both sides as well, and compare them
    #[arg(long)]
    pub check: bool,
    /// This home's node, for the twins' parameters of --check
    #[command(flatten)]
    pub rpc: RpcArgs,
}

/// Levels. Exit 0: both sides have the same events, and the district has the statements and documents; 1: they do not, because the
/// district refuses some.
///
/// # Errors
/// A home that is no replica, a district that does not answer, a vault that cannot be written: what was levelled until then stays, and
/// `aula feed status` tells that it was cut.
pub async fn run(context: &Context, place: &Place, args: &LevelArgs) -> Result<Outcome, Failure> {
    let config = Config::load(&context.home)?;
    let own = config.replica.clone().ok_or_else(|| {
        Failure::new("no_replica", "this home is not a school's replica: config.toml has no [replica]", HINT)
    })?;
    let feeds = configured(context, None)?.into_iter().map(|(_, feed)| feed).collect();
    let district = District::of(&own.of, &own.secret).advise("the district cannot be spoken to", HINT)?;
    let (_, parsed) = read_genesis(&context.home)?;
    let (folders, genesis) = (place.folders(context)?, parsed.sha256.0);
    let cut = |error: LevelError| {
        let noted = Standing::ended(&context.home, By::Command, now_ms(), Err(&error));
        let hint = match &error {
            LevelError::Refused(401, ..) => "see the name and secret of both sides; docs/replicas.md",
            LevelError::Network(..) => "level again once the network is back: what was levelled stays",
            LevelError::OtherChain => "this home needs the genesis file of the district's chain",
            _ => "level again; `aula doctor` looks at the rest",
        };
        // How it stands is told where it can be; what was levelled stands in the vaults.
        let told = noted.map_or_else(|_| String::new(), |standing| told(&standing));
        Failure::new("not_level", format!("the levelling was cut: {}{told}", with_causes(&error)), hint)
    };
    if !is_there(&folders.data) {
        make(&district, &folders, (genesis, now_ms())).await.map_err(cut)?;
        context.tell(format_args!("this replica's vault was made in {}", folders.data.display()));
    }
    let vault = Arc::new(place.open(context)?);
    let check = match args.check {
        true => {
            let year = SchoolYear::at(TimeMs(now_ms()));
            let in_force = Voted::of(&args.rpc.client(context)?, &context.home).await?.in_force(year)?;
            Some((in_force.voted.digest.0, in_force.params))
        }
        false => None,
    };
    let door: Arc<dyn Door> = Arc::new(vault);
    let mut replica = Replica::new(Entering::new(door, None), feeds);
    let _ = Standing::began(&context.home, By::Command, now_ms());
    let did = replica.level(&district, (genesis, now_ms()), check).await.map_err(cut)?;
    let _ = Standing::ended(&context.home, By::Command, now_ms(), Ok(&did));
    let states = match did.same_states {
        Some(true) => "; both fold to the same states",
        Some(false) => "; THEY FOLD TO OTHER STATES",
        None if args.check => "; they fold with other parameters",
        None => "",
    };
    let left_out = match did.left_out {
        0 => String::new(),
        some => format!("; {some} whom the new year's roster leaves out stay until it has as many"),
    };
    let records = match did.records + did.records_refused {
        0 => String::new(),
        _ => format!(
            "; {} statements and documents here, {} sent, {} received, {} refused",
            did.records, did.records_sent, did.records_received, did.records_refused
        ),
    };
    let text = format!(
        "{}: {} events of {} students; {} sent, {} received, {} gone, {} refused; {} students came, {} left{left_out}{records}; {} bytes out, {} in{states}",
        if did.level { "level" } else { "not level" },
        did.events,
        did.students,
        did.sent,
        did.received,
        did.removed,
        did.refused,
        did.enrolled,
        did.erased,
        did.bytes_sent,
        did.bytes_received,
    );
    let json = json!(did);
    let fits = did.level && did.same_states != Some(false);
    Ok(if fits { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}

/// What is told of levellings that were cut.
fn told(standing: &Standing) -> String {
    let level = match standing.level_ms {
        0 => "never level before".to_owned(),
        at_ms => format!("level last at {}", aula_read::utc(at_ms)),
    };
    match standing.cut {
        0 | 1 => format!("; {level}"),
        some => format!("; {some} were cut one after another; {level}"),
    }
}
