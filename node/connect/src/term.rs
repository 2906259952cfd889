//! A term of a small district through five ways in, sent three times in other orders, with crashes in between.
//!
//! Registers come as Kafka's records, tablets as MQTT's payloads, the learning system as statements of the record store, results as
//! OneRoster files, and a second register as an Ed-Fi export. Half of the students are enrolled only by the OneRoster files, so that
//! messages come before their student is known; amendments come before what they amend. Held: one state root whatever the order,
//! nothing lost, nothing twice, every event traced to its message or line. `scripts/term.sh` sends a larger term, and kills the
//! process (SIGKILL) instead of closing it. Absent: brokers and sockets, which have tests of their own.

mod sending;
mod tests;
mod traffic;
