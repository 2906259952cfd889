//! Students: anchored states, milestones, consents, erasures, audits, who took rows.

pub mod anchor_states;
pub mod record_audit;
pub mod record_consent;
pub mod record_erasure;
pub mod record_milestone;
pub mod take_rows;

pub use anchor_states::{AnchorStates, StudentState};
pub use record_audit::RecordAudit;
pub use record_consent::{ConsentEntry, RecordConsent};
pub use record_erasure::RecordErasure;
pub use record_milestone::{MasteryProof, RecordMilestone};
pub use take_rows::TakeRows;
