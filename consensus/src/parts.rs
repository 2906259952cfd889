//! Blocks travel as parts: a signed head, slices of at most 128 KiB, and the stream's end marker.
//!
//! Flow out: [`split`]. Flow in: every part goes through [`Assembly::add`], which collects by (publisher, stream)
//! and hands back a [`Received`] block once the head, all slices and the marker are there. The caller checks the
//! head's signature through the `admit` callback BEFORE anything beyond a few early slices is kept.
//!
//! Invariants against hostile publishers, who are admitted peers ([`inbox`] hears no others): each has at most
//! [`STREAMS_PER_PUBLISHER`] open streams, at most [`STREAMS_PER_HEAD`] of them for one turn of one validator; a stream
//! keeps at most the bytes its head announced (at most [`MAX_BLOCK_BYTES`]), and at most [`EARLY_PARTS`] slices before
//! its head came; all streams together keep at most [`ASSEMBLY_BYTES`], and whoever holds most of them gives way. A
//! stream that breaks a rule is dropped and its name refused from then on while it is remembered.
//!
//! Absent: validity. Whether the bytes are a block, and a good one, is [`crate::proposal`]'s matter.

use std::collections::{BTreeMap, VecDeque};

use arc_malachitebft_core_consensus::PeerId;
use arc_malachitebft_engine::util::streaming::{StreamContent, StreamId, StreamMessage};
use aula_ledger::types::Hash;
use bytes::Bytes;

use crate::context::{Height, ProposalInit, ProposalPart};

pub mod inbox;

/// Bytes of a slice. 128 KiB keeps a 4 MiB block at 32 messages; measured equal or better than 64 and 256 KiB.
pub const PART_BYTES: usize = 128 * 1024;
/// Most bytes of a block on the wire: 4 MiB of transactions, their lengths, and the header.
pub const MAX_BLOCK_BYTES: usize = 4 * 1024 * 1024 + 64 * 1024;
/// Open streams of one publisher: a proposal, the same one streamed again, and one to spare.
pub const STREAMS_PER_PUBLISHER: usize = 3;
/// Open streams of one publisher for one (validator, height, round): one, and the other one of an equivocator.
pub const STREAMS_PER_HEAD: usize = 2;
/// Bytes of all open streams.
pub const ASSEMBLY_BYTES: usize = 48 * 1024 * 1024;
/// Slices kept before the head of their stream has come (parts of one stream may overtake each other).
pub const EARLY_PARTS: usize = 4;
/// Longest name of a stream, in bytes; ours have 20.
const STREAM_ID_BYTES: usize = 32;
/// Finished or refused streams remembered per publisher, so that late parts do not open them again.
const CLOSED_STREAMS: usize = 32;

/// A block whose parts are all there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The stream's signed head.
    pub head: ProposalInit,
    /// Exactly `head.block_bytes` bytes.
    pub block: Vec<u8>,
}

/// What became of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// More is needed.
    Pending,
    /// The block is complete.
    Complete(Box<Received>),
    /// The part, or the whole stream, is refused.
    Refused(Refused),
}

