//! CommitSeed: a member commits to a share of a round's seed, before anyone knows the others'.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::chain::Code;
use crate::keys::{Label, hash};
use crate::state::schema::{self, Round, RoundStatus, SeedShare};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::types::{AccountId, Hash, RoundId};

/// A member's secret share of a seed: 32 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SeedSecret(pub [u8; 32]);
crate::types::hex_bytes!(SeedSecret, 32);

/// The commitment to a share: bound to round and account, so that nobody can copy another's.
pub fn seed_commitment(round: RoundId, account: &AccountId, secret: &SeedSecret) -> Hash {
    hash(Label::SeedCommitment, &[&round.0.to_le_bytes(), &account.0, &secret.0])
}

/// A commitment; one a member and round.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitSeed {
    /// Which round.
    pub round: RoundId,
    /// See [`seed_commitment`].
    pub commitment: Hash,
}

impl Handler for CommitSeed {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let round = open_round(context, self.round)?;
        ensure(context.facts.height <= round.requests_until, Code::RequestsClosed)?;
        let account = context.sender.account;
        let key = schema::seed_key(self.round, &account);
        ensure(context.overlay.get(&key)?.is_none(), Code::AlreadyCommitted)?;
        let share = SeedShare { account, commitment: self.commitment, secret: None };
        schema::write(context.overlay, key, &share);
        Ok(vec![Event::SeedCommitted { round: self.round }])
    }
}

/// A round that is not decided or given up.
///
/// # Errors
/// [`Code::UnknownRound`] or [`Code::RoundClosed`].
pub(super) fn open_round(context: &Context<'_, '_>, id: RoundId) -> Result<Round, Refusal> {
    let round = schema::round(context.overlay, id)?.ok_or(Code::UnknownRound)?;
    ensure(round.status == RoundStatus::Open, Code::RoundClosed)?;
    Ok(round)
}
