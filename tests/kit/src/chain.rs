//! A chain of one validator in one process, for tests: blocks are executed and committed by hand, with a real
//! certificate, through the same storage as the node's.

use std::sync::Arc;

use aula_home::founding::{Base, assemble};
use aula_home::keys::{KeyKind, NodeKey};
use aula_home::{Advise, Failure, Home, operator};
use aula_ledger::chain::Header;
use aula_ledger::codec::Canonical;
use aula_ledger::genesis::Parsed;
use aula_ledger::keys::{PublicKey, account_of, public_key};
use aula_ledger::names::Title;
use aula_ledger::state::schema;
use aula_ledger::tx::{Body, Receipt, Transaction};
use aula_ledger::tx::{Change, Payload, ProposeChange};
use aula_ledger::types::{AccountId, Height, TimeMs};
use aula_store::solo::{NotDecided, decide};
use aula_store::{ChainDb, DbOptions, open_or_create};
use ed25519_dalek::SigningKey;

fn mend(error: NotDecided) -> Failure {
    Failure::because(error, "mend the test")
}

/// The chain, its one member and its one validator.
pub struct DevChain {
    folder: tempfile::TempDir,
    /// Its home, with keys and genesis.
    pub home: Home,
    /// Open, under `home`.
    pub db: Arc<ChainDb>,
    /// Read from `genesis_bytes`.
    pub genesis: Parsed,
    /// The genesis as a file.
    pub genesis_bytes: Vec<u8>,
    /// The key of its member's account.
    pub account_key: SigningKey,
    validator_key: SigningKey,
    seed_key: SigningKey,
    sequence: u64,
}

impl DevChain {
    /// A chain at height 0, its home with keys and genesis on disk.
    pub fn new() -> Result<Self, Failure> {
        Self::of(|_| Ok(Base::default()))
    }

    /// The same with what `base` adds to the genesis, given the operator's account key.
    pub fn of(
        base: impl FnOnce(PublicKey) -> Result<Base, Box<dyn std::error::Error>>,
    ) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().hint("give the tests a TMPDIR")?;
        let home = Home::at(folder.path().join("node"));
        let operator = operator::make(
            &home,
            &operator::Choice { name: Some("only".into()), p2p: Some("/ip4/127.0.0.1/tcp/1".into()) },
        )?
        .operator;
        let base = base(operator.account)
            .map_err(|error| Failure::new("base", error.to_string(), "mend the test"))?;
        let (genesis_bytes, genesis) = assemble("dev", TimeMs(1_000), std::slice::from_ref(&operator), base)?;
        std::fs::write(home.genesis_file(), &genesis_bytes).hint("give the tests a TMPDIR")?;
        let db = open_or_create(&home.data_dir(), DbOptions::default(), &genesis_bytes, &genesis)
            .map(Arc::new)
            .hint("mend the test")?;
        Ok(Self {
            folder,
            db,
            genesis,
            genesis_bytes,
            account_key: NodeKey::of_home(&home, KeyKind::Account)?.into_signing_key(),
            validator_key: NodeKey::of_home(&home, KeyKind::Validator)?.into_signing_key(),
            seed_key: NodeKey::of_home(&home, KeyKind::Seed)?.into_signing_key(),
            home,
            sequence: 0,
        })
    }

    /// The member's account.
    pub fn account(&self) -> AccountId {
        account_of(&public_key(&self.account_key))
    }

    /// A signed transaction with the next sequence number.
    pub fn transaction(&mut self, payload: impl Into<Payload>) -> Transaction {
        let body = Body {
            genesis: self.genesis.sha256,
            account: self.account(),
            sequence: self.sequence,
            valid_until_height: Height(1_000_000),
            payload: payload.into(),
        };
        self.sequence += 1;
        Transaction::sign(body, &self.account_key)
    }

    /// The first transaction of another member.
    pub fn first_of(&self, key: &SigningKey, payload: impl Into<Payload>) -> Transaction {
        self.by(key, 0, payload)
    }

    /// A transaction of another member with this sequence number.
    pub fn by(&self, key: &SigningKey, sequence: u64, payload: impl Into<Payload>) -> Transaction {
        let body = Body {
            genesis: self.genesis.sha256,
            account: account_of(&public_key(key)),
            sequence,
            valid_until_height: Height(1_000_000),
            payload: payload.into(),
        };
        Transaction::sign(body, key)
    }

    /// A transaction of the validator's node for seeds, with the sequence number that the state says.
    pub fn of_node(&self, payload: impl Into<Payload>) -> Result<Transaction, Failure> {
        let account = account_of(&public_key(&self.seed_key));
        let known = schema::account(&*self.db.latest(), &account)
            .map_err(|error| Failure::because(error, "mend the test"))?;
        let body = Body {
            genesis: self.genesis.sha256,
            account,
            sequence: known.map_or(0, |known| known.sequence),
            valid_until_height: Height(1_000_000),
            payload: payload.into(),
        };
        Ok(Transaction::sign(body, &self.seed_key))
    }

    /// The key that signs its blocks.
    pub fn validator_key(&self) -> &SigningKey {
        &self.validator_key
    }

    /// The node's key for seeds.
    pub fn seed_key(&self) -> &SigningKey {
        &self.seed_key
    }

    /// Any harmless transaction: a proposal to note an upgrade at a height.
    pub fn proposal(&mut self, height: u64) -> Transaction {
        let note = Title::new("try").unwrap_or_else(|_| unreachable!("a plain title"));
        let change = Change::Upgrade { note, height: Height(height) };
        self.transaction(ProposeChange { change, open_until: Height(1_000) })
    }

    /// Executes and commits a block of these transactions.
    pub fn block(&self, transactions: &[Transaction]) -> Result<Vec<Receipt>, Failure> {
        self.block_with(transactions, |_| {})
    }

    /// The same with a header that `spoil` changes after execution.
    pub fn block_with(
        &self,
        transactions: &[Transaction],
        spoil: impl FnOnce(&mut Header),
    ) -> Result<Vec<Receipt>, Failure> {
        self.block_after(1, transactions, spoil)
    }

    /// The same, so many milliseconds of block time after the one before.
    pub fn block_after(
        &self,
        later_ms: u64,
        transactions: &[Transaction],
        spoil: impl FnOnce(&mut Header),
    ) -> Result<Vec<Receipt>, Failure> {
        let transactions = transactions.iter().map(Canonical::to_canonical).collect();
        let time_ms = TimeMs(self.db.latest().tip().time_ms.0 + later_ms);
        let validators = std::slice::from_ref(&self.validator_key);
        decide(&self.db, &self.genesis.sha256, validators, time_ms, transactions, spoil).map_err(mend)
    }

    /// Decides a block of these transactions on another database of this chain.
    pub fn block_on(&self, db: &ChainDb, transactions: &[Transaction]) -> Result<Vec<Receipt>, Failure> {
        let transactions = transactions.iter().map(Canonical::to_canonical).collect();
        let time_ms = TimeMs(db.latest().tip().time_ms.0 + 1);
        let validators = std::slice::from_ref(&self.validator_key);
        decide(db, &self.genesis.sha256, validators, time_ms, transactions, |_| {}).map_err(mend)
    }

    /// Closes the database, keeping the files until the result is dropped.
    pub fn close(self) -> (Home, tempfile::TempDir) {
        (self.home, self.folder)
    }
}
