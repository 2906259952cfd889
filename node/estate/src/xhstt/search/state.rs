//! A timetable under search: changes are made in place, valued by counting again only where they can be felt, and taken
//! back from a journal.

use super::super::cost::{Uses, deviation};
use super::super::instance::{Instance, NOBODY, Sub, Wanted};
use super::super::times::Times;
use super::felt::Felt;
use super::rooms::Rooms;

/// What a timetable costs, in the order of what comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Cost {
    pub hard: i64,
    /// Rooms' days in use, where few are wanted.
    pub rooms: i64,
    pub soft: i64,
}

/// What a unit of each weighs in soft ones.
#[derive(Debug, Clone, Copy)]
pub struct Weights {
    pub hard: i64,
    pub room_day: i64,
}

/// One change, to be taken back.
enum Was {
    Time(usize, usize, u16),
    Resource(usize, usize, usize, u32),
    Parts(usize, Vec<Sub>),
    Cost(u32, i64),
}

pub struct State<'a, T> {
    pub instance: &'a Instance<T>,
    pub subs: Vec<Vec<Sub>>,
    pub uses: Uses<T>,
    pub cost: Cost,
    pub weights: Weights,
    rooms: Option<Rooms<T>>,
    felt: Felt,
    of_point: Vec<i64>,
    /// Points that cost something, and where each of them is in the list.
    pub bad: Vec<u32>,
    place_of: Vec<u32>,
    /// The last change that asked for each point, so that none is counted twice.
    asked: Vec<u64>,
    change: u64,
    touched: Vec<u32>,
    journal: Vec<Was>,
    before: Cost,
    /// How scattered the rooms' days are, before the change and now.
    scattered: (i64, i64),
}

const NOWHERE: u32 = u32::MAX;

impl<'a, T: Times> State<'a, T> {
    pub fn new(
        instance: &'a Instance<T>,
        subs: Vec<Vec<Sub>>,
        weights: Weights,
        rooms: Option<Rooms<T>>,
    ) -> Self {
        let mut uses = Uses::new(instance);
        for (event, subs) in subs.iter().enumerate() {
            subs.iter().for_each(|sub| uses.book(instance, event, sub, true));
        }
        let points = instance.points.len();
        let mut state = Self {
            instance,
            subs,
            uses,
            cost: Cost::default(),
            weights,
            rooms,
            felt: Felt::new(instance),
            of_point: vec![0; points],
            bad: Vec::new(),
            place_of: vec![NOWHERE; points],
            asked: vec![0; points],
            change: 0,
            touched: (0..points as u32).collect(),
            journal: Vec::new(),
            before: Cost::default(),
            scattered: (0, 0),
        };
        state.count_again();
        if let Some(rooms) = &state.rooms {
            (state.cost.rooms, state.scattered.1) = rooms.all(&state.uses);
        }
        state.begin();
        state
    }

    /// One number to steer by.
    pub fn total(&self) -> i64 {
        let rooms = self.weights.room_day.saturating_mul(16 * self.cost.rooms + self.scattered.1) / 16;
        self.cost.hard.saturating_mul(self.weights.hard).saturating_add(rooms).saturating_add(self.cost.soft)
    }

    /// Forgets how to take the last change back.
    pub fn begin(&mut self) {
        self.change += 1;
        self.touched.clear();
        self.journal.clear();
        self.before = self.cost;
        self.scattered.0 = self.scattered.1;
    }

    /// Whether nothing was changed since [`Self::begin`].
    pub fn unchanged(&self) -> bool {
        self.journal.is_empty()
    }

    pub fn set_time(&mut self, event: usize, place: usize, time: u16) {
        let old = self.subs[event][place].time;
        if old != time {
            self.journal.push(Was::Time(event, place, old));
            self.touch_event(event, Felt::timing);
            self.touch_resources(event, place);
            self.move_to(event, place, time);
        }
    }

    fn move_to(&mut self, event: usize, place: usize, time: u16) {
        if self.rooms.is_some() {
            self.book(event, place, false);
            self.subs[event][place].time = time;
            self.book(event, place, true);
        } else {
            self.uses.occupy(event, &self.subs[event][place], false);
            self.subs[event][place].time = time;
            self.uses.occupy(event, &self.subs[event][place], true);
        }
    }

    pub fn set_resource(&mut self, event: usize, place: usize, slot: usize, resource: u32) {
        let old = self.subs[event][place].resources[slot];
        if old != resource {
            self.journal.push(Was::Resource(event, place, slot, old));
            self.touch_event(event, Felt::staffing);
            self.touch_resource(old);
            self.touch_resource(resource);
            self.hand_to(event, place, slot, resource);
        }
    }

