//! RevealSeed: a member reveals the share it committed to, after requests are closed. A share not revealed is
//! named in the round's record and left out.

use borsh::{BorshDeserialize, BorshSerialize};

use super::SeedSecret;
use crate::chain::Code;
use crate::tx::handler::Handler;
use crate::types::RoundId;

/// A revealed share.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RevealSeed {
    /// Which round.
    pub round: RoundId,
    /// The share.
    pub secret: SeedSecret,
}

impl Handler for RevealSeed {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }
}
