//! Which rules a block goes by.
//!
//! A protocol is a set of rules with a number. Every header says by which its block was executed, the state says which is
//! in force and which the members have voted for, from which height ([`crate::state::schema::ProtocolRecord`]). A
//! program executes, replays and verifies every protocol up to [`Protocol::NEWEST`]; what changed with each stands here, as
//! a question that the rule asks, and nowhere else is a protocol compared with a number.
//!
//! | protocol | header | what is new |
//! |---|---|---|
//! | 1 | version 2 | |
//! | 2 | version 3 | a class on demand rests between rounds ([`Protocol::rests_on_demand`]); who let a turn to propose pass is left out of the next ones ([`Protocol::leaves_out_the_silent`]); evidence of misbehaviour is recorded ([`Protocol::records_misbehaviour`]); buildings and heads of other consortia are anchored ([`Protocol::anchors_estates`], [`Protocol::anchors_heads`]) |
//! | 3 | version 3 | a stated budget is what pools were charged, and a floor is over such a one ([`Protocol::binds_statements`]); the genesis file's validators are on record once others follow them ([`Protocol::keeps_the_founders`]) |

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::names::Title;
use crate::types::Height;

/// The number of a set of rules.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct Protocol(pub u16);

impl Protocol {
    /// The first: what a chain has whose genesis names none.
    pub const FIRST: Self = Self(1);
    /// The newest that this program knows.
    pub const NEWEST: Self = Self(3);

    /// The one after it.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Whether this program has its rules.
    pub fn is_known(self) -> bool {
        (Self::FIRST..=Self::NEWEST).contains(&self)
    }

    /// Protocol 2: while its decision stands, a class on demand opens its next round no sooner than
    /// [`crate::params::ON_DEMAND_REST_MS`] after the last. Before, its steward could have drawn again at once, with one
    /// row changed, as often as a draw displeased (decision 0029); now members have time to vote against it.
    pub fn rests_on_demand(self) -> bool {
        self >= Self(2)
    }

    /// Protocol 2: a validator that let its turn to propose pass is left out of its next ones, by the blocks decided under
    /// this protocol ([`crate::chain::turns`], decision 0035). Before, every validator had its turn, dead or not.
    pub fn leaves_out_the_silent(self) -> bool {
        self >= Self(2)
    }

    /// Protocol 2: blocks may hold evidence of misbehaviour. A program that knows protocol 1 alone cannot decode it
    /// ([`crate::tx::rights::is_in`]).
    pub fn records_misbehaviour(self) -> bool {
        self >= Self(2)
    }

    /// Protocol 2: blocks may hold anchors of districts' buildings ([`crate::tx::rights::is_in`]).
    pub fn anchors_estates(self) -> bool {
        self >= Self(2)
    }

    /// Protocol 2: blocks may hold heads of other consortia's ledgers, and proposals to admit such a consortium
    /// ([`crate::tx::rights::is_in`]).
    pub fn anchors_heads(self) -> bool {
        self >= Self(2)
    }

    /// Protocol 3: the amounts of a stated budget are, school by school, what the ledger charged to it for pools. Before, any
    /// amounts would do that summed to what was funded.
    pub fn binds_statements(self) -> bool {
        self >= Self(3)
    }

    /// Protocol 3: the first change of the validator set puts the set that was until then on record, as what height 0 announced.
    /// Before, a founder whose key was replaced by that change could not be charged with what the old one had signed.
    pub fn keeps_the_founders(self) -> bool {
        self >= Self(3)
    }
}

impl Default for Protocol {
    fn default() -> Self {
        Self::FIRST
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

/// A program does not know the rules of the next block. It must not execute it: the others go by other rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "from height {height} on the chain goes by protocol {needs}, and this program knows protocols up to {knows}: it stops \
     before that height"
)]
pub struct Outdated {
    /// The first height by those rules.
    pub height: Height,
    /// The rules' number.
    pub needs: Protocol,
    /// The newest that the program knows.
    pub knows: Protocol,
    /// The program that the members named when they voted, if a vote and not the genesis brought them.
    pub program: Option<Title>,
}

impl Outdated {
    /// What the operator does.
    pub fn next_step(&self) -> String {
        let which = match &self.program {
            Some(program) => {
                format!("Aula {}, which the members voted for, or a later one", program.as_str())
            }
            None => format!("a version of Aula that knows protocol {}", self.needs),
        };
        format!("run {which}, with the same home: nothing is lost, and the node goes on where it stands")
    }
}
