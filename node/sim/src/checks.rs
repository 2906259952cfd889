//! What must hold in every run, looked at as it happens.
//!
//! - agreement: correct members decide the same block at a height, each its parent's child, under a certificate of more
//!   than two thirds, and with the same roots (they are in the block's hash; every twentieth height the whole map is made
//!   again from the records that are stored);
//! - nothing final is lost: a member that is back has decided what it had decided, unless its disk damaged it;
//! - no correct member signs two things in one step, nor a precommit for a block in a round that it had left;
//! - validity: a block was built by whoever's turn it was in one of its height's rounds, and holds what somebody submitted;
//! - memory: what others can make grow stays within its bounds.
//!
//! Progress is looked at by [`crate::world`], which knows when everything was healed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use aula_consensus::bare::{MOST_BLOCKS, MOST_SYNCED_BYTES, Statement};
use aula_consensus::mempool::Limits;
use aula_consensus::parts::ASSEMBLY_BYTES;
use aula_consensus::parts::inbox::ALL_BYTES;
use aula_consensus::ports::ChainStore;
use aula_consensus::sign_guard::Step;
use aula_ledger::chain::turns::{Misses, Turns};
use aula_ledger::chain::{Block, ValidatorSet};
use aula_ledger::codec::Canonical;
use aula_ledger::state::{StateReader, map, schema};
use aula_ledger::tx::transaction::id_of_bytes;
use aula_ledger::types::{Hash, Height, TimeMs, ValidatorAddress};

use crate::store::Store;

/// Violations that are kept; one is enough to fail.
const MOST: usize = 20;
/// Heights between two looks at the whole state.
const STATE_EVERY: u64 = 20;
/// Heights whose statements are remembered behind the newest.
const HEIGHTS: u64 = 50;
/// Messages that may wait in a node between two moments.
const MAILBOX: usize = 4_096;
/// Undecided blocks that one session of a node may keep for a round: its own or the two that it takes, one that came before its round did,
/// four whose heads name quorums that were not seen here yet, one that was decided elsewhere (`consensus/src/driver/receive.rs`).
const BLOCKS_A_ROUND: usize = 8;

type Said = BTreeMap<(ValidatorAddress, u32, Step), Option<Hash>>;

/// What was seen so far.
#[derive(Default)]
pub struct Checks {
    genesis: Hash,
    decided: BTreeMap<u64, (Hash, TimeMs)>,
    said: BTreeMap<u64, Said>,
    submitted: BTreeSet<Hash>,
    /// Who missed a turn, up to the highest height: heights are decided for the first time in order.
    misses: Misses,
    violations: Vec<String>,
    at_ms: u64,
    /// Who decides the next height.
    validators: BTreeSet<ValidatorAddress>,
    /// The first height by each protocol.
    protocols: BTreeMap<u16, u64>,
    late_nils: u64,
}

impl Checks {
    /// Nothing seen of a chain that begins here, with these validators.
    pub fn new(genesis: Hash, time_ms: TimeMs, validators: BTreeSet<ValidatorAddress>) -> Self {
        Self { genesis, decided: BTreeMap::from([(0, (genesis, time_ms))]), validators, ..Self::default() }
    }

    /// Who decides the height after the highest one.
    pub fn validators(&self) -> &BTreeSet<ValidatorAddress> {
        &self.validators
    }

    /// The present time, for what is said of violations.
    pub fn set_time(&mut self, at_ms: u64) {
        self.at_ms = at_ms;
    }

    /// How often the chain went on by another protocol.
    pub fn switches(&self) -> u64 {
        (self.protocols.len() as u64).saturating_sub(1)
    }

    /// How often a member precommitted nil in a round that it had left.
    pub fn late_nils(&self) -> u64 {
        self.late_nils
    }

    /// What was found.
    pub fn violations(self) -> Vec<String> {
        self.violations
    }

    /// How many were found.
    pub fn count(&self) -> usize {
        self.violations.len()
    }

