//! What a dashboard consists of: parts that change one by one, each granted by a field of the record.

use aula_vault::access::ReaderRole;
use aula_vault::corrections::Correction;

/// Weeks of a trend.
pub(super) const WEEKS: usize = 12;
/// Moves that are shown.
pub(super) const MOVES: u64 = 8;

/// What a part tells of; its order is that of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// The next steps.
    Next,
    /// A unit, by its number.
    Unit(u16),
    /// How many units are not shown one by one.
    MoreUnits,
    /// What moved the twin: a place among the last few.
    Move(u64),
    /// How engagement stands and moved.
    Engagement,
    /// Days present and absent.
    Attendance,
    /// A resource in use.
    Resource(u32),
    /// Support that runs or ran.
    Support,
    /// A round's decision.
    Decision(u32),
    /// A correction, by its number among the student's.
    Correction(u16),
}

/// A part's content. Shares are in ten-thousandths, times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Next {
        steps: Vec<Step>,
        gate_e4: u16,
    },
    Unit {
        level_e4: u16,
        sure_e4: u16,
        answers: u32,
        advanced: bool,
        gate_e4: u16,
    },
    MoreUnits(usize),
    Move(Move),
    Engagement {
        level_e4: u16,
        usual_e4: u16,
        low_since_ms: Option<u64>,
        weeks: [Option<u16>; WEEKS],
    },
    Attendance {
        marks: [u32; 4],
        rate_e4: u16,
        weeks: [(u16, u16); WEEKS],
    },
    Resource {
        uses: u32,
        minutes: u64,
        used_e4: u16,
        last_ms: u64,
    },
    Support {
        running: usize,
        closed: usize,
        since_ms: Option<u64>,
        effect_e4: Option<i16>,
    },
    Decision {
        title: String,
        asked: Vec<String>,
        band: u8,
        placed: Option<Placed>,
        decided: bool,
        stands: bool,
    },
    Correction(Correction),
}

/// Where a decision placed the student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub kind: String,
    pub school: u32,
    pub choice: u32,
}

/// A step of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub unit: u16,
    pub level_e4: u16,
    /// What ten minutes are expected to add.
    pub gain_e4: u16,
}

/// What moved the twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Move {
    pub at_ms: u64,
    pub what: What,
    /// How many events of this kind came together.
    pub count: u32,
    /// From and to, where it is a share.
    pub change: Option<(u16, u16)>,
}

/// Kinds of events, as people know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Answers(u16),
    Test(u16),
    Written,
    Session,
    Attendance,
    Resource(u32),
    Support,
    Recorded,
    Amended,
}

impl What {
    /// Whether it is about a unit: what a teacher sees of what moved the twin.
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::Answers(_) | Self::Test(_))
    }
}

/// The fields of the record that a dashboard asks for, of the class of personal data.
pub(super) const FIELDS: [&str; 8] = [
    "name",
    "skill:all",
    "assessment:all",
    "events",
    "engagement",
    "attendance",
    "resources",
    "intervention:all",
];
/// The same of the class of allocations.
pub(super) const ALLOCATION: [&str; 3] = ["band", "kinds", "placement"];

/// What of a dashboard a reader was granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Granted {
    fields: Vec<String>,
    inspects: bool,
}

impl Granted {
    /// These fields, to a reader in this role.
    pub fn of(fields: impl Iterator<Item = String>, role: ReaderRole) -> Self {
        Self { fields: fields.collect(), inspects: role.inspects() }
    }

    /// Whether a field was granted.
    pub fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|own| own == field)
    }

    /// Whether the reader says what is wrong, and sees what was answered.
    pub const fn inspects(&self) -> bool {
        self.inspects
    }

    /// Whether a part may be shown.
    pub fn shows(&self, key: Key, part: Option<&Part>) -> bool {
        match key {
            Key::Next | Key::Unit(_) | Key::MoreUnits => self.has("skill:all"),
            // A part that is gone says nothing.
            Key::Move(_) => match part {
                Some(Part::Move(one)) if one.what.is_answer() => {
                    self.has("events") || self.has("assessment:all")
                }
                Some(_) => self.has("events"),
                None => true,
            },
            Key::Engagement => self.has("engagement"),
            Key::Attendance => self.has("attendance"),
            Key::Resource(_) => self.has("resources"),
            Key::Support => self.has("intervention:all"),
            Key::Decision(_) => self.has("placement"),
            Key::Correction(_) => self.inspects,
        }
    }
}
