//! Finding a place: an account's part, the reserve, and who has to go when the pool is full.
//!
//! Invariants, after every method here: what an account and all accounts together hold is what their transactions sum to,
//! by place; no place holds more than [`Limits`] say; an account's run has no gap.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aula_ledger::params::Params;
use aula_ledger::tx::TransactionId;
use aula_ledger::types::{AccountId, Height};

use super::accounts::{Account, Holdings};
use super::lanes::Place;
use super::memory;
use super::shapes::{Limits, Pooled, Refusal, Room, Waiting};

/// Evicted transactions that are remembered until the next block, to be told of.
const EVICTED: usize = 4_096;

/// What the pool's lock guards.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) accounts: BTreeMap<AccountId, Account>,
    pub(super) by_id: HashMap<TransactionId, Arc<Pooled>>,
    pub(super) held: Holdings,
    pub(super) arrivals: u64,
    /// Arrivals when the last block began to be built: what came later could not be in it.
    pub(super) mark: u64,
    /// The same of the block before it.
    pub(super) mark_before: u64,
    pub(super) next_height: Height,
    /// The parameters in force, once a block was decided.
    pub(super) params: Option<Params>,
    /// The last look at the clock.
    pub(super) now_ms: Option<u64>,
    pub(super) set_aside: memory::Recent,
    pub(super) evicted: Vec<TransactionId>,
}

impl Inner {
    pub(super) fn new(next_height: Height) -> Self {
        Self {
            accounts: BTreeMap::new(),
            by_id: HashMap::new(),
            held: Holdings::default(),
            arrivals: 0,
            mark: 0,
            mark_before: 0,
            next_height,
            params: None,
            now_ms: None,
            set_aside: memory::Recent::new(1_000),
            evicted: Vec::new(),
        }
    }

    /// Keeps a transaction whose account is known and has nothing under its sequence number.
    pub(super) fn keep(&mut self, limits: &Limits, pooled: Arc<Pooled>) -> Result<(), Refusal> {
        let id = pooled.account;
        let end = self.accounts.get(&id).map_or(0, Account::end);
        let place = if pooled.sequence == end {
            self.ready_place(limits, &pooled)?
        } else {
            self.gap_place(limits, &pooled, end)?;
            Place::Gap
        };
        self.put(&pooled, place);
        if place.is_ready() {
            self.promote(limits, &id);
        }
        Ok(())
    }

    /// Moves what now continues an account's run into a place of its own, as far as there is room.
    pub(super) fn promote(&mut self, limits: &Limits, id: &AccountId) {
        loop {
            let Some(account) = self.accounts.get(id) else { return };
            let Some(waiting) = account.waiting.get(&account.end()) else { return };
            let pooled = Arc::clone(&waiting.pooled);
            // Out of room: it stays behind the gap, and the next block asks again.
            let Ok(place) = self.ready_place(limits, &pooled) else { return };
            self.take(&pooled);
            self.put(&pooled, place);
        }
    }

    /// A place for what continues its account's run; others may have to go for it.
    fn ready_place(&mut self, limits: &Limits, pooled: &Pooled) -> Result<Place, Refusal> {
        let own = self.accounts.get(&pooled.account).map(|account| account.held).unwrap_or_default();
        let values = own.range_values.saturating_add(pooled.cost.range_values.into());
        let rounds = own.rounds.saturating_add(pooled.rounds);
        // One that is larger than the whole part would never have a place; a block takes it all the same.
        let alone = own.range_values == 0 || pooled.cost.range_values == 0;
        if (values > limits.account_range_values && !alone) || rounds > limits.account_rounds.max(1) {
            return Err(Refusal::AccountFull);
        }
        if let Some(lane) = pooled.lane {
            let index = lane.index();
            let fits = own.lanes[index].plus(pooled).within(limits.account_lane)
                && self.held.lanes[index].plus(pooled).within(limits.lane);
            if fits {
                return Ok(Place::Reserved(lane));
            }
        }
        let after = own.open.plus(pooled);
        if !after.within(limits.account()) && own.open != Room::default() {
            return Err(Refusal::AccountFull);
        }
        self.make_room(limits, pooled, after)?;
        Ok(Place::Open)
    }

    /// Takes from whoever holds most until the transaction fits; never from an account that would then hold less than
    /// the newcomer's.
    fn make_room(&mut self, limits: &Limits, pooled: &Pooled, after: Room) -> Result<(), Refusal> {
        let most = Room { bytes: limits.bytes, transactions: limits.transactions };
        while !self.held.open.plus(pooled).within(most) {
            let others = self.accounts.iter().filter(|(id, _)| **id != pooled.account);
            let heaviest = others.max_by_key(|(_, account)| account.held.open.weight(most));
            let Some((id, account)) = heaviest else { return Err(Refusal::PoolFull) };
            let last = account.waiting.values().rev().find(|waiting| waiting.place == Place::Open);
            let Some(last) = last.map(|waiting| Arc::clone(&waiting.pooled)) else {
                return Err(Refusal::PoolFull);
            };
            if account.held.open.weight(most) <= after.weight(most) {
                return Err(Refusal::PoolFull);
            }
            let id = *id;
            self.evict(&last);
            self.settle(limits, &id);
        }
        Ok(())
    }

