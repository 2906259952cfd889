//! CommitSeed: a member commits to a share of a round's seed, before anyone knows the others'.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::chain::Code;
use crate::keys::{Label, hash};
use crate::tx::handler::Handler;
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
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
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
}
