//! VoteChange: one vote a member. The vote that makes it more than two thirds applies the change.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use crate::chain::Code;
use crate::tx::handler::Handler;
use crate::types::ProposalId;

/// For or against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Choice {
    /// For the change.
    Approve = 1,
    /// Against it.
    Reject = 2,
}

/// A member's vote; it cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
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
}
