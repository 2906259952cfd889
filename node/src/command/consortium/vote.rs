//! `aula consortium vote N yes|no`: a member's one vote on a proposal, and what it decided.

use aula_api::event::{ChangeApplied, ChangeRefused, ChangeVoted};
use aula_ledger::tx::{Choice, VoteChange};
use aula_ledger::types::ProposalId;
use serde_json::json;

use super::Word;
use crate::command::acting::ActingArgs;
use crate::command::{Context, Failure, Outcome};

/// Votes, and says what the vote decided.
///
/// # Errors
/// When the node cannot be reached or refuses.
pub(super) async fn run(
    context: &Context,
    acting: &ActingArgs,
    number: u32,
    word: Word,
) -> Result<Outcome, Failure> {
    let mut acting = acting.acting(context).await?;
    let choice = match word {
        Word::Yes => Choice::Approve,
        Word::No => Choice::Reject,
    };
    let done = acting.send(VoteChange { proposal: ProposalId(number), choice }).await?;
    let (standing, in_force, text) = if let Some(ChangeApplied { in_force }) = done.event() {
        let text = format!("proposal {number} is agreed and in force from height {in_force}");
        ("applied", Some(in_force), text)
    } else if let Some(ChangeRefused {}) = done.event() {
        ("refused", None, format!("proposal {number} is refused: approval is out of reach"))
    } else {
        let voted = done.event::<ChangeVoted>();
        let text = voted.map(|ChangeVoted { approvals, members }| {
            format!("{approvals} of {members} members are for proposal {number}")
        });
        ("open", None, text.unwrap_or_default())
    };
    let fields = json!({
        "proposal": number, "vote": if word == Word::Yes { "yes" } else { "no" }, "standing": standing,
        "in_force": in_force,
    });
    Ok(done.outcome(fields, text))
}
