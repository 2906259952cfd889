//! Which points feel a change: of an event's times, of its resources, of how it is split; of a resource's times.

use super::super::instance::{Instance, Wanted};
use super::super::times::Times;

pub struct Felt {
    timing: Vec<Vec<u32>>,
    staffing: Vec<Vec<u32>>,
    all: Vec<Vec<u32>>,
    by: Vec<Vec<u32>>,
}

impl Felt {
    pub fn new<T: Times>(instance: &Instance<T>) -> Self {
        let events = instance.events.len();
        let none = || vec![Vec::new(); events];
        let mut felt = Self {
            timing: none(),
            staffing: none(),
            all: none(),
            by: vec![Vec::new(); instance.resources.len()],
        };
        for (point, index) in instance.points.iter().zip(0u32..) {
            felt.enter(&point.wanted, index);
        }
        felt
    }

    fn enter<T: Times>(&mut self, wanted: &Wanted<T>, index: u32) {
        let mut timed = |event: usize| {
            self.timing[event].push(index);
            self.all[event].push(index);
        };
        match wanted {
            Wanted::Timed(e) | Wanted::Starts(e, ..) => timed(*e),
            Wanted::Spread(events, _) | Wanted::Linked(events) => events.iter().for_each(|e| timed(*e)),
            Wanted::Ordered(one, two, _) => [*one, *two].into_iter().for_each(timed),
            Wanted::Split(e, ..) | Wanted::Parts(e, ..) => self.all[*e].push(index),
            Wanted::Resourced(e, _) | Wanted::OneOf(e, ..) => {
                self.staffing[*e].push(index);
                self.all[*e].push(index);
            }
            Wanted::Unsplit(slots) => slots.iter().for_each(|(e, _)| {
                self.staffing[*e].push(index);
                self.all[*e].push(index);
            }),
            Wanted::NoClash(r)
            | Wanted::Free(r, _)
            | Wanted::Idle(r, ..)
            | Wanted::Cluster(r, ..)
            | Wanted::Busy(r, ..)
            | Wanted::Workload(r, _) => self.by[*r].push(index),
        }
    }

    /// Points that feel when an event's parts are held.
    pub fn timing(&self, event: usize) -> &[u32] {
        &self.timing[event]
    }

    /// Points that feel whom an event's parts have.
    pub fn staffing(&self, event: usize) -> &[u32] {
        &self.staffing[event]
    }

    /// Every point of an event.
    pub fn all(&self, event: usize) -> &[u32] {
        &self.all[event]
    }

    /// Points of a resource.
    pub fn by(&self, resource: usize) -> &[u32] {
        &self.by[resource]
    }
}
