//! What a student can reach.

use crate::codec::byte_word::byte_word;

byte_word! {
    /// What was reached.
    #[serde(rename_all = "snake_case")]
    pub enum MilestoneKind {
        /// A unit or course was mastered.
        UnitMastered = 0,
        /// A grade was completed.
        GradeCompleted = 1,
        /// A credential was awarded.
        CredentialAwarded = 2,
        /// An intervention began.
        InterventionBegun = 3,
        /// An intervention that was recorded as begun is over.
        InterventionEnded = 4,
    }
}
