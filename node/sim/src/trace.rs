//! What happened, as one hash: two runs that differ anywhere have different ones.

use sha2::{Digest, Sha256};

/// The hash of everything so far.
#[derive(Default)]
pub struct Trace {
    hash: Sha256,
    entries: u64,
}

impl Trace {
    /// Something happened, at a time in microseconds, to a process.
    pub fn note(&mut self, at_us: u64, process: usize, what: &str, bytes: &[u8]) {
        self.hash.update(at_us.to_le_bytes());
        self.hash.update((process as u64).to_le_bytes());
        self.hash.update((what.len() as u64).to_le_bytes());
        self.hash.update(what);
        self.hash.update((bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
        self.entries += 1;
    }

    /// How many things happened.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The hash in hex.
    pub fn finish(self) -> String {
        hex::encode(self.hash.finalize())
    }
}
