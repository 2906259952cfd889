//! What waits of one account, by sequence number, and how much of the pool it holds.
//!
//! The account's *run* is what waits from its next sequence number on without a gap, each with a place of its own: what
//! blocks could hold. Everything else of it waits behind a gap.

use std::collections::BTreeMap;

use aula_ledger::execute::limits::Work;
use aula_ledger::types::Height;

use super::lanes::{Lane, Place};
use super::passed_over::PassedOver;
use super::shapes::{Pooled, Room, Waiting};
use super::share::Use;
use crate::ports::AccountView;

/// How much is held, by place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Holdings {
    pub(super) open: Room,
    pub(super) lanes: [Room; Lane::COUNT],
    pub(super) gap: Room,
    /// Of what is ready.
    pub(super) range_values: u64,
    pub(super) rounds: u64,
    pub(super) work: Work,
}

impl Room {
    pub(super) fn plus(self, pooled: &Pooled) -> Self {
        Self {
            bytes: self.bytes.saturating_add(pooled.size()),
            transactions: self.transactions.saturating_add(1),
        }
    }

    fn minus(self, pooled: &Pooled) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(pooled.size()),
            transactions: self.transactions.saturating_sub(1),
        }
    }

    /// True when neither number is above `most`'s.
    pub(super) fn within(self, most: Self) -> bool {
        self.bytes <= most.bytes && self.transactions <= most.transactions
    }

    /// How much of `most` it is, by the number that is nearer to it; for comparing two that are measured alike.
    pub(super) fn weight(self, most: Self) -> u128 {
        let bytes = self.bytes as u128 * most.transactions.max(1) as u128;
        let transactions = self.transactions as u128 * most.bytes.max(1) as u128;
        bytes.max(transactions)
    }
}

impl Holdings {
    fn room(&mut self, place: Place) -> &mut Room {
        match place {
            Place::Open => &mut self.open,
            // An index of a lane is below their count.
            Place::Reserved(lane) => &mut self.lanes[lane.index()],
            Place::Gap => &mut self.gap,
        }
    }

    pub(super) fn add(&mut self, pooled: &Pooled, place: Place) {
        let room = self.room(place);
        *room = room.plus(pooled);
        if place.is_ready() {
            self.range_values = self.range_values.saturating_add(pooled.cost.range_values.into());
            self.rounds = self.rounds.saturating_add(pooled.rounds);
            self.work = self.work.saturating_add(pooled.cost.work);
        }
    }

    pub(super) fn sub(&mut self, pooled: &Pooled, place: Place) {
        let room = self.room(place);
        *room = room.minus(pooled);
        if place.is_ready() {
            self.range_values = self.range_values.saturating_sub(pooled.cost.range_values.into());
            self.rounds = self.rounds.saturating_sub(pooled.rounds);
            self.work = self.work.saturating_sub(pooled.cost.work);
        }
    }

    /// What blocks could hold.
    pub(super) fn ready(&self) -> Room {
        self.lanes.iter().fold(self.open, |sum, lane| Room {
            bytes: sum.bytes.saturating_add(lane.bytes),
            transactions: sum.transactions.saturating_add(lane.transactions),
        })
    }
}

impl Holdings {
    /// What is ready would use of a block.
    pub(super) fn used(&self) -> Use {
        let ready = self.ready();
        Use {
            bytes: ready.bytes as u64,
            transactions: ready.transactions as u64,
            range_values: self.range_values,
            rounds: self.rounds,
            work: self.work,
        }
    }
}

/// An account's place in the queue of accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Blocks in a row in which its claim was not all served.
    pub(super) missed: u32,
    /// What share of the last block it had, in millionths of the limit that it used most of.
    pub(super) got: u64,
    /// Goes last up to this height: it has used up what others needed, for nothing.
    pub(super) charged_until: Height,
    /// Up to this height it counts as served lately.
    pub(super) lately_until: Height,
}

impl Standing {
    /// Whether a block before the one of height `next` had something of it lately.
    pub(super) fn was_served_lately(&self, next: Height) -> bool {
        self.lately_until >= next
    }
}

/// An account with something waiting, or with something to its name.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) view: Option<AccountView>,
    pub(super) waiting: BTreeMap<u64, Waiting>,
    pub(super) held: Holdings,
    /// How many from the next sequence number on are ready.
    pub(super) ready: u64,
    pub(super) standing: Standing,
    /// How often its next transaction was passed over.
    pub(super) passed_over: Option<PassedOver>,
}

impl Account {
    /// The first sequence number that is not part of the run.
    pub(super) fn end(&self) -> u64 {
        let next = self.view.map_or(0, |view| view.next_sequence);
        next.saturating_add(self.ready)
    }

    /// What blocks could hold, in sequence.
    pub(super) fn run(&self) -> impl Iterator<Item = &Waiting> + Clone {
        let next = self.view.map_or(0, |view| view.next_sequence);
        self.waiting.range(next..self.end().max(next)).map(|(_, waiting)| waiting)
    }

    /// The part of the run from its `skip`th transaction on.
    pub(super) fn run_from(&self, skip: usize) -> impl Iterator<Item = &Waiting> + Clone {
        let next = self.view.map_or(0, |view| view.next_sequence);
        let from = next.saturating_add(skip as u64);
        self.waiting.range(from..self.end().max(from)).map(|(_, waiting)| waiting)
    }
}
