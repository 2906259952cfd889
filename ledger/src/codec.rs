//! Canonical bytes: one value, one encoding.
//!
//! Layout: one version byte, then the borsh encoding (little endian, lengths as `u32`) of the value.
//! Nothing may follow. A decoder accepts exactly the bytes that the encoder writes, which is what makes
//! hashes of encodings meaningful; [`Canonical::from_canonical`] therefore encodes again and compares, byte for byte as
//! they come, without a copy.

pub(crate) mod byte_word;
pub(crate) mod objects;

use std::io::{self, ErrorKind, Write};

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
        // Measured first: a block encodes thousands of rows, and each would grow four or five times.
        let mut bytes = Vec::with_capacity(borsh::object_length(self).unwrap_or(0).saturating_add(1));
        bytes.push(Self::VERSION);
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
        let mut expected = Expected(body);
        match value.serialize(&mut expected) {
            Ok(()) if expected.0.is_empty() => Ok(value),
            _ => Err(CodecError::Malformed { what }),
        }
    }
}

/// Takes these bytes in their order, and no others.
struct Expected<'a>(&'a [u8]);

impl Write for Expected<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a list of at most `MAX` entries; fails before it allocates for more.
pub(crate) fn at_most<const MAX: usize, T: BorshDeserialize, R: io::Read>(
    reader: &mut R,
) -> io::Result<Vec<T>> {
    let count = u32::deserialize_reader(reader)?;
    let count = usize::try_from(count).ok().filter(|count| *count <= MAX);
    let count = count.ok_or_else(|| io::Error::other("more entries than the limit"))?;
    (0..count).map(|_| T::deserialize_reader(reader)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number whose bytes can be spelled in more than one way.
    #[derive(Debug, PartialEq)]
    struct Loose(u8);

    impl BorshSerialize for Loose {
        fn serialize<W: Write>(&self, writer: &mut W) -> io::Result<()> {
            writer.write_all(&[self.0 & 1, 7])
        }
    }

    impl BorshDeserialize for Loose {
        fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
            let [number, _] = <[u8; 2]>::deserialize_reader(reader)?;
            Ok(Self(number & 1))
        }
    }

    impl Canonical for Loose {
        const VERSION: u8 = 3;
        const WHAT: &'static str = "loose number";
        const MAX_BYTES: u64 = 8;
    }

    #[test]
    fn a_value_is_read_from_the_bytes_that_it_is_written_as_and_from_no_others() {
        let bytes = Loose(1).to_canonical();
        assert_eq!((bytes.as_slice(), bytes.capacity()), (&[3, 1, 7][..], 3));
        assert_eq!(Loose::from_canonical(&bytes), Ok(Loose(1)));
        let malformed = Err(CodecError::Malformed { what: Loose::WHAT });
        // The same value, spelled otherwise at its beginning and its end; a byte short, and one too many.
        for other in [&[3, 3, 7][..], &[3, 1, 8], &[3, 1], &[3, 1, 7, 0]] {
            assert_eq!(Loose::from_canonical(other), malformed, "{other:?}");
        }
    }

    #[test]
    fn bytes_are_taken_in_their_order_and_no_others() {
        let mut expected = Expected(&[1, 2, 3]);
        assert!(expected.write_all(&[1, 2]).is_ok() && expected.0 == [3]);
        assert!(expected.write_all(&[]).is_ok() && expected.write_all(&[3, 4]).is_err());
        assert_eq!(expected.0, [3], "what does not fit takes nothing");
    }
}
