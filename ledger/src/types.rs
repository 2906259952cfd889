//! The ledger's words as types: hashes, names of things, amounts.
//!
//! Each is a newtype, so that a pool is never taken for a school. Bare integers appear only at the wire.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Hex in text and JSON (lower case only), raw bytes in borsh.
macro_rules! hex_bytes {
    ($name:ident, $len:literal) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::types::HexError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let wrong = $crate::types::HexError { expected_bytes: $len };
                let mut bytes = [0u8; $len];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| wrong)?;
                Ok(Self(bytes))
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use hex_bytes;

/// Text that is not the hex of the right number of bytes; digits of either case are read, lower ones written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected_bytes} bytes as {} hex digits", expected_bytes * 2)]
pub struct HexError {
    /// How many bytes the value has.
    pub expected_bytes: usize,
}

/// A SHA-256 hash.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Hash(pub [u8; 32]);
hex_bytes!(Hash, 32);

/// A member's account: first 20 bytes of the labelled hash of its first public key. Keys rotate, this stays.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct AccountId(pub [u8; 20]);
hex_bytes!(AccountId, 20);

/// A validator's address: first 20 bytes of the labelled hash of its public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ValidatorAddress(pub [u8; 20]);
hex_bytes!(ValidatorAddress, 20);

/// A student's pseudonym for one school year: HMAC-SHA-256(the student's random key, school year).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Handle(pub [u8; 32]);
hex_bytes!(Handle, 32);

/// A compressed Ristretto point: a Pedersen commitment, as bytes (aula-zk checks and opens it).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct CommitmentBytes(pub [u8; 32]);
hex_bytes!(CommitmentBytes, 32);

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            BorshSerialize, BorshDeserialize, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $int);
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number! {
    /// A block's height. Genesis is 0, the first block 1.
    Height(u64)
}
number! {
    /// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
    TimeMs(u64)
}
number! {
    /// A district of the consortium, as numbered in the genesis or by the vote that admitted it.
    DistrictId(u16)
}
number! {
    /// A school; nested in one district.
    SchoolId(u32)
}
number! {
    /// A school year, named by the calendar year in which it starts.
    SchoolYear(u16)
}
number! {
    /// A class of resources (devices, aids, ...), each with rounds of its own.
    ClassId(u16)
}
number! {
    /// A kind within a class (reading device, take-home device, ...): its index in the class's list.
    KindId(u8)
}
number! {
    /// A pool: places of one kind at one school, within one class. Ascending ids give the optimizer's order.
    PoolId(u32)
}
number! {
    /// A round: one run of the optimizer over the requests of a class.
    RoundId(u32)
}
number! {
    /// A proposed change that members vote on.
    ProposalId(u32)
}
number! {
    /// Money in cents of the consortium's currency.
    Cents(u64)
}

impl SchoolYear {
    /// The school year of a moment, as far as a rule of all districts can say: one begins with July.
    pub fn at(time: TimeMs) -> Self {
        const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
        // Days from 1 January to 1 July of 1970.
        const TO_JULY: u64 = 181;
        let (mut year, mut days) = (1970u16, (time.0 / DAY_MS).saturating_sub(TO_JULY));
        loop {
            // The February of a school year is the next calendar year's.
            let spring = u32::from(year).saturating_add(1);
            let leap = spring % 4 == 0 && (spring % 100 != 0 || spring % 400 == 0);
            let length = if leap { 366 } else { 365 };
            if days < length || year == u16::MAX {
                return Self(year);
            }
            (year, days) = (year.saturating_add(1), days.saturating_sub(length));
        }
    }
}

impl Height {
    /// The height of the genesis state.
    pub const GENESIS: Self = Self(0);

    /// The next height; saturates at `u64::MAX`, which no chain reaches.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A need band 0..=9; band b holds the needs 256·b ..= 256·b + 255 of the scale 0..=2559.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, Serialize)]
pub struct Band(u8);

impl Band {
    /// The highest band.
    pub const MAX: u8 = 9;

    /// A band, if `value` is at most 9.
    pub const fn new(value: u8) -> Option<Self> {
        if value <= Self::MAX { Some(Self(value)) } else { None }
    }

    /// The number 0..=9.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Band {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = <u8 as Deserialize>::deserialize(d)?;
        Self::new(value).ok_or_else(|| serde::de::Error::custom("a band is 0..=9"))
    }
}

impl BorshDeserialize for Band {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let value = u8::deserialize_reader(reader)?;
        Self::new(value).ok_or_else(|| std::io::Error::other("a band is 0..=9"))
    }
}

/// Longest chain id in bytes: a name of 1 to 40, a dash, and 8 hex digits.
pub const MAX_CHAIN_ID_BYTES: usize = 49;

/// Which chain: the genesis's name, a dash, and the first 8 hex digits of the SHA-256 of the genesis file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ChainId(String);

impl TryFrom<String> for ChainId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text).ok_or("not a chain id")
    }
}

impl ChainId {
    /// A chain id from its text: 1 to 49 bytes of lower-case ASCII letters, digits and dashes.
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= MAX_CHAIN_ID_BYTES;
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (fits && plain).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ChainId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl BorshDeserialize for ChainId {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let text = String::deserialize_reader(reader)?;
        Self::new(&text).ok_or_else(|| std::io::Error::other("not a chain id"))
    }
}
