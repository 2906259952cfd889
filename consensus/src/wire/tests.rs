use super::*;
use crate::context::{Proposal, ProposalInit, Value, Vote};
use arc_malachitebft_core_types::{NilOrVal, SignedMessage, VoteType};
use arc_malachitebft_engine::util::streaming::{StreamContent, StreamId};
use aula_ledger::types::ValidatorAddress;

fn round_trip<T: PartialEq + std::fmt::Debug>(message: &T)
where
    Wire: Codec<T, Error = Error>,
{
    let bytes = Wire.encode(message).unwrap();
    assert_eq!(&Wire.decode(bytes.clone()).unwrap(), message);
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(<Wire as Codec<T>>::decode(&Wire, longer.into()).is_err(), "a trailing byte");
    assert!(<Wire as Codec<T>>::decode(&Wire, bytes.slice(..bytes.len() - 1)).is_err(), "a cut");
    assert!(<Wire as Codec<T>>::decode(&Wire, Bytes::new()).is_err(), "nothing");
}

fn address() -> Address {
    Address(ValidatorAddress([3; 20]))
}

fn response(blocks: usize) -> Response<AulaContext> {
    let values = (0..blocks).map(|i| {
        let certificate = ExtendedCommitCertificate {
            height: Height(i as u64 + 1),
            round: Round::new(i as u32),
            value_id: Hash([i as u8; 32]),
            commit_signatures: (0..i)
                .map(|_| ExtendedCommitSignature::new(address(), Signature([1; 64]), None))
                .collect(),
        };
        RawDecidedValue::new(vec![7u8; 10 * i].into(), certificate)
    });
    Response::ValueResponse(ValueResponse::new(Height(1), values.collect()))
}

#[test]
fn every_message_round_trips_and_refuses_what_is_not_exactly_it() {
    let vote = Vote {
        kind: VoteType::Precommit,
        height: Height(9),
        round: Round::new(2),
        value: NilOrVal::Val(Hash([4; 32])),
        address: address(),
    };
    let signed_vote = SignedMessage::new(vote, Signature([5; 64]));
    let proposal = Proposal {
        height: Height(9),
        round: Round::new(2),
        value: Value(Hash([4; 32])),
        pol_round: Round::Nil,
        address: address(),
    };
    round_trip(&SignedConsensusMsg::<AulaContext>::Vote(signed_vote.clone()));
    round_trip(&SignedConsensusMsg::<AulaContext>::Proposal(SignedMessage::new(
        proposal,
        Signature([5; 64]),
    )));
    round_trip(&LivenessMsg::<AulaContext>::Vote(signed_vote));
    let init = ProposalInit {
        height: Height(9),
        round: Round::new(2),
        valid_round: Round::new(1),
        proposer: address(),
        block_hash: Hash([4; 32]),
        block_bytes: 77,
        signature: Signature([6; 64]),
    };
    round_trip(&ProposalPart::Init(init.clone()));
    let id = StreamId::new(vec![1, 2].into());
    round_trip(&StreamMessage::new(id.clone(), 0, StreamContent::Data(ProposalPart::Init(init))));
    round_trip(&StreamMessage::new(id, 1, StreamContent::<ProposalPart>::Fin));
    round_trip(&ValidatorProof::<AulaContext>::new(vec![1; 32], vec![2; 38], Signature([6; 64])));
    let status = Status {
        peer_id: PeerId::from_bytes(&libp2p::PeerId::random().to_bytes()).unwrap(),
        tip_height: Height(5),
        history_min_height: Height(1),
    };
    round_trip::<Status<AulaContext>>(&status);
    round_trip::<Request<AulaContext>>(&Request::ValueRequest(ValueRequest::new(Height(3)..=Height(8))));
    round_trip(&response(3));
}

#[test]
fn the_length_of_a_response_is_known_without_encoding_it() {
    for blocks in 0..5 {
        let response = response(blocks);
        assert_eq!(Wire.encoded_len(&response).unwrap(), Wire.encode(&response).unwrap().len());
    }
}

#[test]
fn an_answer_with_a_block_larger_than_any_is_not_read() {
    for (bytes, is_read) in [(MAX_BLOCK_BYTES, true), (MAX_BLOCK_BYTES + 1, false)] {
        let Response::ValueResponse(mut told) = response(1);
        told.values[0].value_bytes = vec![0u8; bytes].into();
        let encoded = Wire.encode(&Response::<AulaContext>::ValueResponse(told)).unwrap();
        assert_eq!(Codec::<Response<AulaContext>>::decode(&Wire, encoded).is_ok(), is_read, "{bytes}");
    }
}

#[test]
fn an_answer_with_more_signatures_than_there_are_validators_is_not_read() {
    for (signatures, is_read) in [(MAX_VALIDATORS, true), (MAX_VALIDATORS + 1, false)] {
        let Response::ValueResponse(mut told) = response(1);
        let signature = ExtendedCommitSignature::new(address(), Signature([1; 64]), None);
        told.values[0].certificate.commit_signatures = vec![signature; signatures];
        let encoded = Wire.encode(&Response::<AulaContext>::ValueResponse(told)).unwrap();
        assert_eq!(Codec::<Response<AulaContext>>::decode(&Wire, encoded).is_ok(), is_read, "{signatures}");
    }
}
