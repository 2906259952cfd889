//! A learning record store: xAPI 1.0.3 (ADL) and 2.0 (IEEE 9274.1.1).
//!
//! | module | is |
//! |---|---|
//! | [`json`] | JSON that keeps numbers as they were written, refuses duplicate keys, depth and huge numbers |
//! | [`time`] | timestamps and durations of ISO 8601 and RFC 3339 |
//! | [`validate`] | what a statement, an agent, an activity must look like |
//! | [`statements`] | comparison, what a store sets, index terms, filters, formats |
//! | [`attachments`] | `multipart/mixed` and signed statements |
//! | [`documents`] | state, activity and agent profiles: keys, merging, tags |
//! | [`store`] | where it is kept: one trait, in memory, and a file that is only appended to |
//! | [`desk`] | one request after the other: check, write, wait for the disk, answer |
//! | [`clients`] | who may ask, and for what |
//! | [`http`] | the axum router |
//! | [`limits`] | every limit, with its unit and reason |
//!
//! Flow of a write: HTTP → version and client → strict JSON → `validate` → `desk` compares with what is kept and
//! applies one change → synced → 2xx. Invariants: no 2xx before it is on disk; a statement never changes, voiding only
//! hides it; numbers leave with the digits they came with. Absent: what a statement means for a twin, which is a feed's.

pub mod attachments;
pub mod clients;
pub mod desk;
pub mod documents;
pub mod http;
pub mod json;
pub mod limits;
pub mod statements;
pub mod store;
pub mod time;
pub mod validate;
pub mod version;
