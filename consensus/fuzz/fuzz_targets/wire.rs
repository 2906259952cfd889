//! Every message that a peer may send, as the engine hands its bytes over: refused or read, and what is read is written and
//! read again as the same. The first byte chooses the kind.

#![no_main]

use std::fmt::Debug;

use arc_malachitebft_app::types::sync::{Request, Response, Status};
use arc_malachitebft_codec::{Codec, HasEncodedLen};
use arc_malachitebft_core_consensus::{LivenessMsg, ProposedValue, SignedConsensusMsg};
use arc_malachitebft_core_types::{PolkaCertificate, ValidatorProof};
use arc_malachitebft_engine::util::streaming::StreamMessage;
use aula_consensus::context::{AulaContext, ProposalPart};
use aula_consensus::wire::Wire;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fn one<T>(bytes: Bytes) -> Option<T>
where
    Wire: Codec<T>,
    <Wire as Codec<T>>::Error: Debug,
{
    let read: T = Wire.decode(bytes).ok()?;
    let written = Wire.encode(&read).expect("what was read is written");
    let again: T = Wire.decode(written.clone()).expect("what was written is read");
    assert_eq!(Wire.encode(&again).expect("it was written before"), written);
    Some(read)
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    let bytes = Bytes::copy_from_slice(rest);
    match kind % 10 {
        0 => drop(one::<ProposalPart>(bytes)),
        1 => drop(one::<SignedConsensusMsg<AulaContext>>(bytes)),
        2 => drop(one::<LivenessMsg<AulaContext>>(bytes)),
        3 => drop(one::<StreamMessage<ProposalPart>>(bytes)),
        4 => drop(one::<ProposedValue<AulaContext>>(bytes)),
        5 => drop(one::<PolkaCertificate<AulaContext>>(bytes)),
        6 => drop(one::<ValidatorProof<AulaContext>>(bytes)),
        7 => drop(one::<Status<AulaContext>>(bytes)),
        8 => drop(one::<Request<AulaContext>>(bytes)),
        _ => {
            if let Some(response) = one::<Response<AulaContext>>(bytes) {
                let written = Wire.encode(&response).expect("it was written before");
                assert_eq!(Wire.encoded_len(&response).expect("it has a length"), written.len());
            }
        }
    }
});
