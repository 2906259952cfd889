//! A genesis file as anybody may hand it to `aula join` or `aula-audit`: refused in a sentence, or every rule holds and what
//! is written again is read as the same.

#![no_main]

use aula_ledger::genesis::Genesis;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match Genesis::parse(data) {
        Ok(parsed) => {
            let written = parsed.genesis.to_json().expect("what was read may be written");
            let again = Genesis::parse(&written).expect("what was written is read");
            assert_eq!(again.genesis, parsed.genesis);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
