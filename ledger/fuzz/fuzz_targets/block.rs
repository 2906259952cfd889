//! Blocks, headers and receipts as a peer may send them: refused or read, and one value has one encoding.

#![no_main]

use aula_ledger::chain::{Block, Header};
use aula_ledger::tx::Receipt;
use aula_ledger::codec::Canonical;
use libfuzzer_sys::fuzz_target;

fn one<T: Canonical>(data: &[u8]) {
    if let Ok(value) = T::from_canonical(data) {
        assert_eq!(value.to_canonical(), data);
        assert!(value.to_stored().is_ok());
    }
}

fuzz_target!(|data: &[u8]| {
    one::<Block>(data);
    one::<Header>(data);
    one::<Receipt>(data);
});
