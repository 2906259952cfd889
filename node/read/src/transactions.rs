//! Transactions of the whole chain by ordinal, newest first, and one with its receipt.
//!
//! What the public sees of one: kind, sender, how large, what became of it, and its events by the rule of
//! suppression. Of a batch of requests neither the number of entries nor the bytes are shown: several districts'
//! batches add up to a round's total, so that each would say what its withheld cell is.

pub use aula_api::transactions::{Line, Outline, Page};
use aula_ledger::chain::Block;
use aula_ledger::codec::Canonical;
use aula_ledger::state::schema;
use aula_ledger::tx::{Payload, PayloadKind};
use aula_ledger::tx::{Receipt, Transaction};
use aula_ledger::types::{Hash, Height};
use serde_json::{Value, json};

use super::index::Index;
use super::publish;
use super::statements;
use super::table::Table;
use super::words;
use crate::ReadError;
use aula_store::{ChainView, StorageError};

/// What the public sees of a decoded transaction and its receipt.
fn outline_of(transaction: &Transaction, bytes: usize, receipt: &Receipt, min_cell: u32) -> Outline {
    let payload = &transaction.body.payload;
    let withheld = matches!(payload, Payload::SubmitRequests(_));
    Outline {
        id: receipt.transaction,
        kind: payload.kind().name().to_owned(),
        account: transaction.body.account.to_string(),
        sequence: transaction.body.sequence,
        bytes: (!withheld).then_some(bytes),
        entries: (!withheld).then(|| entries(payload)),
        code: receipt.code.number().into(),
        meaning: receipt.code.explain().to_owned(),
        provable: aula_ledger::audit::is_public(payload, receipt, min_cell),
        events: receipt.events.iter().map(|event| publish::event(event, min_cell)).collect(),
    }
}

/// How many entries a transaction carries.
const fn entries(payload: &Payload) -> usize {
    match payload {
        Payload::AnchorStates(batch) => batch.states.len(),
        Payload::RecordConsent(batch) => batch.entries.len(),
        Payload::RecordErasure(batch) => batch.handles.len(),
        _ => 1,
    }
}

/// The outlines of a block's transactions; none when the block is not decided here.
///
/// # Errors
/// When the database fails or the block is damaged.
pub fn of_block(view: &ChainView, height: Height) -> Result<Option<Vec<Outline>>, ReadError> {
    let (Some(block), Some(receipts)) = (view.block(height)?, view.receipts(height)?) else {
        return Ok(None);
    };
    let min_cell = schema::params(view)?.min_cell_students;
    let mut outlines = Vec::with_capacity(receipts.len());
    for (bytes, receipt) in block.transactions.iter().zip(&receipts) {
        outlines.push(outline(bytes, receipt, min_cell)?);
    }
    Ok(Some(outlines))
}

/// What each transaction of a block did, in sentences; none when the block is not decided here.
///
/// # Errors
/// When the database fails.
pub fn words_of_block(view: &ChainView, height: Height) -> Result<Option<Vec<Vec<String>>>, ReadError> {
    let Some(receipts) = view.receipts(height)? else { return Ok(None) };
    let min_cell = schema::params(view)?.min_cell_students;
    Ok(Some(receipts.iter().map(|receipt| in_words(receipt, min_cell)).collect()))
}

fn in_words(receipt: &Receipt, min_cell: u32) -> Vec<String> {
    receipt.events.iter().map(|event| words::event(event, min_cell)).collect()
}

fn outline(bytes: &[u8], receipt: &Receipt, min_cell: u32) -> Result<Outline, StorageError> {
    let transaction = Transaction::from_canonical(bytes).map_err(|e| StorageError::Damaged(e.to_string()))?;
    Ok(outline_of(&transaction, bytes.len(), receipt, min_cell))
}

/// Reads single transactions; a block is read once for neighbours, and of it only what is asked for is decoded.
struct Reader<'a> {
    view: &'a ChainView,
    min_cell: u32,
    block: Option<Opened>,
}

struct Opened {
    height: u64,
    time_ms: u64,
    block: Block,
    receipts: Vec<Receipt>,
}

impl<'a> Reader<'a> {
    fn new(view: &'a ChainView) -> Result<Self, ReadError> {
        let min_cell = schema::params(view)?.min_cell_students;
        Ok(Self { view, min_cell, block: None })
    }

