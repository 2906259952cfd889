//! How soon the chain goes on once everything is healed: the first block after a quorum is back, and everybody level again.
//!
//! A quorum is back when more than two thirds are correct members that run, know what they signed and have what is final: who is
//! behind fetches blocks first, and a request that was lost, or a peer that does not answer one, costs it 10 s. The longer bound for
//! everybody holds for that too.

use super::{Event, World};
use crate::machine::Machine;

/// Within this time after a quorum of correct members is back they decide a block, where no message is lost any more;
const FIRST_BLOCK_MS: u64 = 10_000;
/// and this much later for each other member, whose turn it may be: it lies, or its disk took what it knew.
const TURN_MS: u64 = 2_500;
/// Within this time after everything was healed, every correct member has decided [`FURTHER`] more heights.
pub(super) const PROGRESS_MS: u64 = 45_000;
const FURTHER: u64 = 2;
/// Whose disk had damaged what it held must be level by then too, or have decided something so lately: it fetches the chain again, which
/// may be long, and a request that was lost costs it 10 s.
const FETCHES_MS: u64 = 30_000;

impl World {
    /// Everything is healed: from now on progress is looked at.
    pub(super) fn healed(&mut self) {
        self.healed = Some((self.now_us(), self.checks.height()));
        self.note_quorum();
    }

    /// Notes since when a quorum is back after the healing, and when it went away again: of members that have lost nothing that only a
    /// decision or an operator brings back.
    pub(super) fn note_quorum(&mut self) {
        if self.healed.is_none() || self.first_block_ms.is_some() {
            return;
        }
        let (now, height) = (self.now_us(), self.checks.height());
        let set = self.checks.validators();
        let able = self.machines.iter().filter(|machine| machine.is_able() && set.contains(&machine.address));
        let able: Vec<u64> = able.map(|machine| machine.decided).collect();
        let level = able.iter().filter(|decided| **decided >= height).count();
        if !self.is_quorum(able.len()) {
            self.quorum = None;
        } else if self.quorum.is_none() && self.is_quorum(level) {
            self.quorum = Some((now, height));
            // A message that is lost in every hundred costs a round whenever all of a bare quorum are needed.
            if self.plan.loss_e4 == 0 {
                self.later(now + self.first_block_bound_ms() * 1_000, Event::FirstBlock(now));
            }
        }
    }

    fn first_block_bound_ms(&self) -> u64 {
        let members = self.machines.iter().take(usize::from(self.plan.nodes));
        let set = self.checks.validators();
        let others = members.filter(|machine| !machine.counts() && set.contains(&machine.address));
        let others = others.count() as u64;
        FIRST_BLOCK_MS + others * TURN_MS
    }

    fn is_quorum(&self, members: usize) -> bool {
        members * 3 > self.checks.validators().len() * 2
    }

    /// A quorum that has been back since then has had its time for a block.
    pub(super) fn judge_first_block(&mut self, since: u64) {
        let Some((_, height)) = self.quorum.filter(|(began, _)| *began == since) else { return };
        if self.first_block_ms.is_none() {
            let after_ms = self.now_us().saturating_sub(since) / 1_000;
            let what = format!("no block after height {height} in {after_ms} ms since a quorum is back");
            self.checks.violated("progress", what);
        }
    }

    /// Notes the first block after a quorum was back, and when every correct member has gone on after the healing.
    pub(super) fn note_progress(&mut self, now: u64) {
        if let Some((since, height)) = self.quorum
            && self.first_block_ms.is_none()
            && self.checks.height() > height
        {
            self.first_block_ms = Some((now - since) / 1_000);
        }
        let Some((healed, height)) = self.healed.filter(|_| self.level_after_ms.is_none()) else { return };
        let level = |machine: &Machine| !machine.counts() || machine.decided >= height + FURTHER;
        if self.machines.iter().all(level) {
            self.level_after_ms = Some((now - healed) / 1_000);
        }
    }

