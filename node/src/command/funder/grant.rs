//! `aula funder grant`: how much of a budget a class's steward may charge.

use aula_api::event::BudgetGranted;
use aula_ledger::tx::GrantBudget;
use aula_ledger::types::{Cents, ClassId};
use clap::Args;
use serde_json::json;

use crate::command::acting::Acting;
use crate::command::{Failure, Outcome};

/// What a class's steward may charge.
#[derive(Debug, Args)]
pub struct GrantArgs {
    /// The number of the class whose pools are charged
    #[arg(long, value_name = "N")]
    pub class: u16,
    /// The whole of what may be charged, in cents; less than before takes back what is not spent
    #[arg(long, value_name = "CENTS")]
    pub cents: u64,
    /// Who may charge it, by the member's name or account [default: the class's steward]
    #[arg(long, value_name = "MEMBER")]
    pub steward: Option<String>,
}

/// Grants it.
///
/// # Errors
/// When there is no such class or the node refuses.
pub(super) async fn run(mut acting: Acting, args: &GrantArgs) -> Result<Outcome, Failure> {
    let steward = match &args.steward {
        Some(member) => acting.member(member).await?,
        None => acting.class(args.class, "see them with `aula query classes`").await?.steward,
    };
    let grant = GrantBudget { class: ClassId(args.class), steward, granted_cents: Cents(args.cents) };
    let done = acting.send(grant).await?;
    done.told_by(|BudgetGranted { granted_cents, spent_cents }| {
        let text = format!(
            "the steward of class {} may charge {granted_cents} cents in all, {spent_cents} are spent",
            args.class
        );
        let fields = json!({
            "class": args.class, "steward": steward, "granted_cents": granted_cents, "spent_cents": spent_cents,
        });
        (fields, text)
    })
}
