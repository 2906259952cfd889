//! Canonical bytes: one value, one encoding.
//!
//! Layout: one version byte, then the borsh encoding (little endian, lengths as `u32`) of the value.
//! Nothing may follow. A decoder accepts exactly the bytes that the encoder writes, which is what makes
//! hashes of encodings meaningful; [`Canonical::from_canonical`] therefore encodes again and compares.

pub(crate) mod byte_word;
pub(crate) mod objects;

use borsh::{BorshDeserialize, BorshSerialize};

/// Why bytes are not the canonical encoding of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The first byte is missing or is not a version this program knows.
    #[error("unknown version {found:?} of {what}; this program reads version {expected}")]
    Version {
        /// The type that was expected.
        what: &'static str,
        /// The version this program reads.
        expected: u8,
        /// The version byte found, if there was one.
        found: Option<u8>,
    },
    /// Truncated, too long, or a field out of its range.
    #[error("malformed bytes of {what}")]
    Malformed {
        /// The type that was expected.
        what: &'static str,
    },
    /// More bytes than the limit of the type.
    #[error("{what} of {found} bytes is over its limit of {limit} bytes")]
    TooLarge {
        /// The type that was expected.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
        /// The bytes found.
        found: u64,
    },
}

/// A type with one canonical, versioned encoding.
pub trait Canonical: BorshSerialize + BorshDeserialize {
    /// The version byte in front of the encoding. Changing it is a decision someone writes down.
    const VERSION: u8;
    /// What the type is called in errors.
    const WHAT: &'static str;
    /// The most bytes a decoder looks at.
    const MAX_BYTES: u64;

    /// The canonical bytes: version byte, then borsh.
    fn to_canonical(&self) -> Vec<u8> {
        let mut bytes = vec![Self::VERSION];
        // Writing into a Vec fails only for a collection of more than u32::MAX entries, which no type admits.
        if self.serialize(&mut bytes).is_err() {
            bytes.clear();
        }
        bytes
    }

    /// The canonical bytes of what is to be read again: at most [`Self::MAX_BYTES`] of them.
    ///
    /// # Errors
    /// [`CodecError::TooLarge`]: no decoder would take them. [`CodecError::Malformed`] when there is no encoding.
    fn to_stored(&self) -> Result<Vec<u8>, CodecError> {
        let bytes = self.to_canonical();
        let found = bytes.len() as u64;
        if found > Self::MAX_BYTES {
            return Err(CodecError::TooLarge { what: Self::WHAT, limit: Self::MAX_BYTES, found });
        }
        if bytes.is_empty() { Err(CodecError::Malformed { what: Self::WHAT }) } else { Ok(bytes) }
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// [`CodecError`] when the version is unknown, the bytes are malformed, too many, or not canonical.
    fn from_canonical(bytes: &[u8]) -> Result<Self, CodecError> {
        let what = Self::WHAT;
        let found = bytes.len() as u64;
        if found > Self::MAX_BYTES {
            return Err(CodecError::TooLarge { what, limit: Self::MAX_BYTES, found });
        }
        let Some((version, body)) = bytes.split_first() else {
            return Err(CodecError::Version { what, expected: Self::VERSION, found: None });
        };
        if *version != Self::VERSION {
            return Err(CodecError::Version { what, expected: Self::VERSION, found: Some(*version) });
        }
        let value = Self::try_from_slice(body).map_err(|_| CodecError::Malformed { what })?;
        if value.to_canonical() != bytes {
            return Err(CodecError::Malformed { what });
        }
        Ok(value)
    }
}

/// Reads a list of at most `MAX` entries; fails before it allocates for more.
pub(crate) fn at_most<const MAX: usize, T: BorshDeserialize, R: std::io::Read>(
    reader: &mut R,
) -> std::io::Result<Vec<T>> {
    let count = u32::deserialize_reader(reader)?;
    let count = usize::try_from(count).ok().filter(|count| *count <= MAX);
    let count = count.ok_or_else(|| std::io::Error::other("more entries than the limit"))?;
    (0..count).map(|_| T::deserialize_reader(reader)).collect()
}
