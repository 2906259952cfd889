//! What a timetable deviates by at each place, and what that costs.

use super::instance::{Instance, Limits, NOBODY, Point, Sub, UNTIMED, Wanted};
use super::times::Times;

/// Parts of workload: what is divided by an event's duration stays whole for durations up to ten.
const PARTS: i64 = 2520;

/// Who is where when, kept while a timetable changes.
#[derive(Debug, Clone)]
pub struct Uses<T> {
    times: usize,
    /// By resource × times + time.
    count: Vec<u32>,
    /// The sum of the events that it is in then: where it is in one, that one.
    held_by: Vec<u32>,
    busy: Vec<T>,
    /// By resource: times over which it is in more than one place, with multiplicity.
    clashes: Vec<i64>,
    load: Vec<i64>,
}

impl<T: Times> Uses<T> {
    /// Nobody is anywhere.
    #[must_use]
    pub fn new(instance: &Instance<T>) -> Self {
        let (times, resources) = (instance.times.len(), instance.resources.len());
        Self {
            times,
            count: vec![0; times * resources],
            held_by: vec![0; times * resources],
            busy: vec![T::NONE; resources],
            clashes: vec![0; resources],
            load: vec![0; resources],
        }
    }

    /// When a resource is busy.
    #[must_use]
    pub fn busy(&self, resource: u32) -> T {
        self.busy[resource as usize]
    }

    /// The one event that a resource is in at a time; none where it is in several.
    #[must_use]
    pub fn event_at(&self, resource: u32, time: u16) -> Option<usize> {
        let place = resource as usize * self.times + usize::from(time);
        (self.count[place] == 1).then(|| self.held_by[place] as usize)
    }

    /// Adds a part of an event, or takes it out.
    pub fn book(&mut self, instance: &Instance<T>, event: usize, sub: &Sub, add: bool) {
        let whole = &instance.events[event];
        for (slot, resource) in
            whole.slots.iter().zip(&sub.resources).filter(|(_, resource)| **resource != NOBODY)
        {
            let load = i64::from(slot.workload) * i64::from(sub.duration) * PARTS / i64::from(whole.duration);
            self.load[*resource as usize] += if add { load } else { -load };
        }
        self.occupy(event, sub, add);
    }

    /// The times of a part alone, its workload staying as it is.
    pub fn occupy(&mut self, event: usize, sub: &Sub, add: bool) {
        if sub.time == UNTIMED {
            return;
        }
        let event = event as u32;
        for resource in sub.resources.iter().filter(|resource| **resource != NOBODY) {
            let resource = *resource as usize;
            let from = resource * self.times + usize::from(sub.time);
            let places = from..from + usize::from(sub.duration);
            let held = self.count[places.clone()].iter_mut().zip(&mut self.held_by[places]);
            for (time, (count, held_by)) in (sub.time..).zip(held) {
                if add {
                    self.clashes[resource] += i64::from(*count > 0);
                    *count += 1;
                    *held_by = held_by.wrapping_add(event);
                } else {
                    *count -= 1;
                    self.clashes[resource] -= i64::from(*count > 0);
                    *held_by = held_by.wrapping_sub(event);
                    if *count == 0 {
                        self.busy[resource] = self.busy[resource].without(T::one(time));
                    }
                }
            }
            if add {
                self.busy[resource] = self.busy[resource].or(sub.taken());
            }
        }
    }
}

/// By how much a timetable deviates at a place.
#[must_use]
pub fn deviation<T: Times>(point: &Point<T>, subs: &[Vec<Sub>], uses: &Uses<T>) -> i64 {
    let sum = |event: usize, counts: &dyn Fn(&Sub) -> bool| -> i64 {
        subs[event].iter().filter(|sub| counts(sub)).map(|sub| i64::from(sub.duration)).sum()
    };
    match &point.wanted {
        Wanted::Timed(event) => sum(*event, &|sub| sub.time == UNTIMED),
        Wanted::Resourced(event, slot) => sum(*event, &|sub| sub.resources[*slot] == NOBODY),
        Wanted::Starts(event, times, duration) => sum(*event, &|sub| {
            sub.time != UNTIMED
                && !times.has(sub.time)
                && duration.is_none_or(|duration| duration == sub.duration)
        }),
        Wanted::OneOf(event, slot, preferred) => sum(*event, &|sub| {
            let resource = sub.resources[*slot];
            resource != NOBODY && preferred.binary_search(&resource).is_err()
        }),
        Wanted::Split(event, durations, amounts) => {
            let odd =
                subs[*event].iter().filter(|sub| durations.outside(i64::from(sub.duration)) > 0).count();
            odd as i64 + amounts.outside(subs[*event].len() as i64)
        }
        Wanted::Parts(event, duration, limits) => {
            limits.outside(subs[*event].iter().filter(|sub| sub.duration == *duration).count() as i64)
        }
        Wanted::Spread(events, sets) => spread(events, sets, subs),
        Wanted::Linked(events) => {
            let taken = |event: &usize| subs[*event].iter().fold(T::NONE, |all, sub| all.or(sub.taken()));
            let any = events.iter().map(taken).fold(T::NONE, T::or);
            let every = events.iter().map(taken).fold(T::ALL, T::and);
            i64::from(any.without(every).count())
        }
        Wanted::Ordered(first, second, limits) => {
            let ends = subs[*first]
                .iter()
                .filter(|sub| sub.time != UNTIMED)
                .map(|sub| i64::from(sub.time + sub.duration))
                .max();
            let starts =
                subs[*second].iter().filter(|sub| sub.time != UNTIMED).map(|sub| i64::from(sub.time)).min();
            ends.zip(starts).map_or(0, |(end, start)| limits.outside(start - end))
        }
        Wanted::Unsplit(slots) => {
            let mut found: Vec<u32> = Vec::new();
            for (event, slot) in slots {
                for sub in &subs[*event] {
                    if sub.resources[*slot] != NOBODY && !found.contains(&sub.resources[*slot]) {
                        found.push(sub.resources[*slot]);
                    }
                }
            }
            (found.len() as i64 - 1).max(0)
        }
        wanted => of_resource(wanted, uses),
    }
}

