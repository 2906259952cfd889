//! The ledger's answers, read from its state: the one implementation of [`Executor`] outside tests.

use aula_ledger::chain::ValidatorSet;
use aula_ledger::chain::turns::Misses;
use aula_ledger::code::Code;
use aula_ledger::execute::{
    BlockInput, ExecuteError, Outcome, SignatureMemory, execute_block, execute_watched,
};
use aula_ledger::params::Params;
use aula_ledger::protocol::Protocol;
use aula_ledger::state::schema;
use aula_ledger::state::{Overlay, StateReader, StoreError};
use aula_ledger::tx::Transaction;
use aula_ledger::tx::prospect;
use aula_ledger::types::{AccountId, Height, ValidatorAddress};
use libp2p::PeerId;

use crate::ports::{AccountView, AdmittedPeer, Executor};

/// Executes blocks with [`execute_block`].
#[derive(Debug, Clone, Copy)]
pub struct LedgerExecutor {
    knows: Protocol,
}

impl LedgerExecutor {
    /// This program's.
    pub const NEWEST: Self = Self { knows: Protocol::NEWEST };

    /// That of a program which knows no later protocol than this one, as an older version of this program does: for tests
    /// and simulations of upgrades.
    pub fn older(knows: Protocol) -> Self {
        Self { knows: knows.min(Protocol::NEWEST) }
    }
}

impl Executor for LedgerExecutor {
    fn execute(
        &self,
        state: &dyn StateReader,
        input: &BlockInput<'_>,
        memory: &dyn SignatureMemory,
    ) -> Result<Outcome, ExecuteError> {
        match schema::protocol(state)?.refuses(input.height, self.knows) {
            Some(outdated) => Err(ExecuteError::Outdated(outdated)),
            None => {
                let transactions = input.transactions.len() as u64;
                let span = tracing::debug_span!(target: "aula_trace", "block", height = input.height.0, transactions);
                span.in_scope(|| execute_block(state, input, memory))
            }
        }
    }

    fn knows(&self) -> Protocol {
        self.knows
    }

    fn execute_watched(
        &self,
        state: &dyn StateReader,
        input: &BlockInput<'_>,
        memory: &dyn SignatureMemory,
        watch: &mut dyn FnMut(Option<u32>, &Overlay<'_>),
    ) -> Result<Outcome, ExecuteError> {
        execute_watched(state, input, memory, watch)
    }

    fn next_validators(&self, state: &dyn StateReader, tip: Height) -> Result<ValidatorSet, StoreError> {
        let schedule = schema::validator_schedule(state)?;
        // The state's own height is the tip's; a store where they differ is torn.
        let at = schema::chain(state)?.height;
        if at != tip {
            return Err(StoreError::Damaged(format!("the state is of height {at}, the last block of {tip}")));
        }
        Ok(schedule.next)
    }

    fn following_validators(&self, state: &dyn StateReader, _: Height) -> Result<ValidatorSet, StoreError> {
        Ok(schema::validator_schedule(state)?.after)
    }

    fn missed_turns(&self, state: &dyn StateReader) -> Result<Misses, StoreError> {
        schema::missed_turns(state)
    }

    fn account(
        &self,
        state: &dyn StateReader,
        account: &AccountId,
    ) -> Result<Option<AccountView>, StoreError> {
        let found = schema::admitted_member(state, account)?;
        Ok(found.map(|(account, member)| AccountView {
            next_sequence: account.sequence,
            public_key: account.public_key,
            roles: member.roles,
        }))
    }

    fn admits(
        &self,
        state: &dyn StateReader,
        transaction: &Transaction,
    ) -> Result<Result<(), Code>, StoreError> {
        prospect(state, &transaction.body.account, &transaction.body.payload)
    }

    fn params(&self, state: &dyn StateReader) -> Result<Params, StoreError> {
        schema::params(state)
    }

    fn validator_peers(
        &self,
        state: &dyn StateReader,
    ) -> Result<Vec<(ValidatorAddress, PeerId)>, StoreError> {
        let infos = schema::validator_infos(state)?;
        // An identity that cannot be read is nobody's; see below.
        Ok(infos
            .iter()
            .filter_map(|info| Some((info.address, info.peer_id.as_str().parse().ok()?)))
            .collect())
    }

    fn admitted_peers(&self, state: &dyn StateReader) -> Result<Vec<AdmittedPeer>, StoreError> {
        let mut peers = Vec::new();
        for record in schema::peers(state)? {
            let id = record.peer_id.as_str();
            // The ledger checks the form of an identity, not that it is one; such an entry admits nobody.
            match id.parse() {
                Ok(peer) => {
                    let listen = record.listen.as_str().parse().ok();
                    peers.push(AdmittedPeer { peer, listen });
                }
                Err(_) => tracing::warn!(id, "an admitted peer's identity cannot be read"),
            }
        }
        Ok(peers)
    }
}