    /// Whether there is room behind a gap; the account that holds most there makes it.
    fn gap_place(&mut self, limits: &Limits, pooled: &Pooled, missing: u64) -> Result<(), Refusal> {
        let own = self.accounts.get(&pooled.account).map(|account| account.held.gap).unwrap_or_default();
        let after = own.plus(pooled);
        if !after.within(limits.account_gap) {
            return Err(Refusal::GapFull { missing });
        }
        while !self.held.gap.plus(pooled).within(limits.gaps) {
            let others = self.accounts.iter().filter(|(id, _)| **id != pooled.account);
            let heaviest = others.map(|(_, account)| account).max_by_key(|a| a.held.gap.weight(limits.gaps));
            let fuller = heaviest.filter(|a| a.held.gap.weight(limits.gaps) > after.weight(limits.gaps));
            let last = fuller.and_then(|a| a.waiting.values().rev().find(|w| w.place == Place::Gap));
            let Some(last) = last.map(|waiting| Arc::clone(&waiting.pooled)) else {
                return Err(Refusal::GapFull { missing });
            };
            self.evict(&last);
        }
        Ok(())
    }

    /// After something was taken out of an account: what no longer continues its run waits behind the gap, as much as
    /// may.
    pub(super) fn settle(&mut self, limits: &Limits, id: &AccountId) {
        let Some(account) = self.accounts.get_mut(id) else { return };
        let next = account.view.map_or(0, |view| view.next_sequence);
        let run = (next..).zip(account.waiting.range(next..));
        account.ready =
            run.take_while(|(at, (sequence, w))| at == *sequence && w.place.is_ready()).count() as u64;
        let beyond = account.waiting.range(account.end()..);
        let stranded: Vec<_> =
            beyond.filter(|(_, w)| w.place.is_ready()).map(|(_, w)| Arc::clone(&w.pooled)).collect();
        let end = account.end();
        for pooled in stranded {
            self.take(&pooled);
            match self.gap_place(limits, &pooled, end) {
                Ok(()) => self.put(&pooled, Place::Gap),
                Err(_) => self.note_evicted(pooled.id),
            }
        }
    }

    fn put(&mut self, pooled: &Arc<Pooled>, place: Place) {
        self.held.add(pooled, place);
        self.by_id.insert(pooled.id, Arc::clone(pooled));
        let account = self.accounts.entry(pooled.account).or_default();
        account.held.add(pooled, place);
        let (since_ms, told_at, told) = (self.now_ms, pooled.kept_at, 0);
        let waiting = Waiting { pooled: Arc::clone(pooled), place, since_ms, told_at, told };
        if place.is_ready() {
            account.ready = account.ready.saturating_add(1);
        }
        account.waiting.insert(pooled.sequence, waiting);
    }

    /// Takes a transaction out, wherever it waits. Leaves the account's run to [`Self::settle`] unless it is the run's
    /// last or not part of it.
    pub(super) fn take(&mut self, pooled: &Pooled) {
        if self.by_id.remove(&pooled.id).is_none() {
            return;
        }
        let Some(account) = self.accounts.get_mut(&pooled.account) else { return };
        let Some(waiting) = account.waiting.remove(&pooled.sequence) else { return };
        account.held.sub(pooled, waiting.place);
        self.held.sub(pooled, waiting.place);
    }

    fn evict(&mut self, pooled: &Pooled) {
        self.take(pooled);
        self.note_evicted(pooled.id);
    }

    fn note_evicted(&mut self, id: TransactionId) {
        if self.evicted.len() < EVICTED {
            self.evicted.push(id);
        }
    }

    /// Takes out what has waited too long for a sequence number that never came. What only waits for room, or can be
    /// executed, stays however long that takes; so does everything while the clock cannot be read.
    pub(super) fn gave_up(&mut self, limits: &Limits, id: &AccountId) -> Vec<TransactionId> {
        let (Some(account), Some(now)) = (self.accounts.get(id), self.now_ms) else { return Vec::new() };
        if account.waiting.contains_key(&account.end()) {
            return Vec::new();
        }
        let waited = |waiting: &Waiting| waiting.since_ms.map_or(0, |since| now.saturating_sub(since));
        let behind = account.waiting.range(account.end()..).map(|(_, waiting)| waiting);
        let late = behind.filter(|waiting| waited(waiting) > limits.gap_ms);
        let late: Vec<_> = late.map(|waiting| Arc::clone(&waiting.pooled)).collect();
        late.into_iter()
            .map(|pooled| {
                self.take(&pooled);
                pooled.id
            })
            .collect()
    }

    /// Forgets accounts of which nothing waits and nothing is held against them.
    pub(super) fn forget_idle(&mut self) {
        let next = self.next_height;
        self.accounts.retain(|_, account| Self::is_remembered(account, next));
    }

    /// True when a block could hold something.
    pub(super) fn has_ready(&self) -> bool {
        self.held.ready().transactions > 0
    }
}
