//! Transactions of the whole chain by ordinal, newest first, and one with its receipt.
//!
//! What the public sees of one: kind, sender, how large, what became of it, and its events by the rule of
//! suppression. Of a batch of requests neither the number of entries nor the bytes are shown: several districts'
//! batches add up to a round's total, so that each would say what its withheld cell is.

use aula_ledger::chain::{Block, Receipt, Transaction};
use aula_ledger::codec::Canonical;
use aula_ledger::state::schema;
use aula_ledger::tx::{Payload, PayloadKind};
use aula_ledger::types::{Hash, Height};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::index::Index;
use super::publish;
use super::statements::{self, Statement};
use super::table::Table;
use super::words;
use crate::ReadError;
use aula_store::{ChainView, StorageError};

/// A transaction in a final block, without its rows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Outline {
    /// Its name.
    #[schema(value_type = String)]
    pub id: Hash,
    /// What kind, for example `AnchorStates`.
    pub kind: &'static str,
    /// Who sent it.
    pub account: String,
    /// The sender's sequence number.
    pub sequence: u64,
    /// Its bytes; none for a batch of requests.
    pub bytes: Option<usize>,
    /// How many entries it carries, 1 when it is no batch; none for a batch of requests.
    pub entries: Option<usize>,
    /// The receipt's number; 0 is accepted.
    pub code: u16,
    /// The number in words.
    pub meaning: &'static str,
    /// Whether anybody may have it whole, with its proof; not when it names a student or a count that is withheld.
    pub provable: bool,
    /// What it did.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<Value>,
}

/// A transaction with its place in the chain.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Line {
    /// Its number in the chain, from 0: what cursors are made of.
    pub ordinal: u64,
    /// The block.
    pub height: u64,
    /// The position in the block, from 0.
    pub index: u32,
    /// Block time in ms since 1970 UTC.
    pub time_ms: u64,
    /// What the public sees of it.
    #[serde(flatten)]
    pub outline: Outline,
    /// Its events in sentences.
    pub words: Vec<String>,
    /// Of a funder's statement: whether it is of the money as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<Statement>,
}

/// A page of transactions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page {
    /// The height up to which transactions are listed.
    pub height: u64,
    /// How many the chain has (of the kinds asked for).
    pub count: u64,
    /// The page.
    pub transactions: Vec<Line>,
    /// The `before` of the next page; none at the first transaction.
    pub next: Option<u64>,
}

impl Outline {
    /// Of a decoded transaction and its receipt.
    pub fn of(transaction: &Transaction, bytes: usize, receipt: &Receipt, min_cell: u32) -> Self {
        let payload = &transaction.body.payload;
        let withheld = matches!(payload, Payload::SubmitRequests(_));
        Self {
            id: receipt.transaction,
            kind: payload.kind().name(),
            account: transaction.body.account.to_string(),
            sequence: transaction.body.sequence,
            bytes: (!withheld).then_some(bytes),
            entries: (!withheld).then(|| entries(payload)),
            code: receipt.code.number().into(),
            meaning: receipt.code.explain(),
            provable: aula_ledger::audit::is_public(payload, receipt, min_cell),
            events: receipt.events.iter().map(|event| publish::event(event, min_cell)).collect(),
        }
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

fn outline(bytes: &[u8], receipt: &Receipt, min_cell: u32) -> Result<Outline, StorageError> {
    let transaction = Transaction::from_canonical(bytes).map_err(|e| StorageError::Damaged(e.to_string()))?;
    Ok(Outline::of(&transaction, bytes.len(), receipt, min_cell))
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
        let words = outline.events.iter().map(words::event).collect();
        let statement = statements::of_events(self.view, &outline.events, Height(height))?;
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

/// The kind of a name, as [`Outline::kind`] has it.
pub fn kind_named(name: &str) -> Option<PayloadKind> {
    PayloadKind::ALL.iter().copied().find(|kind| kind.name() == name)
}
