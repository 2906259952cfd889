//! `aula consortium list`: proposals in words.

use aula_api::chain::Validators;
use aula_api::paths;
use aula_api::registers::{ProposalLine, Proposals};
use serde_json::{Value, json};

use crate::command::rpc::RpcArgs;
use crate::command::{Context, Failure, Outcome};

/// Lists them, oldest first, and the evidence against validators.
///
/// # Errors
/// When the node cannot be reached.
pub(super) async fn run(context: &Context, rpc: &RpcArgs, open: bool) -> Result<Outcome, Failure> {
    let client = rpc.client(context)?;
    let mut known: Proposals = client.get(paths::PROPOSALS).await?;
    known.proposals.retain(|one| !open || one.standing == "open");
    let text = |one: &ProposalLine| {
        let standing = match (one.standing.as_str(), one.needed) {
            ("open", Some(needed)) => format!("{needed} needed, open until height {}", one.record.open_until),
            (other, _) => other.to_owned(),
        };
        format!(
            "{:>4}  {}\n      {} for, {} against; {standing}; proposed by {}",
            one.record.proposal.0, one.what, one.approvals, one.against, one.proposer_name
        )
    };
    let validators: Validators = client.get(paths::VALIDATORS).await?;
    let mut lines: Vec<String> = known.proposals.iter().map(text).collect();
    if lines.is_empty() {
        lines.push("nothing was proposed".to_owned());
    }
    for one in &validators.misbehaviour {
        lines.push(format!("on record against validator {}: {}", one.validator, one.words()));
    }
    let line = |one: &ProposalLine| {
        json!({
            "number": one.record.proposal, "what": one.what, "for": one.approvals, "against": one.against,
            "needed": one.needed, "standing": one.standing, "closes_at": one.record.open_until,
            "proposed_by": one.proposer_name, "voters": one.voters, "change": one.record.change,
        })
    };
    let proposals: Vec<Value> = known.proposals.iter().map(line).collect();
    let answer =
        json!({ "height": known.height, "proposals": proposals, "misbehaviour": validators.misbehaviour });
    Ok(Outcome::yes(answer, lines.join("\n")))
}
