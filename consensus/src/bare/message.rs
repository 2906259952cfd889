//! What travels between bare nodes: the bytes that the engine's channels carry, by channel.

use arc_malachitebft_codec::Codec;
use arc_malachitebft_core_consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_core_types::{NilOrVal, VoteType};
use aula_ledger::types::{Hash, Height, ValidatorAddress};
use bytes::Bytes;
use libp2p::PeerId;

use crate::context::{AulaContext, Vote};
use crate::sign_guard::Step;
use crate::wire::Wire;

/// One message of one channel, as its receiver takes it apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A vote or a proposal.
    Consensus(Bytes),
    /// A vote again, or a certificate, for those who fell behind in a height.
    Liveness(Bytes),
    /// A part of a block.
    Part(Bytes),
    /// How far a node is.
    Status(Bytes),
    /// Asks a peer for decided blocks.
    Request {
        /// The asking node's number for it.
        number: u64,
        /// What is asked.
        body: Bytes,
    },
    /// The answer.
    Response {
        /// The asking node's number.
        number: u64,
        /// The blocks.
        body: Bytes,
    },
    /// The canonical bytes of a transaction, on their way to all pools.
    Transaction(Bytes),
}

impl Message {
    /// The channel's name.
    pub fn channel(&self) -> &'static str {
        match self {
            Self::Consensus(_) => "consensus",
            Self::Liveness(_) => "liveness",
            Self::Part(_) => "part",
            Self::Status(_) => "status",
            Self::Request { .. } => "request",
            Self::Response { .. } => "response",
            Self::Transaction(_) => "transaction",
        }
    }

    /// What it carries.
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Consensus(body)
            | Self::Liveness(body)
            | Self::Part(body)
            | Self::Status(body)
            | Self::Request { body, .. }
            | Self::Response { body, .. }
            | Self::Transaction(body) => body,
        }
    }

    /// What it says under a validator's signature; `None` for messages that commit nobody. The signature is not checked.
    pub fn statement(&self) -> Option<Statement> {
        let body = self.body().clone();
        match self {
            Self::Consensus(_) => match Wire.decode(body).ok()? {
                SignedConsensusMsg::<AulaContext>::Vote(vote) => of_vote(&vote.message),
                SignedConsensusMsg::Proposal(signed) => {
                    let proposal = signed.message;
                    Some(Statement {
                        validator: proposal.address.0,
                        height: proposal.height.into(),
                        round: proposal.round.as_u32()?,
                        step: Step::Propose,
                        block: Some(proposal.value.0),
                    })
                }
            },
            Self::Liveness(_) => match Wire.decode(body).ok()? {
                LivenessMsg::<AulaContext>::Vote(vote) => of_vote(&vote.message),
                LivenessMsg::PolkaCertificate(_) | LivenessMsg::SkipRoundCertificate(_) => None,
            },
            _ => None,
        }
    }

    /// The same with another content.
    pub fn with_body(&self, new: Bytes) -> Self {
        let mut message = self.clone();
        match &mut message {
            Self::Consensus(body)
            | Self::Liveness(body)
            | Self::Part(body)
            | Self::Status(body)
            | Self::Request { body, .. }
            | Self::Response { body, .. }
            | Self::Transaction(body) => *body = new,
        }
        message
    }
}

fn of_vote(vote: &Vote) -> Option<Statement> {
    Some(Statement {
        validator: vote.address.0,
        height: vote.height.into(),
        round: vote.round.as_u32()?,
        step: match vote.kind {
            VoteType::Prevote => Step::Prevote,
            VoteType::Precommit => Step::Precommit,
        },
        block: match vote.value {
            NilOrVal::Nil => None,
            NilOrVal::Val(hash) => Some(hash),
        },
    })
}

/// What a validator's signature commits it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// The address whose key signs.
    pub validator: ValidatorAddress,
    /// Of the chain, from 1; `round` counts within it.
    pub height: Height,
    /// From 0, within the height.
    pub round: u32,
    /// Proposal, prevote or precommit: one statement a step and no more.
    pub step: Step,
    /// For which block; none is nil.
    pub block: Option<Hash>,
}

/// To whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// All peers, and theirs.
    All,
    /// One peer.
    One(PeerId),
}
