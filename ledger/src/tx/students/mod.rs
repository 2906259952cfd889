//! Students: anchored states and milestones.

pub mod anchor_states;
pub mod record_milestone;

pub use anchor_states::{AnchorStates, StudentState};
pub use record_milestone::{MilestoneKind, RecordMilestone};
