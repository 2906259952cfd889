//! Whether a student must be placed.

use crate::codec::byte_word::byte_word;

byte_word! {
    /// Whether the student must be placed.
    #[serde(rename_all = "snake_case")]
    pub enum Mandate {
        /// May wait.
        None = 0,
        /// Must be placed: an individualised education program (IEP) says so.
        Mandated = 1,
    }
}