    /// The highest height that a correct member decided.
    pub fn height(&self) -> u64 {
        self.decided.keys().next_back().copied().unwrap_or(0)
    }

    /// Notes a violation.
    pub fn violated(&mut self, property: &str, what: impl std::fmt::Display) {
        if self.violations.len() < MOST {
            self.violations.push(format!("{property}: {what} (at {} ms)", self.at_ms));
        }
    }

    /// Somebody submits a transaction.
    pub fn submitted(&mut self, bytes: &[u8]) {
        self.submitted.insert(id_of_bytes(bytes));
    }

    /// A correct member has decided a height; its store holds it.
    pub fn decided(&mut self, member: u8, height: u64, hash: Hash, store: &Store) {
        match self.decided.get(&height) {
            Some((other, _)) if *other != hash => {
                self.violated(
                    "agreement",
                    format!("member {member} decides {hash} at height {height}, others {other}"),
                );
            }
            Some(_) => self.state(member, height, store),
            None => {
                if let Err(why) = self.block(height, hash, store) {
                    self.violated("validity", format!("member {member} decides height {height}: {why}"));
                }
                self.state(member, height, store);
            }
        }
    }

    /// The first time that a height is decided: its block and certificate.
    fn block(&mut self, height: u64, hash: Hash, store: &Store) -> Result<(), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let found = store.decided(Height(height)).map_err(|error| text(&error))?;
        let decided = found.ok_or("its store does not hold it")?;
        let block = Block::from_canonical(&decided.block).map_err(|error| text(&error))?;
        let header = &block.header;
        self.decided.insert(height, (hash, header.time_ms));
        if header.hash() != hash || header.height.0 != height {
            return Err("the block in its store is another one".into());
        }
        let (parent, before) = self.decided.get(&(height - 1)).copied().ok_or("nobody decided its parent")?;
        if header.parent != parent {
            return Err("it is not its parent's child".into());
        }
        if header.time_ms <= before {
            return Err("its time is not after its parent's".into());
        }
        let state = store.state().map_err(|error| text(&error))?;
        let schedule = schema::validator_schedule(state.as_ref()).map_err(|error| text(&error))?;
        let set = schedule.now;
        self.validators = schedule.next.validators().iter().map(|validator| validator.address).collect();
        decided.certificate.verify(&self.genesis, &set).map_err(|error| text(&error))?;
        if decided.certificate.block_hash != hash {
            return Err("its certificate is for another block".into());
        }
        self.turn(&set, height, decided.certificate.round, header.proposer)?;
        let agreed = schema::protocol(state.as_ref()).map_err(|error| text(&error))?;
        if header.protocol != agreed.now {
            return Err(format!("it goes by protocol {}, its state by {}", header.protocol, agreed.now));
        }
        self.protocols.entry(header.protocol.0).or_insert(height);
        if header.protocol.leaves_out_the_silent() {
            self.misses.note(&set, header.height, header.proposer);
        }
        if schema::missed_turns(state.as_ref()).map_err(|error| text(&error))? != self.misses {
            return Err("the missed turns in its state are not those that the headers show".into());
        }
        match block.transactions.iter().find(|bytes| !self.submitted.contains(&id_of_bytes(bytes))) {
            Some(bytes) => Err(format!("nobody submitted transaction {}", id_of_bytes(bytes))),
            None => Ok(()),
        }
    }

    /// Whether whoever built a block had a turn in the round that decided it or one before, in which it proposed this block.
    fn turn(
        &self,
        set: &ValidatorSet,
        height: u64,
        round: u32,
        builder: ValidatorAddress,
    ) -> Result<(), String> {
        let turns = Turns::new(set, &self.misses, Height(height));
        let mut had = (0..=round).filter_map(|round| turns.proposer(round));
        if had.any(|validator| validator.address == builder) {
            return Ok(());
        }
        Err(format!("{builder} built it and had no turn in rounds 0 to {round}"))
    }

    fn state(&mut self, member: u8, height: u64, store: &Store) {
        if !height.is_multiple_of(STATE_EVERY) {
            return;
        }
        let Ok(state) = store.state() else { return };
        let at_tip = schema::chain(state.as_ref()).is_ok_and(|chain| chain.height.0 == height);
        if !at_tip {
            return;
        }
        let block = store.decided(Height(height)).ok().flatten();
        let block = block.and_then(|decided| Block::from_canonical(&decided.block).ok());
        let expected = block.map(|block| block.header.state_root);
        if expected.is_none() || roots(state.as_ref(), Height(height)) != [expected, expected] {
            self.violated("roots", format!("member {member}'s state at height {height} is not its block's"));
        }
    }

    /// A member is back: it had decided `before`, and its disk keeps what it was given.
    pub fn back(&mut self, member: u8, before: u64, store: &Store) {
        let tip = store.tip().map_or(0, |tip| tip.height.0);
        if tip < before {
            self.violated(
                "nothing lost",
                format!("member {member} had decided height {before} and is back with {tip}"),
            );
        }
        for height in (before.saturating_sub(3)..=tip).filter(|height| *height > 0) {
            let mine = store.hash_at(height);
            if let (Some(mine), Some((theirs, _))) = (mine, self.decided.get(&height))
                && mine != *theirs
            {
                self.violated(
                    "nothing lost",
                    format!("member {member} is back with another block at {height}"),
                );
            }
        }
    }

    /// A correct member says something under its signature.
    pub fn says(&mut self, member: u8, said: &Statement) {
        let (height, round, step) = (said.height.0, said.round, said.step);
        let at_height = self.said.entry(height).or_default();
        let last = |round: u32| (said.validator, round, Step::Precommit);
        let later = (Bound::Excluded(last(round)), Bound::Included(last(u32::MAX)));
        let has_left = at_height.range(later).next().is_some();
        let before = at_height.insert((said.validator, round, step), said.block);
        let place = || format!("member {member} at height {height}, round {round}, {step:?}");
        match before {
            Some(before) if before != said.block => self.violated("double signature", place()),
            // It would be locked from here on, and has voted in later rounds as one that is not.
            None if has_left && step == Step::Precommit => match said.block {
                Some(_) => self.violated("late lock", place()),
                None => self.late_nils += 1,
            },
            _ => {}
        }
        while self.said.keys().next().is_some_and(|oldest| oldest + HEIGHTS < height) {
            self.said.pop_first();
        }
    }

    /// What a member's process holds.
    pub fn holds(&mut self, member: u8, held: &BTreeMap<&'static str, usize>, pool: (usize, usize)) {
        let most = |what: &str| match what {
            "inbox bytes" => ALL_BYTES,
            "assembly bytes" => ASSEMBLY_BYTES,
            "unjudged blocks" => MOST_BLOCKS,
            "synced bytes" => MOST_SYNCED_BYTES,
            _ => MAILBOX,
        };
        if let Some((what, size)) = held.iter().find(|(what, size)| **size > most(what)) {
            self.violated("memory", format!("member {member} holds {size} of {what}"));
        }
        let (transactions, bytes) = pool;
        let most = Limits::default().most();
        if transactions > most.transactions || bytes > most.bytes {
            let what = format!("member {member}'s pool holds {transactions} transactions of {bytes} bytes");
            self.violated("memory", what);
        }
    }

    /// Most undecided blocks of one round that a member's store keeps, after so many sessions at this height.
    pub fn keeps(&mut self, member: u8, blocks: usize, sessions: usize) {
        if blocks > BLOCKS_A_ROUND.saturating_mul(sessions.max(1)) {
            let what = format!("member {member} keeps {blocks} blocks of one round, {sessions} sessions");
            self.violated("memory", what);
        }
    }
}

