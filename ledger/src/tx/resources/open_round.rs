//! OpenRound: at height H with v validators, commits and requests may come through H + 2v, reveals through
//! H + 4v, so that every validator has proposed in each window. The sender may lengthen both: at a block a
//! second 2v is seconds, and districts work in days.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::chain::Code;
use crate::params::MAX_EXTRA_HEIGHTS;
use crate::tx::handler::{Handler, require};
use crate::types::ClassId;

/// A round of a class.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OpenRound {
    /// Which class; no other round of it is open.
    pub class: ClassId,
    /// Heights added to the window for commits and requests.
    pub extra_request_heights: u32,
    /// Heights added to the window for reveals.
    pub extra_reveal_heights: u32,
}

impl Handler for OpenRound {
    fn check(&self) -> Result<(), Code> {
        require(
            self.extra_request_heights <= MAX_EXTRA_HEIGHTS && self.extra_reveal_heights <= MAX_EXTRA_HEIGHTS,
        )
    }
}
