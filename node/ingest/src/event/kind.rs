//! The kinds of event, by the words that feeds, settings and lists use.

use aula_twin_runtime::event::EventBody;

use super::What;

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A response to an item.
    Response,
    /// A written response's sentiment.
    Written,
    /// A session at a device.
    Session,
    /// A mark in the register.
    Attendance,
    /// Use of an allocated resource.
    ResourceUse,
    /// A scaled score.
    Assessment,
    /// An intervention began.
    InterventionOpened,
    /// An intervention ended.
    InterventionClosed,
    /// An earlier message was wrong, and what it should have said.
    Correction,
    /// An earlier message's event did not happen.
    Deletion,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Response,
        Self::Written,
        Self::Session,
        Self::Attendance,
        Self::ResourceUse,
        Self::Assessment,
        Self::InterventionOpened,
        Self::InterventionClosed,
        Self::Correction,
        Self::Deletion,
    ];

    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Written => "written",
            Self::Session => "session",
            Self::Attendance => "attendance",
            Self::ResourceUse => "resource_use",
            Self::Assessment => "assessment",
            Self::InterventionOpened => "intervention_opened",
            Self::InterventionClosed => "intervention_closed",
            Self::Correction => "correction",
            Self::Deletion => "deletion",
        }
    }

    /// From the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }

    /// Whether it may wait while more arrives than can be folded: what moves engagement and use. Responses, assessments,
    /// attendance, interventions and amendments never wait behind newer ones.
    pub const fn may_wait(self) -> bool {
        matches!(self, Self::Written | Self::Session | Self::ResourceUse)
    }

    /// The kind of what a message says; none for what no feed brings.
    pub const fn of(what: &What) -> Option<Self> {
        match what {
            What::Amended { instead: Some(_), .. } => Some(Self::Correction),
            What::Amended { instead: None, .. } => Some(Self::Deletion),
            What::Happened(body) => Self::of_body(body),
        }
    }

    /// The kind of an event's body; none for an input of the need rule, which no feed brings.
    pub const fn of_body(body: &EventBody) -> Option<Self> {
        Some(match body {
            EventBody::Response { .. } => Self::Response,
            EventBody::Written { .. } => Self::Written,
            EventBody::Session { .. } => Self::Session,
            EventBody::Attendance(_) => Self::Attendance,
            EventBody::ResourceUse { .. } => Self::ResourceUse,
            EventBody::Assessment { .. } => Self::Assessment,
            EventBody::InterventionOpened { .. } => Self::InterventionOpened,
            EventBody::InterventionClosed { .. } => Self::InterventionClosed,
            EventBody::Correction { replacement: Some(_), .. } => Self::Correction,
            EventBody::Correction { replacement: None, .. } => Self::Deletion,
            EventBody::InputRecorded { .. } => return None,
        })
    }
}
