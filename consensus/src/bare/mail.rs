//! What the engine is told, and the answers of the driver that it waits for.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use arc_malachitebft_app_channel::app::engine::host::{HeightParams, Next, SyncedValueOutcome};
use arc_malachitebft_core_consensus::{Input, LocallyProposedValue, PeerId as EnginePeerId, ProposedValue};
use arc_malachitebft_core_types::{Round, Timeout, ValueOrigin, ValueResponse as Synced};
use arc_malachitebft_sync::{InboundRequestId, OutboundRequestId, RawDecidedValue};
use aula_ledger::types::Hash;
use tokio::sync::oneshot;

use crate::context::{AulaContext, Height};

/// A message to the engine.
#[derive(Debug)]
pub(super) enum Mail {
    /// A height may start.
    Start(Height, HeightParams<AulaContext>),
    /// From the network: a vote, a proposal, a certificate.
    Heard(Input<AulaContext>),
    /// This node proposes.
    Propose(LocallyProposedValue<AulaContext>),
    /// What is thought of a block.
    Proposed(ProposedValue<AulaContext>, ValueOrigin),
    /// A timer went off, by its number.
    Timeout(u64, Timeout),
    /// A decided block from a peer.
    Synced(OutboundRequestId, Synced<AulaContext>),
    /// The decision of a height is written.
    Committed(Height),
}

impl Mail {
    /// Whether it must wait until a height runs.
    pub(super) fn needs_a_height(&self) -> bool {
        !matches!(self, Self::Start(..) | Self::Committed(_))
    }
}

/// Where messages to the engine wait.
pub(super) type Mailbox = Arc<Mutex<VecDeque<Mail>>>;

pub(super) fn post(mailbox: &Mailbox, mail: Mail) {
    mailbox.lock().unwrap_or_else(PoisonError::into_inner).push_back(mail);
}

/// An answer of the driver that the engine waits for.
pub(super) enum Waiting {
    Start(oneshot::Receiver<(Height, HeightParams<AulaContext>)>),
    Value(oneshot::Receiver<LocallyProposedValue<AulaContext>>),
    Decided(Height, oneshot::Receiver<()>),
    Next(oneshot::Receiver<Next<AulaContext>>),
    Synced {
        outcome: oneshot::Receiver<SyncedValueOutcome<AulaContext>>,
        request: Option<OutboundRequestId>,
        peer: EnginePeerId,
        height: Height,
        round: Round,
        hash: Hash,
    },
    Fetched(oneshot::Receiver<Vec<RawDecidedValue<AulaContext>>>, InboundRequestId, RangeInclusive<Height>),
}