/// The root that the stored nodes name, and the one that the stored records give: a record that is another than its leaf
/// shows in the second alone.
fn roots(state: &dyn StateReader, height: Height) -> [Option<Hash>; 2] {
    let made = state.values(b"").and_then(|records| map::whole(height, records));
    [map::root(state, height).ok(), made.ok().map(|made| made.root)]
}

#[cfg(test)]
mod tests {
    use aula_ledger::protocol::Protocol;
    use aula_ledger::state::{MemoryState, StateWrites};

    use super::*;
    use crate::consortium::Consortium;

    #[test]
    fn a_record_that_is_another_than_its_leaf_is_seen() {
        let consortium = Consortium::new(4, Protocol::NEWEST).unwrap();
        let genesis = roots(consortium.state.as_ref(), Height::GENESIS);
        assert!(genesis[0].is_some() && genesis[0] == genesis[1], "{genesis:?}");
        let mut state = MemoryState::clone(&consortium.state);
        let (key, mut value) = state.values(b"").unwrap().pop().unwrap();
        value.push(0);
        state.apply(StateWrites { values: BTreeMap::from([(key, Some(value))]), ..StateWrites::default() });
        let damaged = roots(&state, Height::GENESIS);
        assert_eq!(damaged[0], genesis[0], "the nodes are as they were");
        assert_ne!(damaged[1], genesis[1]);
    }

