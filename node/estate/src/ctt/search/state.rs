//! A timetable under search: what each move would cost, in a few look-ups, and what it changes.
//!
//! Rooms are never held twice: a move to a held cell swaps. Clashes and unavailable periods are allowed at a weight.

use super::tables::Tables;

pub const NOTHING: u32 = u32::MAX;

/// What a unit of each kind weighs in the search.
#[derive(Debug, Clone)]
pub struct Weights {
    pub hard: i32,
    pub seat: i32,
    pub missing_day: i32,
    pub isolated: i32,
    pub further_room: i32,
    /// What a room's day weighs, by room × [`Self::counts`] + the lectures held on it.
    pub room_day: Vec<i32>,
    /// How many numbers of lectures a day has weights for.
    pub counts: usize,
}

impl Weights {
    /// What a day of a room weighs by the lectures held on it.
    #[inline]
    fn of_room(&self, room: usize) -> &[i32] {
        &self.room_day[room * self.counts..(room + 1) * self.counts]
    }
}

/// The sums that the search steers by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    pub hard: i32,
    pub soft: i32,
    /// Students without a seat, unweighted.
    pub seats: i32,
    /// Rooms' days with a lecture.
    pub opened: i32,
}

pub struct State<'a> {
    pub tables: &'a Tables,
    pub weights: Weights,
    /// Cell of each lecture, or [`NOTHING`].
    pub cell_of: Vec<u32>,
    /// Lecture in each cell, or [`NOTHING`].
    pub at: Vec<u32>,
    pub cost: Cost,
    /// By period × courses + course: lectures then that clash with the course, one more if it is unavailable.
    clash: Vec<u16>,
    day_count: Vec<u16>,
    days_used: Vec<i32>,
    room_count: Vec<u16>,
    /// By curriculum × periods + period.
    held: Vec<u16>,
    /// By curriculum × days + day: periods held, two bits to the left so that a window of five needs no care.
    mask: Vec<u64>,
    room_day: Vec<u16>,
    /// Isolated lectures more when the middle of five periods becomes held.
    gain: [i8; 32],
}

impl<'a> State<'a> {
    pub fn new(tables: &'a Tables, weights: Weights) -> Self {
        let t = tables;
        let mut clash = vec![0u16; t.periods * t.courses];
        for course in 0..t.courses {
            for period in 0..t.periods {
                clash[period * t.courses + course] = u16::from(t.unavailable[course * t.periods + period]);
            }
        }
        let missing: i32 = t.min_days.iter().map(|days| days * weights.missing_day).sum();
        Self {
            cell_of: vec![NOTHING; t.course_of.len()],
            at: vec![NOTHING; t.periods * t.rooms],
            // A course without lectures has no room to be the first: its −1 here is never made good.
            cost: Cost { soft: missing - t.courses as i32 * weights.further_room, ..Cost::default() },
            clash,
            day_count: vec![0; t.courses * t.days],
            days_used: vec![0; t.courses],
            room_count: vec![0; t.courses * t.rooms],
            held: vec![0; t.curricula * t.periods],
            mask: vec![0; t.curricula * t.days],
            room_day: vec![0; t.rooms * t.days],
            gain: isolation_gains(),
            tables,
            weights,
        }
    }

    #[inline]
    pub fn split(&self, cell: u32) -> (usize, usize) {
        (cell as usize / self.tables.rooms, cell as usize % self.tables.rooms)
    }

    pub fn clashes(&self, course: usize, period: usize) -> u16 {
        self.clash[period * self.tables.courses + course]
    }

    /// Clashes more when a lecture of `course` moves between two different periods.
    #[inline]
    pub fn hard_delta(&self, course: usize, from: usize, to: usize) -> i32 {
        let c = self.tables.courses;
        i32::from(self.clash[to * c + course]) - i32::from(self.clash[from * c + course]) + 1
    }

