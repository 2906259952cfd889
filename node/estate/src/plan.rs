//! What a change of timetable does before it is made: which rooms' days it closes and opens, what the building then needs
//! by the hourly method of [`crate::energy`], and what it costs in other terms (walks, gaps, seats).
//!
//! The timetable itself comes from [`crate::ctt::search`] or from a file; what is chosen here is only that a plan is never worse
//! than the given one in what comes before energy.

mod burden;
mod compare;
mod load;
mod picture;
mod terms;
#[cfg(test)]
mod tests;

pub use burden::burden;
pub use compare::{RoomDay, closed, moved, no_worse};
pub use load::{Hours, Load, Week, curve, load, schedule, zones};
pub use picture::picture;
pub use terms::{Terms, terms};