/// Parts that start in each set, as many times as they do.
fn spread<T: Times>(events: &[usize], sets: &[(T, Limits)], subs: &[Vec<Sub>]) -> i64 {
    let starts = events.iter().flat_map(|event| &subs[*event]).filter(|sub| sub.time != UNTIMED);
    let (mut once, mut again) = (T::NONE, false);
    for sub in starts.clone() {
        again |= once.has(sub.time);
        once = once.or(T::one(sub.time));
    }
    let count = |times: T| match again {
        false => i64::from(once.and(times).count()),
        true => starts.clone().filter(|sub| times.has(sub.time)).count() as i64,
    };
    sets.iter().map(|(times, limits)| limits.outside(count(*times))).sum()
}

fn of_resource<T: Times>(wanted: &Wanted<T>, uses: &Uses<T>) -> i64 {
    let ones = |times: T| i64::from(times.count());
    match wanted {
        Wanted::NoClash(resource) => uses.clashes[*resource],
        Wanted::Free(resource, times) => ones(uses.busy[*resource].and(*times)),
        Wanted::Idle(resource, sets, limits) => {
            let idle = |set: &T| {
                let busy = uses.busy[*resource].and(*set);
                limits.outside(ones(set.and(busy.hull())) - ones(busy))
            };
            sets.iter().map(idle).sum()
        }
        Wanted::Cluster(resource, sets, limits) => limits
            .outside(sets.iter().filter(|set| !uses.busy[*resource].and(**set).is_none()).count() as i64),
        Wanted::Busy(resource, sets, limits) => {
            let busy = |set: &T| ones(uses.busy[*resource].and(*set));
            sets.iter().map(busy).filter(|count| *count > 0).map(|count| limits.outside(count)).sum()
        }
        Wanted::Workload(resource, limits) => {
            let load = uses.load[*resource];
            (limits.least * PARTS - load)
                .max(load - limits.most.saturating_mul(PARTS))
                .max(0)
                .div_euclid(PARTS)
                + i64::from(
                    (limits.least * PARTS - load).max(load - limits.most.saturating_mul(PARTS)).max(0)
                        % PARTS
                        > 0,
                )
        }
        _ => 0,
    }
}

/// Hard and soft cost of a timetable, counted anew.
#[must_use]
pub fn evaluate<T: Times>(instance: &Instance<T>, subs: &[Vec<Sub>]) -> (i64, i64) {
    let mut uses = Uses::new(instance);
    for (event, subs) in subs.iter().enumerate() {
        subs.iter().for_each(|sub| uses.book(instance, event, sub, true));
    }
    let mut cost = (0, 0);
    for point in &instance.points {
        let of_point = point.cost(deviation(point, subs, &uses));
        *(if point.hard { &mut cost.0 } else { &mut cost.1 }) += of_point;
    }
    cost
}

/// The same, with parts of an event that follow each other on a day and have the same resources counted as one where events are to be
/// spread, and nowhere else. Some programs report costs by this reading; the format counts the parts as they are written.
#[must_use]
pub fn evaluate_spread_joined<T: Times>(instance: &Instance<T>, subs: &[Vec<Sub>]) -> (i64, i64) {
    let joined = super::joined(instance, subs);
    let mut cost = evaluate(instance, subs);
    for point in &instance.points {
        if let Wanted::Spread(events, sets) = &point.wanted {
            let change = point.cost(spread(events, sets, &joined)) - point.cost(spread(events, sets, subs));
            *(if point.hard { &mut cost.0 } else { &mut cost.1 }) += change;
        }
    }
    cost
}

/// Rooms × days in use, the times used in them, and the times that those days have.
#[must_use]
pub fn room_days<T: Times>(instance: &Instance<T>, subs: &[Vec<Sub>]) -> (u64, u64, u64) {
    let mut uses = Uses::new(instance);
    for (event, subs) in subs.iter().enumerate() {
        subs.iter().for_each(|sub| uses.book(instance, event, sub, true));
    }
    let mut all = (0, 0, 0);
    for room in &instance.rooms {
        for day in instance.days.iter().filter(|day| !uses.busy(*room).and(**day).is_none()) {
            all.0 += 1;
            all.1 += u64::from(uses.busy(*room).and(*day).count());
            all.2 += u64::from(day.count());
        }
    }
    all
}
