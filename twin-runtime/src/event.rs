//! Telemetry events: everything that can change a twin, with its place in the order and its bytes.
//!
//! Purpose: a twin is the fold of a set of events; this module says what an event is. Flow: adapters build
//! [`EventBody`]s, the ingesting server seals them into an [`Event`] (key and skew verdict), [`Event::encode`]
//! gives the canonical bytes that vaults keep and replicas exchange. Invariants: one event has one encoding
//! (version first, little endian, nothing after the end) of at most [`MAX_EVENT_BYTES`]; what decodes has
//! passed [`EventBody::check`]. Absent: free text and names. A written answer enters as the score of its
//! sentiment, computed in the district.

use crate::clock::{Skew, Stamp};
use crate::fixed::{OutOfRange, Signal};
use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

/// First byte of an encoded event.
pub const EVENT_VERSION: u8 = 1;
/// Longest encoding of an event, bytes. The largest kind, a response to 16 skills inside a correction,
/// takes about 120. It also bounds how deep hostile bytes can nest corrections: eight levels of 30 bytes.
pub const MAX_EVENT_BYTES: usize = 256;
/// Most skills that one response or text exercises: Q-matrices seen in public logs stay below 10.
pub const MAX_SKILLS_PER_EVENT: usize = 16;
/// Most minutes of one session or use, one day: longer is a device that was left open.
pub const MAX_MINUTES: u16 = 1_440;

/// A skill by its number in the model, 0..=65,535; a student may hold 1,024 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct SkillId(pub u16);

/// An item by its number in the model; numbers the model does not know take the prior of their skills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct ItemId(pub u32);

/// A device, a licence, a tutor: whatever a use refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct ResourceId(pub u32);

/// One intervention on one student.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct InterventionId(pub u32);

/// Whoever records events: a school's server, a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct SourceId(pub u64);

/// Place of an event in the total order: clock, then source, then the source's own counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct EventKey {
    /// Hybrid clock of the source.
    pub stamp: Stamp,
    /// Who recorded it.
    pub source: SourceId,
    /// The source's counter: 1, 2, 3, … over all its students.
    pub sequence: u64,
}

/// Skills of one event, strictly ascending, 1..=[`MAX_SKILLS_PER_EVENT`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize)]
pub struct SkillSet(Vec<SkillId>);

impl SkillSet {
    /// Sorts and removes duplicates.
    ///
    /// # Errors
    /// [`EventError::Skills`] when none or too many remain.
    pub fn new(mut skills: Vec<SkillId>) -> Result<Self, EventError> {
        skills.sort_unstable();
        skills.dedup();
        if skills.is_empty() || skills.len() > MAX_SKILLS_PER_EVENT {
            return Err(EventError::Skills(skills.len()));
        }
        Ok(Self(skills))
    }

    /// The skills, ascending.
    #[must_use]
    pub fn as_slice(&self) -> &[SkillId] {
        &self.0
    }
}

impl BorshDeserialize for SkillSet {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let skills = Vec::<SkillId>::deserialize_reader(reader)?;
        let ascending = skills.iter().zip(skills.iter().skip(1)).all(|(a, b)| a < b);
        if !ascending || skills.is_empty() || skills.len() > MAX_SKILLS_PER_EVENT {
            let why = EventError::Skills(skills.len());
            return Err(borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, why));
        }
        Ok(Self(skills))
    }
}

/// Whether a response was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Correctness {
    /// Wrong.
    Incorrect,
    /// Right.
    Correct,
}

/// A mark in the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Attendance {
    /// There for the session.
    Present,
    /// There, late: counts as half.
    Late,
    /// Not there, no excuse.
    Absent,
    /// Not there, excused: counted, and left out of the rate.
    Excused,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum EventBody {
    /// A response to an item; one response however many skills it exercises.
    Response {
        /// Its number in the fitted model; one that the model does not have takes the prior.
        item: ItemId,
        /// The skills that it exercises, ascending, each once.
        skills: SkillSet,
        /// Right or wrong.
        correctness: Correctness,
        /// Time taken, milliseconds.
        duration_ms: u32,
    },
    /// A written response, of which only the sentiment enters.
    Written {
        /// −1..=1 in ten-thousandths.
        sentiment: Signal,
    },
    /// A session at a device.
    Session {
        /// Length, minutes, 1..=[`MAX_MINUTES`].
        minutes: u16,
        /// Minutes with activity, at most `minutes`.
        active_minutes: u16,
    },
    /// A mark in the register.
    Attendance(Attendance),
    /// Use of an allocated resource over a period.
    ResourceUse {
        /// The allocated resource, as the district numbers it.
        resource: ResourceId,
        /// Minutes used, at most `available_minutes`.
        used_minutes: u16,
        /// Minutes it was there to be used, 1..=[`MAX_MINUTES`].
        available_minutes: u16,
    },
    /// A scaled score of a test, read against the scale the parameters hold for (skill, grade).
    Assessment {
        /// The subject as a skill.
        skill: SkillId,
        /// School grade, 0 = kindergarten, ..=20.
        grade: u8,
        /// School year by its first calendar year.
        year: u16,
        /// Scaled score in tenths of a point.
        score_e1: u32,
    },
    /// An intervention began.
    InterventionOpened {
        /// The district's number of it, by which its end is told.
        intervention: InterventionId,
    },
    /// An intervention ended.
    InterventionClosed {
        /// The number under which it was opened.
        intervention: InterventionId,
    },
    /// An input of the need rule that a district records, as free lunch; the rule clamps it to its range.
    InputRecorded {
        /// Which, by the number that the rule reads.
        input: u16,
        /// As recorded, before the rule clamps it.
        value: u16,
    },
    /// An earlier event was wrong. Everything after it is recomputed; the correction itself changes nothing
    /// at its own place.
    Correction {
        /// The event that was wrong: its key lies before the correction's.
        target: EventKey,
        /// What it should have said; nothing when it did not happen. Never itself a correction.
        replacement: Option<Box<EventBody>>,
    },
}

