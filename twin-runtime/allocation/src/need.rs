//! What an input of a need may be: the one word that the voted rule and the twins that follow it share.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// What an input may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum InputKind {
    /// 0 or 1.
    Flag = 0,
    /// A position on a scale, 0..=255.
    Position = 1,
}

impl InputKind {
    /// The greatest value.
    #[must_use]
    pub const fn greatest(self) -> u8 {
        match self {
            Self::Flag => 1,
            Self::Position => u8::MAX,
        }
    }
}
