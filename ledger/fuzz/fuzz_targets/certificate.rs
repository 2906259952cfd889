//! Commit certificates, votes and validator sets: refused or read; a certificate never fits a set of keys that nobody holds.

#![no_main]

use aula_ledger::chain::certificate::{CommitCertificate, Vote};
use aula_ledger::chain::validators::ValidatorSet;
use aula_ledger::codec::Canonical;
use aula_ledger::types::Hash;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(vote) = Vote::from_canonical(data) {
        assert_eq!(vote.to_canonical(), data);
    }
    // The first half may be a set, the rest a certificate of that set.
    let (first, rest) = data.split_at(data.len() / 2);
    for (set, certificate) in [(first, rest), (first, data), (data, rest)] {
        let certificate = CommitCertificate::from_canonical(certificate);
        if let Ok(certificate) = &certificate {
            assert!(certificate.to_stored().is_ok());
        }
        if let (Ok(set), Ok(certificate)) = (ValidatorSet::from_canonical(set), certificate) {
            let _ = certificate.verify(&Hash([0xc0; 32]), &set);
        }
    }
});