/// An event with its place in the order and the verdict on its clock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Event {
    /// Place in the order; two events with one key are one event.
    pub key: EventKey,
    /// The verdict on the source's clock, given once at ingest.
    pub skew: Skew,
    /// What happened.
    pub body: EventBody,
}

/// Why an event is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EventError {
    /// No skill, or more than one event may carry, or not ascending.
    #[error("{0} skills: an event carries 1..={MAX_SKILLS_PER_EVENT}, ascending, each once")]
    Skills(usize),
    /// A number outside its range.
    #[error("event value out of range")]
    Range(#[from] OutOfRange),
    /// A replacement that is itself a correction.
    #[error("a correction cannot replace an event by a correction")]
    NestedCorrection,
    /// A correction of something at or after itself.
    #[error("a correction must come after the event it corrects")]
    CorrectsLater,
    /// A source counts from 1.
    #[error("sequence 0: a source counts its events from 1")]
    Sequence,
    /// Longer than an event may be.
    #[error("{0} bytes: an event has at most {MAX_EVENT_BYTES}")]
    TooLong(usize),
    /// A version this program does not know.
    #[error("event version {0} is not {EVENT_VERSION}")]
    Version(u8),
    /// Not the canonical bytes of an event.
    #[error("malformed event bytes")]
    Malformed,
}

impl EventBody {
    /// Checks the ranges given with the fields.
    ///
    /// # Errors
    /// [`EventError::Range`] or [`EventError::NestedCorrection`].
    pub fn check(&self) -> Result<(), EventError> {
        match self {
            Self::Session { minutes, active_minutes } => {
                in_range("minutes", *minutes, 1, MAX_MINUTES)?;
                in_range("active_minutes", *active_minutes, 0, *minutes)
            }
            Self::ResourceUse { used_minutes, available_minutes, .. } => {
                in_range("available_minutes", *available_minutes, 1, MAX_MINUTES)?;
                in_range("used_minutes", *used_minutes, 0, *available_minutes)
            }
            Self::Assessment { grade, .. } => in_range("grade", u16::from(*grade), 0, 20),
            Self::Correction { replacement: Some(body), .. } => match body.as_ref() {
                Self::Correction { .. } => Err(EventError::NestedCorrection),
                other => other.check(),
            },
            _ => Ok(()),
        }
    }
}

fn in_range(what: &'static str, value: u16, min: u16, max: u16) -> Result<(), EventError> {
    if value < min || value > max {
        let [value, min, max] = [value, min, max].map(i64::from);
        return Err(OutOfRange { what, value, min, max }.into());
    }
    Ok(())
}

impl Event {
    /// Checks the sequence, the body and, for a correction, that it comes after its target.
    ///
    /// # Errors
    /// Any [`EventError`] but those of bytes.
    pub fn check(&self) -> Result<(), EventError> {
        if self.key.sequence == 0 {
            return Err(EventError::Sequence);
        }
        if let EventBody::Correction { target, .. } = &self.body
            && *target >= self.key
        {
            return Err(EventError::CorrectsLater);
        }
        self.body.check()
    }

    /// The wall time that rules about days use, milliseconds since 1970.
    #[must_use]
    pub fn effective_ms(&self) -> u64 {
        self.skew.effective_ms(self.key.stamp)
    }

    /// Canonical bytes: the version, then the fields.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        self.encode_to(&mut bytes);
        bytes
    }

    /// Appends the canonical bytes.
    pub fn encode_to(&self, to: &mut Vec<u8>) {
        to.push(EVENT_VERSION);
        // Writing to a Vec has no failing path; an empty tail would fail every decode.
        let _ = self.serialize(to);
    }

    /// Reads canonical bytes and checks what they say.
    ///
    /// # Errors
    /// Any [`EventError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, EventError> {
        if bytes.len() > MAX_EVENT_BYTES {
            return Err(EventError::TooLong(bytes.len()));
        }
        let (version, rest) = bytes.split_first().ok_or(EventError::Malformed)?;
        if *version != EVENT_VERSION {
            return Err(EventError::Version(*version));
        }
        let event: Self = borsh::from_slice(rest).map_err(|_| EventError::Malformed)?;
        event.check()?;
        Ok(event)
    }
}

#[cfg(test)]
pub(crate) mod tests;
