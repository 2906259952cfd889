//! Names of fields that are the program's own: what is written under them means something to it.

use aula_ledger::names::FieldName;

/// The field with a student's twin as it was anchored last; no role needs it.
pub const STATE: &str = "state";
/// What stands for all of a student's events in a request.
pub const EVENTS: &str = "events";
/// Names that the program itself gives a meaning: a value of somebody else's under one would destroy the twin, or never
/// be read.
pub const RESERVED: [&str; 2] = [STATE, EVENTS];

/// True when only the program may write the field.
pub fn is_reserved(field: &FieldName) -> bool {
    RESERVED.iter().any(|name| same(name, field.as_str()))
}

/// True when two words differ at most in case and in dashes for underscores.
pub(crate) fn same(name: &str, word: &str) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    name.bytes().map(plain).eq(word.bytes().map(plain))
}
