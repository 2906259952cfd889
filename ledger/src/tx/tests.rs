//! Transactions by what they promise: each rejection, votes, what is conserved, what never changes,
//! what the ledger knows of vaults.

mod anchoring;
mod attack_08;
mod attack_09;
mod attacks;
mod attacks_state;
mod bytes;
mod calendar;
mod charged;
mod conservation;
mod estates;
mod grow;
mod heads;
mod misbehaviour;
mod nodes;
mod proofs;
mod protocol;
mod rejections;
mod service;
mod statements;
mod stewards;
mod students;
mod turns;
mod twins;
mod vaults;
mod votes;
mod work_bound;
