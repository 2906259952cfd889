//! What an audit of a drawn student found.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// What the events gave that the district disclosed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Replay {
    /// The anchored state, and every commitment of it opens to what they give.
    Agrees = 0,
    /// The events give another state, or a commitment opens to another value.
    Differs = 1,
    /// The district disclosed none.
    Withheld = 2,
}

/// What the district's own records say of a claim.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum RecordsSay {
    /// The auditor did not look.
    #[default]
    NotSeen = 0,
    /// They bear it out.
    Confirm = 1,
    /// They speak against it.
    Contradict = 2,
    /// The district did not show them.
    Withheld = 3,
}

/// The claims of a request that an audit holds against the district's records.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// That there is such a student.
    pub existence: RecordsSay,
    /// That the student is enrolled at the home school.
    pub enrolment: RecordsSay,
    /// That the student has the mandate that the request says, or has none.
    pub mandate: RecordsSay,
    /// That what the state was computed from happened.
    pub inputs: RecordsSay,
}

impl Claims {
    /// The same of each claim.
    pub const fn all(records: RecordsSay) -> Self {
        Self { existence: records, enrolment: records, mandate: records, inputs: records }
    }

    const fn each(self) -> [RecordsSay; 4] {
        [self.existence, self.enrolment, self.mandate, self.inputs]
    }
}

/// What the auditor found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Finding {
    /// Replayed, and the district's records bear out all four claims.
    Confirmed = 0,
    /// The replayed events give another state, or a record contradicts a claim.
    Contradicted = 1,
    /// The district did not give what was asked for, events or records.
    Withheld = 2,
    /// The replayed events give the anchored state; not all of the claims were held against records.
    Replayed = 3,
    /// Nothing can be given: the student was erased once the round's requests were fixed. The ledger's own word.
    ErasedAfterDraw = 4,
    /// Nothing can be given: the student was erased before. The ledger's own word.
    ErasedBeforeDraw = 5,
}

impl Finding {
    /// Every finding.
    pub const ALL: [Self; 6] = [
        Self::Replayed,
        Self::Confirmed,
        Self::Contradicted,
        Self::Withheld,
        Self::ErasedAfterDraw,
        Self::ErasedBeforeDraw,
    ];

    /// What follows from a replay and from the records: a contradiction before what was withheld, and that before all else.
    pub fn of(replay: Replay, claims: Claims) -> Self {
        let any = |records: RecordsSay| claims.each().contains(&records);
        if replay == Replay::Differs || any(RecordsSay::Contradict) {
            Self::Contradicted
        } else if replay == Replay::Withheld || any(RecordsSay::Withheld) {
            Self::Withheld
        } else if any(RecordsSay::NotSeen) {
            Self::Replayed
        } else {
            Self::Confirmed
        }
    }

    /// In words.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::Replayed => "replayed: the events give the anchored state",
            Self::Confirmed => {
                "confirmed: the events give the anchored state, and the district's records bear out existence, enrolment, \
                 mandate and inputs"
            }
            Self::Contradicted => {
                "contradicted: the events give another state, or a record speaks against what was requested"
            }
            Self::Withheld => "withheld: the district did not give what was asked for",
            Self::ErasedAfterDraw => "erased after draw: the student was erased once the requests were fixed",
            Self::ErasedBeforeDraw => "erased before draw: the student was erased while requests were taken",
        }
    }
}
