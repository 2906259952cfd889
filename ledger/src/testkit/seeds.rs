//! Shares of seeds in tests: validator N's node signs them as `seed-N`.

use super::{Chain, account, genesis, key, listen, name, peer};
use crate::genesis::{Genesis, GenesisValidator};
use crate::keys::public_key;
use crate::state::Overlay;
use crate::state::schema::{self, Draw, Round, Window};
use crate::tx::{CommitSeed, RevealSeed, SeedSecret, seed_commitment, seed_share};
use crate::types::{ClassId, Hash, RoundId};

/// The test consortium with so many validators, of the three voters in turn; each has a node that shares.
pub fn genesis_of(validators: u8) -> Genesis {
    let validator = |number: u8| GenesisValidator {
        name: name(&format!("validator-{number}")),
        operator: name(["voter-c", "voter-a", "voter-b"][usize::from(number % 3)]),
        public_key: public_key(&key(&format!("validator-{number}"))),
        power: 1,
        peer_id: peer(number),
        listen: listen(),
        seed_key: public_key(&key(&format!("seed-{number}"))),
    };
    Genesis { validators: (1..=validators).map(validator).collect(), ..genesis() }
}

/// The share of a node.
pub fn share(genesis: &Hash, node: &str, round: u32, attempt: u32) -> SeedSecret {
    seed_share(&key(node).to_bytes(), genesis, RoundId(round), attempt)
}

pub fn commit(genesis: &Hash, node: &str, round: u32, attempt: u32) -> CommitSeed {
    let share = share(genesis, node, round, attempt);
    let commitment = seed_commitment(RoundId(round), attempt, &account(node), &share);
    CommitSeed { round: RoundId(round), attempt, commitment }
}

pub fn reveal(genesis: &Hash, node: &str, round: u32, attempt: u32) -> RevealSeed {
    RevealSeed { round: RoundId(round), attempt, secret: share(genesis, node, round, attempt) }
}

/// Writes what would have been drawn for the requests of a round, beside the rules.
pub fn write_draw(overlay: &mut Overlay<'_>, class: ClassId, round: RoundId) {
    let requests = overlay.tree_head(&schema::requests_tree(round)).expect("a store").root;
    let (revealed, withheld) = (vec![account("seed-1")], vec![]);
    let (seed, source, attempt, number, previous) = (Hash([5; 32]), round, 1, 1, None);
    let draw = Draw { round, requests, seed, source, attempt, number, previous, revealed, withheld };
    schema::keep_draw(overlay, class, &draw);
}

impl Chain {
    /// A round's record.
    pub fn round(&self, round: u32) -> Round {
        schema::round(&self.state, RoundId(round)).expect("a store").expect("a round")
    }

    /// Empty blocks until a round's window is this one.
    pub fn pass_to(&mut self, round: u32, window: Window) {
        while self.round(round).window != window {
            self.block(&[]);
        }
    }

    /// The nodes whose shares of a round's seed count.
    pub fn sharers(&self, round: u32) -> Vec<String> {
        let power = schema::seed_power(&self.state, RoundId(round)).expect("a store").expect("a round");
        (1..=power.total).map(|n| format!("seed-{n}")).filter(|node| power.has(&account(node))).collect()
    }

    /// Every node commits to its share, each in a block of its own.
    pub fn commit_all(&mut self, round: u32) {
        let (genesis, attempt) = (self.parsed.sha256, self.round(round).attempt);
        for node in self.sharers(round) {
            self.accept(&node, commit(&genesis, &node, round, attempt));
        }
    }

    /// Every node commits and reveals, and the windows pass: the round may run from the next block on.
    pub fn draw(&mut self, round: u32) {
        self.commit_all(round);
        self.draw_committed(round);
    }

    /// The same where every node has committed.
    pub fn draw_committed(&mut self, round: u32) {
        let (genesis, attempt) = (self.parsed.sha256, self.round(round).attempt);
        self.pass_to(round, Window::Reveals);
        for node in self.sharers(round) {
            self.accept(&node, reveal(&genesis, &node, round, attempt));
        }
        self.pass_to(round, Window::Closed);
    }
}
