//! Transactions: one file each, with payload, rules, effect and tests.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::chain::Code;

/// What a transaction does. The number in front of each is part of the bytes and is never reused.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[non_exhaustive]
pub enum Payload {
    /// Does nothing but consume a sequence number; measures and tests the path.
    Nothing = 0,
}

impl Payload {
    /// Rules that need no state.
    ///
    /// # Errors
    /// The code the submitter is told.
    pub fn check(&self) -> Result<(), Code> {
        Ok(())
    }
}

/// What an accepted transaction did; stands in its receipt.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[non_exhaustive]
pub enum Event {
    /// Reserved.
    Nothing = 0,
}
