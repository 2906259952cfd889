//! Evidence as an auditor may get it from anybody, of one ledger or over two: a report, whatever the bytes are. Its last field, the SHA-256 of
//! all before it, is put right first, since chance would never pass it.

#![no_main]

use aula_ledger::audit::{Bundle, Options, ViaBundle, is_via, verify, verify_via};
use aula_ledger::codec::Canonical;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

const GENESIS: &[u8] = include_bytes!("../../vectors/evidence/genesis.json");
const PARENT: &[u8] = include_bytes!("../../vectors/evidence/via/parent.json");

fuzz_target!(|data: &[u8]| {
    let mut bundle = data.to_vec();
    bundle.extend(Sha256::digest(data));
    let (exit_code, written) = if is_via(&bundle) {
        let told = verify_via(&bundle, PARENT, GENESIS, &Options::default());
        (told.exit_code(), ViaBundle::from_canonical(&bundle).map(|read| read.to_canonical()))
    } else {
        let report = verify(&bundle, GENESIS, &Options::default());
        (report.verdict.exit_code(), Bundle::from_canonical(&bundle).map(|read| read.to_canonical()))
    };
    match written {
        Ok(written) => assert_eq!(written, bundle),
        // What cannot be read proves nothing.
        Err(_) => assert_ne!(exit_code, 0),
    }
});