    fn hand_to(&mut self, event: usize, place: usize, slot: usize, resource: u32) {
        self.book(event, place, false);
        self.subs[event][place].resources[slot] = resource;
        self.book(event, place, true);
    }

    pub fn set_parts(&mut self, event: usize, parts: Vec<Sub>) {
        for place in 0..self.subs[event].len() {
            self.touch_resources(event, place);
        }
        let old = self.split_into(event, parts);
        self.journal.push(Was::Parts(event, old));
        self.touch_event(event, Felt::all);
        for place in 0..self.subs[event].len() {
            self.touch_resources(event, place);
        }
    }

    fn split_into(&mut self, event: usize, parts: Vec<Sub>) -> Vec<Sub> {
        (0..self.subs[event].len()).for_each(|place| self.book(event, place, false));
        let old = std::mem::replace(&mut self.subs[event], parts);
        (0..self.subs[event].len()).for_each(|place| self.book(event, place, true));
        old
    }

    fn book(&mut self, event: usize, place: usize, add: bool) {
        let sub = &self.subs[event][place];
        if let Some(rooms) = &self.rooms {
            let (opened, scattered) = rooms.of(&self.uses, sub);
            self.uses.book(self.instance, event, sub, add);
            let now = rooms.of(&self.uses, sub);
            self.cost.rooms += now.0 - opened;
            self.scattered.1 += now.1 - scattered;
        } else {
            self.uses.book(self.instance, event, sub, add);
        }
    }

    /// Counts again wherever the changes since [`Self::begin`] can be felt.
    pub fn settle(&mut self) {
        self.count_again();
        self.touched.clear();
        self.change += 1;
    }

    fn count_again(&mut self) {
        for place in 0..self.touched.len() {
            let index = self.touched[place];
            let point = &self.instance.points[index as usize];
            let cost = point.cost(deviation(point, &self.subs, &self.uses));
            let before = self.of_point[index as usize];
            if cost != before {
                self.journal.push(Was::Cost(index, before));
                self.note(index, cost);
                let sum = if point.hard { &mut self.cost.hard } else { &mut self.cost.soft };
                *sum += cost - before;
            }
        }
    }

    /// Takes back all changes since [`Self::begin`].
    pub fn undo(&mut self) {
        while let Some(was) = self.journal.pop() {
            match was {
                Was::Time(event, place, time) => self.move_to(event, place, time),
                Was::Resource(event, place, slot, resource) => self.hand_to(event, place, slot, resource),
                Was::Parts(event, parts) => {
                    self.split_into(event, parts);
                }
                Was::Cost(index, cost) => self.note(index, cost),
            }
        }
        self.cost = self.before;
        self.scattered.1 = self.scattered.0;
        self.touched.clear();
        self.change += 1;
    }

    fn note(&mut self, index: u32, cost: i64) {
        self.of_point[index as usize] = cost;
        let place = self.place_of[index as usize];
        if cost > 0 && place == NOWHERE {
            self.place_of[index as usize] = self.bad.len() as u32;
            self.bad.push(index);
        } else if cost == 0 && place != NOWHERE {
            self.bad.swap_remove(place as usize);
            self.place_of[index as usize] = NOWHERE;
            if let Some(moved) = self.bad.get(place as usize) {
                self.place_of[*moved as usize] = place;
            }
        }
    }

    fn touch_event(&mut self, event: usize, points: impl Fn(&Felt, usize) -> &[u32]) {
        touch(points(&self.felt, event), self.change, &mut self.asked, &mut self.touched);
    }

    fn touch_resources(&mut self, event: usize, place: usize) {
        for slot in 0..self.subs[event][place].resources.len() {
            self.touch_resource(self.subs[event][place].resources[slot]);
        }
    }

    fn touch_resource(&mut self, resource: u32) {
        if resource != NOBODY {
            touch(self.felt.by(resource as usize), self.change, &mut self.asked, &mut self.touched);
        }
    }

    /// What is wanted at a point.
    pub fn wanted(&self, point: u32) -> &'a Wanted<T> {
        &self.instance.points[point as usize].wanted
    }
}

fn touch(points: &[u32], change: u64, asked: &mut [u64], touched: &mut Vec<u32>) {
    for index in points {
        let last = &mut asked[*index as usize];
        if *last != change {
            *last = change;
            touched.push(*index);
        }
    }
}
