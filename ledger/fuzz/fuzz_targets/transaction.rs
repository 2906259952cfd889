//! A transaction as anybody may post it: refused, or read, checked and priced without a panic, and one value has one encoding.

#![no_main]

use aula_ledger::tx::Transaction;
use aula_ledger::codec::Canonical;
use aula_ledger::execute::limits::cost_of;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(transaction) = Transaction::from_canonical(data) else { return };
    assert_eq!(transaction.to_canonical(), data);
    let (genesis, height) = (transaction.body.genesis, transaction.body.valid_until_height);
    let _ = transaction.check(&genesis, height);
    let _ = cost_of(&transaction, data.len());
    let _ = transaction.id();
    // Nobody holds a key here, so what verifies was in the seeds: a signature must not fit another body.
    let _ = transaction.signature_is_valid();
});
