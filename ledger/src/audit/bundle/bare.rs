//! The way from the genesis as bundles of version 7 hold it: every header is of protocol 1, and none says so.

use std::io::{Read, Result, Write};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{ChainEvidence, Link, MAX_LINKS, SignedHeader};
use crate::chain::{CommitCertificate, Header, ValidatorSet};
use crate::protocol::Protocol;

impl SignedHeader {
    fn write_bare(&self, to: &mut impl Write) -> Result<()> {
        self.header.write_fields(to)?;
        self.certificate.serialize(to)
    }

    fn read_bare(from: &mut impl Read) -> Result<Self> {
        let header = Header::read_fields(Protocol::FIRST, from)?;
        Ok(Self { header, certificate: CommitCertificate::deserialize_reader(from)? })
    }
}

impl ChainEvidence {
    pub(super) fn write_bare(&self, to: &mut impl Write) -> Result<()> {
        u32::try_from(self.links.len()).map_err(std::io::Error::other)?.serialize(to)?;
        for link in &self.links {
            link.block.write_bare(to)?;
            link.new_set.serialize(to)?;
        }
        self.head.write_bare(to)
    }

    pub(super) fn read_bare(from: &mut impl Read) -> Result<Self> {
        let count = usize::try_from(u32::deserialize_reader(from)?).unwrap_or(usize::MAX);
        if count > MAX_LINKS {
            return Err(std::io::Error::other("more links than the limit"));
        }
        let mut link = || {
            let block = SignedHeader::read_bare(from)?;
            Ok(Link { block, new_set: Option::<ValidatorSet>::deserialize_reader(from)? })
        };
        let links = (0..count).map(|_| link()).collect::<Result<_>>()?;
        Ok(Self { links, head: SignedHeader::read_bare(from)? })
    }
}
