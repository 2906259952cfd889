//! Where this node's execution of a final block parts from the others'.
//!
//! More than two thirds of the power make a block final, whatever this node thinks of it. If executing it here gives another
//! header, this node's program, memory or state is not the others'. It stops, so that it signs nothing more, and says
//! what can be known of where:
//! - which roots differ: from the header, which is certified;
//! - which receipt, and which records with which bytes: from what a peer says that the block gave ([`Facts`]). That is believed
//!   only if its receipts have the certified root and its records lead from the state before to the certified one, so one
//!   honest peer is enough, and no liar can point elsewhere;
//! - the transaction after which such a record last changed here, by executing once more and looking after each.
//!
//! Nodes keep these facts of their newest blocks only ([`Recent`]); without them the roots are all that is known, and the
//! transaction if the block has one. That a second execution agrees with the header speaks for faulty memory.
//!
//! The [`Case`] holds the block, all that executing it read, and the facts: `aula replay --diverged` executes it anywhere.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aula_ledger::chain::{Block, Header};
use aula_ledger::codec::Canonical;
use aula_ledger::execute::{BlockInput, Outcome, VerifyAll};
use aula_ledger::proof::merkle;
use aula_ledger::state::{StateReader, map};
use aula_ledger::tx::Transaction;
use aula_ledger::tx::transaction::id_of_bytes;
use aula_ledger::types::{Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::ports::Executor;

mod case;
mod recent;
mod recorded;

pub use case::{Case, CaseError};
pub use recent::Recent;
pub use recorded::{Recorded, Recorder};

/// Records that are named; there may be more.
const MOST_KEYS: usize = 16;
/// Bytes of a record that are shown.
const SHOWN: usize = 48;

/// What a block gave beside its header.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Facts {
    /// Its receipts' canonical bytes, in order.
    pub receipts: Vec<Vec<u8>>,
    /// The records it wrote or deleted, heads of bulk trees among them.
    pub values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Facts {
    /// What an execution here gave, in the form that peers compare.
    pub fn of(outcome: &Outcome) -> Self {
        let receipts = outcome.receipts.iter().map(Canonical::to_canonical).collect();
        Self { receipts, values: outcome.writes.values.clone() }
    }

    /// Whether a header proves them, on the state before its block.
    pub fn are_proved_by(&self, header: &Header, state: &dyn StateReader) -> bool {
        merkle::head(&self.receipts) == header.receipts
            && map::update(state, header.height, &self.values)
                .is_ok_and(|update| update.root == header.state_root)
    }
}

/// A part of the header that is another one here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// What the header calls it; `header` when no single part tells.
    pub name: &'static str,
    /// What this node makes of it.
    pub here: String,
    /// What is certified.
    pub certified: String,
}

/// A record that is another one here after the block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferingRecord {
    /// Its key, bytes that are no letters escaped.
    pub key: String,
    /// The key's first word: whose it is among the ledger's modules.
    pub module: String,
    /// What it holds here, in hexadecimal, its beginning; nothing where there is none.
    pub here: Option<String>,
    /// What it holds by the certified root.
    pub certified: Option<String>,
    /// The transaction after which it last changed here; none if no transaction changed it here.
    pub transaction: Option<u32>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The block's height.
    pub height: Height,
    /// Its hash.
    pub block: Hash,
    /// Why executing it gave no header at all.
    pub failed: Option<String>,
    /// What of the header differs; nothing when this execution agrees.
    pub roots: Vec<Differing>,
    /// Whether facts were there that the header proves.
    pub has_facts: bool,
    /// The first transaction whose receipt differs.
    pub receipt: Option<u32>,
    /// The records that differ, the first ones.
    pub records: Vec<DifferingRecord>,
    /// How many differ in all.
    pub records_in_all: usize,
    /// The transaction that is to be looked at: position, kind and id.
    pub transaction: Option<(u32, String, Hash)>,
}

impl Found {
    /// Whether this execution gives the header.
    pub fn agrees(&self) -> bool {
        self.failed.is_none() && self.roots.is_empty()
    }
}

/// Executes a final block on the state before it, and compares with its header and with what peers say it gave.
pub fn look(executor: &dyn Executor, state: &dyn StateReader, block: &Block, said: &[Facts]) -> Found {
    let header = &block.header;
    let facts = said.iter().find(|facts| facts.are_proved_by(header, state));
    let mut found = Found {
        height: header.height,
        block: header.hash(),
        failed: None,
        roots: Vec::new(),
        has_facts: facts.is_some(),
        receipt: None,
        records: Vec::new(),
        records_in_all: 0,
        transaction: None,
    };
    let run = || executor.execute(state, &BlockInput::of(block), &VerifyAll);
    let outcome = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            found.failed = Some(error.to_string());
            return found;
        }
        Err(_) => {
            found.failed = Some("it failed inside this program".into());
            return found;
        }
    };
    found.roots = differing(&outcome.header, header);
    if let Some(facts) = facts.filter(|_| !found.roots.is_empty()) {
        compare(executor, state, block, &Facts::of(&outcome), facts, &mut found);
    }
    let culprit = found.records.iter().filter_map(|record| record.transaction).min().or(found.receipt);
    let alone = (block.transactions.len() == 1 && !found.agrees()).then_some(0);
    found.transaction = culprit.or(alone).and_then(|at| {
        let bytes = block.transactions.get(at as usize)?;
        let kind =
            Transaction::from_canonical(bytes).map_or("unreadable", |one| one.body.payload.kind().name());
        Some((at, kind.to_owned(), id_of_bytes(bytes)))
    });
    found
}

