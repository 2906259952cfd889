//! How an event may be split: durations that add up to it, the ones its constraints like best first.

use super::super::cost::{Uses, deviation};
use super::super::instance::{Instance, Sub, UNTIMED, Wanted};
use super::super::solution::given;
use super::super::times::Times;

/// Durations up to which every way to split is looked at.
const LISTED: u16 = 12;

/// Every way to split each event that breaks hard constraints least.
pub fn ways<T: Times>(instance: &Instance<T>) -> Vec<Vec<Vec<u16>>> {
    let uses = Uses::new(instance);
    let mut points = vec![Vec::new(); instance.events.len()];
    for point in &instance.points {
        if let Wanted::Split(event, ..) | Wanted::Parts(event, ..) = point.wanted {
            points[event].push(point);
        }
    }
    let mut subs: Vec<Vec<Sub>> = vec![Vec::new(); instance.events.len()];
    let mut all = Vec::with_capacity(instance.events.len());
    for (index, event) in instance.events.iter().enumerate() {
        let mut valued: Vec<((i64, i64), Vec<u16>)> = Vec::new();
        for way in
            if event.given == UNTIMED { partitions(event.duration) } else { vec![vec![event.duration]] }
        {
            let part = |duration: &u16| Sub { duration: *duration, time: UNTIMED, resources: Vec::new() };
            subs[index] = way.iter().map(part).collect();
            let mut cost = (0, 0);
            for point in &points[index] {
                let own = point.cost(deviation(point, &subs, &uses));
                *(if point.hard { &mut cost.0 } else { &mut cost.1 }) += own;
            }
            valued.push((cost, way));
        }
        valued.sort();
        let least = valued.first().map_or(0, |best| best.0.0);
        all.push(valued.into_iter().filter(|(cost, _)| cost.0 == least).map(|(_, way)| way).collect());
    }
    all
}

/// Ways to add up to a duration, falling; a long one only in equal parts.
fn partitions(duration: u16) -> Vec<Vec<u16>> {
    let mut all = Vec::new();
    if duration <= LISTED {
        below(duration, duration, &mut Vec::new(), &mut all);
        return all;
    }
    for part in 1..=duration {
        let mut way = vec![part; usize::from(duration / part)];
        way.extend((!duration.is_multiple_of(part)).then_some(duration % part));
        all.push(way);
    }
    all
}

fn below(left: u16, most: u16, way: &mut Vec<u16>, all: &mut Vec<Vec<u16>>) {
    if left == 0 {
        all.push(way.clone());
    }
    for part in 1..=left.min(most) {
        way.push(part);
        below(left - part, part, way, all);
        way.pop();
    }
}

/// Each event split as its constraints like best, without times.
pub fn first<T: Times>(instance: &Instance<T>) -> Vec<Vec<Sub>> {
    let ways = ways(instance);
    (instance.events.iter().zip(ways))
        .map(|(event, ways)| {
            let way = ways.into_iter().next().unwrap_or_else(|| vec![event.duration]);
            way.into_iter()
                .map(|duration| Sub { duration, time: event.given, resources: given(event) })
                .collect()
        })
        .collect()
}
