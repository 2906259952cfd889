//! A provider of OneRoster 1.2: the roster and the results of a district, read by its vendors' systems.
//!
//! | module | is |
//! |---|---|
//! | `clients` | who may ask, with which scopes |
//! | `token` | tokens by client credentials |
//! | `schema` | the standard's types: which fields each has |
//! | `filter` | conditions on fields |
//! | `question` | limit, offset, sort, fields; pages and their links |
//! | `place` | which objects an address asks for, and with which scope |
//! | `objects` | the roster as the standard's objects |
//! | `records` | what a district gives, as a trait |
//! | `told` | of whom an answer tells beside who is on its page |
//! | `status` | refusals as the standard writes them |
//! | `http` | the routes |
//!
//! Flow: a token → an address is a place ([`place`](self)) that a scope opens → its objects, filtered and sorted → one page → each
//! student on it, and each whom the answer's count tells of (`told`), is an entry of the access log, naming the client → the page
//! leaves. Invariants: demographics are behind no scope that a client can have; what the log could not list is not given; of a
//! stranger nothing but the token is looked at. Absent: writing, resources, and TLS, which a proxy ends.

pub mod clients;
mod filter;
pub mod http;
mod objects;
mod place;
mod question;
pub mod records;
mod schema;
mod status;
#[cfg(test)]
mod tests;
mod token;
mod told;

pub use filter::FilterError;