fn differing(here: &Header, certified: &Header) -> Vec<Differing> {
    let head = |head: &aula_ledger::proof::TreeHead| format!("{} of {} leaves", head.root, head.leaf_count);
    let pairs = [
        ("receipts_root", head(&here.receipts), head(&certified.receipts)),
        ("students_root", head(&here.students), head(&certified.students)),
        ("state_root", here.state_root.to_string(), certified.state_root.to_string()),
        ("validators_hash", here.validators_hash.to_string(), certified.validators_hash.to_string()),
        (
            "next_validators_hash",
            here.next_validators_hash.to_string(),
            certified.next_validators_hash.to_string(),
        ),
        ("header", here.hash().to_string(), certified.hash().to_string()),
    ];
    let differ = pairs.into_iter().filter(|(_, here, certified)| here != certified);
    let mut all: Vec<_> = differ.map(|(name, here, certified)| Differing { name, here, certified }).collect();
    if all.len() > 1 {
        // The header as a whole differs when a part of it does.
        all.retain(|one| one.name != "header");
    }
    all
}

/// A record as it was seen last, and the transaction that changed it.
type LastSeen = (Option<Vec<u8>>, Option<u32>);

fn compare(
    executor: &dyn Executor,
    state: &dyn StateReader,
    block: &Block,
    here: &Facts,
    certified: &Facts,
    found: &mut Found,
) {
    let receipts = (0u32..).zip(here.receipts.iter().zip(&certified.receipts));
    found.receipt = receipts.into_iter().find(|(_, (here, certified))| here != certified).map(|(at, _)| at);
    // A record that one of them left as it was has what it had before.
    let after = |facts: &Facts, key: &[u8]| match facts.values.get(key) {
        Some(value) => value.clone(),
        None => state.value(key).unwrap_or_default(),
    };
    let mut keys: Vec<&Vec<u8>> = here.values.keys().chain(certified.values.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| after(here, key) != after(certified, key));
    found.records_in_all = keys.len();
    keys.truncate(MOST_KEYS);
    let mut last: BTreeMap<&[u8], LastSeen> =
        keys.iter().map(|key| (key.as_slice(), (state.value(key).unwrap_or_default(), None))).collect();
    let looked = executor.execute_watched(state, &BlockInput::of(block), &VerifyAll, &mut |at, overlay| {
        for (key, (value, changed)) in &mut last {
            let now = overlay.get(key).unwrap_or_default();
            if now != *value {
                (*value, *changed) = (now, at);
            }
        }
    });
    if let Err(error) = looked {
        tracing::warn!(%error, "the block was executed a moment before and is not any more");
    }
    found.records = keys
        .iter()
        .map(|key| DifferingRecord {
            key: key.escape_ascii().to_string(),
            module: word_of(key),
            here: after(here, key).as_deref().map(shown),
            certified: after(certified, key).as_deref().map(shown),
            transaction: last.get(key.as_slice()).and_then(|(_, changed)| *changed),
        })
        .collect();
}

/// The first word of a key; of a bulk tree's head, the tree's.
fn word_of(key: &[u8]) -> String {
    let rest = key.strip_prefix(b"tree/").unwrap_or(key);
    let word = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
    word.escape_ascii().to_string()
}

fn shown(bytes: &[u8]) -> String {
    let beginning = bytes.get(..SHOWN).unwrap_or(bytes);
    let more = if beginning.len() < bytes.len() { "…" } else { "" };
    format!("{}{more}", hex::encode(beginning))
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "block {} at height {} is final and ", self.block, self.height)?;
        match &self.failed {
            Some(why) => return write!(f, "cannot be executed here: {why}"),
            None if self.roots.is_empty() => {
                return f.write_str(
                    "this program, asked again, gives its header: another answer before speaks for faulty memory or a faulty disk",
                );
            }
            None => {}
        }
        let names: Vec<&str> = self.roots.iter().map(|root| root.name).collect();
        write!(f, "this node's execution differs in {}", names.join(", "))?;
        if let Some((at, kind, id)) = &self.transaction {
            write!(f, "; transaction {at}, {kind} {id}")?;
        }
        if let Some(at) = self.receipt {
            write!(f, "; the receipt of transaction {at} is another")?;
        }
        for record in self.records.iter().take(1) {
            let words = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
            write!(
                f,
                "; module {}, record {}: {} here, {} by the certified root",
                record.module,
                record.key,
                words(&record.here),
                words(&record.certified)
            )?;
        }
        if self.records_in_all > 1 {
            write!(f, " ({} records in all)", self.records_in_all)?;
        }
        if !self.has_facts {
            f.write_str("; no peer said what the block wrote, so the record is not known")?;
        }
        Ok(())
    }
}
