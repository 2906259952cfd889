//! A node's folder: what is in it, its settings and its keys. No network, no database.
//!
//! [`home`] names every path once, [`config`] is what an operator sets, [`keys`] are drawn here and nowhere else,
//! [`whole_file`] writes whatever is kept.

mod causes;
pub mod clock;
pub mod config;
pub mod home;
pub mod keys;
mod next_step;
pub mod whole_file;

pub use causes::with_causes;
pub use home::Home;
pub use next_step::NextStep;
