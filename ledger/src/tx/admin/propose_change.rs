//! ProposeChange: a member puts a change to the vote. Proposing is not voting.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Change;
use crate::chain::Code;
use crate::tx::handler::Handler;
use crate::types::Height;

/// A change and until when it may be voted on.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
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
}
