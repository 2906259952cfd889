//! Members who join and leave: the operator proposes and votes, again until each change is in force.
//!
//! A newcomer's node runs from the beginning. The others hear nothing of it until its peer is admitted; then it fetches the
//! chain from them, and signs from the height at which it is in the set. Who has left follows.

use aula_ledger::types::Height;

use super::{Event, World};
use crate::consortium::validator_address;
use crate::plan::SetChange;

/// How often the operator looks whether a change is in force, and sends again what it takes.
const AGAIN_MS: u64 = 1_000;
/// For how many blocks a proposal may be voted on: more than any run has before everything is healed, but for those of days.
const OPEN: u64 = 100_000;

/// How far the planned changes of members are.
#[derive(Default)]
pub(super) struct Members {
    /// Changes that are in force.
    made: usize,
    /// The operator's proposals for them.
    proposals: u32,
    /// What is sent for the next one.
    sent: Vec<Vec<u8>>,
}

impl World {
    /// The next change that is not in force yet.
    pub(super) fn next_change(&self) -> Option<SetChange> {
        self.plan.membership.as_ref()?.changes.get(self.members.made).cloned()
    }

    pub(super) fn plan_next_change(&mut self) {
        if let Some(change) = self.next_change() {
            let at_us = (change.at_ms * 1_000).max(self.now_us());
            self.later(at_us, Event::Members);
        }
    }

    /// Looks whether the next change is in force, and sends what it takes while it is not.
    pub(super) fn change_members(&mut self) {
        let Some(change) = self.next_change() else { return };
        let is_in = self.checks.validators().contains(&validator_address(change.member));
        if !self.members.sent.is_empty() && is_in == change.joins {
            self.count(if change.joins { "members let in" } else { "members removed" });
            self.members.made += 1;
            self.members.sent.clear();
            return self.plan_next_change();
        }
        if self.members.sent.is_empty() {
            self.propose(&change);
        }
        let sent = self.members.sent.clone();
        self.submit_everywhere(&sent);
        let again_us = self.now_us() + AGAIN_MS * 1_000;
        self.later(again_us, Event::Members);
    }

    fn propose(&mut self, change: &SetChange) {
        let (first, open_until) = (self.members.proposals, Height(self.checks.height() + OPEN));
        let sent = if change.joins {
            self.consortium.lets_in(change.member, first, open_until)
        } else {
            Ok(self.consortium.removes(change.member, first, open_until))
        };
        match sent {
            Ok(sent) => {
                // A proposal and a vote for each.
                self.members.proposals += u32::try_from(sent.len() / 2).unwrap_or(0);
                self.members.sent = sent;
            }
            Err(why) => self.checks.violated("goes on", format!("a member cannot be let in: {why}")),
        }
    }
}
