//! Small pieces of the protocols in which other systems are spoken with, for whoever speaks them: logins, launches, providers of
//! rosters, devices.
//!
//! Absent: any request. Who asks and answers is above.

pub mod address;
pub mod form;
pub mod link;
pub mod moment;
pub mod said;
pub mod secret;
pub mod shelf;
