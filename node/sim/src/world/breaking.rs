//! What a plan's faults do when they begin and when they end.

use std::sync::atomic::Ordering;

use super::{Event, World};
use crate::machine::path;
use crate::network::Ways;
use crate::plan::{DOWN_MS, What};

/// For how long a process may still stop, or not start, because its disk was full: it is started again every [`DOWN_MS`].
const ROOM_MS: u64 = 2 * DOWN_MS;

impl World {
    pub(super) fn begin(&mut self, fault: usize) {
        let Some(what) = self.plan.faults.get(fault).map(|fault| fault.what.clone()) else { return };
        self.count(what.name());
        self.trace.note(self.now_us(), fault, "begin", what.name().as_bytes());
        self.active.insert(fault);
        tracing::info!(at_ms = self.now_us() / 1_000, ?what, "begins");
        match &what {
            What::Kill { member, for_ms } => self.down(*member, *for_ms, false),
            What::PowerCut { members, for_ms } => {
                members.iter().for_each(|member| self.down(*member, *for_ms, true));
            }
            What::DiskLies { member, .. } => {
                self.damage(*member);
                for at in self.of(*member) {
                    self.machines[at].has_lied = true;
                }
            }
            What::BitFlip { member, file } => {
                self.damage(*member);
                self.down(*member, DOWN_MS, false);
                for at in self.of(*member) {
                    self.machines[at].disk.flip(path(*file), &mut self.disks);
                }
            }
            What::FileLost { member, file } => {
                self.damage(*member);
                self.down(*member, DOWN_MS, false);
                for at in self.of(*member) {
                    self.machines[at].disk.lose(path(*file));
                }
            }
            What::DiskFull { member, .. } => {
                let machines = self.of(*member);
                self.refused.extend(machines.into_iter().map(|at| (at, u64::MAX)));
            }
            _ => {}
        }
        self.set_up();
    }

    pub(super) fn end(&mut self, fault: usize) {
        let Some(what) = self.plan.faults.get(fault).map(|fault| fault.what.clone()) else { return };
        self.trace.note(self.now_us(), fault, "end", what.name().as_bytes());
        self.active.remove(&fault);
        if let What::DiskFull { member, .. } = &what
            && !self.is_full(*member)
        {
            let until = self.now_us() + ROOM_MS * 1_000;
            let machines = self.of(*member);
            self.refused.extend(machines.into_iter().map(|at| (at, until)));
        }
        if let What::DiskLies { member, .. } = &what {
            // What the disk only said it had written goes with its power.
            self.down(*member, DOWN_MS, true);
        }
        self.set_up();
    }

    /// Whether a machine's process may stop by itself, or not start: its disk is full, or was a moment ago.
    pub(super) fn is_refused(&self, at: usize) -> bool {
        self.refused.get(&at).is_some_and(|until| self.now_us() < *until)
    }

    /// Whether another of the faults under way keeps a member's disk full.
    fn is_full(&self, member: u8) -> bool {
        let mut under_way = self.active.iter().filter_map(|fault| self.plan.faults.get(*fault));
        under_way.any(|fault| matches!(fault.what, What::DiskFull { member: full, .. } if full == member))
    }

    /// The machines of a member.
    fn of(&self, member: u8) -> Vec<usize> {
        (0..self.machines.len()).filter(|at| self.machines[*at].member == member).collect()
    }

    fn damage(&mut self, member: u8) {
        for at in self.of(member) {
            self.machines[at].is_damaged = true;
        }
    }

    fn down(&mut self, member: u8, for_ms: u64, without_power: bool) {
        let until = self.now_us() + for_ms * 1_000;
        for at in self.of(member) {
            self.stop(at);
            if without_power {
                self.machines[at].disk.cut_power(&mut self.disks);
            }
            self.later(until, Event::Start(at));
        }
    }

    /// Ways, disks and clocks as the faults that are under way leave them.
    fn set_up(&mut self) {
        let mut ways = Ways::default();
        for machine in &self.machines {
            machine.disk.set_full(false);
            machine.disk.set_lies(false);
            machine.disk.set_sync_us(0);
            machine.off_ms.store(0, Ordering::Relaxed);
        }
        for fault in &self.active {
            let Some(fault) = self.plan.faults.get(*fault) else { continue };
            let machines = |member: u8| self.machines.iter().filter(move |machine| machine.member == member);
            match &fault.what {
                What::Partition { groups, .. } => ways.groups.clone_from(groups),
                What::OneWay { from, to, .. } => drop(ways.cut.insert((*from, *to))),
                What::HidePrecommits { except, .. } => ways.precommits_to = Some(*except),
                What::Loss { loss_e4, .. } => ways.loss_e4 += loss_e4,
                What::Slow { by_ms, .. } => ways.slower_us += by_ms * 1_000,
                What::DiskFull { member, .. } => machines(*member).for_each(|m| m.disk.set_full(true)),
                What::DiskLies { member, .. } => machines(*member).for_each(|m| m.disk.set_lies(true)),
                What::DiskSlow { member, sync_ms, .. } => {
                    machines(*member).for_each(|m| m.disk.set_sync_us(sync_ms * 1_000));
                }
                What::Clock { member, by_ms, .. } => {
                    machines(*member).for_each(|m| m.off_ms.store(*by_ms, Ordering::Relaxed));
                }
                What::Kill { .. } | What::PowerCut { .. } | What::BitFlip { .. } | What::FileLost { .. } => {}
            }
        }
        self.ways = ways;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;
    use crate::plan::Fault;

    #[test]
    fn a_full_disk_excuses_its_process_until_a_moment_after_it_has_room() {
        let mut plan = generate::plan(1, 4, 120);
        let full = |at_ms, for_ms| Fault { at_ms, what: What::DiskFull { member: 2, for_ms } };
        plan.faults = vec![full(1_000, 2_000), full(2_000, 3_000)];
        let mut world = World::new(plan).unwrap();
        let mut at = |ms: u64, happens: fn(&mut World)| {
            world.now.store(ms * 1_000, Ordering::Relaxed);
            happens(&mut world);
            (world.is_refused(2), world.is_refused(1))
        };
        assert_eq!(at(999, |_| {}), (false, false));
        assert_eq!(at(1_000, |world| world.begin(0)), (true, false));
        assert_eq!(at(2_000, |world| world.begin(1)), (true, false));
        assert_eq!(at(3_000, |world| world.end(0)), (true, false), "the other one is not over");
        assert_eq!(at(3_000 + ROOM_MS, |_| {}), (true, false));
        assert_eq!(at(5_000, |world| world.end(1)), (true, false));
        assert_eq!(at(5_000 + ROOM_MS, |_| {}), (false, false), "from here on it is a violation again");
    }
}
