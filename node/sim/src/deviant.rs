//! A member that does not keep the rules: what its process sends is changed on the way out.

use std::collections::{BTreeMap, VecDeque};

use aula_consensus::bare::lies::Liar;
use aula_consensus::bare::{Message, Statement};
use aula_consensus::sign_guard::Step;
use aula_ledger::chain::validators::address;
use aula_ledger::keys::public_key;
use aula_ledger::state::StateReader;
use aula_ledger::types::Hash;

use crate::chance::Chance;
use crate::consortium::validator_key;
use crate::plan::{Deviant as Planned, Way};

/// Old messages that are kept to be sent again.
const OLD: usize = 64;

/// A deviant's part outside its process.
pub struct Deviant {
    ways: Vec<Way>,
    liar: Liar,
    member: u8,
    nodes: u8,
    old: VecDeque<Message>,
    told: BTreeMap<&'static str, u64>,
}

/// A message for some of the members.
pub struct Sent {
    /// To whom; none: to everybody.
    pub to: Option<Vec<u8>>,
    /// What.
    pub message: Message,
}

impl Deviant {
    /// As planned, for a chain of so many members.
    pub fn new(planned: &Planned, genesis: Hash, nodes: u8) -> Self {
        Self {
            ways: planned.ways.clone(),
            liar: Liar::new(genesis, validator_key(planned.member)),
            member: planned.member,
            nodes,
            old: VecDeque::new(),
            told: BTreeMap::new(),
        }
    }

    /// How often it did what.
    pub fn told(&self) -> &BTreeMap<&'static str, u64> {
        &self.told
    }

    fn does(&mut self, way: Way, of_ten: u64, chance: &mut Chance) -> bool {
        let does = self.ways.contains(&way) && chance.below(10) < of_ten;
        if does {
            *self.told.entry(way.name()).or_default() += 1;
        }
        does
    }

    /// What goes out instead of a message for everybody; `state` is the one that its process stands on.
    pub fn sends(
        &mut self,
        message: &Message,
        state: Option<&dyn StateReader>,
        chance: &mut Chance,
    ) -> Vec<Sent> {
        let statement = message.statement();
        let mut sent = self.instead(message, statement.as_ref(), state, chance);
        if matches!(message, Message::Consensus(_) | Message::Liveness(_)) {
            self.old.push_back(message.clone());
            if self.old.len() > OLD {
                self.old.pop_front();
            }
        }
        if self.does(Way::Stale, 2, chance)
            && let Some(old) = chance.one(&self.old.iter().cloned().collect::<Vec<_>>())
        {
            // Said once more as a certificate or vote of those who fell behind.
            sent.push(Sent { to: None, message: old.clone() });
        }
        if statement.is_some() && self.does(Way::Flood, 5, chance) {
            for _ in 0..8 {
                let junk = self.liar.flood(message, chance.any());
                sent.extend(junk.into_iter().map(|message| Sent { to: None, message }));
            }
        }
        sent
    }

    /// What goes out instead of a message for one peer.
    pub fn answers(&mut self, message: &Message, chance: &mut Chance) -> Vec<Sent> {
        let mut lie = None;
        if self.ways.contains(&Way::LieSync) {
            lie = self.liar.mislead(message, chance.any()).filter(|_| self.does(Way::LieSync, 8, chance));
        }
        if lie.is_none() && self.ways.contains(&Way::LieHeight) {
            let asked = self.liar.exaggerate(message, chance.any()).map(|lie| vec![lie]);
            lie = asked.filter(|_| self.does(Way::LieHeight, 2, chance));
        }
        let sent = lie.unwrap_or_else(|| vec![message.clone()]);
        sent.into_iter().map(|message| Sent { to: None, message }).collect()
    }

    fn instead(
        &mut self,
        message: &Message,
        said: Option<&Statement>,
        state: Option<&dyn StateReader>,
        chance: &mut Chance,
    ) -> Vec<Sent> {
        let everybody = |message: Message| vec![Sent { to: None, message }];
        if matches!(message, Message::Part(_)) {
            if self.does(Way::Withhold, 5, chance) {
                return vec![Sent { to: Some(self.some(chance)), message: message.clone() }];
            }
            if self.ways.contains(&Way::WrongParts)
                && let Some(garbled) = self.liar.garble(message, chance.any())
                && self.does(Way::WrongParts, 5, chance)
            {
                let to = self.some(chance);
                let others = (0..self.nodes).filter(|member| !to.contains(member)).collect();
                return vec![
                    Sent { to: Some(to), message: garbled },
                    Sent { to: Some(others), message: message.clone() },
                ];
            }
        }
        if self.ways.contains(&Way::LieHeight)
            && let Some(lie) = self.liar.exaggerate(message, chance.any())
            && self.does(Way::LieHeight, 5, chance)
        {
            return everybody(lie);
        }
        if self.ways.contains(&Way::ValidRound)
            && let Some(lie) = self.liar.lie_about_valid_round(message)
            && self.does(Way::ValidRound, 6, chance)
        {
            return everybody(lie);
        }
        if self.ways.contains(&Way::Blame)
            && let Some(state) = state
            && (matches!(message, Message::Part(_)) || said.is_some_and(|said| said.step == Step::Propose))
        {
            let other = (self.member + 1) % self.nodes;
            let blamed = self.liar.blame(message, address(&public_key(&validator_key(other))), state);
            if blamed.len() != 1 || blamed.first() != Some(message) {
                *self.told.entry(Way::Blame.name()).or_default() += 1;
            }
            return blamed.into_iter().map(|message| Sent { to: None, message }).collect();
        }
        if said.is_some()
            && self.does(Way::Equivocate, 5, chance)
            && let Some(other) = self.liar.contradict(message, chance.any())
        {
            let to = self.some(chance);
            let others = (0..self.nodes).filter(|member| !to.contains(member) || *member % 2 == 0).collect();
            return vec![
                Sent { to: Some(to), message: other },
                Sent { to: Some(others), message: message.clone() },
            ];
        }
        everybody(message.clone())
    }

    fn some(&self, chance: &mut Chance) -> Vec<u8> {
        (0..self.nodes).filter(|_| chance.below(2) == 0).collect()
    }
}
