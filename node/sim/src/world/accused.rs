//! What members tell of each other's misbehaviour is evidence, and none is against who keeps the rules.

use aula_ledger::chain::misbehaviour::Equivocation;
use aula_ledger::types::ValidatorAddress;

use super::World;

impl World {
    /// Evidence holds by its signatures, and names nobody who keeps the rules.
    pub(super) fn accused(&mut self, validator: ValidatorAddress, evidence: Option<&Equivocation>) {
        let Some(evidence) = evidence else { return };
        self.count("evidence");
        if evidence.validator() != validator || !evidence.is_signed() {
            self.checks.violated("evidence", format!("what is told of {validator} does not hold"));
        }
        let bound = self.machines.iter().find(|machine| machine.is_bound() && machine.address == validator);
        if let Some(member) = bound.map(|machine| machine.member) {
            self.checks.violated("evidence", format!("member {member} is accused: {evidence:?}"));
        }
    }
}
