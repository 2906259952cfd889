//! Acts of members: that each transaction and its receipt stand in a block that the bundle's chain shows.

use serde_json::{Value, json};

use super::super::acts::is_shown;
use super::super::bundle::{Act, ChainEvidence, ProvedRow};
use super::super::report::{Checks, Stop};
use super::keyed;
use crate::chain::Header;
use crate::codec::Canonical;
use crate::proof::TreeHead;
use crate::proof::merkle::leaf_hash;
use crate::tx::transaction::id_of_bytes;
use crate::tx::{Receipt, Transaction};

const NAME: &str = "act";

/// Checks every act and gives what it says, named `act-HEIGHT-POSITION`.
pub(super) fn verify(checks: &mut Checks, chain: &ChainEvidence, acts: &[Act]) -> Result<Vec<Value>, Stop> {
    let place = |act: &Act| (act.height, act.transaction.path.index);
    let ascending = acts.iter().zip(acts.iter().skip(1)).all(|(a, b)| place(a) < place(b));
    checks.ensure(NAME, ascending, "The acts are not in their order, or one is shown twice.")?;
    acts.iter().map(|act| one(checks, chain, act)).collect()
}

fn one(checks: &mut Checks, chain: &ChainEvidence, act: &Act) -> Result<Value, Stop> {
    let (height, index) = (act.height, act.transaction.path.index);
    let Some(header) = chain.header(height) else {
        return checks.fail(NAME, format!("An act is of block {height}, which the bundle does not show."));
    };
    let same = act.receipt.path.index == index;
    checks.ensure(NAME, same, "A receipt stands at another position than its transaction.")?;
    let transaction: Transaction = open(checks, &act.transaction, &header.transactions)?;
    let receipt: Receipt = open(checks, &act.receipt, &header.receipts)?;
    let own = transaction.body.genesis == header.genesis && height <= transaction.body.valid_until_height;
    checks.ensure(NAME, own, "A transaction is for another chain, or had expired.")?;
    checks.ensure(NAME, transaction.signature_is_valid(), "A transaction's signature is not its key's.")?;
    let payload = &transaction.body.payload;
    checks.ensure(NAME, is_shown(payload), "A transaction is of a kind that is in no public bundle.")?;
    let decided = !receipt.code.makes_block_invalid();
    checks.ensure(NAME, decided, "A receipt has a code that no transaction of a block has.")?;
    let id = id_of_bytes(&act.transaction.row);
    checks.ensure(NAME, receipt.transaction == id, "A receipt is of another transaction.")?;
    let (kind, account) = (transaction.body.payload.kind().name(), transaction.body.account);
    let outcome = receipt.code.explain();
    checks.pass(
        NAME,
        format!("Transaction {index} of block {height} is {kind} by account {account}: {outcome}."),
    );
    let value = json!({
        "id": id,
        "kind": kind,
        "account": account,
        "sequence": transaction.body.sequence,
        "code": receipt.code.number(),
        "events": receipt.events,
    });
    Ok(keyed(&format!("act-{height}-{index}"), value))
}

fn open<T: Canonical>(checks: &mut Checks, proved: &ProvedRow, head: &TreeHead) -> Result<T, Stop> {
    checks.need(NAME, proved.path.verify(&leaf_hash(&proved.row), head))?;
    checks.need(NAME, T::from_canonical(&proved.row))
}

/// What the shown block says of itself, named `block-HEIGHT`.
pub(super) fn block(header: &Header) -> Value {
    let value = json!({
        "hash": header.hash(),
        "parent": header.parent,
        "time_ms": header.time_ms,
        "proposer": header.proposer,
        "transactions": header.transactions.leaf_count,
        "states_anchored": header.students.leaf_count,
        "state_root": header.state_root,
    });
    keyed(&format!("block-{}", header.height), value)
}
