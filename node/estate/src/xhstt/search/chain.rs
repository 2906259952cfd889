//! Two stretches of the week exchanged for whoever has to: the chain of Kempe.
//!
//! A part moves from one stretch to the other; parts that share one of its resources there come back, and so on, until
//! nobody meets. Stretches are as long as each other, or neighbours (then each moves by the other's length). A part that
//! sticks out of a stretch widens both. Linked events' parts move together.

use super::super::instance::{NOBODY, UNTIMED};
use super::super::times::Times;
use super::state::State;
use super::tables::Tables;

/// Longest chain and longest stretch that are tried.
const MOST_PARTS: usize = 48;
const MOST_LENGTH: u16 = 10;

/// A stretch of times, and by how much what lies in it moves.
#[derive(Clone, Copy)]
struct Stretch {
    from: u16,
    length: u16,
    shift: i32,
}

impl Stretch {
    fn end(self) -> u16 {
        self.from + self.length
    }
}

/// Moves a part of an event to a start; whether the chain came to its end. Nothing is changed where it did not.
pub fn exchange<T: Times>(
    state: &mut State<'_, T>,
    tables: &Tables<T>,
    event: usize,
    place: usize,
    to: u16,
    whole: bool,
) -> bool {
    let sub = &state.subs[event][place];
    if sub.time == UNTIMED || sub.time == to {
        return false;
    }
    let mut pair = stretches(sub.time, to, sub.duration);
    for _ in 0..4 {
        let mut chain = Chain { state, tables, pair, whole, parts: vec![(event, place)] };
        match chain.close() {
            Ok(()) => {
                let moves: Vec<(usize, usize, u16)> = chain
                    .parts
                    .iter()
                    .map(|(event, place)| (*event, *place, chain.target(*event, *place)))
                    .collect();
                for (event, place, time) in moves {
                    state.set_time(event, place, time);
                }
                return true;
            }
            Err(Some((from, end))) => match widened(pair, from, end, state.instance.times.len() as u16) {
                Some(wider) => pair = wider,
                None => return false,
            },
            Err(None) => return false,
        }
    }
    false
}

fn stretches(old: u16, new: u16, duration: u16) -> [Stretch; 2] {
    let (low, high) = (old.min(new), old.max(new));
    let apart = high - low;
    // Overlapping: the part and the stretch between change places as neighbours.
    let (first, second) = match (apart >= duration, old < new) {
        (true, _) => ((low, duration), (high, duration)),
        (false, true) => ((low, duration), (low + duration, apart)),
        (false, false) => ((low, apart), (high, duration)),
    };
    let up = i32::from(second.0 + second.1) - i32::from(first.0 + first.1);
    let down = i32::from(first.0) - i32::from(second.0);
    [
        Stretch { from: first.0, length: first.1, shift: up },
        Stretch { from: second.0, length: second.1, shift: down },
    ]
}

/// The same with room for a part that sticks out; stretches of one length only.
fn widened(pair: [Stretch; 2], from: u16, end: u16, times: u16) -> Option<[Stretch; 2]> {
    let [first, second] = pair;
    if first.length != second.length {
        return None;
    }
    let own = if from < first.end() && end > first.from { first } else { second };
    let (left, right) = (own.from.saturating_sub(from), end.saturating_sub(own.end()));
    let length = first.length + left + right;
    if length > MOST_LENGTH
        || first.from < left
        || second.end() + right > times
        || first.from + length > second.from + 2 * left
    {
        return None;
    }
    let wider = |stretch: Stretch| Stretch { from: stretch.from - left, length, shift: stretch.shift };
    let wider = [wider(first), wider(second)];
    (wider[0].end() <= wider[1].from).then_some(wider)
}

struct Chain<'a, 'b, T> {
    state: &'a State<'b, T>,
    tables: &'a Tables<T>,
    pair: [Stretch; 2],
    /// Whether resources that were found move with their parts, or only those that are given.
    whole: bool,
    parts: Vec<(usize, usize)>,
}

impl<T: Times> Chain<'_, '_, T> {
    /// Finds all who must move; or who sticks out, if widening can help.
    fn close(&mut self) -> Result<(), Option<(u16, u16)>> {
        let mut next = 0;
        while next < self.parts.len() {
            let (event, place) = self.parts[next];
            next += 1;
            let target = self.target(event, place);
            let duration = self.state.subs[event][place].duration;
            for (slot, resource) in self.state.subs[event][place].resources.iter().enumerate() {
                let given = self.state.instance.events[event].slots[slot].given != NOBODY;
                if *resource == NOBODY || !(given || self.whole) {
                    continue;
                }
                for time in target..target + duration {
                    if let Some(holder) = self.state.uses.event_at(*resource, time) {
                        self.add_at(holder, time)?;
                    }
                }
            }
            let (from, duration) = (self.state.subs[event][place].time, duration);
            for linked in 0..self.tables.linked[event].len() {
                let other = self.tables.linked[event][linked];
                let same = |sub: &super::Sub| sub.time == from && sub.duration == duration;
                if let Some(place) = self.state.subs[other].iter().position(same) {
                    self.add(other, place)?;
                }
            }
        }
        Ok(())
    }

    /// Adds the part of an event that runs at a time.
    fn add_at(&mut self, event: usize, time: u16) -> Result<(), Option<(u16, u16)>> {
        let runs =
            |sub: &super::Sub| sub.time != UNTIMED && (sub.time..sub.time + sub.duration).contains(&time);
        match self.state.subs[event].iter().position(runs) {
            Some(place) => self.add(event, place),
            None => Ok(()),
        }
    }

    fn add(&mut self, event: usize, place: usize) -> Result<(), Option<(u16, u16)>> {
        if self.parts.contains(&(event, place)) {
            return Ok(());
        }
        if self.parts.len() >= MOST_PARTS || self.state.instance.events[event].given != UNTIMED {
            return Err(None);
        }
        let sub = &self.state.subs[event][place];
        let end = sub.time + sub.duration;
        if !self.pair.iter().any(|stretch| stretch.from <= sub.time && end <= stretch.end()) {
            return Err(Some((sub.time, end)));
        }
        // What its hard constraints say of it alone would be broken for sure.
        if !self.tables.starts[event].has(self.target(event, place)) {
            return Err(None);
        }
        self.parts.push((event, place));
        Ok(())
    }

    fn target(&self, event: usize, place: usize) -> u16 {
        let time = self.state.subs[event][place].time;
        let stretch = self.pair.iter().find(|stretch| (stretch.from..stretch.end()).contains(&time));
        (i32::from(time) + stretch.map_or(0, |stretch| stretch.shift)) as u16
    }
}