    /// Whether the plan is over before its time: every correct member has gone on.
    pub(super) fn ends_level(&self) -> bool {
        self.plan.ends_level && self.level_after_ms.is_some() && self.first_block_ms.is_some()
    }

    /// Everybody has had the time to be level.
    pub(super) fn judge(&mut self) {
        let Some((healed, height)) = self.healed else { return };
        self.judged = true;
        let behind = self.machines.iter().filter(|m| m.counts() && m.decided < height + FURTHER);
        let behind: Vec<(u8, u64)> = behind.map(|machine| (machine.member, machine.decided)).collect();
        if !behind.is_empty() {
            self.checks.violated(
                "progress",
                format!("{PROGRESS_MS} ms after everything was healed at height {height}: {behind:?}"),
            );
        }
        let now = self.now_us();
        let left = |m: &&Machine| m.is_correct && m.is_damaged && m.decided < height + FURTHER;
        let left = self.machines.iter().filter(left).filter(|m| m.decided_us + FETCHES_MS * 1_000 < now);
        let left: Vec<(u8, u64)> = left.map(|machine| (machine.member, machine.decided)).collect();
        if !left.is_empty() {
            let what = format!("damaged by their disks, neither level nor fetching blocks: {left:?}");
            self.checks.violated("progress", what);
        }
        if let Some(change) = self.next_change() {
            self.checks.violated("progress", format!("the members do not change: {change:?}"));
        }
        if let Some(late) = self.clients.waiting_since(healed / 1_000) {
            self.checks.violated("progress", format!("a transaction of {late} ms is not final"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;

    fn world() -> World {
        World::new(generate::plan(1, 4, 120)).unwrap()
    }

    #[test]
    fn a_quorum_that_is_back_owes_a_block_and_one_that_went_away_again_does_not() {
        let mut world = world();
        world.healed();
        assert_eq!((world.healed, world.quorum), (Some((0, 0)), None), "nobody runs yet");
        world.quorum = Some((7, 0));
        world.judge_first_block(6);
        assert_eq!(world.checks.count(), 0, "that quorum went away, and this one has its own time");
        world.judge_first_block(7);
        assert_eq!(world.checks.count(), 1);
        world.first_block_ms = Some(9_999);
        world.judge_first_block(7);
        assert_eq!(world.checks.count(), 1);
    }

    #[test]
    fn whose_disk_damaged_what_it_held_is_expected_back() {
        let found = |decided: u64, decided_us: u64| {
            let mut world = world();
            world.healed = Some((0, 7));
            world.now.store(PROGRESS_MS * 1_000, std::sync::atomic::Ordering::Relaxed);
            world.plan.membership = None;
            world.machines.iter_mut().for_each(|machine| machine.is_correct = false);
            let machine = &mut world.machines[2];
            (machine.is_correct, machine.is_damaged) = (true, true);
            (machine.decided, machine.decided_us) = (decided, decided_us);
            world.judge();
            world.checks.count()
        };
        let lately = (PROGRESS_MS - FETCHES_MS) * 1_000;
        assert_eq!((found(9, 0), found(3, lately)), (0, 0), "level, and on its way");
        assert_eq!(found(3, lately - 1), 1);
    }

    #[test]
    fn a_quorum_is_more_than_two_thirds_of_members_that_run() {
        let mut world = world();
        for at in 0..4 {
            world.machines[at].is_correct = true;
            world.machines[at].start(&world.consortium, 1).unwrap();
        }
        world.note_quorum();
        assert_eq!(world.quorum, None, "nothing is healed yet");
        world.healed();
        assert_eq!(world.quorum, Some((0, 0)));
        assert_eq!(world.first_block_bound_ms(), 10_000);
        world.machines[0].is_damaged = true;
        assert_eq!(world.first_block_bound_ms(), 12_500);
        world.note_quorum();
        assert_eq!(world.quorum, Some((0, 0)), "three of four");
        world.stop(1);
        assert_eq!(world.quorum, None, "two of four");
        world.note_progress(5_000);
        assert_eq!(world.first_block_ms, None);
    }
}
