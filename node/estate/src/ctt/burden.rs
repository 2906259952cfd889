//! What times and rooms cost beside what the format counts: for whoever runs the rooms, energy.
//!
//! In any unit, the same for all; the search weighs it against its own costs so that a day of a usual room keeps the weight that it has
//! where few room-days are wanted.

/// What they cost; nothing at all where the lists are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Burden {
    /// By period of the week: a student in a lecture then.
    pub at: Vec<i64>,
    /// By room: a student in a lecture there, in the mean of all periods.
    pub room: Vec<i64>,
    /// By room: opening it on a day, whoever is there, above 0.
    pub room_day: Vec<i64>,
    /// How much students weigh beside opened days, in hundredths of what they cost; at 0 nothing of this weighs.
    pub percent: u32,
}

/// Most that one lecture weighs in a search, so that sums stay sums.
const MOST: i64 = 10_000;

/// A cost in units of the search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    numerator: i128,
    denominator: i128,
}

impl Burden {
    /// The unit in which an opened day of a room weighs `room_day` in the mean; none when nothing weighs.
    pub(super) fn unit(&self, room_day: i32) -> Option<Unit> {
        let all: i128 = self.room_day.iter().map(|cost| i128::from(*cost)).sum();
        (all > 0 && self.percent > 0)
            .then(|| Unit { numerator: i128::from(room_day) * self.room_day.len() as i128, denominator: all })
    }
}

impl Unit {
    /// The unit in which so many hundredths of a cost weigh what the cost weighs in this one.
    pub(super) fn percent(self, percent: u32) -> Self {
        Self { numerator: self.numerator * i128::from(percent), denominator: 100 * self.denominator }
    }

    /// A cost in it, rounded.
    pub(super) fn of(self, cost: i128) -> i32 {
        let scaled = (cost * self.numerator + self.denominator / 2) / self.denominator;
        scaled.clamp(0, i128::from(MOST)) as i32
    }
}
