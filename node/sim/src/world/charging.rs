//! What a message costs on its way when costs are charged: its sender's line, its envelope, the engine's turn, its neighbours.

use aula_consensus::bare::Message;
use aula_consensus::sign_guard::Step;
use aula_ledger::types::Height;

use super::sending::Copied;
use super::{Event, World};
use crate::charges::{Charges, SAID_FROM_BYTES};
use crate::measure::Counted;

/// What its receiver does about a message.
struct Weight {
    /// Signatures that the engine verifies.
    signatures: u64,
    /// Whether it carries a block.
    proposes: bool,
}

impl World {
    /// When a message is whole on the way, of those that a machine sends one after another; at once when nothing is charged.
    pub(super) fn leaves(&mut self, copy: &Copied, ready_us: u64) -> u64 {
        let Some(charges) = self.plan.charges else { return ready_us };
        let bytes = charges.bytes(&copy.message, copy.passes_on, is_proposal(&copy.message));
        let machine = &mut self.machines[copy.from];
        machine.line_ns = machine.line_ns.max(ready_us * 1_000) + charges.line_ns(bytes);
        let leaves_us = machine.line_ns.div_ceil(1_000);
        if let Some(counted) = self.counted(copy.from) {
            counted.sent += bytes;
        }
        leaves_us
    }

    /// How long a machine works on what it says before the first copy leaves, beside its disk.
    pub(super) fn prepares(&mut self, message: &Message) -> u64 {
        let Some(charges) = self.plan.charges else { return 0 };
        let Some(said) = message.statement().filter(|said| said.step == Step::Propose) else { return 0 };
        let now = self.now_us();
        if let Some(measure) = &mut self.measure {
            measure.proposes(said.height.0, said.round, now);
        }
        charges.records_us()
    }

    /// A copy of a message arrives: its envelope waits to be verified, and one that is known is dropped there.
    pub(super) fn arrives(&mut self, copy: Copied) {
        let Copied { to, number, passes_on, .. } = copy;
        let Some(charges) = self.plan.charges.filter(|_| self.machines[to].node.is_some()) else { return };
        let envelope_us = if passes_on { charges.envelope_us() } else { 0 };
        let read_us = self.machines[to].network_us.max(self.now_us()) + envelope_us;
        self.machines[to].network_us = read_us;
        let is_known = passes_on && !self.is_new(number, to);
        if let Some(counted) = self.counted(to) {
            counted.copies += 1;
            counted.known += u64::from(is_known);
            counted.verifying_us += if passes_on { charges.verify_us } else { 0 };
        }
        if !is_known {
            self.later(read_us, Event::Read(copy));
        }
    }

    /// A new message is read: it is passed on, and waits for the engine.
    pub(super) fn reads(&mut self, copy: Copied) {
        let Some(charges) = self.plan.charges else { return };
        let to = copy.to;
        let weight = self.weight(to, &copy.message);
        let engine_us = weight.signatures * charges.verify_us;
        if let Some(counted) = self.counted(to) {
            counted.verifying_us += engine_us;
        }
        if copy.passes_on {
            self.passes_on(&copy);
        }
        let now = self.now_us();
        let machine = &mut self.machines[to];
        machine.engine_us = machine.engine_us.max(machine.busy_us).max(now) + engine_us;
        // A block is judged beside the engine, which takes votes meanwhile.
        let judged_us = if weight.proposes { charges.records_us() } else { 0 };
        let done_us = machine.engine_us + judged_us;
        self.later(done_us, Event::Take(copy));
    }

    /// A machine's counts, where they are kept.
    fn counted(&mut self, at: usize) -> Option<&mut Counted> {
        let member = usize::from(self.machines[at].member);
        self.measure.as_mut().and_then(|measure| measure.of(member))
    }

    /// The neighbours get it too, but for those who sent it or made it.
    fn passes_on(&mut self, copy: &Copied) {
        let &Copied { from, to: at, publisher, number, ref message, .. } = copy;
        let is_long = message.body().len() as u64 >= SAID_FROM_BYTES;
        let says_so = is_long || (self.is_loaded() && is_proposal(message));
        let neighbours: Vec<usize> = self.mesh.get(at).into_iter().flatten().copied().collect();
        for next in neighbours {
            let has = says_so && self.has_seen(number, next);
            if next != from && next != publisher && !has && self.sees(at, next) {
                self.send(&copy.on_to(next), 0);
            }
        }
    }

    fn is_loaded(&self) -> bool {
        self.plan.charges.is_some_and(|charges: Charges| charges.records > 0)
    }

    fn weight(&self, to: usize, message: &Message) -> Weight {
        let decided = self.machines[to].decided;
        let (signatures, proposes) = match message {
            Message::Consensus(_) | Message::Liveness(_) => match message.statement() {
                // What is over is dropped before it is verified.
                Some(said) if said.height <= Height(decided) => (0, false),
                Some(said) => (1, said.step == Step::Propose),
                None => (quorum(self.plan.nodes), false),
            },
            Message::Part(_) | Message::Transaction(_) => (1, false),
            Message::Response { .. } => (quorum(self.plan.nodes), false),
            Message::Status(_) | Message::Request { .. } => (0, false),
        };
        Weight { signatures, proposes }
    }

    /// The engine takes a message whose turn has come.
    pub(super) fn takes(&mut self, copy: &Copied) {
        if self.hears(copy) {
            self.work(copy.to);
        }
    }
}

/// Signatures of a certificate: more than two thirds.
fn quorum(nodes: u8) -> u64 {
    u64::from(nodes) * 2 / 3 + 1
}

fn is_proposal(message: &Message) -> bool {
    matches!(message, Message::Consensus(_))
        && message.statement().is_some_and(|said| said.step == Step::Propose)
}
