//! Evidence as an auditor may get it from anybody: a report, whatever the bytes are. Its last field, the SHA-256 of all
//! before it, is put right first, since chance would never pass it.

#![no_main]

use aula_ledger::audit::{Bundle, Options, verify};
use aula_ledger::codec::Canonical;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

const GENESIS: &[u8] = include_bytes!("../../vectors/evidence/genesis.json");

fuzz_target!(|data: &[u8]| {
    let mut bundle = data.to_vec();
    bundle.extend(Sha256::digest(data));
    let report = verify(&bundle, GENESIS, &Options::default());
    if let Ok(read) = Bundle::from_canonical(&bundle) {
        assert_eq!(read.to_canonical(), bundle);
        return;
    }
    // What cannot be read proves nothing.
    assert_ne!(report.verdict.exit_code(), 0, "{report:?}");
});
