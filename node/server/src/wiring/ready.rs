//! An admitted node says itself that it is ready: once it is level with the chain, by a transaction of its operator's account,
//! signed by its validator key.
//!
//! Flow: after each decided block the state is asked whether this node's validator waits → the block's time is the clock's,
//! within a few seconds, so that this node is not behind → it signs and submits. Refused because too few validators propose,
//! it asks again after some blocks. A newcomer asks for nothing while its chain is not proven. Absent: doing so with another
//! account than the operator's, whose key must be in the home.

use std::sync::Arc;

use aula_client::sender::account_of_home;
use aula_consensus::{Event, Mode, RunningConsensus};
use aula_home::Home;
use aula_home::clock::now_ms;
use aula_home::keys::{KeyKind, NodeKey};
use aula_ledger::chain::validators;
use aula_ledger::codec::Canonical;
use aula_ledger::keys::{Label, public_key, sign};
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, WaitingValidator};
use aula_ledger::tx::admin::ready::ready_statement;
use aula_ledger::tx::transaction::Body;
use aula_ledger::tx::{Ready, Transaction};
use aula_ledger::types::{Hash, Height, TimeMs, ValidatorAddress};
use aula_store::{ChainDb, ChainView, Newcomer};
use ed25519_dalek::SigningKey;
use tokio::sync::broadcast::error::RecvError;

/// A block of a time further back than this, in milliseconds, is not the newest of a chain that lives.
const LEVEL_MS: u64 = 10_000;
/// Blocks until a node that was refused, or not heard, asks again.
const AGAIN_AFTER: u64 = 15;
/// For how many heights its word stays valid.
const VALID_FOR: u64 = 50;

/// What says that a node is ready.
pub(super) struct Speaker {
    home: Home,
    genesis: Hash,
    key: SigningKey,
    address: ValidatorAddress,
    /// The height at which it asked last.
    asked: Option<Height>,
}

impl Speaker {
    /// Of a node with this validator key.
    pub(super) fn new(home: Home, genesis: Hash, key: SigningKey) -> Self {
        let address = validators::address(&public_key(&key));
        Self { home, genesis, key, address, asked: None }
    }

    /// Watches until consensus has ended.
    pub(super) async fn attend(mut self, consensus: Arc<RunningConsensus>, db: Arc<ChainDb>) {
        let mut events = consensus.subscribe();
        loop {
            let time_ms = match events.recv().await {
                Ok(Event::Decided { time_ms, .. }) => time_ms,
                Ok(_) | Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            if !is_level(time_ms) || consensus.status().mode != Mode::Validator || !is_proven(&db) {
                continue;
            }
            match self.word(&db.latest()) {
                Ok(Some(transaction)) => self.say(&consensus, &db, &transaction),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "whether this node's validator waits cannot be read"),
            }
        }
    }

    /// The transaction that says so, when this node's validator waits and has not asked lately.
    fn word(&self, view: &ChainView) -> Result<Option<Transaction>, StoreError> {
        let Some(waiting) = schema::waiting_validator(view, &self.address)? else { return Ok(None) };
        let (height, now) = (view.tip().height, view.tip().time_ms);
        let lately = self.asked.is_some_and(|asked| height.0 < asked.0.saturating_add(AGAIN_AFTER));
        if lately || now > waiting.ready_until_ms() {
            return Ok(None);
        }
        self.signed(view, &waiting, height)
    }

    fn signed(
        &self,
        view: &ChainView,
        waiting: &WaitingValidator,
        height: Height,
    ) -> Result<Option<Transaction>, StoreError> {
        let key = match NodeKey::of_home(&self.home, KeyKind::Account) {
            Ok(key) => key.into_signing_key(),
            Err(error) => {
                tracing::warn!(%error, "this node is admitted and cannot say that it is ready without its account key");
                return Ok(None);
            }
        };
        let own = account_of_home(&self.home, &key).ok();
        let Some(account) = own.filter(|account| *account == waiting.operator) else {
            tracing::warn!("this node is admitted, and the account key in its home is not its operator's");
            return Ok(None);
        };
        let Some(known) = schema::account(view, &account)? else { return Ok(None) };
        let statement = ready_statement(&self.genesis, &self.address, height);
        let signature = sign(&self.key, Label::ValidatorReady, &statement);
        let body = Body {
            genesis: self.genesis,
            account,
            sequence: known.sequence,
            valid_until_height: Height(height.0.saturating_add(VALID_FOR)),
            payload: Ready { validator: self.address, height, signature }.into(),
        };
        Ok(Some(Transaction::sign(body, &key)))
    }

    fn say(&mut self, consensus: &RunningConsensus, db: &ChainDb, transaction: &Transaction) {
        match consensus.submit(transaction.to_canonical()) {
            Ok(_) => {
                self.asked = Some(db.latest().tip().height);
                tracing::info!(validator = %self.address, "admitted and level: this node asks for its voting power");
            }
            // Another transaction of the account waits under this number: the next block shows the next one.
            Err(refusal) => tracing::info!(%refusal, "this node's word that it is ready is not taken yet"),
        }
    }
}

/// Whether what this node is level with is known to be the consortium's chain.
pub(super) fn is_proven(db: &ChainDb) -> bool {
    match db.newcomer() {
        Ok(newcomer) => newcomer != Some(Newcomer::Unproven),
        Err(error) => {
            tracing::warn!(%error, "whether this node's chain is proven cannot be read");
            false
        }
    }
}

fn is_level(time_ms: TimeMs) -> bool {
    now_ms().saturating_sub(time_ms.0) <= LEVEL_MS
}
