//! What a validator adds to the seed of a round.

use borsh::{BorshDeserialize, BorshSerialize};

/// A share of a seed: 32 bytes that nobody else can guess.
#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SeedSecret(pub [u8; 32]);
crate::types::hex_bytes!(SeedSecret, 32);
