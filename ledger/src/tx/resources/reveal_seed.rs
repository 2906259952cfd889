//! RevealSeed: a validator's node reveals the share it committed to, after requests are closed. A share not revealed is
//! named in what is drawn and left out.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use super::commit_seed::{open_round, seed_commitment};
use crate::code::Code;
use crate::state::schema::{self, SeedShare, Window};
use crate::tx::Event;
use crate::tx::SeedSecret;
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::types::RoundId;

/// A revealed share.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealSeed {
    /// The round of the seed; its reveals are open.
    pub round: RoundId,
    /// Which attempt at its seed, from 1.
    pub attempt: u32,
    /// The share that was committed to: 32 bytes.
    pub secret: SeedSecret,
}

impl Handler for RevealSeed {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let round = open_round(context, self.round)?;
        ensure(round.window == Window::Reveals, Code::NotRevealTime)?;
        ensure(self.attempt == round.attempt, Code::OtherAttempt)?;
        let account = context.sender.account;
        let key = schema::seed_key(self.round, self.attempt, &account);
        let share: Option<SeedShare> = schema::read(context.overlay, &key)?;
        let mut share = share.ok_or(Code::NoCommitment)?;
        ensure(share.secret.is_none(), Code::AlreadyRevealed)?;
        let opens = seed_commitment(self.round, self.attempt, &account, &self.secret) == share.commitment;
        ensure(opens, Code::WrongReveal)?;
        share.secret = Some(self.secret);
        schema::write(context.overlay, key, &share);
        Ok(vec![Event::SeedRevealed { round: self.round }])
    }
}
