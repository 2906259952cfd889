//! The pool's questions, answered from the state after the last decided block.

use aula_ledger::code::Code;
use aula_ledger::execute::limits::Budget;
use aula_ledger::state::StateReader;
use aula_ledger::tx::Transaction;
use aula_ledger::types::{AccountId, Height};

use super::shapes::Ledger;
use crate::ports::{AccountView, Executor, StoreError};

/// The ledger on one state.
pub struct AtTip<'a> {
    executor: &'a dyn Executor,
    state: &'a dyn StateReader,
    next: Height,
}

impl<'a> AtTip<'a> {
    /// `state` is the one that the block of height `next` is executed on.
    pub fn new(executor: &'a dyn Executor, state: &'a dyn StateReader, next: Height) -> Self {
        Self { executor, state, next }
    }
}

impl Ledger for AtTip<'_> {
    fn account(&self, id: &AccountId) -> Result<Option<AccountView>, StoreError> {
        self.executor.account(self.state, id)
    }

    fn admits(&self, transaction: &Transaction) -> Result<Result<(), Code>, StoreError> {
        self.executor.admits(self.state, transaction)
    }

    fn budget(&self) -> Result<Budget<'_>, StoreError> {
        Ok(Budget::of(self.state, self.next, self.executor.params(self.state)?))
    }
}
