//! What a building needs to be kept warm and cool, hour by hour: the simple hourly method of ISO 13790 annex C (five
//! resistances, one capacity), in integers, so that a plan's energy is the same figure on every machine.
//!
//! [`building`] reads zones; [`weather`] an EPW file, [`sun`] what of it falls on a window; [`schedule`] who is in which
//! room when, [`air`] how it is aired; [`zone`] is the method; [`simulate`] runs the year, [`heat`] says what is too
//! warm in it. What the method leaves out: moisture, plant dynamics,
//! air that moves between zones; a zone is one air node and one mass.

pub mod air;
pub mod building;
pub mod heat;
pub mod schedule;
pub mod simulate;
pub mod sun;
pub mod weather;
pub mod zone;

#[cfg(test)]
mod tests;

pub use building::{Building, read_building};
pub use simulate::{Hour, Inputs, Year, read_inputs};