    #[inline]
    pub fn days_delta(&self, course: usize, from: usize, to: usize) -> i32 {
        let (from, to) = (self.tables.day_of[from] as usize, self.tables.day_of[to] as usize);
        if from == to {
            return 0;
        }
        let base = course * self.tables.days;
        let (used, least) = (self.days_used[course], self.tables.min_days[course]);
        let next =
            used - i32::from(self.day_count[base + from] == 1) + i32::from(self.day_count[base + to] == 0);
        self.weights.missing_day * ((least - next).max(0) - (least - used).max(0))
    }

    /// What a lecture weighs more at another period than the given timetable had it.
    #[inline]
    pub fn away_delta(&self, course: usize, from: usize, to: usize) -> i32 {
        self.tables.away(course, to) - self.tables.away(course, from)
    }

    #[inline]
    pub fn rooms_delta(&self, course: usize, from: usize, to: usize) -> i32 {
        if from == to {
            return 0;
        }
        let base = course * self.tables.rooms;
        let seats = self.tables.seats_short[base + to] - self.tables.seats_short[base + from];
        let further =
            i32::from(self.room_count[base + to] == 0) - i32::from(self.room_count[base + from] == 1);
        let away = self.tables.away_room(course, to) - self.tables.away_room(course, from);
        self.weights.seat * seats + self.weights.further_room * further + away
    }

    /// Isolated lectures more when a lecture of `course` moves, in the curricula that `other` is not in.
    #[inline]
    pub fn isolation_delta(&self, course: usize, from: usize, to: usize, other: Option<usize>) -> i32 {
        let t = self.tables;
        let (from_day, to_day) = (t.day_of[from] as usize, t.day_of[to] as usize);
        let (from_bit, to_bit) = (t.bit_of[from], t.bit_of[to]);
        let mut sum = 0i32;
        for curriculum in t.curricula_of.of(course) {
            let q = *curriculum as usize;
            if other.is_some_and(|other| t.is_in[other * t.curricula + q]) {
                continue;
            }
            let held = &self.held[q * t.periods..(q + 1) * t.periods];
            let mut there = self.mask[q * t.days + to_day];
            if held[from] == 1 {
                let here = self.mask[q * t.days + from_day];
                sum -= i32::from(self.gain[(here >> from_bit) as usize & 0b11011]);
                if from_day == to_day {
                    there &= !(4 << from_bit);
                }
            }
            if held[to] == 0 {
                sum += i32::from(self.gain[(there >> to_bit) as usize & 0b11011]);
            }
        }
        sum * self.weights.isolated
    }

    /// The weight of rooms' days more, when a lecture moves to a free cell.
    #[inline]
    pub fn room_day_delta(&self, from: (usize, usize), to: (usize, usize)) -> i32 {
        let key =
            |(period, room): (usize, usize)| room * self.tables.days + self.tables.day_of[period] as usize;
        let (one, two) = (key(from), key(to));
        if one == two {
            return 0;
        }
        let (old, new) = (usize::from(self.room_day[one]), usize::from(self.room_day[two]));
        let (here, there) = (self.weights.of_room(from.1), self.weights.of_room(to.1));
        here[old - 1] - here[old] + there[new + 1] - there[new]
    }

    /// Has every lecture where another timetable has it.
    pub fn stand(&mut self, cell_of: &[u32]) {
        for lecture in (0..cell_of.len() as u32).filter(|lecture| cell_of[*lecture as usize] != NOTHING) {
            if self.cell_of[lecture as usize] != NOTHING {
                self.lift(lecture);
            }
        }
        for (lecture, cell) in (0..).zip(cell_of).filter(|(_, cell)| **cell != NOTHING) {
            self.put(lecture, *cell);
        }
    }

