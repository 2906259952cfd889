//! What a plan's faults do when they begin and when they end.

use std::sync::atomic::Ordering;

use super::{Event, World};
use crate::machine::path;
use crate::network::Ways;
use crate::plan::{DOWN_MS, What};

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
                self.refused.extend(machines);
            }
            _ => {}
        }
        self.set_up();
    }

    pub(super) fn end(&mut self, fault: usize) {
        let Some(what) = self.plan.faults.get(fault).map(|fault| fault.what.clone()) else { return };
        self.trace.note(self.now_us(), fault, "end", what.name().as_bytes());
        self.active.remove(&fault);
        if let What::DiskLies { member, .. } = &what {
            // What the disk only said it had written goes with its power.
            self.down(*member, DOWN_MS, true);
        }
        self.set_up();
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
