//! A node's folder: what is in it, its settings and its keys. No network, no database.
//!
//! [`home`] names every path once, [`config`] is what an operator sets, [`keys`] are drawn here and nowhere else,
//! `aula-files` writes whatever is kept. [`operator`] makes a whole home, [`founding`] a consortium's genesis of several. What
//! cannot be done is said in a sentence with the next step ([`Failure`]).

mod causes;
pub mod clock;
pub mod config;
mod failure;
pub mod fault;
pub mod founding;
pub mod home;
pub mod keys;
mod next_step;
pub mod operator;
pub mod outside;
pub mod own_file;
pub mod running;
mod unread;
mod up_line;

pub use causes::with_causes;
pub use failure::{Advise, DEFECT, Failure, OTHER_VERSION, OUTDATED};
pub use home::Home;
pub use next_step::NextStep;
pub use up_line::UpLine;
