//! Codecs: what the engine's messages look like on the wire, in its write-ahead log, and in value sync.
//!
//! One codec, borsh throughout. Decoding reads the whole buffer (a trailing byte refuses) and borsh bounds every
//! allocation by what the buffer holds. The sync types have no borsh form upstream, so they are written out here.

use arc_malachitebft_app::types::sync::{RawDecidedValue, Request, Response, Status};
use arc_malachitebft_codec::{Codec, HasEncodedLen};
use arc_malachitebft_core_consensus::{LivenessMsg, PeerId, ProposedValue, SignedConsensusMsg};
use arc_malachitebft_core_types::{
    ExtendedCommitCertificate, ExtendedCommitSignature, PolkaCertificate, Round, ValidatorProof,
};
use arc_malachitebft_engine::util::streaming::StreamMessage;
use arc_malachitebft_sync::{ValueRequest, ValueResponse};
use aula_ledger::chain::validators::MAX_VALIDATORS;
use aula_ledger::types::Hash;
use borsh::io::{Error, ErrorKind};
use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;

use crate::context::{Address, AulaContext, Height, ProposalPart};
use crate::parts::MAX_BLOCK_BYTES;
use crate::signing::Signature;

/// The codec for everything.
#[derive(Copy, Clone, Debug, Default)]
pub struct Wire;

/// Types that carry borsh themselves.
macro_rules! plain {
    ($($type:ty),+ $(,)?) => {$(
        impl Codec<$type> for Wire {
            type Error = Error;

            fn decode(&self, bytes: Bytes) -> Result<$type, Error> {
                <$type>::try_from_slice(&bytes)
            }

            fn encode(&self, message: &$type) -> Result<Bytes, Error> {
                borsh::to_vec(message).map(Bytes::from)
            }
        }
    )+};
}

plain!(
    ProposalPart,
    SignedConsensusMsg<AulaContext>,
    LivenessMsg<AulaContext>,
    StreamMessage<ProposalPart>,
    ProposedValue<AulaContext>,
    PolkaCertificate<AulaContext>,
);

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

#[derive(BorshSerialize, BorshDeserialize)]
struct WireProof {
    public_key: Vec<u8>,
    peer_id: Vec<u8>,
    signature: Signature,
}

impl Codec<ValidatorProof<AulaContext>> for Wire {
    type Error = Error;

    fn decode(&self, bytes: Bytes) -> Result<ValidatorProof<AulaContext>, Error> {
        let wire = WireProof::try_from_slice(&bytes)?;
        Ok(ValidatorProof::new(wire.public_key, wire.peer_id, wire.signature))
    }

    fn encode(&self, proof: &ValidatorProof<AulaContext>) -> Result<Bytes, Error> {
        let wire = WireProof {
            public_key: proof.public_key.clone(),
            peer_id: proof.peer_id.clone(),
            signature: proof.signature,
        };
        borsh::to_vec(&wire).map(Bytes::from)
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct WireStatus {
    peer_id: Vec<u8>,
    tip: Height,
    oldest: Height,
}

impl Codec<Status<AulaContext>> for Wire {
    type Error = Error;

    fn decode(&self, bytes: Bytes) -> Result<Status<AulaContext>, Error> {
        let wire = WireStatus::try_from_slice(&bytes)?;
        let peer_id = PeerId::from_bytes(&wire.peer_id).map_err(|_| invalid("not a peer id"))?;
        Ok(Status { peer_id, tip_height: wire.tip, history_min_height: wire.oldest })
    }

    fn encode(&self, status: &Status<AulaContext>) -> Result<Bytes, Error> {
        let wire = WireStatus {
            peer_id: status.peer_id.to_bytes(),
            tip: status.tip_height,
            oldest: status.history_min_height,
        };
        borsh::to_vec(&wire).map(Bytes::from)
    }
}

/// Asks for the blocks `from..=to`.
#[derive(BorshSerialize, BorshDeserialize)]
struct WireRequest {
    from: Height,
    to: Height,
}

impl Codec<Request<AulaContext>> for Wire {
    type Error = Error;

    fn decode(&self, bytes: Bytes) -> Result<Request<AulaContext>, Error> {
        let wire = WireRequest::try_from_slice(&bytes)?;
        Ok(Request::ValueRequest(ValueRequest::new(wire.from..=wire.to)))
    }

    fn encode(&self, request: &Request<AulaContext>) -> Result<Bytes, Error> {
        let Request::ValueRequest(request) = request;
        let wire = WireRequest { from: *request.range.start(), to: *request.range.end() };
        borsh::to_vec(&wire).map(Bytes::from)
    }
}

/// A decided block as value sync carries it. No extensions: there are none on this chain.
#[derive(BorshSerialize, BorshDeserialize)]
struct WireDecided {
    block: Vec<u8>,
    height: Height,
    round: Round,
    hash: Hash,
    signatures: Vec<(Address, Signature)>,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct WireResponse {
    start: Height,
    values: Vec<WireDecided>,
}

fn to_wire(response: &Response<AulaContext>) -> WireResponse {
    let Response::ValueResponse(response) = response;
    let values = response.values.iter().map(|value| WireDecided {
        block: value.value_bytes.to_vec(),
        height: value.certificate.height,
        round: value.certificate.round,
        hash: value.certificate.value_id,
        signatures: value.certificate.commit_signatures.iter().map(|s| (s.address, s.signature)).collect(),
    });
    WireResponse { start: response.start_height, values: values.collect() }
}

impl Codec<Response<AulaContext>> for Wire {
    type Error = Error;

    fn decode(&self, bytes: Bytes) -> Result<Response<AulaContext>, Error> {
        let wire = WireResponse::try_from_slice(&bytes)?;
        // Before its height nobody sees what it is, and until then it would wait in memory.
        if wire.values.iter().any(|value| value.block.len() > MAX_BLOCK_BYTES) {
            return Err(invalid("a block is larger than any may be"));
        }
        // In memory a signature takes nearly twice what it takes on the wire.
        if wire.values.iter().any(|value| value.signatures.len() > MAX_VALIDATORS) {
            return Err(invalid("a certificate has more signatures than there are validators"));
        }
        let values = wire.values.into_iter().map(|value| {
            let commit_signatures = value
                .signatures
                .into_iter()
                .map(|(address, signature)| ExtendedCommitSignature::new(address, signature, None))
                .collect();
            let certificate = ExtendedCommitCertificate {
                height: value.height,
                round: value.round,
                value_id: value.hash,
                commit_signatures,
            };
            RawDecidedValue::new(value.block.into(), certificate)
        });
        Ok(Response::ValueResponse(ValueResponse::new(wire.start, values.collect())))
    }

    fn encode(&self, response: &Response<AulaContext>) -> Result<Bytes, Error> {
        borsh::to_vec(&to_wire(response)).map(Bytes::from)
    }
}

impl HasEncodedLen<Response<AulaContext>> for Wire {
    fn encoded_len(&self, response: &Response<AulaContext>) -> Result<usize, Error> {
        // Lengths as borsh writes them: u32 counts, u64 height, enum byte and u32 for a round, 32 + (20 + 64)·n.
        let Response::ValueResponse(response) = response;
        let mut bytes = 8 + 4usize;
        for value in &response.values {
            let round = if value.certificate.round.is_nil() { 1 } else { 5 };
            let signatures = value.certificate.commit_signatures.len();
            bytes += 4 + value.value_bytes.len() + 8 + round + 32 + 4 + signatures * 84;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