    /// Takes a lecture out.
    pub fn lift(&mut self, lecture: u32) {
        let t = self.tables;
        let cell = std::mem::replace(&mut self.cell_of[lecture as usize], NOTHING);
        self.at[cell as usize] = NOTHING;
        let (period, room) = self.split(cell);
        let course = t.course_of[lecture as usize] as usize;
        for neighbour in t.neighbours.of(course) {
            self.clash[period * t.courses + *neighbour as usize] -= 1;
        }
        self.cost.hard -= i32::from(self.clash[period * t.courses + course]);
        self.cost.soft -= t.away(course, period) + t.away_room(course, room);
        let day = t.day_of[period] as usize;
        let count = &mut self.day_count[course * t.days + day];
        *count -= 1;
        if *count == 0 {
            self.days_used[course] -= 1;
            self.cost.soft +=
                i32::from(self.days_used[course] < t.min_days[course]) * self.weights.missing_day;
        }
        let count = &mut self.room_count[course * t.rooms + room];
        *count -= 1;
        self.cost.soft -= i32::from(*count == 0) * self.weights.further_room
            + t.seats_short[course * t.rooms + room] * self.weights.seat;
        self.cost.seats -= t.seats_short[course * t.rooms + room];
        let (count, weigh) = (&mut self.room_day[room * t.days + day], self.weights.of_room(room));
        self.cost.soft += weigh[usize::from(*count) - 1] - weigh[usize::from(*count)];
        *count -= 1;
        self.cost.opened -= i32::from(*count == 0);
        for curriculum in t.curricula_of.of(course) {
            let q = *curriculum as usize;
            let held = &mut self.held[q * t.periods + period];
            *held -= 1;
            if *held == 0 {
                let mask = &mut self.mask[q * t.days + day];
                *mask &= !(4 << t.bit_of[period]);
                let window = (*mask >> t.bit_of[period]) as usize & 0b11011;
                self.cost.soft -= i32::from(self.gain[window]) * self.weights.isolated;
            }
        }
    }

    /// Puts a lecture that is out into a free cell.
    pub fn put(&mut self, lecture: u32, cell: u32) {
        let t = self.tables;
        self.cell_of[lecture as usize] = cell;
        self.at[cell as usize] = lecture;
        let (period, room) = self.split(cell);
        let course = t.course_of[lecture as usize] as usize;
        self.cost.hard += i32::from(self.clash[period * t.courses + course]);
        self.cost.soft += t.away(course, period) + t.away_room(course, room);
        for neighbour in t.neighbours.of(course) {
            self.clash[period * t.courses + *neighbour as usize] += 1;
        }
        let day = t.day_of[period] as usize;
        let count = &mut self.day_count[course * t.days + day];
        *count += 1;
        if *count == 1 {
            self.days_used[course] += 1;
            self.cost.soft -=
                i32::from(self.days_used[course] <= t.min_days[course]) * self.weights.missing_day;
        }
        let count = &mut self.room_count[course * t.rooms + room];
        *count += 1;
        self.cost.soft += i32::from(*count == 1) * self.weights.further_room
            + t.seats_short[course * t.rooms + room] * self.weights.seat;
        self.cost.seats += t.seats_short[course * t.rooms + room];
        let (count, weigh) = (&mut self.room_day[room * t.days + day], self.weights.of_room(room));
        self.cost.soft += weigh[usize::from(*count) + 1] - weigh[usize::from(*count)];
        *count += 1;
        self.cost.opened += i32::from(*count == 1);
        for curriculum in t.curricula_of.of(course) {
            let q = *curriculum as usize;
            let held = &mut self.held[q * t.periods + period];
            *held += 1;
            if *held == 1 {
                let mask = &mut self.mask[q * t.days + day];
                let window = (*mask >> t.bit_of[period]) as usize & 0b11011;
                *mask |= 4 << t.bit_of[period];
                self.cost.soft += i32::from(self.gain[window]) * self.weights.isolated;
            }
        }
    }
}

/// For each pattern of five neighbouring periods whose middle is free: isolated periods more once it is held.
fn isolation_gains() -> [i8; 32] {
    let isolated = |five: u32, place: u32| five >> place & 0b10 != 0 && five >> place & 0b101 == 0;
    let count = |five: u32| (0..3).filter(|place| isolated(five, *place)).count() as i8;
    std::array::from_fn(|window| {
        let five = window as u32 & 0b11011;
        count(five | 0b100) - count(five)
    })
}
