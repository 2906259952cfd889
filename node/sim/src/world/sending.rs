//! A message's way: from who says it over the deviants' lies and the faulty network to who hears it, and on from there.

use std::sync::Arc;

use aula_consensus::bare::{Message, To};
use aula_consensus::ports::ChainStore;
use aula_consensus::sign_guard::Step;

use super::{Event, World};
use crate::deviant::Sent;

/// Messages whose ways are remembered.
const REMEMBERED: usize = 20_000;

/// A message between two machines.
#[derive(Debug, Clone)]
pub(super) struct Copied {
    /// Whose turn it was last.
    pub from: usize,
    /// Who gets it.
    pub to: usize,
    /// Who said it first.
    pub publisher: usize,
    /// The message's, the same for all its copies.
    pub number: u64,
    /// Whether it is passed on to others.
    pub passes_on: bool,
    /// What is said.
    pub message: Arc<Message>,
}

impl Copied {
    /// The same from whoever has it to another one.
    pub fn on_to(&self, next: usize) -> Self {
        Self { from: self.to, to: next, ..self.clone() }
    }
}

impl World {
    pub(super) fn deliver(&mut self, copy: &Copied) {
        if !self.hears(copy) {
            return;
        }
        if copy.passes_on && self.is_new(copy.number, copy.to) && self.ways.are_broken() {
            for next in 0..self.machines.len() {
                let seen = self.has_seen(copy.number, next);
                let own = self.machines[next].member == self.machines[copy.publisher].member;
                if !seen && !own && self.sees(copy.to, next) {
                    self.send(&copy.on_to(next), 0);
                }
            }
        }
        self.work(copy.to);
    }

    /// Gives a message to a machine's node; false where it has none.
    pub(super) fn hears(&mut self, copy: &Copied) -> bool {
        let (peer, whose) = (self.machines[copy.from].peer, self.machines[copy.publisher].peer);
        let Some(node) = &mut self.machines[copy.to].node else { return false };
        node.hear(peer, whose, &copy.message);
        true
    }

    /// Whether a machine has a message for the first time.
    pub(super) fn is_new(&mut self, number: u64, at: usize) -> bool {
        let word = &mut self.seen.entry(number).or_default()[at / 64];
        let is_new = *word & (1 << (at % 64)) == 0;
        *word |= 1 << (at % 64);
        if self.seen.len() > REMEMBERED {
            self.seen.pop_first();
        }
        is_new
    }

    pub(super) fn has_seen(&self, number: u64, at: usize) -> bool {
        self.seen.get(&number).is_some_and(|seen| seen[at / 64] & (1 << (at % 64)) != 0)
    }

    /// A message on its way, if it arrives.
    pub(super) fn send(&mut self, copy: &Copied, busy_us: u64) {
        let &Copied { from, to, ref message, .. } = copy;
        let (a, b) = (self.machines[from].member, self.machines[to].member);
        let hides = self.ways.precommits_to.is_some();
        let is_precommit = hides && message.statement().is_some_and(|said| said.step == Step::Precommit);
        if !self.ways.leads(a, b, is_precommit) {
            return self.count("kept apart");
        }
        if self.network.e4(self.plan.loss_e4 + self.ways.loss_e4) {
            return self.count("dropped");
        }
        let copies = if self.network.e4(self.plan.duplicate_e4) {
            self.count("duplicated");
            2
        } else {
            1
        };
        let region = |member: u8| self.plan.regions.get(usize::from(member)).copied().unwrap_or(0);
        let (from_region, to_region) = (region(a), region(b));
        for _ in 0..copies {
            let way = self.ways.delay_us(from_region, to_region, self.plan.jitter_ms, &mut self.network);
            let ready_us = self.now_us() + busy_us;
            let at = self.leaves(copy, ready_us) + way;
            self.later(at, Event::Deliver(copy.clone()));
        }
    }

    pub(super) fn sends(&mut self, at: usize, to: To, message: Message, busy_us: u64) {
        self.trace.note(self.now_us(), at, message.channel(), message.body());
        let busy_us = busy_us + self.prepares(&message);
        let member = self.machines[at].member;
        if self.machines[at].is_bound()
            && let Some(said) = message.statement()
        {
            self.checks.says(member, &said);
        }
        let sent = match self.deviants.get_mut(&member) {
            Some(deviant) if to == To::All => {
                let state = self.machines[at].store.as_ref().and_then(|store| store.state().ok());
                deviant.sends(&message, state.as_deref(), &mut self.lies)
            }
            Some(deviant) => deviant.answers(&message, &mut self.lies),
            None => vec![Sent { to: None, message }],
        };
        for Sent { to: only, message } in sent {
            self.messages += 1;
            let (number, message) = (self.messages, Arc::new(message));
            let passes_on = to == To::All && !matches!(*message, Message::Status(_));
            self.is_new(number, at);
            for other in 0..self.machines.len() {
                let chosen = only.as_ref().is_none_or(|only| only.contains(&self.machines[other].member));
                let asked = match to {
                    To::All => true,
                    To::One(peer) => self.machines[other].peer == peer,
                };
                if chosen && asked && self.sees(at, other) {
                    let message = Arc::clone(&message);
                    let copy = Copied { from: at, to: other, publisher: at, number, passes_on, message };
                    self.send(&copy, busy_us);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::World;
    use crate::generate;
    use crate::plan::MOST_NODES;

    #[test]
    fn the_last_half_of_the_most_twins_has_a_message_once() {
        let mut world = World::new(generate::plan(1, 4, 120)).unwrap();
        let last = 2 * usize::from(MOST_NODES) - 1;
        assert!(!world.has_seen(1, last));
        assert!(world.is_new(1, last) && !world.is_new(1, last) && world.has_seen(1, last));
        assert!(world.is_new(1, last - 1) && world.is_new(1, 0));
    }
}
