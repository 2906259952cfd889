//! The demo: a whole consortium on one machine, fed with real students.
//!
//! Flow: [`star`] reads the public tables, [`rules`] says what they mean here, [`one_roster`] exports them as a district's own systems
//! would, [`office`] is a district with its keys and the vault that it imports them into, [`twins`] folds that and says what is
//! anchored; [`consortium`] has the members' folders and what the genesis says of them, [`driver`] plays them all, [`story`] tells
//! it from the data to the evidence, [`asks`] what students ask for, [`milestones`] what they reached. What a district does in it
//! is `aula-district`'s work, the same as everybody's.

pub mod asks;
pub mod consortium;
pub mod driver;
pub mod milestones;
pub mod office;
pub mod one_roster;
pub mod rules;
pub mod star;
pub mod story;
pub mod twins;
