//! Rosters over HTTP: given to a district's vendors, and asked of a district's other systems.
//!
//! | module | is |
//! |---|---|
//! | [`provider`] | OneRoster 1.2, roster and results: this district gives |
//! | [`oneroster`] | OneRoster's API: this district asks |
//! | [`edfi`] | Ed-Fi's ODS API: this district asks |
//! | `asked` | what every consumer does alike |
//!
//! Absent: the vault, which is asked by a trait, and what is done with what was had, which is the district's.

mod asked;
pub mod edfi;
pub mod oneroster;
pub mod provider;
