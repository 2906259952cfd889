//! A timetable under search: its cost, kept by counting again only where a change can be felt.

use super::super::cost::{Uses, deviation};
use super::super::instance::{Instance, NOBODY, Sub, Wanted};

pub struct State<'a> {
    pub instance: &'a Instance,
    pub subs: Vec<Vec<Sub>>,
    pub uses: Uses,
    /// Hard and soft.
    pub cost: (i64, i64),
    /// What a unit of hard cost weighs in soft ones.
    pub hard_unit: i64,
    of_point: Vec<i64>,
    of_event: Vec<Vec<u32>>,
    of_resource: Vec<Vec<u32>>,
    /// The last change that asked for each place, so that none is counted twice.
    asked: Vec<u64>,
    change: u64,
    touched: Vec<u32>,
}

impl<'a> State<'a> {
    pub fn new(instance: &'a Instance, subs: Vec<Vec<Sub>>, hard_unit: i64) -> Self {
        let (of_event, of_resource) = places(instance);
        let mut uses = Uses::new(instance);
        for (event, subs) in subs.iter().enumerate() {
            subs.iter().for_each(|sub| uses.book(instance, event, sub, true));
        }
        let mut cost = (0, 0);
        let mut of_point = Vec::with_capacity(instance.points.len());
        for point in &instance.points {
            let own = point.cost(deviation(point, &subs, &uses));
            *(if point.hard { &mut cost.0 } else { &mut cost.1 }) += own;
            of_point.push(own);
        }
        let asked = vec![0; instance.points.len()];
        let touched = Vec::new();
        Self {
            instance,
            subs,
            uses,
            cost,
            hard_unit,
            of_point,
            of_event,
            of_resource,
            asked,
            change: 0,
            touched,
        }
    }

    /// One number to steer by.
    pub fn total(&self) -> i64 {
        self.cost.0 * self.hard_unit + self.cost.1
    }

    /// Gives events new parts; what they had comes back in their place.
    pub fn exchange(&mut self, changes: &mut [(usize, Vec<Sub>)]) {
        self.change += 1;
        self.touched.clear();
        for (event, subs) in changes {
            std::mem::swap(&mut self.subs[*event], subs);
            self.touch(*event, None);
            for sub in subs.iter() {
                self.uses.book(self.instance, *event, sub, false);
                sub.resources.iter().for_each(|resource| self.touch(*event, Some(*resource)));
            }
            for place in 0..self.subs[*event].len() {
                self.uses.book(self.instance, *event, &self.subs[*event][place], true);
                for slot in 0..self.subs[*event][place].resources.len() {
                    self.touch(*event, Some(self.subs[*event][place].resources[slot]));
                }
            }
        }
        for index in &self.touched {
            let point = &self.instance.points[*index as usize];
            let own = point.cost(deviation(point, &self.subs, &self.uses));
            let before = std::mem::replace(&mut self.of_point[*index as usize], own);
            *(if point.hard { &mut self.cost.0 } else { &mut self.cost.1 }) += own - before;
        }
    }

    /// Notes the places of an event or a resource.
    fn touch(&mut self, event: usize, resource: Option<u32>) {
        let places = match resource {
            None => &self.of_event[event],
            Some(NOBODY) => return,
            Some(resource) => &self.of_resource[resource as usize],
        };
        for index in places {
            let asked = &mut self.asked[*index as usize];
            if *asked != self.change {
                *asked = self.change;
                self.touched.push(*index);
            }
        }
    }
}

/// Which places an event's parts are felt at, and which a resource's.
fn places(instance: &Instance) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
    let mut of_event = vec![Vec::new(); instance.events.len()];
    let mut of_resource = vec![Vec::new(); instance.resources.len()];
    for (index, point) in instance.points.iter().enumerate() {
        let index = index as u32;
        let mut event = |event: usize| of_event[event].push(index);
        match &point.wanted {
            Wanted::Timed(e)
            | Wanted::Resourced(e, _)
            | Wanted::Starts(e, ..)
            | Wanted::OneOf(e, ..)
            | Wanted::Split(e, ..)
            | Wanted::Parts(e, ..) => event(*e),
            Wanted::Spread(events, _) | Wanted::Linked(events) => events.iter().for_each(|e| event(*e)),
            Wanted::Ordered(one, two, _) => [*one, *two].into_iter().for_each(event),
            Wanted::Unsplit(slots) => slots.iter().for_each(|(e, _)| event(*e)),
            Wanted::NoClash(r)
            | Wanted::Free(r, _)
            | Wanted::Idle(r, ..)
            | Wanted::Cluster(r, ..)
            | Wanted::Busy(r, ..)
            | Wanted::Workload(r, _) => of_resource[*r].push(index),
        }
    }
    (of_event, of_resource)
}
