//! Events of students as feeds bring them, before a district's vault is asked who they are of.
//!
//! | module | is |
//! |---|---|
//! | [`kind`] | the kinds of event, and which may wait |
//! | [`mod@line`] | a message as a line of JSON |
//! | [`frame`] | a message as a binary frame |
//! | [`xapi`] | xAPI statements by rules that a district can extend |
//! | [`caliper`] | Caliper's envelopes, checked, and their events by such rules |
//! | `rules_file` | what the files of rules have in common |
//! | [`instant`] | moments to the millisecond |
//!
//! Flow: bytes → a [`Message`], or a [`Refusal`] with its reason → the district's vault. A message is named by its source: the
//! pair (source, name) makes it exactly once. Invariants: any bytes in, no panic, no more memory than a few times the input; a
//! message's body is within the ranges of `aula_twin_runtime`; no feed records an input of the need rule. Absent: who a student is,
//! clocks, files, network.

pub mod caliper;
pub mod frame;
pub mod instant;
pub mod kind;
pub mod line;
mod rules_file;
pub mod xapi;

#[cfg(test)]
mod tests;

use aula_twin_runtime::clock::Stamp;
use aula_twin_runtime::event::EventBody;

pub use kind::Kind;

/// Most bytes of a message's own name.
pub const MAX_NAME_BYTES: usize = 256;
/// Most bytes of a student's identifier.
pub const MAX_STUDENT_BYTES: usize = 128;

/// A message of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The source's own name of it, 1 to [`MAX_NAME_BYTES`] bytes.
    pub name: String,
    /// When it happened, by the source's clock.
    pub at: Stamp,
    /// The district's own identifier of the student; an amendment may leave it out.
    pub student: Option<String>,
    /// What it says.
    pub what: What,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Something happened.
    Happened(EventBody),
    /// An earlier message of the same source was wrong.
    Amended {
        /// Its name.
        of: String,
        /// What it should have said; nothing when it did not happen.
        instead: Option<EventBody>,
    },
}

/// Why a message becomes no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The vault knows no such student.
    UnknownStudent,
    /// No kind of event, or no rule, is for it.
    UnknownKind,
    /// It amends a message that has not come.
    UnknownTarget,
    /// Its values are out of range, or missing.
    Refused,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::UnknownStudent, Self::UnknownKind, Self::UnknownTarget, Self::Refused];

    /// The word in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownStudent => "unknown_student",
            Self::UnknownKind => "unknown_kind",
            Self::UnknownTarget => "unknown_target",
            Self::Refused => "refused",
        }
    }

    /// From the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == word)
    }
}

/// A message that becomes no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The source's own name of it, where it could be read.
    pub name: Option<String>,
    /// The word that the sender is told.
    pub reason: Reason,
    /// What to look at; quotes no value of a student.
    pub detail: String,
}

impl Refusal {
    /// What the sender is told of one message; `detail` may quote no value of a student.
    pub fn new(name: Option<&str>, reason: Reason, detail: impl Into<String>) -> Self {
        Self { name: name.map(str::to_owned), reason, detail: detail.into() }
    }
}

/// Checks what every form of a message must keep to.
///
/// # Errors
/// [`Refusal`] with [`Reason::Refused`], or [`Reason::UnknownKind`] for a body that no feed may bring.
pub fn checked(message: Message) -> Result<Message, Refusal> {
    let name = Some(message.name.as_str());
    let refused = |detail: String| Err(Refusal::new(name, Reason::Refused, detail));
    if !(1..=MAX_NAME_BYTES).contains(&message.name.len()) {
        return Err(Refusal::new(None, Reason::Refused, format!("id must have 1 to {MAX_NAME_BYTES} bytes")));
    }
    if message.student.as_ref().is_some_and(|id| !(1..=MAX_STUDENT_BYTES).contains(&id.len())) {
        return refused(format!("student must have 1 to {MAX_STUDENT_BYTES} bytes"));
    }
    let body = match &message.what {
        What::Happened(body) => {
            if message.student.is_none() {
                return refused("student is missing".into());
            }
            Some(body)
        }
        What::Amended { of, instead } => {
            if !(1..=MAX_NAME_BYTES).contains(&of.len()) || *of == message.name {
                return refused("of must name another message of this source".into());
            }
            instead.as_ref()
        }
    };
    match body {
        Some(EventBody::Correction { .. } | EventBody::InputRecorded { .. }) => {
            Err(Refusal::new(name, Reason::UnknownKind, "no feed brings this kind of event"))
        }
        Some(body) => match body.check() {
            Ok(()) => Ok(message),
            Err(error) => refused(error.to_string()),
        },
        None => Ok(message),
    }
}