/// Why a stream is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Of no use here and now; no fault of anybody's.
    #[error("{0}")]
    Late(&'static str),
    /// No honest node publishes this.
    #[error("{0}")]
    Junk(&'static str),
}

use Refused::{Junk, Late};

#[derive(Debug, Default)]
struct Stream {
    head: Option<ProposalInit>,
    slices: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
    end: Option<u64>,
}

#[derive(Debug, Default)]
struct Publisher {
    open: BTreeMap<StreamId, Stream>,
    order: VecDeque<StreamId>,
    closed: VecDeque<StreamId>,
}

/// The streams that are being received.
#[derive(Debug, Default)]
pub struct Assembly {
    publishers: BTreeMap<PeerId, Publisher>,
}

impl Assembly {
    /// Adds one part from `publisher`. `admit` sees each head once and says whether its stream may go on.
    pub fn add(
        &mut self,
        publisher: PeerId,
        part: StreamMessage<ProposalPart>,
        admit: impl FnOnce(&ProposalInit) -> Result<(), Refused>,
    ) -> Added {
        let id = part.stream_id;
        if id.to_bytes().len() > STREAM_ID_BYTES {
            return Added::Refused(Junk("a stream's name is too long"));
        }
        let from = self.publishers.entry(publisher).or_default();
        if from.closed.contains(&id) {
            return Added::Pending;
        }
        if !from.open.contains_key(&id) {
            from.open(&id);
        }
        if let StreamContent::Data(ProposalPart::Init(head)) = &part.content
            && let Err(refused) = from.make_way(&id, head)
        {
            from.close(&id);
            return Added::Refused(refused);
        }
        let Some(stream) = from.open.get_mut(&id) else {
            return Added::Refused(Late("no room for another stream"));
        };
        let outcome = match stream.take(part.sequence, part.content, admit) {
            Ok(()) => stream.finish(),
            Err(why) => Added::Refused(why),
        };
        if outcome != Added::Pending {
            from.close(&id);
        }
        self.shrink();
        outcome
    }

    /// Forgets what these peers published; they are no longer heard.
    pub fn retain(&mut self, mut heard: impl FnMut(&PeerId) -> bool) {
        self.publishers.retain(|publisher, _| heard(publisher));
    }

    /// The bytes of all open streams.
    pub fn bytes(&self) -> usize {
        self.publishers.values().map(Publisher::bytes).sum()
    }

    /// Closes the oldest streams of whoever holds most, until the rest is within the bound.
    fn shrink(&mut self) {
        while self.bytes() > ASSEMBLY_BYTES {
            let Some(most) = self.publishers.values_mut().max_by_key(|publisher| publisher.bytes()) else {
                return;
            };
            let Some(oldest) = most.order.front().cloned() else { return };
            most.close(&oldest);
        }
    }

    /// Forgets open streams up to a decided height. Streams whose head has not come are kept: they may be the
    /// next height's.
    pub fn decided(&mut self, height: Height) {
        for publisher in self.publishers.values_mut() {
            let old: Vec<StreamId> = publisher
                .open
                .iter()
                .filter(|(_, stream)| stream.head.as_ref().is_some_and(|head| head.height <= height))
                .map(|(id, _)| id.clone())
                .collect();
            for id in old {
                publisher.close(&id);
            }
        }
    }
}

impl Publisher {
    /// Opens a stream; the oldest open one of the same publisher makes room.
    fn open(&mut self, id: &StreamId) {
        if self.open.len() >= STREAMS_PER_PUBLISHER
            && let Some(oldest) = self.order.front().cloned()
        {
            self.close(&oldest);
        }
        self.open.insert(id.clone(), Stream::default());
        self.order.push_back(id.clone());
    }

    /// The same block streamed again replaces its earlier stream; a third block of one turn is refused.
    fn make_way(&mut self, id: &StreamId, head: &ProposalInit) -> Result<(), Refused> {
        let turn = |head: &ProposalInit| (head.proposer, head.height, head.round);
        let others = self.open.iter().filter(|(other, _)| *other != id);
        let same_turn: Vec<(StreamId, Hash)> = others
            .filter_map(|(id, stream)| Some((id, stream.head.as_ref()?)))
            .filter(|(_, other)| turn(other) == turn(head))
            .map(|(id, other)| (id.clone(), other.block_hash))
            .collect();
        if let Some((again, _)) = same_turn.iter().find(|(_, hash)| *hash == head.block_hash) {
            self.close(again);
        } else if same_turn.len() >= STREAMS_PER_HEAD {
            return Err(Junk("a third block of one turn"));
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.open.values().map(|stream| stream.bytes).sum()
    }

    fn close(&mut self, id: &StreamId) {
        self.open.remove(id);
        self.order.retain(|other| other != id);
        if self.closed.len() >= CLOSED_STREAMS {
            self.closed.pop_front();
        }
        self.closed.push_back(id.clone());
    }
}

impl Stream {
    fn take(
        &mut self,
        sequence: u64,
        content: StreamContent<ProposalPart>,
        admit: impl FnOnce(&ProposalInit) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        match content {
            StreamContent::Data(ProposalPart::Init(head)) => {
                if sequence != 0 {
                    return Err(Junk("a head that is not first"));
                }
                if self.head.is_some() {
                    return Ok(());
                }
                let announced = head.block_bytes as usize;
                if announced == 0 || announced > MAX_BLOCK_BYTES {
                    return Err(Junk("a block over the size limit"));
                }
                if self.bytes > announced {
                    return Err(Junk("more bytes than the head announces"));
                }
                admit(&head)?;
                self.head = Some(head);
            }
            StreamContent::Data(ProposalPart::Data(slice)) => self.slice(sequence, slice)?,
            StreamContent::Fin => {
                if self.end.is_some_and(|end| end != sequence) || sequence < 2 {
                    return Err(Junk("an end in the wrong place"));
                }
                self.end = Some(sequence);
            }
        }
        let beyond = self.slices.last_key_value().map(|(last, _)| *last);
        match (self.end, beyond) {
            (Some(end), Some(last)) if last >= end => Err(Junk("a slice after the end")),
            _ => Ok(()),
        }
    }

    fn slice(&mut self, sequence: u64, slice: Vec<u8>) -> Result<(), Refused> {
        let limit = MAX_BLOCK_BYTES.div_ceil(PART_BYTES) as u64;
        if sequence == 0 || sequence > limit {
            return Err(Junk("a slice out of range"));
        }
        if slice.is_empty() || slice.len() > PART_BYTES {
            return Err(Junk("a slice over the size limit"));
        }
        if self.slices.contains_key(&sequence) {
            return Ok(());
        }
        let allowed = match &self.head {
            Some(head) => head.block_bytes as usize,
            None if self.slices.len() < EARLY_PARTS => MAX_BLOCK_BYTES,
            None => return Err(Late("too many slices before the head")),
        };
        self.bytes += slice.len();
        if self.bytes > allowed {
            return Err(Junk("more bytes than the head announces"));
        }
        self.slices.insert(sequence, slice);
        Ok(())
    }

    /// Complete when the head is there and the slices 1..end are.
    fn finish(&mut self) -> Added {
        let (Some(head), Some(end)) = (&self.head, self.end) else { return Added::Pending };
        if (self.slices.len() as u64) + 1 < end {
            return Added::Pending;
        }
        if self.bytes != head.block_bytes as usize {
            return Added::Refused(Junk("fewer bytes than the head announces"));
        }
        let mut block = Vec::with_capacity(self.bytes);
        for slice in std::mem::take(&mut self.slices).into_values() {
            block.extend_from_slice(&slice);
        }
        Added::Complete(Box::new(Received { head: head.clone(), block }))
    }
}

/// A stream of parts for a block. `nonce` tells apart two streams of the same block, which gossip would
/// otherwise take for duplicates.
pub fn split(head: &ProposalInit, block: &[u8], nonce: u64) -> Vec<StreamMessage<ProposalPart>> {
    let mut name = Vec::with_capacity(20);
    name.extend_from_slice(&head.height.0.to_le_bytes());
    name.extend_from_slice(&head.round.as_u32().unwrap_or(u32::MAX).to_le_bytes());
    name.extend_from_slice(&nonce.to_le_bytes());
    let id = StreamId::new(Bytes::from(name));
    let contents = std::iter::once(ProposalPart::Init(head.clone()))
        .chain(block.chunks(PART_BYTES).map(|slice| ProposalPart::Data(slice.to_vec())))
        .map(StreamContent::Data)
        .chain(std::iter::once(StreamContent::Fin));
    contents
        .enumerate()
        .map(|(sequence, content)| StreamMessage::new(id.clone(), sequence as u64, content))
        .collect()
}

#[cfg(test)]
mod tests;
