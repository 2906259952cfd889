//! `aula vault disclose`: the events of a student whom a round's seed drew, for the auditor.
//!
//! The read is the access check's as any other: listed in the log, refused without consent. The draw is computed again
//! from the round's rows, so that nobody is disclosed who was not drawn.

use std::path::PathBuf;

use aula_ledger::audit::Bundle;
use aula_ledger::codec::Canonical;
use clap::Args;
use serde_json::json;

use super::super::evidence::disclose::Own;
use super::super::evidence::drawn;
use super::super::rpc::RpcArgs;
use super::super::twin::disclosure::Disclosure;
use super::super::{Advise, Context, Failure, Outcome, absolute};
use super::{Place, handle};
use crate::client::sender::Sender;
use crate::demo::twins;
use crate::whole_file::{self, Access};

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
    /// A file with the reader's credential, or - for standard input [default: the district's own key, as a counselor]
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
    let own = Own { context, place, reader: args.credential.as_deref() };
    let provable = match own.state(handle, &["events"]) {
        Ok(provable) => provable,
        Err(undisclosed) => return undisclosed.outcome(),
    };
    let disclosure = Disclosure::of(&provable.secret, provable.version, &twins::params(), &provable.events)?;
    let path = absolute(&args.out)?;
    let written = whole_file::create(&path, Access::Private, &serde_json::to_vec(&disclosure)?);
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
