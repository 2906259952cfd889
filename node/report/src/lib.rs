//! What people get from Aula. So far: verifiable credentials ([`credentials`]).
//!
//! Absent: network, clock and database. Who calls gives bytes, time and keys, and writes what comes back.

pub mod credentials;
