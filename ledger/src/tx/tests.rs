//! Transactions by what they promise: each rejection, votes, what is conserved, what never changes.

mod bytes;
mod conservation;
mod rejections;
mod service;
mod students;
mod votes;
