//! What a dishonest validator may send: an honest node's messages, changed and signed again with its key.

use arc_malachitebft_codec::Codec;
use arc_malachitebft_core_consensus::SignedConsensusMsg;
use arc_malachitebft_core_types::{NilOrVal, Round, SignedMessage};
use arc_malachitebft_engine::util::streaming::{StreamContent, StreamId, StreamMessage};
use aula_ledger::chain::Block;
use aula_ledger::chain::validators::address;
use aula_ledger::codec::Canonical;
use aula_ledger::execute::{BlockInput, VerifyAll, execute_block};
use aula_ledger::keys::public_key;
use aula_ledger::state::StateReader;
use aula_ledger::types::{Hash, ValidatorAddress};
use bytes::Bytes;
use ed25519_dalek::{Signer as _, SigningKey};

use super::Message;
use crate::context::{AulaContext, Proposal, ProposalInit, ProposalPart, Value, Vote};
use crate::signing::{Signature, init_sign_bytes, proposal_sign_bytes, vote_sign_bytes};
use crate::wire::Wire;

mod sync;

/// A dishonest validator's pen.
pub struct Liar {
    genesis: Hash,
    key: SigningKey,
    own: ValidatorAddress,
    head: Option<StreamMessage<ProposalPart>>,
    /// The last block that got another name, and that name.
    renamed: Option<(Hash, Hash)>,
    streams: u64,
}

impl Liar {
    /// The validator with this key.
    pub fn new(genesis: Hash, key: SigningKey) -> Self {
        let own = address(&public_key(&key));
        Self { genesis, key, own, head: None, renamed: None, streams: 0 }
    }

    fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.key.sign(bytes).to_bytes())
    }

    /// Another vote, or another proposal, in the same step; `None` for other messages.
    pub fn contradict(&self, message: &Message, chance: u64) -> Option<Message> {
        let other = {
            let mut bytes = [0xA5; 32];
            bytes[..8].copy_from_slice(&chance.to_le_bytes());
            Hash(bytes)
        };
        match consensus(message)? {
            SignedConsensusMsg::Vote(signed) => {
                let value = match signed.message.value {
                    NilOrVal::Val(_) if chance.is_multiple_of(2) => NilOrVal::Nil,
                    NilOrVal::Nil | NilOrVal::Val(_) => NilOrVal::Val(other),
                };
                self.vote(message, Vote { value, ..signed.message })
            }
            SignedConsensusMsg::Proposal(signed) => {
                Some(self.proposal(message, Proposal { value: Value(other), ..signed.message }))
            }
        }
    }

    /// The same under a valid round that never was.
    pub fn lie_about_valid_round(&self, message: &Message) -> Option<Message> {
        let before = |round: Round| round.as_u32()?.checked_sub(1).map(Round::new);
        match message {
            Message::Part(body) => {
                let part: StreamMessage<ProposalPart> = Wire.decode(body.clone()).ok()?;
                let StreamContent::Data(ProposalPart::Init(head)) = part.content else { return None };
                let valid_round = before(head.round)?;
                Some(self.head(part.stream_id, ProposalInit { valid_round, ..head }))
            }
            _ => match consensus(message)? {
                SignedConsensusMsg::Proposal(signed) => {
                    let pol_round = before(signed.message.round)?;
                    Some(self.proposal(message, Proposal { pol_round, ..signed.message }))
                }
                SignedConsensusMsg::Vote(_) => None,
            },
        }
    }

    /// A slice of a block with one bit changed.
    pub fn garble(&self, message: &Message, chance: u64) -> Option<Message> {
        let Message::Part(body) = message else { return None };
        let mut part: StreamMessage<ProposalPart> = Wire.decode(body.clone()).ok()?;
        let StreamContent::Data(ProposalPart::Data(slice)) = &mut part.content else { return None };
        let at = usize::try_from(chance / 8).unwrap_or(0) % slice.len().max(1);
        *slice.get_mut(at)? ^= 1 << (chance % 8);
        Some(Message::Part(Wire.encode(&part).ok()?))
    }

    /// This validator's own fresh blocks under another's name, executed so that nothing but the name is wrong: takes each
    /// message in order and says what goes out instead. Blocks of more than one slice, and those that do not follow this state,
    /// stay as they are.
    pub fn blame(
        &mut self,
        message: &Message,
        other: ValidatorAddress,
        state: &dyn StateReader,
    ) -> Vec<Message> {
        let same = || vec![message.clone()];
        let Message::Part(body) = message else {
            return match (consensus(message), self.renamed) {
                (Some(SignedConsensusMsg::Proposal(signed)), Some((old, new)))
                    if signed.message.value.0 == old =>
                {
                    vec![self.proposal(message, Proposal { value: Value(new), ..signed.message })]
                }
                _ => same(),
            };
        };
        let Ok(part) = Codec::<StreamMessage<ProposalPart>>::decode(&Wire, body.clone()) else {
            return same();
        };
        match &part.content {
            StreamContent::Data(ProposalPart::Init(head))
                if head.proposer.0 == self.own && head.valid_round.is_nil() =>
            {
                self.head = Some(part);
                Vec::new()
            }
            StreamContent::Data(ProposalPart::Data(slice)) => {
                let Some(held) = self.head.take() else { return same() };
                let StreamContent::Data(ProposalPart::Init(head)) = held.content else { return same() };
                let unchanged = |head: &ProposalInit| {
                    vec![self.head(held.stream_id.clone(), head.clone()), message.clone()]
                };
                let Ok(mut block) = Block::from_canonical(slice) else { return unchanged(&head) };
                let input = BlockInput { proposer: other, ..BlockInput::of(&block) };
                let Ok(outcome) = execute_block(state, &input, &VerifyAll) else { return unchanged(&head) };
                block.header = outcome.header;
                let (bytes, hash) = (block.to_canonical(), block.header.hash());
                self.renamed = Some((head.block_hash, hash));
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let head = ProposalInit { block_hash: hash, block_bytes: length, ..head };
                let content = StreamContent::Data(ProposalPart::Data(bytes));
                let data = StreamMessage::new(part.stream_id.clone(), part.sequence, content);
                let data = Wire.encode(&data).map(Message::Part);
                [Some(self.head(held.stream_id, head)), data.ok()].into_iter().flatten().collect()
            }
            _ => same(),
        }
    }

    /// Junk: a head of a stream for a round that this validator may not propose in, with a slice of nothing.
    pub fn flood(&mut self, message: &Message, chance: u64) -> Vec<Message> {
        let Some(SignedConsensusMsg::Vote(signed)) = consensus(message) else { return Vec::new() };
        self.streams += 1;
        let name = [chance.to_le_bytes(), self.streams.to_le_bytes()].concat();
        let stream = StreamId::new(Bytes::from(name));
        let round = Round::new(u32::try_from(chance % 40).unwrap_or(0));
        let head = ProposalInit {
            height: signed.message.height,
            round,
            valid_round: Round::Nil,
            proposer: crate::context::Address(self.own),
            block_hash: Hash([chance.to_le_bytes()[0]; 32]),
            block_bytes: 1_000,
            signature: Signature([0; 64]),
        };
        let slice = StreamContent::Data(ProposalPart::Data(vec![7; 999]));
        let slice = Wire.encode(&StreamMessage::new(stream.clone(), 1, slice)).map(Message::Part);
        let far = self.vote(message, Vote { round, ..signed.message });
        [Some(self.head(stream, head)), slice.ok(), far].into_iter().flatten().collect()
    }

    fn head(&self, stream: StreamId, mut head: ProposalInit) -> Message {
        head.signature = self.sign(&init_sign_bytes(&self.genesis, &head));
        let part = StreamMessage::new(stream, 0, StreamContent::Data(ProposalPart::Init(head)));
        Message::Part(Wire.encode(&part).unwrap_or_default())
    }

    fn vote(&self, as_in: &Message, vote: Vote) -> Option<Message> {
        let signature = self.sign(&vote_sign_bytes(&self.genesis, &vote)?);
        let signed = SignedConsensusMsg::<AulaContext>::Vote(SignedMessage::new(vote, signature));
        Some(as_in.with_body(Wire.encode(&signed).ok()?))
    }

    fn proposal(&self, as_in: &Message, proposal: Proposal) -> Message {
        let signature = self.sign(&proposal_sign_bytes(&self.genesis, &proposal));
        let signed = SignedConsensusMsg::<AulaContext>::Proposal(SignedMessage::new(proposal, signature));
        as_in.with_body(Wire.encode(&signed).unwrap_or_default())
    }
}

pub(super) fn consensus(message: &Message) -> Option<SignedConsensusMsg<AulaContext>> {
    match message {
        Message::Consensus(body) => Wire.decode(body.clone()).ok(),
        _ => None,
    }
}
