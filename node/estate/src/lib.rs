//! The school itself as a twin: its rooms and timetables, the energy they need, what next year asks for, what will fail.
//!
//! [`ctt`] is curriculum-based course timetabling (ITC-2007), [`xhstt`] high school timetabling; [`energy`] the hourly method of ISO 13790;
//! [`fit`] explains a meter by calendar and weather; [`forecast`] says what the next periods ask
//! for, [`needs`] and [`costs`] what that takes, [`capacity`] where one more place is worth most; [`failures`] which equipment will
//! fail, [`optout`] who will leave a course, [`staffing`] how many teachers that asks for; [`check`] names a schedule's conflicts,
//! [`reseat`] finds rooms for lessons whose own is taken out; [`plan`] what a change of timetable does, [`whatif`] what a change of
//! the estate does; [`page`] shows all of it; [`anchor`] puts a building's rows under one root, [`pools`] makes places of its
//! rooms, [`ledger_pools`] reads what the ledger has of places. Readers take bytes and give a checked value or an
//! [`text::Unreadable`] that says where and what; searches take a seed and are replayable by their number of iterations; files, clocks and processor time are the caller's.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod anchor;
pub mod anneal;
pub mod budget;
pub mod capacity;
pub mod check;
pub mod costs;
pub mod ctt;
pub mod decimal;
pub mod energy;
pub mod failures;
pub mod fit;
pub mod forecast;
#[cfg(test)]
mod hostile;
pub mod in_use;
pub mod ledger_pools;
mod linear;
pub mod needs;
pub mod optout;
pub mod page;
pub mod plan;
pub mod pools;
pub mod random;
#[doc(hidden)]
pub mod readers;
pub mod reseat;
pub mod staffing;
pub mod table;
pub mod text;
pub mod trees;
pub mod whatif;
pub mod xhstt;
pub mod xml;
