//! What moves choose from, taken once from the instance.

use super::super::instance::{Instance, NOBODY, Slot, UNTIMED, Wanted};
use super::super::times::Times;
use super::parts;

/// Events of one link that moves hold together.
const MOST_LINKED: usize = 64;

pub struct Tables<T> {
    /// Ways to split each event that break its hard constraints least.
    pub ways: Vec<Vec<Vec<u16>>>,
    /// Times at which an event may start without breaking what its hard constraints say of it alone.
    pub starts: Vec<T>,
    /// Resources that a slot may have, by event.
    pub choices: Vec<Vec<Vec<u32>>>,
    /// Other events that must run at the same times, ascending, each once however often it is asked.
    pub linked: Vec<Vec<usize>>,
    /// Events by resource that they are given.
    pub given: Vec<Vec<usize>>,
    /// Events with a time to find, and slots with a resource to find.
    pub timed: Vec<usize>,
    pub open: Vec<(usize, usize)>,
    /// Events with more than one way to be split.
    pub splittable: Vec<usize>,
    /// What a unit of hard cost weighs at first.
    pub hard_unit: i64,
    /// The least and the most cost of a soft deviation.
    pub soft: (i64, i64),
}

impl<T: Times> Tables<T> {
    pub fn new(instance: &Instance<T>) -> Self {
        let soft = instance.points.iter().filter(|point| !point.hard).map(|point| point.weight.max(1));
        let hard = instance.points.iter().filter(|point| point.hard).map(|point| point.weight.max(1));
        let most_soft = soft.clone().max().unwrap_or(1);
        let events = instance.events.len();
        let candidates = |slots: &[Slot]| slots.iter().map(|slot| slot.candidates.clone()).collect();
        let ways = parts::ways(instance);
        let mut tables = Self {
            splittable: (0..events).filter(|event| ways[*event].len() > 1).collect(),
            ways,
            starts: vec![T::span(0, instance.times.len() as u16); events],
            choices: instance.events.iter().map(|event| candidates(&event.slots)).collect(),
            linked: vec![Vec::new(); events],
            given: vec![Vec::new(); instance.resources.len()],
            timed: (0..events).filter(|event| instance.events[*event].given == UNTIMED).collect(),
            open: Vec::new(),
            hard_unit: (2 * most_soft / hard.min().unwrap_or(1)).max(8),
            soft: (soft.min().unwrap_or(1), most_soft),
        };
        for (index, event) in instance.events.iter().enumerate() {
            for (place, slot) in event.slots.iter().enumerate() {
                match slot.given {
                    NOBODY => tables.open.push((index, place)),
                    given => tables.given[given as usize].push(index),
                }
            }
        }
        tables.narrow(instance);
        tables.open.retain(|(event, slot)| !tables.choices[*event][*slot].is_empty());
        tables
    }

    /// Takes out what hard constraints say of an event alone; never all.
    fn narrow(&mut self, instance: &Instance<T>) {
        for point in instance.points.iter().filter(|point| point.hard) {
            match &point.wanted {
                Wanted::OneOf(event, slot, preferred) => {
                    let choices = &mut self.choices[*event][*slot];
                    if choices.iter().any(|resource| preferred.binary_search(resource).is_ok()) {
                        choices.retain(|resource| preferred.binary_search(resource).is_ok());
                    }
                }
                Wanted::Starts(event, times, duration)
                    if duration.is_none_or(|duration| duration == instance.events[*event].duration)
                        && !self.starts[*event].and(*times).is_none() =>
                {
                    self.starts[*event] = self.starts[*event].and(*times);
                }
                // A group of more is no chain that could ever close.
                Wanted::Linked(all) if all.len() <= MOST_LINKED => {
                    for event in all {
                        let linked = &mut self.linked[*event];
                        for other in all.iter().filter(|other| *other != event) {
                            if let Err(at) = linked.binary_search(other) {
                                linked.insert(at, *other);
                            }
                        }
                    }
                }
                Wanted::Free(resource, times) => {
                    for event in &self.given[*resource] {
                        let left = self.starts[*event].without(*times);
                        if !left.is_none() {
                            self.starts[*event] = left;
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether there is anything to find.
    pub fn movable(&self) -> bool {
        !self.timed.is_empty() || !self.open.is_empty()
    }
}
