//! What every transaction is to the ledger: rules that need no state, then its effect on the state.

use crate::chain::Code;

/// A transaction's rules and effect.
pub trait Handler {
    /// Rules that need no state: ranges, order, lengths.
    ///
    /// # Errors
    /// The code the submitter is told; a block that holds such a transaction is invalid.
    fn check(&self) -> Result<(), Code>;
}

/// [`Code::InvalidPayload`] unless `holds`.
///
/// # Errors
/// [`Code::InvalidPayload`].
pub(crate) fn require(holds: bool) -> Result<(), Code> {
    if holds { Ok(()) } else { Err(Code::InvalidPayload) }
}

/// True when `keys` strictly ascend.
pub(crate) fn ascends<'a, K: Ord + 'a>(keys: impl Iterator<Item = &'a K> + Clone) -> bool {
    keys.clone().zip(keys.skip(1)).all(|(a, b)| a < b)
}

/// True when `items` are all different.
pub(crate) fn differ<T: Ord>(items: &[T]) -> bool {
    let set: std::collections::BTreeSet<&T> = items.iter().collect();
    set.len() == items.len()
}
