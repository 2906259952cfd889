//! `aula query`: what is final, as a node shows it. The JSON is the route's own answer. `aula query why` ([`why`])
//! explains one decision of a round.

use aula_api::paths;
use aula_api::transactions::TransactionStatus;
use aula_ledger::tx::TransactionId;
use aula_ledger::types::AccountId;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;

use super::rpc::RpcArgs;
use super::{Advise, Context, DEFECT, Failure, Outcome};

pub mod why;

/// Arguments of `aula query`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula query blocks --limit 5\n  aula query transaction ID --output json\n  aula query rounds \
                        --rpc http://127.0.0.1:8480\n  aula query round 3\n\nExit 1 when there is no such thing."
)]
pub struct QueryArgs {
    /// The node to ask
    #[command(flatten)]
    pub rpc: RpcArgs,
    /// What to ask for
    #[command(subcommand)]
    pub what: What,
}

/// What to ask for.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Blocks, newest first
    Blocks {
        /// The highest height to show [default: the newest block]
        #[arg(long)]
        from: Option<u64>,
        /// How many blocks, 1 to 100
        #[arg(long, default_value_t = 20)]
        limit: u64,
    },
    /// One block with its transactions' outlines
    Block {
        /// The block's height, from 1
        height: u64,
    },
    /// What became of a transaction
    Transaction {
        /// The transaction's id, 64 hex digits
        id: TransactionId,
    },
    /// An account's key, sequence and member
    Account {
        /// The account, 40 hex digits
        id: AccountId,
    },
    /// All rounds, oldest first, with where each is
    Rounds,
    /// One round: what was fixed, and what was decided
    Round {
        /// The round's number, as `aula query rounds` lists it
        round: u32,
    },
    /// A round's published report, missing reveals, acknowledgements, reversion, use of its pools
    Report {
        /// The round's number
        round: u32,
    },
    /// Pools of places, with their schools, kinds and costs in cents
    Pools {
        /// Only pools of the class of this number
        #[arg(long)]
        class: Option<u16>,
    },
    /// Classes of resources
    Classes,
    /// Budgets by funder and school year, in cents, and whether they are stated
    Budgets,
    /// Districts, with their numbers and names
    Districts,
    /// Schools, with their numbers, districts, types and names
    Schools,
    /// Members, with their accounts and roles; removed ones too
    Members,
    /// Proposed changes, with their votes
    Proposals,
    /// Validators now, next and after
    Validators,
    /// The ledger's parameters in force, and how they changed
    Params,
    /// Why a student got this place, and exactly what another row would have brought
    Why(why::WhyArgs),
}

impl What {
    /// The route that answers; none for a question that takes more than one.
    fn path(&self) -> Option<String> {
        Some(match self {
            Self::Blocks { from: Some(from), limit } => {
                format!("{}?from={from}&limit={limit}", paths::BLOCKS)
            }
            Self::Blocks { from: None, limit } => format!("{}?limit={limit}", paths::BLOCKS),
            Self::Block { height } => paths::block(height),
            Self::Transaction { id } => paths::transaction(id),
            Self::Account { id } => paths::account(id),
            Self::Rounds => paths::ROUNDS.into(),
            Self::Round { round } => paths::round(round),
            Self::Report { round } => paths::round_report(round),
            Self::Pools { class: Some(class) } => format!("{}?class={class}", paths::POOLS),
            Self::Pools { class: None } => paths::POOLS.into(),
            Self::Classes => paths::CLASSES.into(),
            Self::Budgets => paths::BUDGETS.into(),
            Self::Districts => paths::DISTRICTS.into(),
            Self::Schools => paths::SCHOOLS.into(),
            Self::Members => paths::MEMBERS.into(),
            Self::Proposals => paths::PROPOSALS.into(),
            Self::Validators => paths::VALIDATORS.into(),
            Self::Params => paths::PARAMETERS.into(),
            Self::Why(_) => return None,
        })
    }
}

/// Asks and prints.
///
/// # Errors
/// When the node cannot be reached or refuses.
pub async fn run(context: &Context, args: &QueryArgs) -> Result<Outcome, Failure> {
    let path = match &args.what {
        What::Why(question) => return why::run(context, args, question).await,
        what => what.path().unwrap_or_default(),
    };
    let client = args.rpc.client(context)?;
    match client.find::<Value>(&path).await? {
        Some(found) => {
            let text = serde_json::to_string_pretty(&found).hint(DEFECT)?;
            let unknown = matches!(args.what, What::Transaction { .. })
                && TransactionStatus::deserialize(&found).hint(DEFECT)?.is_unknown();
            Ok(if unknown { Outcome::no(found, text) } else { Outcome::yes(found, text) })
        }
        None => {
            Ok(Outcome::no(serde_json::json!({ "found": false }), "there is no such thing on this chain"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Shell {
        #[command(subcommand)]
        what: What,
    }

    #[test]
    fn an_id_is_read_before_a_node_is_asked() -> Result<(), clap::Error> {
        let path = |kind: &str, id: &str| {
            Shell::try_parse_from(["query", kind, id]).map(|shell| shell.what.path().unwrap_or_default())
        };
        let (hash, account) = ("Ab".repeat(32), "0c".repeat(20));
        assert_eq!(path("transaction", &hash)?, format!("/v1/transactions/{}", hash.to_lowercase()));
        assert_eq!(path("account", &account)?, format!("/v1/accounts/{account}"));
        for (kind, id) in [("transaction", "00"), ("account", "zz"), ("account", "../rounds")] {
            let told = path(kind, id).map_err(|error| error.to_string());
            assert!(told.as_ref().is_err_and(|told| told.contains("hex digits")), "{kind} {id}: {told:?}");
        }
        Ok(())
    }
}
