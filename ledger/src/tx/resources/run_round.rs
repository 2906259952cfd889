//! RunRound: any member starts the optimizer once reveals are closed. Every validator runs it.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::chain::Code;
use crate::tx::handler::Handler;
use crate::types::RoundId;

/// Which round to run.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RunRound {
    /// The round.
    pub round: RoundId,
}

impl Handler for RunRound {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }
}
