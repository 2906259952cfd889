//! CommitSeed: a validator's node commits to its share of a round's seed, before anyone knows the others'.

use borsh::{BorshDeserialize, BorshSerialize};
use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;

use crate::code::Code;
use crate::keys::{Label, hash};
use crate::state::schema::{self, Round, RoundStatus, SeedShare};
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::tx::{Event, SeedSecret};
use crate::types::{AccountId, Hash, RoundId};

/// A node's share: HMAC-SHA256(its seed secret, genesis hash ‖ round ‖ attempt), both numbers in four bytes, little endian.
/// It follows from what the node keeps anyway, so that no crash loses it.
pub fn seed_share(secret: &[u8; 32], genesis: &Hash, round: RoundId, attempt: u32) -> SeedSecret {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return SeedSecret([0; 32]) };
    mac.update(&genesis.0);
    mac.update(&round.0.to_le_bytes());
    mac.update(&attempt.to_le_bytes());
    SeedSecret(mac.finalize().into_bytes().into())
}

/// The commitment to a share: bound to round, attempt and account, so that nobody can copy another's.
pub fn seed_commitment(round: RoundId, attempt: u32, account: &AccountId, share: &SeedSecret) -> Hash {
    let (round, attempt) = (round.0.to_le_bytes(), attempt.to_le_bytes());
    hash(Label::SeedCommitment, &[&round, &attempt, &account.0, &share.0])
}

/// A commitment; one an account and attempt.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitSeed {
    /// The round of the seed; its window takes commitments.
    pub round: RoundId,
    /// Which attempt at its seed, from 1.
    pub attempt: u32,
    /// What [`seed_commitment`] gives for the sender, the round and the attempt.
    pub commitment: Hash,
}

impl Handler for CommitSeed {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let (round, account) = (open_round(context, self.round)?, context.sender.account);
        ensure(round.takes_commitments(), Code::RequestsClosed)?;
        ensure(self.attempt == round.attempt, Code::OtherAttempt)?;
        let power = schema::seed_power(context.overlay, self.round)?;
        ensure(power.is_some_and(|power| power.has(&account)), Code::NoSharer)?;
        let key = schema::seed_key(self.round, self.attempt, &account);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with another program: python3, hmac.new(bytes(range(32)), bytes([7]) * 32 + (3).to_bytes(4, "little") +
    /// (2).to_bytes(4, "little"), "sha256").
    #[test]
    fn a_share_is_the_hmac_that_others_compute() {
        let secret: [u8; 32] = std::array::from_fn(|at| at as u8);
        let share = seed_share(&secret, &Hash([7; 32]), RoundId(3), 2);
        assert_eq!(hex::encode(share.0), "48125c5a7a3e34120c7f0153d6c56d7eb3b5c7bcb5ceda1079672cc77e4e4704");
        assert_ne!(share, seed_share(&secret, &Hash([7; 32]), RoundId(3), 1));
        assert_ne!(share, seed_share(&secret, &Hash([7; 32]), RoundId(2), 2));
        assert_ne!(share, seed_share(&secret, &Hash([8; 32]), RoundId(3), 2));
    }
}
