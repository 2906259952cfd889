//! VoteChange: one vote a member. The vote that makes it more than two thirds applies the change.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::roles::Role;
use crate::state::schema::{self, Moment, Proposal, ProposalStatus, Standing};
use crate::state::{Overlay, StoreError};
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::tx::{Choice, Event};
use crate::types::ProposalId;

/// A member's vote; it cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoteChange {
    /// On which change.
    pub proposal: ProposalId,
    /// For or against.
    pub choice: Choice,
}

impl Handler for VoteChange {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let height = context.facts.height;
        let found = schema::proposal(context.overlay, self.proposal)?;
        let mut proposal = found.ok_or(Code::UnknownProposal)?;
        let open = proposal.status == ProposalStatus::Open && height <= proposal.open_until;
        ensure(open, Code::ProposalClosed)?;
        let voter = context.sender.account;
        match proposal.votes.binary_search_by_key(&voter, |vote| vote.0) {
            Ok(_) => return Err(Code::AlreadyVoted.into()),
            Err(at) => proposal.votes.insert(at, (voter, self.choice)),
        }
        let tally = Tally::of(context.overlay, &proposal)?;
        let mut events = Vec::new();
        let event = match tally.outcome() {
            Outcome::Approved => {
                let at = Moment { height, time_ms: context.facts.time_ms };
                let in_force = proposal.change.apply(context.overlay, at, self.proposal, &mut events)?;
                proposal.status = ProposalStatus::Applied { height };
                Event::ChangeApplied { proposal: self.proposal, in_force }
            }
            Outcome::OutOfReach => {
                proposal.status = ProposalStatus::Refused { height };
                Event::ChangeRefused { proposal: self.proposal }
            }
            Outcome::Undecided => Event::ChangeVoted {
                proposal: self.proposal,
                approvals: tally.approvals,
                members: tally.members,
            },
        };
        schema::write(context.overlay, schema::proposal_key(self.proposal), &proposal);
        events.insert(0, event);
        Ok(events)
    }
}

/// The votes of those who are members now: whoever was removed since no longer counts.
struct Tally {
    approvals: u32,
    rejections: u32,
    members: u32,
}

/// What a tally decides.
enum Outcome {
    Approved,
    OutOfReach,
    Undecided,
}

impl Tally {
    fn of(overlay: &Overlay<'_>, proposal: &Proposal) -> Result<Self, StoreError> {
        let members = schema::counters(overlay)?.consortium_members;
        let mut tally = Self { approvals: 0, rejections: 0, members };
        for (voter, choice) in &proposal.votes {
            let member = schema::member(overlay, voter)?;
            if !member.is_some_and(|m| m.standing == Standing::Admitted && m.roles.has(Role::Consortium)) {
                continue;
            }
            let count = match choice {
                Choice::Approve => &mut tally.approvals,
                Choice::Reject => &mut tally.rejections,
            };
            *count = count.saturating_add(1);
        }
        Ok(tally)
    }

    /// Approved by more than two thirds, or rejected by so many that this is out of reach.
    fn outcome(&self) -> Outcome {
        let (approvals, rejections) = (u64::from(self.approvals), u64::from(self.rejections));
        let members = u64::from(self.members);
        if approvals * 3 > members * 2 {
            Outcome::Approved
        } else if rejections * 3 >= members {
            Outcome::OutOfReach
        } else {
            Outcome::Undecided
        }
    }
}
