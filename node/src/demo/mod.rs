//! The demo: a whole consortium on one machine, fed with real students.
//!
//! Flow: [`star`] reads the public tables, [`rules`] says what they mean here.

pub mod rules;
pub mod star;
