//! The audit as WebAssembly: `aula_ledger::audit::verify` behind four exported functions, without imports.
//!
//! Flow: the page asks [`aula_input`] for room for the bundle (slot 0) and the genesis file (slot 1) and writes them
//! there; [`aula_verify`] checks and gives the exit code that `aula-audit verify` would give; [`aula_output`] and
//! [`aula_output_length`] say where the report lies, the same JSON line. `verifier.mjs` does this for a page or for
//! node. Built by `scripts/build-verifier-wasm.sh`; the .wasm beside this crate is committed with its SHA-256.
//!
//! Invariants: the same crate and function as the command, so the same verdict; no network, clock or randomness, which
//! a module without imports cannot have. Absent: `--trusted` and `--genesis-sha256`, which compare what a page can
//! compare itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aula_ledger::audit::{Options, verify};
use aula_ledger::genesis::MAX_GENESIS_BYTES;

/// Refuses every request for randomness: verification makes none.
#[cfg(target_arch = "wasm32")]
fn no_randomness(_: &mut [u8]) -> Result<(), getrandom::Error> {
    Err(getrandom::Error::UNSUPPORTED)
}
#[cfg(target_arch = "wasm32")]
getrandom::register_custom_getrandom!(no_randomness);

/// Most bytes of a bundle in a page: what a phone's memory bears several times over.
const MAX_BUNDLE_BYTES: usize = 64 * 1024 * 1024;

/// Bundle, genesis file, report.
static SLOTS: Mutex<[Vec<u8>; 3]> = Mutex::new([const { Vec::new() }; 3]);

fn slots() -> MutexGuard<'static, [Vec<u8>; 3]> {
    SLOTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn address(bytes: &[u8]) -> usize {
    bytes.as_ptr().addr()
}

/// Makes room for `length` bytes of input, 0 the bundle and 1 the genesis file; gives the address to write them to, or
/// 0 when there is no such slot or the length is over its limit (64 MiB, and that of a genesis file).
#[unsafe(no_mangle)]
pub extern "C" fn aula_input(slot: u32, length: u32) -> usize {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut slots = slots();
    let (place, limit) = match slot {
        0 => (0, MAX_BUNDLE_BYTES),
        1 => (1, MAX_GENESIS_BYTES),
        _ => return 0,
    };
    if length > limit {
        return 0;
    }
    slots.get_mut(place).map_or(0, |bytes| {
        *bytes = vec![0; length.max(1)];
        bytes.truncate(length);
        address(bytes)
    })
}

/// Checks the bundle against the genesis: 0 yes, 1 checked and no, 2 cannot tell. The report is ready after it.
#[unsafe(no_mangle)]
pub extern "C" fn aula_verify() -> u32 {
    let mut slots = slots();
    let [bundle, genesis, output] = &mut *slots;
    let report = verify(bundle, genesis, &Options::default());
    *output = report.to_json().to_string().into_bytes();
    u32::from(report.exit_code())
}

/// Where the report lies: UTF-8, the line that `aula-audit verify --output json` prints.
#[unsafe(no_mangle)]
pub extern "C" fn aula_output() -> usize {
    slots().last().map_or(0, |output| address(output))
}

/// How many bytes the report has.
#[unsafe(no_mangle)]
pub extern "C" fn aula_output_length() -> u32 {
    slots().last().and_then(|output| u32::try_from(output.len()).ok()).unwrap_or(0)
}
