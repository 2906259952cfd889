//! A district's data in open formats: all of it, and enough to rebuild its twins and their anchored hashes without this vault.
//!
//! | module | is |
//! |---|---|
//! | [`form`] | the lines of the files, JSON, one a line |
//! | [`said`] | an event and a record as people and programs read them |
//! | [`export`] | from a vault into such files |
//! | [`out`] | files that are written as they come, with their hashes |
//! | [`rebuild`] | a folder of such files folded again, against what was anchored |
//!
//! Flow: the vault's whole records → lines → [`out::Folder`] → a manifest; elsewhere [`rebuild::rebuild`] reads the manifest, checks every
//! file, and folds every version of every student. docs/portability.md is the description for others. Invariants: what is
//! written rebuilds without a key of the district's; a file that was changed is found. Absent: asking the vault or a node.

pub mod export;
pub mod form;
pub mod out;
pub mod rebuild;
pub mod said;
#[cfg(test)]
mod tests;
