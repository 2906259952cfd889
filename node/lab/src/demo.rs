//! The demo: a whole consortium on one machine, fed with real students.
//!
//! Flow: [`star`] reads the public tables, [`rules`] says what they mean here, [`office`] is a district with its
//! keys and records, [`twins`] turns a year's records into states and what is anchored of them; [`consortium`] has
//! the members' folders and what the genesis says of them, [`driver`] plays them all, [`story`] tells it from the data to the evidence, [`asks`] what students ask for,
//! [`milestones`] what they reached. What a district does in it is `aula-district`'s work, the same as everybody's.

pub mod asks;
pub mod consortium;
pub mod driver;
pub mod milestones;
pub mod office;
pub mod rules;
pub mod star;
pub mod story;
pub mod twins;
