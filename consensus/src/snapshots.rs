//! Snapshots between nodes: a request and an answer over gossip's connections. What a final block gave is asked the same way.
//!
//! A newcomer asks an admitted peer for its newest snapshot's manifest, then for chunks. What a snapshot is, and whether an
//! answer is true, the node decides ([`SnapshotSource`], and whoever calls [`crate::RunningConsensus::ask_snapshot`]); here are the bytes,
//! and what serving may cost.
//!
//! Why here and not over HTTP: a snapshot holds rows that are not public. Gossip's connections prove who is at the other
//! end, the allow list is the ledger's, and every node knows where its peers listen; votes and blocks have connections of
//! their own, which a chunk cannot stand in front of.
//!
//! What it may cost a node that serves: one worker reads and answers one request after another, at most
//! [`BYTES_PER_SECOND`] in all; [`WAITING`] requests wait, [`EACH`] of one peer; whoever comes then hears that it is busy, and so does
//! who asks for more than the answers that peers have not taken yet leave room for. Of what comes no more is read than what was
//! asked for may have, and than there is room for beside the others' answers (`room`).

use std::sync::Arc;
use std::time::Duration;

use aula_ledger::types::{Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};
use libp2p::PeerId;

pub(crate) mod codec;
mod room;
mod serve;

use room::Place;
pub(crate) use room::Room;
pub(crate) use serve::Server;

/// A message as it is read from a peer's stream, for the fuzz target alone.
#[cfg(fuzzing)]
pub fn read_message<M: BorshDeserialize>(mut bytes: &[u8]) -> Option<M> {
    futures::executor::block_on(codec::read(&mut bytes, MAX_ANSWER, &mut Room::default().enter())).ok()
}

/// Most bytes a second that a node sends of snapshots, to all peers together.
pub const BYTES_PER_SECOND: u64 = 64 << 20;
/// Requests that wait to be answered.
pub const WAITING: usize = 32;
/// Of those, of one peer.
pub const EACH: usize = 4;
/// How long a request may take, its answer's bytes included.
pub const TIMEOUT: Duration = Duration::from_secs(20);
/// Largest answer: a manifest of 65,536 chunks has 2.3 MiB, and a proof as many bytes as are read of one, 64 MiB
/// (`node/store/src/snapshots/folder.rs`).
pub const MAX_ANSWER: usize = 68 << 20;
/// Largest answer with a chunk: a MiB (`node/store/src/snapshots/manifest.rs`) and its frame.
const MAX_CHUNK: usize = (1 << 20) + 64;
/// Largest answer with facts: as many bytes as are kept of one block's (`consensus/src/divergence/recent.rs`), and their frame.
const MAX_FACTS: usize = (8 << 20) + 64;

/// What a newcomer asks.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Ask {
    /// The newest snapshot's manifest and proof; the proof shows this block on the way too, where the peer has it.
    Newest {
        /// A height to show.
        waypoint: Option<Height>,
    },
    /// A part of the snapshot that a manifest lists.
    Chunk {
        /// The manifest, by its name.
        manifest: Hash,
        /// The chunk's number, from 0.
        index: u32,
    },
    /// What a final block gave, for a node that finds something else; see [`crate::divergence`].
    Facts {
        /// The hash of the final block.
        block: Hash,
    },
}

impl Ask {
    /// Most bytes of an answer to it.
    const fn most(&self) -> usize {
        match self {
            Self::Newest { .. } => MAX_ANSWER,
            Self::Chunk { .. } => MAX_CHUNK,
            Self::Facts { .. } => MAX_FACTS,
        }
    }
}

/// What a peer answers.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Told {
    /// It has none, or no such chunk.
    None,
    /// It has more to answer than it may: ask again in a second.
    Busy,
    /// The newest snapshot that it serves.
    Newest {
        /// The manifest's canonical bytes.
        manifest: Vec<u8>,
        /// The proof of its header.
        chain: Vec<u8>,
    },
    /// The bytes of the chunk that was asked for.
    Chunk(Vec<u8>),
    /// The facts' bytes.
    Facts(Vec<u8>),
}

impl Told {
    /// The bytes that it carries.
    const fn bytes(&self) -> usize {
        match self {
            Self::None | Self::Busy => 0,
            Self::Newest { manifest, chain } => manifest.len() + chain.len(),
            Self::Chunk(bytes) | Self::Facts(bytes) => bytes.len(),
        }
    }
}

/// An answer, with the room that it takes until it is dropped.
#[derive(Debug)]
pub struct Answer {
    /// What is answered.
    pub told: Told,
    /// None where nobody else's answers share it.
    _place: Option<Place>,
}

impl From<Told> for Answer {
    fn from(told: Told) -> Self {
        Self { told, _place: None }
    }
}

impl Answer {
    /// What this node answers a peer, or that it is busy, where it and others have not taken enough of the answers before.
    pub(crate) fn within(room: &Room, peer: PeerId, told: Told) -> Self {
        let mut place = room.enter_for(peer);
        if place.grow(told.bytes()) { Self { told, _place: Some(place) } } else { Told::Busy.into() }
    }
}

/// A node's snapshots, as they are given to peers. May block.
pub trait SnapshotSource: std::fmt::Debug + Send + Sync + 'static {
    /// The answer; [`Told::None`] where there is nothing.
    fn tell(&self, ask: &Ask) -> Told;
}

/// A source that is shared.
pub type Source = Arc<dyn SnapshotSource>;

/// Why a peer gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// It is not connected, or went away.
    #[error("the peer is not connected")]
    Gone,
    /// It did not answer in time, or not in this protocol's words.
    #[error("the peer did not answer: {0}")]
    Silent(String),
}
