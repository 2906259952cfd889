//! Lies of value sync: how far a member says that it is, which blocks it asks for, and what it answers.

use arc_malachitebft_codec::Codec;
use arc_malachitebft_core_types::{NilOrVal, Round, VoteType};
use arc_malachitebft_sync::{RawDecidedValue, Request, Response, Status, ValueRequest};
use aula_ledger::chain::Block;
use aula_ledger::codec::Canonical;
use bytes::Bytes;

use super::Liar;
use crate::bare::Message;
use crate::context::{AulaContext, Height, Vote};
use crate::signing::vote_sign_bytes;
use crate::wire::Wire;

/// Ways in which an answer is wrong.
const WAYS: u64 = 10;

impl Liar {
    /// Another height than the one that a status tells, or other blocks than those that a request asks for: the highest there is, one
    /// far ahead, none. `None` for other messages.
    pub fn exaggerate(&self, message: &Message, chance: u64) -> Option<Message> {
        let far = Height(u64::MAX);
        let body = match message {
            Message::Status(body) => {
                let said = Codec::<Status<AulaContext>>::decode(&Wire, body.clone()).ok()?;
                let ahead = Height(said.tip_height.0.saturating_add(1 + chance / 4 % 1_000));
                let (tip_height, history_min_height) = match chance % 4 {
                    0 => (far, Height(0)),
                    1 => (far, far),
                    2 => (ahead, Height(1)),
                    _ => (Height(0), Height(0)),
                };
                Wire.encode(&Status { tip_height, history_min_height, ..said })
            }
            Message::Request { body, .. } => {
                let Request::ValueRequest(asked) =
                    Codec::<Request<AulaContext>>::decode(&Wire, body.clone()).ok()?;
                let from = *asked.range.start();
                let range = match chance % 4 {
                    0 => Height(0)..=far,
                    1 => from..=far,
                    2 => far..=far,
                    _ => far..=from,
                };
                Wire.encode(&Request::<AulaContext>::ValueRequest(ValueRequest::new(range)))
            }
            _ => return None,
        };
        Some(message.with_body(body.ok()?))
    }

    /// What goes out instead of an answer with decided blocks: nothing, or one in which something is wrong. `None` for other
    /// messages, and answers without a block.
    pub fn mislead(&self, message: &Message, chance: u64) -> Option<Vec<Message>> {
        let Message::Response { body, .. } = message else { return None };
        let Response::ValueResponse(mut told) =
            Codec::<Response<AulaContext>>::decode(&Wire, body.clone()).ok()?;
        let at = usize::try_from(chance / WAYS % 1_024).unwrap_or(0) % told.values.len().max(1);
        let value = told.values.get_mut(at)?;
        match chance % WAYS {
            0 => return Some(Vec::new()),
            1 => return Some(vec![message.with_body(body.slice(..body.len() / 2))]),
            // Other bytes under a certificate that is true: the second have a true header, too.
            2 => value.value_bytes = flipped(&value.value_bytes, chance / WAYS),
            3 => value.value_bytes = with_another_transaction(&value.value_bytes)?,
            4 => self.forge(value)?,
            5 => value.certificate.commit_signatures.clear(),
            6 => value.certificate.round = Round::Nil,
            7 => value.certificate.round = Round::new(u32::MAX),
            8 => value.certificate.height = Height(u64::MAX),
            _ => told.start_height = Height(u64::MAX),
        }
        let body = Wire.encode(&Response::<AulaContext>::ValueResponse(told)).ok()?;
        Some(vec![message.with_body(body)])
    }

    /// A block that nobody decided, under a certificate in which this validator signs for everybody.
    fn forge(&self, value: &mut RawDecidedValue<AulaContext>) -> Option<()> {
        let mut block = Block::from_canonical(&value.value_bytes).ok()?;
        block.header.time_ms.0 = block.header.time_ms.0.saturating_add(1);
        let hash = block.header.hash();
        let certificate = &mut value.certificate;
        certificate.value_id = hash;
        for signed in &mut certificate.commit_signatures {
            let (height, round) = (certificate.height, certificate.round);
            let vote = Vote {
                kind: VoteType::Precommit,
                height,
                round,
                value: NilOrVal::Val(hash),
                address: signed.address,
            };
            signed.signature = self.sign(&vote_sign_bytes(&self.genesis, &vote)?);
        }
        value.value_bytes = block.to_canonical().into();
        Some(())
    }
}

fn flipped(bytes: &Bytes, chance: u64) -> Bytes {
    let mut bytes = bytes.to_vec();
    let at = usize::try_from(chance / 8).unwrap_or(0) % bytes.len().max(1);
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << (chance % 8);
    }
    bytes.into()
}

fn with_another_transaction(bytes: &Bytes) -> Option<Bytes> {
    let mut block = Block::from_canonical(bytes).ok()?;
    block.transactions.push(vec![7]);
    Some(block.to_canonical().into())
}

#[cfg(test)]
mod tests;