    fn line(&mut self, ordinal: u64, height: u64, index: u32) -> Result<Option<Line>, ReadError> {
        if self.block.as_ref().is_none_or(|opened| opened.height != height) {
            let (block, receipts) = (self.view.block(Height(height))?, self.view.receipts(Height(height))?);
            let (Some(block), Some(receipts)) = (block, receipts) else { return Ok(None) };
            let time_ms = block.header.time_ms.0;
            self.block = Some(Opened { height, time_ms, block, receipts });
        }
        let (Some(opened), Ok(at)) = (&self.block, usize::try_from(index)) else { return Ok(None) };
        let (Some(bytes), Some(receipt)) = (opened.block.transactions.get(at), opened.receipts.get(at))
        else {
            return Ok(None);
        };
        let outline = outline(bytes, receipt, self.min_cell)?;
        let words = in_words(receipt, self.min_cell);
        let statement = statements::of_events(self.view, &receipt.events, Height(height))?;
        Ok(Some(Line { ordinal, height, index, time_ms: opened.time_ms, outline, words, statement }))
    }
}

/// A page of the transactions of some kinds (all when empty) below an ordinal.
///
/// # Errors
/// When the database fails.
pub fn page(
    view: &ChainView,
    index: &Index,
    before: Option<u64>,
    kinds: &[PayloadKind],
    limit: usize,
) -> Result<Page, ReadError> {
    let contents = index.follow(view)?;
    let found = contents.newest(before.unwrap_or(u64::MAX), kinds, limit.saturating_add(1))?;
    let count = match kinds {
        [] => contents.transactions(),
        kinds => kinds.iter().map(|kind| contents.count_of(*kind)).sum(),
    };
    let mut reader = Reader::new(view)?;
    let mut transactions = Vec::with_capacity(limit);
    for ordinal in found.iter().take(limit) {
        let Some(entry) = contents.entry(*ordinal)? else { continue };
        transactions.extend(reader.line(*ordinal, entry.height, entry.index)?);
    }
    let more = found.len() > limit;
    let next = transactions.last().map(|line| line.ordinal).filter(|_| more);
    Ok(Page { height: contents.height(), count, transactions, next })
}

/// One final transaction; none when it is in no block here.
///
/// # Errors
/// When the database fails.
pub fn one(view: &ChainView, index: &Index, id: &Hash) -> Result<Option<Line>, ReadError> {
    let Some(place) = view.locate(id)? else { return Ok(None) };
    let ordinal = index.follow(view)?.ordinal_of(place.height.0, place.index)?.unwrap_or_default();
    Reader::new(view)?.line(ordinal, place.height.0, place.index)
}

/// Columns of an export of transactions.
pub const COLUMNS: &[&str] = &[
    "ordinal",
    "height",
    "index",
    "time_ms",
    "id",
    "kind",
    "account",
    "sequence",
    "entries",
    "code",
    "meaning",
    "words",
    "statement",
];

/// Transactions from one ordinal up to another, ascending, for an export.
///
/// # Errors
/// When the database fails.
pub fn table(view: &ChainView, index: &Index, from: u64, until: u64) -> Result<Table, ReadError> {
    let contents = index.follow(view)?;
    let mut reader = Reader::new(view)?;
    let mut rows = Vec::new();
    for ordinal in from..until {
        let Some(entry) = contents.entry(ordinal)? else { continue };
        let Some(line) = reader.line(ordinal, entry.height, entry.index)? else { continue };
        rows.push(row(&line));
    }
    Ok(Table { columns: COLUMNS, rows })
}

/// A line's cells under [`COLUMNS`].
pub fn row(line: &Line) -> Vec<Value> {
    let outline = &line.outline;
    vec![
        json!(line.ordinal),
        json!(line.height),
        json!(line.index),
        json!(line.time_ms),
        json!(outline.id),
        json!(outline.kind),
        json!(outline.account),
        json!(outline.sequence),
        json!(outline.entries),
        json!(outline.code),
        json!(outline.meaning),
        json!(line.words.join(" ")),
        json!(line.statement),
    ]
}

/// The kinds that make the administrative trail: everything but students' states, requests and seeds.
pub fn administrative() -> Vec<PayloadKind> {
    use PayloadKind::{
        AnchorStates, CommitSeed, RecordConsent, RecordErasure, RecordMilestone, RevealSeed, SubmitRequests,
    };
    let students =
        [AnchorStates, CommitSeed, RecordConsent, RecordErasure, RecordMilestone, RevealSeed, SubmitRequests];
    PayloadKind::ALL.iter().copied().filter(|kind| !students.contains(kind)).collect()
}
