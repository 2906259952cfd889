//! Live feeds: what other systems send, durable before they hear so, exactly once, into the vault and the twins.
//!
//! | module | is |
//! |---|---|
//! | [`door`] | how the vault is borrowed from whoever keeps it open |
//! | [`given`] | a message as it came, with where it came from |
//! | [`people`] | which student an identifier names |
//! | [`taking`] | a group of messages into the vault, and what became of each |
//! | [`letters`] | messages that became no event: listed, replayed, dropped after a time |
//! | [`note`] | what is counted of a source |
//! | [`breaker`] | when a vault that fails is tried again |
//! | [`spool`] | sealed files for messages that the vault cannot take now |
//! | [`pipeline`] | the queue, the group commit, the fold |
//! | [`intake`] | what both HTTP listeners stand on: feed, senders, requests at once |
//! | [`server`] | the HTTP listener of a feed of frames |
//! | [`caliper`] | the endpoint of a feed of Caliper |
//! | [`folder`] | files that appear in a folder |
//! | [`payload`] | what a broker's message holds |
//! | [`mqtt`] | a listener of MQTT, and a subscriber to a district's broker |
//! | [`kafka`] | a member of a group of consumers at a district's Kafka |
//! | [`broker`] | a broker's address, secret and certificates |
//! | [`strangers`] | how often somebody unknown may try |
//! | [`statements`] | statements of the record store as messages |
//! | [`settings`] | feeds as config.toml names them |
//! | [`replica`] | a school's replica and its district level |
//! | [`clients`] | who may send, from a file of the operator's alone |
//!
//! Flow: a listener reads messages ([`aula_ingest::event`]) → [`pipeline::Pipeline::submit`] → one synced batch for everybody who
//! waits → the sender hears → the twins are folded and whoever listens is told. Invariants: nothing is acknowledged before it is
//! on disk; what was acknowledged is never dropped; a message is an event once, however often it comes. Absent: what a
//! message means, which `aula-ingest` says, and what a district does about a twin.

pub mod breaker;
pub mod broker;
pub mod caliper;
pub mod clients;
pub mod door;
pub mod folder;
pub mod given;
pub mod intake;
pub mod kafka;
pub mod letters;
pub mod mqtt;
pub mod note;
pub mod payload;
pub mod people;
pub mod pipeline;
pub mod replica;
pub mod server;
pub mod settings;
pub mod spool;
pub mod statements;
pub mod strangers;
pub mod taking;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod term;
#[cfg(test)]
mod testkit;
