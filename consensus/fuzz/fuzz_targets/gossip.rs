//! What peers send beside the engine's messages: transactions that are told on, and a newcomer's questions with their answers. Refused or read;
//! the first byte chooses the kind.

#![no_main]

use aula_consensus::gossip::transactions_of;
use aula_consensus::snapshots::{Ask, Told, read_message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 3 {
        0 => drop(transactions_of(rest)),
        1 => drop(read_message::<Ask>(rest)),
        _ => drop(read_message::<Told>(rest)),
    }
});
