//! Nodes in one process, on loopback, with the real engine: what a consortium lives through.

mod attack_01;
mod attack_02;
mod attack_03_04;
mod attack_10;
mod attack_16;
mod common;
mod disk;
mod diverged;
mod faults;
mod four_nodes;
mod hardest_round;
mod hostile_member;
mod kills;
mod ledger;
mod liar;
mod load;
mod membership;
mod misbehaviour;
mod newcomer;
mod restored;
mod soak;
mod store;
mod upgrade;