    fn says(checks: &mut Checks, round: u32, step: Step, block: Option<u8>) -> usize {
        let validator = ValidatorAddress([1; 20]);
        let block = block.map(|byte| Hash([byte; 32]));
        checks.says(0, &Statement { validator, height: Height(3), round, step, block });
        checks.count()
    }

    #[test]
    fn a_precommit_for_a_block_in_a_round_that_was_left_is_found_and_nothing_that_was_said_before() {
        let mut checks = Checks::default();
        assert_eq!(says(&mut checks, 0, Step::Precommit, Some(7)), 0);
        assert_eq!(says(&mut checks, 2, Step::Prevote, Some(8)), 0);
        assert_eq!(says(&mut checks, 2, Step::Precommit, Some(8)), 0, "in the round that it is in");
        assert_eq!(says(&mut checks, 0, Step::Precommit, Some(7)), 0, "said again");
        assert_eq!(says(&mut checks, 1, Step::Prevote, Some(7)), 0, "a prevote locks nobody");
        assert_eq!(says(&mut checks, 1, Step::Precommit, None), 0, "nil locks nobody");
        assert_eq!(checks.late_nils(), 1);
        let mut late = Checks::default();
        says(&mut late, 1, Step::Propose, Some(8));
        assert_eq!(says(&mut late, 0, Step::Precommit, Some(7)), 1);
        assert!(late.violations()[0].starts_with("late lock: member 0 at height 3, round 0"));
        says(&mut checks, 2, Step::Precommit, None);
        assert!(checks.violations()[0].starts_with("double signature: member 0 at height 3, round 2"));
    }

    #[test]
    fn memory_is_bounded_in_every_kind() {
        let (most, nothing) = (Limits::default().most(), BTreeMap::new());
        let mut checks = Checks::default();
        let bounds = [
            ("inbox bytes", ALL_BYTES),
            ("assembly bytes", ASSEMBLY_BYTES),
            ("unjudged blocks", MOST_BLOCKS),
            ("synced bytes", MOST_SYNCED_BYTES),
            ("mailbox", MAILBOX),
        ];
        checks.holds(0, &BTreeMap::from(bounds), (0, 0));
        checks.holds(0, &nothing, (most.transactions, most.bytes));
        checks.keeps(0, BLOCKS_A_ROUND, 0);
        checks.keeps(0, 2 * BLOCKS_A_ROUND, 2);
        assert_eq!(checks.count(), 0);
        for (what, most) in bounds {
            checks.holds(0, &BTreeMap::from([(what, most + 1)]), (0, 0));
        }
        checks.holds(0, &nothing, (most.transactions + 1, 0));
        checks.holds(0, &nothing, (0, most.bytes + 1));
        checks.keeps(0, BLOCKS_A_ROUND + 1, 1);
        assert_eq!(checks.count(), 8);
    }
}
