//! Headers and blocks. The header commits to everything else; its labelled hash is the block's name.

use std::io::{Error, Read, Result, Write};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::codec::{Canonical, CodecError};
use crate::keys::{Label, hash};
use crate::proof::TreeHead;
use crate::protocol::Protocol;
use crate::types::{Hash, Height, TimeMs, ValidatorAddress};

/// What the validators sign, by its hash.
///
/// Its bytes begin with their version wherever they stand: 2 is a header of protocol 1, whose number is not among its
/// fields; 3 has the protocol before them. Only [`Block`]s and bundles that hold nothing but protocol 1 leave it out, as all
/// did before there was another (`Header::write_fields`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// By which rules the block was executed.
    #[serde(default)]
    pub protocol: Protocol,
    /// Which chain: SHA-256 of its genesis file.
    pub genesis: Hash,
    /// This block's height; the genesis has no block, the first is 1.
    pub height: Height,
    /// Block time in milliseconds since 1970 UTC: more than the parent's.
    pub time_ms: TimeMs,
    /// The parent's block hash; for height 1 the SHA-256 of the genesis file.
    pub parent: Hash,
    /// Who built the block first. A locked block keeps its first proposer when proposed again.
    pub proposer: ValidatorAddress,
    /// Over the transactions' bytes, in order.
    pub transactions: TreeHead,
    /// Over the receipts' canonical bytes, in the transactions' order.
    pub receipts: TreeHead,
    /// Over the student-state leaves anchored in this block, in order of execution.
    pub students: TreeHead,
    /// Root of the authenticated map after this block.
    pub state_root: Hash,
    /// Hash of the validator set that decides this block.
    pub validators_hash: Hash,
    /// Hash of the validator set that decides the next block.
    pub next_validators_hash: Hash,
}

impl Header {
    /// The block's hash: the labelled SHA-256 of the header's canonical bytes.
    pub fn hash(&self) -> Hash {
        hash(Label::BlockHeader, &[&self.to_canonical()])
    }
}

/// The version of a header's bytes that stands for protocol 1.
const OF_FIRST: u8 = 2;
/// The one that names its protocol, which is never 1.
const OF_LATER: u8 = 3;

/// Applies a macro to the fields after the protocol, in their order.
macro_rules! fields {
    ($then:ident) => {
        $then!(
            genesis,
            height,
            time_ms,
            parent,
            proposer,
            transactions,
            receipts,
            students,
            state_root,
            validators_hash,
            next_validators_hash
        )
    };
}

impl Header {
    /// The fields after the protocol.
    ///
    /// # Errors
    /// Those of the writer.
    pub(crate) fn write_fields(&self, to: &mut impl Write) -> Result<()> {
        macro_rules! write_each {
            ($($field:ident),*) => { $(BorshSerialize::serialize(&self.$field, to)?;)* };
        }
        fields!(write_each);
        Ok(())
    }

    /// The inverse of [`Self::write_fields`].
    ///
    /// # Errors
    /// When the bytes end early.
    pub(crate) fn read_fields(protocol: Protocol, from: &mut impl Read) -> Result<Self> {
        macro_rules! read_each {
            ($($field:ident),*) => { Self { protocol, $($field: BorshDeserialize::deserialize_reader(from)?),* } };
        }
        Ok(fields!(read_each))
    }
}

impl BorshSerialize for Header {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        match self.protocol {
            Protocol::FIRST => BorshSerialize::serialize(&OF_FIRST, writer)?,
            later => BorshSerialize::serialize(&(OF_LATER, later), writer)?,
        }
        self.write_fields(writer)
    }
}

impl BorshDeserialize for Header {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let protocol = match u8::deserialize_reader(reader)? {
            OF_FIRST => Protocol::FIRST,
            OF_LATER => Protocol::deserialize_reader(reader)?,
            _ => return Err(Error::other("unknown version of a header")),
        };
        Self::read_fields(protocol, reader)
    }
}

/// Its borsh has the version byte.
impl Canonical for Header {
    const VERSION: u8 = OF_LATER;
    const WHAT: &'static str = "block header";
    const MAX_BYTES: u64 = 1024;

    fn to_canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing into a Vec does not fail, and no field has a length.
        let _ = BorshSerialize::serialize(self, &mut bytes);
        bytes
    }

    fn from_canonical(bytes: &[u8]) -> std::result::Result<Self, CodecError> {
        let (what, found) = (Self::WHAT, bytes.len() as u64);
        if found > Self::MAX_BYTES {
            return Err(CodecError::TooLarge { what, limit: Self::MAX_BYTES, found });
        }
        match bytes.first() {
            Some(&(OF_FIRST | OF_LATER)) => {}
            found => {
                return Err(CodecError::Version { what, expected: Self::VERSION, found: found.copied() });
            }
        }
        let header = Self::try_from_slice(bytes).map_err(|_| CodecError::Malformed { what })?;
        // Protocol 1 in the form of the later ones would be a second encoding.
        if header.to_canonical() == bytes { Ok(header) } else { Err(CodecError::Malformed { what }) }
    }
}

/// A header and the bytes of its transactions, in order.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Block {
    /// Signed by hash; it commits to the transactions by their root.
    pub header: Header,
    /// Each transaction's canonical bytes.
    pub transactions: Vec<Vec<u8>>,
}

/// A block of protocol 1 has the bytes that it always had: version 1, the header's fields alone.
impl Canonical for Block {
    const VERSION: u8 = 2;
    const WHAT: &'static str = "block";
    const MAX_BYTES: u64 = 8 * 1024 * 1024;

    fn to_canonical(&self) -> Vec<u8> {
        let first = self.header.protocol == Protocol::FIRST;
        let mut bytes = vec![if first { Self::OF_FIRST } else { Self::VERSION }];
        let header = match first {
            true => self.header.write_fields(&mut bytes),
            false => BorshSerialize::serialize(&self.header, &mut bytes),
        };
        // Writing into a Vec fails only for more than u32::MAX transactions, which no block holds.
        match header.and_then(|()| BorshSerialize::serialize(&self.transactions, &mut bytes)) {
            Ok(()) => bytes,
            Err(_) => Vec::new(),
        }
    }

    fn from_canonical(bytes: &[u8]) -> std::result::Result<Self, CodecError> {
        let (what, found) = (Self::WHAT, bytes.len() as u64);
        if found > Self::MAX_BYTES {
            return Err(CodecError::TooLarge { what, limit: Self::MAX_BYTES, found });
        }
        let (first, mut rest) = match bytes.split_first() {
            Some((&Self::OF_FIRST, rest)) => (true, rest),
            Some((&Self::VERSION, rest)) => (false, rest),
            found => {
                let found = found.map(|(version, _)| *version);
                return Err(CodecError::Version { what, expected: Self::VERSION, found });
            }
        };
        let header = match first {
            true => Header::read_fields(Protocol::FIRST, &mut rest),
            false => Header::deserialize_reader(&mut rest),
        };
        let block = header.and_then(|header| {
            let transactions = Vec::try_from_slice(rest)?;
            Ok(Self { header, transactions })
        });
        let block = block.map_err(|_| CodecError::Malformed { what })?;
        if block.to_canonical() == bytes { Ok(block) } else { Err(CodecError::Malformed { what }) }
    }
}

impl Block {
    /// The version of the bytes of a block of protocol 1.
    const OF_FIRST: u8 = 1;
}
