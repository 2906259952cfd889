//! Blocks decided without consensus by whoever holds the keys of all validators: executed and committed by hand, with
//! real certificates, through the same `execute_block` and the same storage as a node's. Tests and `aula bench reads` make
//! their pasts with it; no node calls it.

use std::collections::BTreeMap;
use std::sync::Arc;

use aula_ledger::chain::turns::Turns;
use aula_ledger::chain::{Block, CommitCertificate, Header, Vote, VoteType, validators};
use aula_ledger::codec::Canonical;
use aula_ledger::execute::{BlockInput, ExecuteError, VerifyAll, execute_block};
use aula_ledger::keys::{Label, public_key, sign};
use aula_ledger::state::{StoreError, schema};
use aula_ledger::store::{ChainStore, Commit};
use aula_ledger::tx::Receipt;
use aula_ledger::types::{Hash, TimeMs, ValidatorAddress};
use ed25519_dalek::SigningKey;

use crate::ChainDb;

/// Why there is no block.
#[derive(Debug, thiserror::Error)]
pub enum NotDecided {
    /// A transaction that no block may have.
    #[error(transparent)]
    Invalid(#[from] ExecuteError),
    /// The state cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Executes transactions as the next block, proposed by the validator whose turn it is, and commits it with the votes of
/// all. `spoil` may change the header in between, for tests.
///
/// # Errors
/// When the block is invalid or the database fails; then nothing is written.
pub fn decide(
    db: &ChainDb,
    genesis: &Hash,
    validators: &[SigningKey],
    time_ms: TimeMs,
    transactions: Vec<Vec<u8>>,
    spoil: impl FnOnce(&mut Header),
) -> Result<Vec<Receipt>, NotDecided> {
    let view = db.latest();
    let tip = view.tip();
    let set = schema::validator_schedule(&*view)?.next;
    let misses = schema::missed_turns(&*view)?;
    let turns = Turns::new(&set, &misses, tip.height.next());
    let proposer = turns.proposer(0).map_or(ValidatorAddress([0; 20]), |validator| validator.address);
    let input = BlockInput {
        genesis,
        height: tip.height.next(),
        time_ms,
        parent: tip.hash,
        proposer,
        transactions: &transactions,
    };
    let mut outcome = execute_block(&*view, &input, &VerifyAll)?;
    spoil(&mut outcome.header);
    let block = Block { header: outcome.header.clone(), transactions };
    let receipts = outcome.receipts.clone();
    let hash = block.header.hash();
    db.commit(&Commit {
        certificate: certificate(validators, &block.header),
        block_bytes: Arc::new(block.to_canonical()),
        block: Arc::new(block),
        hash,
        outcome: Arc::new(outcome),
    })?;
    Ok(receipts)
}

fn certificate(keys: &[SigningKey], header: &Header) -> CommitCertificate {
    let signed = |key: &SigningKey| {
        let validator = validators::address(&public_key(key));
        let vote = Vote {
            genesis: header.genesis,
            vote_type: VoteType::Precommit,
            height: header.height,
            round: 0,
            block_hash: Some(header.hash()),
            validator,
        };
        (validator, sign(key, Label::Vote, &vote.to_canonical()))
    };
    // Ascending by validator, as certificates have them.
    let signatures: BTreeMap<_, _> = keys.iter().map(signed).collect();
    let signatures = signatures.into_iter().collect();
    CommitCertificate { height: header.height, round: 0, block_hash: header.hash(), signatures }
}
