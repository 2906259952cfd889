//! What stands in a request's Authorization header, what an access log's entry and proof look like: refused or read.

#![no_main]

use aula_ledger::access::{AccessEntry, AccessProof};
use aula_ledger::codec::Canonical;
use aula_ledger::credential::{Claim, Credential};
use aula_ledger::types::Hash;
use libfuzzer_sys::fuzz_target;

fn one<T: Canonical>(data: &[u8]) {
    if let Ok(value) = T::from_canonical(data) {
        assert_eq!(value.to_canonical(), data);
    }
}

fuzz_target!(|data: &[u8]| {
    one::<Claim>(data);
    one::<AccessEntry>(data);
    one::<AccessProof>(data);
    let Some(credential) = std::str::from_utf8(data).ok().and_then(|text| text.parse::<Credential>().ok()) else { return };
    let written = credential.to_string();
    assert_eq!(written.parse::<Credential>().as_ref(), Ok(&credential));
    let _ = (credential.scope(), Hash([0; 32]));
});
