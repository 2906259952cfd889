//! A switch of the protocol under faults: the members vote for it, who runs an older program stops before it and is given the newer
//! one, and the chain goes on by the new rules.

use aula_ledger::types::Height;

use super::{Event, World};

/// How often the operator sends again what is not final.
const AGAIN_MS: u64 = 5_000;
/// Until an operator has replaced a program that stopped.
const REPLACED_MS: u64 = 8_000;

impl World {
    /// The operator proposes the next protocol and votes for it, again until both are final.
    pub(super) fn vote_for_upgrade(&mut self) {
        let (now, Some(upgrade)) = (self.now_us(), self.plan.upgrade.clone()) else { return };
        let at = *self.switch_at.get_or_insert(Height(self.checks.height() + upgrade.blocks));
        let sent = self.consortium.switch(at);
        self.submit_everywhere(&sent);
        if self.checks.height() < at.0 {
            self.later(now + AGAIN_MS * 1_000, Event::Upgrade);
        }
    }

    /// The operator submits to every correct member that runs.
    pub(super) fn submit_everywhere(&mut self, sent: &[Vec<u8>]) {
        let running: Vec<usize> = (0..self.machines.len())
            .filter(|at| self.machines[*at].is_correct && self.machines[*at].node.is_some())
            .collect();
        for bytes in sent {
            self.checks.submitted(bytes);
            for at in &running {
                if let Some(node) = &mut self.machines[*at].node {
                    // Refused where it is known or final already.
                    let _ = node.submit(bytes.clone());
                }
            }
        }
        for at in running {
            self.work(at);
        }
    }

    /// A program that does not know the rules of the next height has stopped: its operator installs the newer one.
    pub(super) fn outdated(&mut self, at: usize) {
        let now = self.now_us();
        let machine = &mut self.machines[at];
        if machine.is_old {
            machine.is_old = false;
            self.count("programs replaced");
        } else if machine.counts() {
            let member = machine.member;
            self.checks.violated("goes on", format!("member {member} does not know its own protocol"));
        }
        self.stop(at);
        self.later(now + REPLACED_MS * 1_000, Event::Start(at));
    }
}
