//! `aula vault disclose`: the events of a student whom a round's seed drew, for the auditor.
//!
//! The read is the access check's as any other, and listed in the log as what it is: a disclosure to an auditor whom the
//! consortium admitted, for the evaluation of its programme (34 CFR 99.31(a)(3)), for which no family is asked. The draw is computed again
//! from the round's rows, so that nobody is disclosed who was not drawn.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use aula_ledger::audit::Bundle;
use aula_ledger::codec::Canonical;
use aula_ledger::names::Name;
use aula_ledger::roles::Role;
use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::super::evidence::act::Act;
use super::super::evidence::disclose::Own;
use super::super::evidence::drawn;
use super::super::rpc::RpcArgs;
use super::super::twin::disclosure::Disclosure;
use super::super::{Advise, Context, Failure, Outcome, absolute};
use super::{Place, handle};
use crate::client::Client;
use crate::client::sender::Sender;
use crate::demo::twins;

/// Arguments of `aula vault disclose`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula evidence sample 7                                  who is drawn\n  aula vault disclose 7 HANDLE -o \
                        drawn.json      for the auditor alone: it holds the student's events\n  aula evidence audit 7 HANDLE \
                        --disclosure drawn.json --home D/auditor"
)]
pub struct DiscloseArgs {
    /// The decided round
    pub round: u32,
    /// The drawn student's pseudonym, 64 hex digits
    pub handle: String,
    /// Where the disclosure goes
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// For which auditor: a member's name [default: the consortium's only auditor]
    #[arg(long, value_name = "NAME")]
    pub auditor: Option<String>,
    /// A file with the reader's credential, or - for standard input [default: the district's own key, for that auditor]
    #[arg(long, env = "AULA_VAULT_CREDENTIAL_FILE", value_name = "FILE")]
    pub credential: Option<PathBuf>,
    /// The node to ask who is drawn
    #[command(flatten)]
    pub rpc: RpcArgs,
}

/// Writes it.
///
/// # Errors
/// A student who is not drawn, a vault that cannot be read, a file that cannot be written.
pub async fn run(context: &Context, place: &Place, args: &DiscloseArgs) -> Result<Outcome, Failure> {
    let handle = handle(&args.handle)?;
    let client = args.rpc.client(context)?;
    let sender = Sender::of_home(&client, &context.home, 0).await?;
    let reader = client.signed_by(*sender.genesis(), sender.account(), sender.key().clone());
    let bytes = reader.get_bytes(&format!("/v1/evidence/round/{}", args.round)).await?;
    let bundle = Bundle::from_canonical(&bytes)
        .advise("the node sent no bundle", "use the same version of the program as the node")?;
    if !drawn(&bundle)?.drawn.contains(&handle) {
        let message = format!("round {} did not draw {handle}", args.round);
        return Err(Failure::new("not_drawn", message, "see `aula evidence sample`"));
    }
    let auditor = auditor(&client, args.auditor.as_deref()).await?;
    let own = Own { context, place, reader: args.credential.as_deref(), act: Act::audit(&auditor) };
    let provable = match own.state(handle, &["events"]) {
        Ok(provable) => provable,
        Err(undisclosed) => return undisclosed.outcome(),
    };
    let disclosure = Disclosure::of(&provable.secret, provable.version, &twins::params(), &provable.events)?;
    let path = absolute(&args.out)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let written = file.and_then(|mut file| {
        file.write_all(&serde_json::to_vec(&disclosure)?)?;
        file.sync_all()
    });
    written.advise(format!("cannot write {}", path.display()), "name a new file")?;
    let text = format!(
        "{}\n{} events, for the auditor alone: aula evidence audit {} {handle} --disclosure {}",
        path.display(),
        provable.events.len(),
        args.round,
        path.display()
    );
    Ok(Outcome::yes(json!({ "file": path, "events": provable.events.len() }), text))
}

/// The auditor to whom it goes: one whom the consortium admitted.
async fn auditor(client: &Client, asked: Option<&str>) -> Result<Name, Failure> {
    #[derive(Deserialize)]
    struct Told {
        members: Vec<Member>,
    }
    #[derive(Deserialize)]
    struct Member {
        name: Name,
        roles: Vec<Role>,
        standing: String,
    }
    let told: Told = client.get("/v1/members").await?;
    let auditors = told.members.into_iter().filter(|one| {
        let named = asked.is_none_or(|asked| one.name.as_str() == asked);
        named && one.standing == "admitted" && one.roles.contains(&Role::Auditor)
    });
    let mut auditors: Vec<Name> = auditors.map(|one| one.name).collect();
    match (auditors.pop(), auditors.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => {
            Err(Failure::new("which_auditor", "the consortium has several auditors", "name one with --auditor"))
        }
        (None, _) => {
            let message = format!("the consortium has no auditor {}", asked.unwrap_or("at all"));
            Err(Failure::new("no_auditor", message, "auditors are listed by `aula query members`"))
        }
    }
}
