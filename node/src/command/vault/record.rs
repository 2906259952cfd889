//! What the vault's subcommands put on the ledger: sign, submit, follow until final.

use std::time::Duration;

use aula_client::sender::Sender;
use aula_ledger::code::Code;
use aula_ledger::tx::Payload;
use aula_ledger::types::{Hash, Height};
use clap::Args;

use super::super::rpc::RpcArgs;
use super::super::tx::settle;
use super::super::{Context, Failure, OTHER_VERSION};

/// Which node, and how long to wait.
#[derive(Debug, Clone, Args)]
pub struct LedgerArgs {
    /// The node to ask
    #[command(flatten)]
    pub rpc: RpcArgs,
    /// How long to wait until it is final, in seconds
    #[arg(long, default_value_t = WAIT_S)]
    pub wait_s: u64,
}

impl LedgerArgs {
    /// The same node, waiting as long as usual.
    pub fn of(rpc: &RpcArgs) -> Self {
        Self { rpc: rpc.clone(), wait_s: WAIT_S }
    }
}

/// How long to wait until a transaction is final, in seconds, where nothing else is said.
const WAIT_S: u64 = 60;
/// For how many heights a transaction stays valid: about a quarter of an hour.
const VALID_FOR: u64 = 1_000;

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::command) struct Recorded {
    /// What `aula query transaction` asks for.
    pub id: Hash,
    /// The block that holds it.
    pub height: Height,
    /// Accepted, or why not.
    pub code: Code,
}

impl Recorded {
    /// A rejection as a failure.
    pub fn refusal(&self, what: &str) -> Failure {
        let message =
            format!("the ledger rejected {what}: {} (code {})", self.code.explain(), self.code.number());
        Failure::new("rejected", message, format!("see `aula query transaction {}`", self.id))
    }
}

/// Sends one transaction of the home's account.
///
/// # Errors
/// When the node cannot be reached, refuses it at the door, or it is not final in time.
pub(in crate::command) async fn record(
    context: &Context,
    args: &LedgerArgs,
    payload: impl Into<Payload>,
) -> Result<Recorded, Failure> {
    let client = args.rpc.client(context)?;
    let mut sender = Sender::of_home(&client, &context.home, VALID_FOR).await?;
    let (id, told) = settle(&client, &mut sender, payload, Duration::from_secs(args.wait_s)).await?;
    let code = told.code.and_then(|number| u8::try_from(number).ok()).and_then(Code::from_number);
    let code =
        code.ok_or_else(|| Failure::new("bad_answer", "the node told no known code", OTHER_VERSION))?;
    let Some(height) = told.height else {
        let message = format!("{} (code {})", code.explain(), code.number());
        return Err(Failure::new("rejected", message, "correct what the message says, and run again"));
    };
    Ok(Recorded { id, height: Height(height), code })
}
