//! ProposeChange: a member puts a change to the vote. Proposing is not voting.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::params::MAX_PROPOSAL_HEIGHTS;
use crate::state::schema::{self, Proposal, ProposalStatus};
use crate::tx::Change;
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::types::Height;
use crate::types::ProposalId;

/// A change and until when it may be voted on.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposeChange {
    /// What would change.
    pub change: Change,
    /// The last height for votes; at most [`crate::params::MAX_PROPOSAL_HEIGHTS`] ahead.
    pub open_until: Height,
}

impl Handler for ProposeChange {
    fn check(&self) -> Result<(), Code> {
        self.change.check()
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let now = context.facts.height;
        let ahead = self.open_until.0.checked_sub(now.0);
        ensure(ahead.is_some_and(|n| (1..=MAX_PROPOSAL_HEIGHTS).contains(&n)), Code::VotingPeriod)?;
        // What cannot be applied today is refused today, before anybody votes on it.
        self.change.validate(context.overlay, now)?;
        self.change.check_possession(&context.facts.genesis)?;
        let mut counters = schema::counters(context.overlay)?;
        let id = ProposalId(counters.next_proposal);
        counters.next_proposal = counters.next_proposal.saturating_add(1);
        schema::write(context.overlay, schema::counters_key(), &counters);
        let proposal = Proposal {
            proposal: id,
            proposer: context.sender.account,
            change: self.change.clone(),
            proposed: now,
            open_until: self.open_until,
            votes: Vec::new(),
            status: ProposalStatus::Open,
        };
        schema::write(context.overlay, schema::proposal_key(id), &proposal);
        Ok(vec![Event::ChangeProposed { proposal: id }])
    }
}
