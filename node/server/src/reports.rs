//! Reports from a final state: what is read for them, and where their files go. How they look is `aula_report`'s.
//!
//! Flow: [`past`] gives the state after a height (the stored one, or the blocks since one that is held executed again and compared
//! with every header, `later`) → [`district`] reads figures from it → `aula_report` says them → [`folder`] writes them whole.
//! Nothing here asks a clock: what a report says follows from the chain.

pub mod archive;
mod changed;
pub mod deliver;
pub mod district;
pub mod folder;
pub mod kept;
mod later;
pub mod outbox;
mod outgoing;
pub mod past;
#[cfg(test)]
mod peers;
pub mod schedule;
pub mod state;
#[cfg(test)]
mod tests;
pub mod transparency;
pub mod verify;
pub mod ways;
