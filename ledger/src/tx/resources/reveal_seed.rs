//! RevealSeed: a member reveals the share it committed to, after requests are closed. A share not revealed is
//! named in the round's record and left out.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use super::SeedSecret;
use super::commit_seed::{open_round, seed_commitment};
use crate::chain::Code;
use crate::state::schema::{self, SeedShare};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::types::RoundId;

/// A revealed share.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let round = open_round(context, self.round)?;
        let height = context.facts.height;
        ensure(round.requests_until < height && height <= round.reveals_until, Code::NotRevealTime)?;
        let account = context.sender.account;
        let key = schema::seed_key(self.round, &account);
        let share: Option<SeedShare> = schema::read(context.overlay, &key)?;
        let mut share = share.ok_or(Code::NoCommitment)?;
        ensure(share.secret.is_none(), Code::AlreadyRevealed)?;
        let opens = seed_commitment(self.round, &account, &self.secret) == share.commitment;
        ensure(opens, Code::WrongReveal)?;
        share.secret = Some(self.secret);
        schema::write(context.overlay, key, &share);
        Ok(vec![Event::SeedRevealed { round: self.round }])
    }
}
