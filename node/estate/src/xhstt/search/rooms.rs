//! Few rooms' days in use: how many there are, and how scattered the times in them.

use super::super::cost::Uses;
use super::super::instance::{Instance, NOBODY, Sub};
use super::super::times::Times;

/// Rooms, and the days they may be open on.
pub struct Rooms<T> {
    is_room: Vec<bool>,
    rooms: Vec<u32>,
    days: Vec<T>,
}

impl<T: Times> Rooms<T> {
    pub fn new(instance: &Instance<T>) -> Self {
        let mut is_room = vec![false; instance.resources.len()];
        instance.rooms.iter().for_each(|room| is_room[*room as usize] = true);
        Self { is_room, rooms: instance.rooms.clone(), days: instance.days.clone() }
    }

    /// Over all rooms.
    pub fn all(&self, uses: &Uses<T>) -> (i64, i64) {
        self.rooms.iter().map(|room| self.one(uses, *room)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
    }

    /// Over the rooms of a part of an event, each once.
    pub fn of(&self, uses: &Uses<T>, sub: &Sub) -> (i64, i64) {
        let mut sum = (0, 0);
        for (slot, room) in sub.resources.iter().enumerate() {
            if *room != NOBODY && self.is_room[*room as usize] && !sub.resources[..slot].contains(room) {
                let own = self.one(uses, *room);
                sum = (sum.0 + own.0, sum.1 + own.1);
            }
        }
        sum
    }

    /// A room's days in use; and for each of them 16 parts, fewer the fewer of its times are used, so that days that
    /// are nearly empty are worth emptying.
    fn one(&self, uses: &Uses<T>, room: u32) -> (i64, i64) {
        let busy = uses.busy(room);
        let mut sum = (0, 0);
        for day in &self.days {
            let (used, all) = (i64::from(busy.and(*day).count()), i64::from(day.count()).max(1));
            sum.0 += i64::from(used > 0);
            sum.1 += 16 * used * (2 * all - used) / (all * all);
        }
        sum
    }
}
