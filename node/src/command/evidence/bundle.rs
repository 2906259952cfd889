//! A bundle as a node sends it.

use aula_ledger::audit::Bundle;
use aula_ledger::codec::Canonical;

use crate::command::{Advise, Failure, OTHER_VERSION};

/// Reads it; nothing of it is checked.
///
/// # Errors
/// When the bytes are something else.
pub(in crate::command) fn read(bytes: &[u8]) -> Result<Bundle, Failure> {
    Bundle::from_canonical(bytes).advise("the node sent no bundle", OTHER_VERSION)
}
