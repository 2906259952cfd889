//! Every bound on foreign input, with its unit and why.

/// Bytes of a credential, picture or list: the largest that `--online` would take as well.
pub const MAX_BYTES: usize = 1 << 20;

/// Levels of arrays and objects: a CLR with endorsed badges has about 14.
pub const MAX_DEPTH: usize = 48;

/// Values in one document, keys not counted: a CLR of a school career has some ten thousand.
pub const MAX_VALUES: usize = 100_000;

/// RDF statements of one document.
pub const MAX_QUADS: usize = 100_000;

/// Steps of telling blank nodes apart, one for each hash computed after the first of each node. Credentials have trees and
/// need none; a graph made to be slow ("poison graph") needs a number that grows as a factorial.
pub const MAX_C14N_STEPS: u32 = 20_000;

/// Neighbours walked to from one node in telling blank nodes apart: each level holds the names given so far.
pub const MAX_C14N_DEPTH: u32 = 256;

/// Contexts loaded for one document, scoped ones counted each time they are applied.
pub const MAX_CONTEXTS: usize = 20_000;

/// Credentials inside a credential (endorsements, the badges of a CLR).
pub const MAX_NESTED: usize = 200;

/// Levels of credentials inside credentials: a CLR holds badges, which hold endorsements.
pub const MAX_NESTED_DEPTH: usize = 4;

/// Bytes of an unpacked status list: 8,388,608 credentials of one bit.
pub const MAX_LIST_BYTES: usize = 1 << 20;

/// Bits that a status list has at least, so that an index hides among others (Bitstring Status List 1.0, 3.2).
pub const MIN_LIST_BITS: usize = 131_072;
