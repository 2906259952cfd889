//! What people get from Aula: verifiable credentials ([`credentials`]), and reports, whose figures ([`district`]) are said
//! in a language and laid out as HTML and PDF ([`paper`]); and the state's export ([`state`]).
//!
//! Absent: network, clock and database. Who calls gives bytes, time and keys, and writes what comes back.

pub mod credentials;
pub mod district;
pub mod local_hours;
pub mod paper;
mod proofs;
pub mod quiet;
pub mod schedule;
pub mod state;
pub mod transparency;
