//! Statements beyond their form: what a store sets, when two are the same, what they are found by, how they are shown.

mod canon;
mod complete;
mod format;
mod query;
mod terms;
#[cfg(test)]
mod tests;

pub use canon::same;
pub(crate) use canon::unsigned;
pub use complete::{Set, complete, stamp};
pub use format::{Format, Languages, shown};
pub(crate) use query::{FROM, Given, agent_of};
pub use query::{Filter, Order, Query, QueryError, Which};
pub use terms::{Term, account_of, definitions_of, identifier, people_of, target_of, terms_of};

/// A statement's identifier in lower case: the only form in which it is compared.
pub fn id_of(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// A new identifier: a random UUID, version 4.
pub fn new_id() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
