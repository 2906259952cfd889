//! A pair of a district's nodes: one acts, the other stands by with everything that was acknowledged.
//!
//! | module | is |
//! |---|---|
//! | [`lease`] | the record that says who acts, in a store that compares before it sets |
//! | [`folder`] | such a store in a folder that both reach |
//! | [`place`] | that folder's mark: where a share is not mounted nobody has a lease |
//! | [`bucket`] | such a store in a bucket that speaks S3 |
//! | [`patient`] | such a store, asked for so long and no longer |
//! | [`accept`] | an operator's word that what only the other one has may be lost |
//! | [`contender`] | when the lease is renewed, wanted and lost: a function of clocks that it is told |
//! | [`owners`] | whose each key is, so that one home alone signs with it |
//! | [`who`] | the name of one of a pair, and what no copy of its home has |
//! | [`permit`] | what the other processes of a home go by: the epoch, and until when |
//! | [`wire`] | what the two say to each other |
//! | [`folders`] | files beside the database, compared and copied |
//! | [`shipper`] | the acting one's side: each write copied before it is told done |
//! | [`receiver`] | the standby's side: what is copied, and the fence |
//! | [`keeper`] | the threads of a running node of a pair |
//! | [`settings`] | the pair as config.toml names it |
//! | [`standing`] | what is told of it |
//!
//! Flow: the keeper renews the lease or waits for it → who has it writes the permit → every process of that home that opens the vault
//! writes under the permit's epoch and copies each write ([`aula_vault::pair`]) → the standby refuses older epochs. Invariants: what
//! was acknowledged is with the other one, or the lease's record says that the holder went on alone, and then the other does not take
//! over; nobody trusts another's clock. Absent: what is written, and what a node serves.

pub mod accept;
pub mod bucket;
pub mod contender;
pub mod folder;
pub mod folders;
pub mod keeper;
pub mod lease;
pub mod owners;
pub mod patient;
pub mod permit;
pub mod place;
pub mod receiver;
pub mod settings;
pub mod shipper;
pub mod standing;
pub mod who;
pub mod wire;

#[cfg(test)]
mod identity_tests;
#[cfg(test)]
mod late_tests;
#[cfg(test)]
mod pair_tests;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod unmounted_tests;
