//! What an archive's instance says, by indices.

use super::times::Times;

/// No time.
pub const UNTIMED: u16 = u16::MAX;
/// No resource.
pub const NOBODY: u32 = u32::MAX;

/// What an event needs: a resource of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its role, empty where a preassigned resource has none.
    pub role: String,
    /// The resource that is given, or `NOBODY`.
    pub given: u32,
    /// Resources of its type.
    pub candidates: Vec<u32>,
    /// What a whole event counts for its resource.
    pub workload: u32,
}

/// An event: so many times, to be split and placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// As in the file.
    pub id: String,
    /// Times in all.
    pub duration: u16,
    /// The time that is given, or `UNTIMED`.
    pub given: u16,
    /// What it needs.
    pub slots: Vec<Slot>,
}

/// A part of an event in a timetable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sub {
    /// Times one after the other.
    pub duration: u16,
    /// The first, or `UNTIMED`.
    pub time: u16,
    /// The resource of each of the event's slots.
    pub resources: Vec<u32>,
}

impl Sub {
    /// The times that it takes.
    #[must_use]
    pub fn taken<T: Times>(&self) -> T {
        if self.time == UNTIMED { T::NONE } else { T::span(self.time, self.duration) }
    }
}

/// What a deviation costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// The deviation.
    Linear,
    /// Its square.
    Quadratic,
    /// 1 when there is any.
    Step,
}

/// From how many to how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Fewer deviate.
    pub least: i64,
    /// More deviate.
    pub most: i64,
}

impl Limits {
    /// By how much a number is outside.
    #[must_use]
    pub fn outside(self, number: i64) -> i64 {
        (self.least - number).max(number - self.most).max(0)
    }
}

/// What is wanted at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted<T> {
    /// The event has times.
    Timed(usize),
    /// The event's slot has a resource.
    Resourced(usize, usize),
    /// The event starts at these times; only parts of that duration count where one is given.
    Starts(usize, T, Option<u16>),
    /// The event's slot has one of these.
    OneOf(usize, usize, Vec<u32>),
    /// Parts' durations, and how many parts.
    Split(usize, Limits, Limits),
    /// How many parts of a duration.
    Parts(usize, u16, Limits),
    /// How many parts of the events start in each set of times.
    Spread(Vec<usize>, Vec<(T, Limits)>),
    /// The events run at the same times.
    Linked(Vec<usize>),
    /// The second event starts so many times after the first ends.
    Ordered(usize, usize, Limits),
    /// All these slots have the same resource.
    Unsplit(Vec<(usize, usize)>),
    /// The resource is in one place at a time.
    NoClash(usize),
    /// The resource is not busy then.
    Free(usize, T),
    /// Free times between busy ones, by set of times.
    Idle(usize, Vec<T>, Limits),
    /// In how many of the sets it is busy.
    Cluster(usize, Vec<T>, Limits),
    /// How busy it is in each set, where it is busy at all.
    Busy(usize, Vec<T>, Limits),
    /// Its workload.
    Workload(usize, Limits),
}

/// A constraint at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point<T> {
    /// Which constraint of the instance.
    pub constraint: usize,
    /// Whether it is hard.
    pub hard: bool,
    /// What a unit costs.
    pub weight: i64,
    /// How deviations cost.
    pub function: Function,
    /// What is wanted.
    pub wanted: Wanted<T>,
}

impl<T> Point<T> {
    /// The cost of a deviation; a cost that no school has is as good as any other such, so that sums stay sums.
    #[must_use]
    pub fn cost(&self, deviation: i64) -> i64 {
        let units = match self.function {
            Function::Linear => deviation,
            Function::Quadratic => deviation.saturating_mul(deviation),
            Function::Step => i64::from(deviation > 0),
        };
        self.weight.saturating_mul(units).min(MOST_COST)
    }
}

/// Most that a place costs.
const MOST_COST: i64 = 1_000_000_000_000;

/// An instance, with sets of its times as `T` has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance<T> {
    /// As in the file.
    pub id: String,
    /// Ids of times in order.
    pub times: Vec<String>,
    /// Sets of times that are days.
    pub days: Vec<T>,
    /// Ids of resources.
    pub resources: Vec<String>,
    /// Resources of a type called Room or Rooms, ascending.
    pub rooms: Vec<u32>,
    /// Events in the file's order.
    pub events: Vec<Event>,
    /// Ids of constraints.
    pub constraints: Vec<String>,
    /// Every constraint at every place.
    pub points: Vec<Point<T>>,
}
