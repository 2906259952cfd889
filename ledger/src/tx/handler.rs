//! What every transaction is to the ledger: rules that need no state, then its effect on the state.
//!
//! A handler sees the state through the block's overlay and nothing else: no clock, no store, no network.
//! Its writes are kept when it returns events and thrown away when it refuses, by [`crate::execute`], which
//! also has checked the sender's signature, sequence and role.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::code::Code;
use crate::proof::BulkTree;
use crate::rounds::RoundPools;
use crate::rounds::sample::Sample;
pub use crate::state::BlockFacts;
use crate::state::schema::{Member, PoolRecord};
use crate::state::{Overlay, StoreError, TreeLabel};
use crate::tx::Event;
use crate::types::{AccountId, DistrictId, Handle, RoundId, SchoolId, SchoolYear};

/// What a handler works with.
pub struct Context<'c, 'a> {
    /// The state with all writes so far.
    pub overlay: &'c mut Overlay<'a>,
    /// What the block fixes.
    pub facts: &'c BlockFacts,
    /// Who sends; admitted, with a role that may send this.
    pub sender: &'c Member,
    /// Leaves of the header's students tree, appended in order.
    pub student_leaves: &'c mut Vec<Vec<u8>>,
    /// What was read and cannot change within the block.
    pub memory: &'c mut BlockMemory,
}

/// What a block's transactions read again and again, and none of them can change: kept for the block, so that
/// a thousand small batches cost what a large one does.
#[derive(Default)]
pub struct BlockMemory {
    /// Pools and schools of open rounds; both are fixed while a round is open.
    pub round_pools: BTreeMap<RoundId, Arc<RoundPools>>,
    /// Sums of the weights of a decided round's requests, by school.
    pub school_weights: BTreeMap<RoundId, Arc<BTreeMap<SchoolId, u64>>>,
    /// Pools of a school year that cost something, by funder, as they were after the parent block.
    pub costly_pools: BTreeMap<SchoolYear, Arc<BTreeMap<AccountId, Vec<PoolRecord>>>>,
    /// Who is audited, of decided rounds.
    pub audit_samples: BTreeMap<RoundId, Arc<Sample>>,
}

/// The rows of one bulk tree. For a large batch the tree as of the parent block says from memory whether the store has a
/// row at all, which for most handles of most batches it has not. A small one asks the store by handle: it must not read
/// a large tree to be refused for its first entry.
pub struct Rows {
    label: TreeLabel,
    tree: Option<Arc<BulkTree>>,
}

/// Reading a whole tree costs as much as asking for one in this many of its rows.
const ASKED_SHARE: u64 = 16;

impl Rows {
    /// The rows of this tree, to be asked for so many handles.
    ///
    /// # Errors
    /// [`StoreError`] from the store.
    pub fn of(overlay: &Overlay<'_>, label: TreeLabel, asked: usize) -> Result<Self, StoreError> {
        let leaves = overlay.leaves_below(&label)?;
        let tree = match leaves {
            0 => Some(Arc::default()),
            leaves if (asked as u64).saturating_mul(ASKED_SHARE) >= leaves => overlay.base().tree(&label)?,
            _ => None,
        };
        Ok(Self { label, tree })
    }

    /// The tree's label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The handle's row with all writes so far.
    ///
    /// # Errors
    /// [`StoreError`] from the store.
    pub fn get(&self, overlay: &Overlay<'_>, handle: &Handle) -> Result<Option<Vec<u8>>, StoreError> {
        match overlay.written_row(&self.label, handle) {
            Some(row) => Ok(Some(row.to_vec())),
            None if self.tree.as_ref().is_some_and(|tree| !tree.contains(handle)) => Ok(None),
            None => overlay.base().row(&self.label, handle),
        }
    }
}

impl Context<'_, '_> {
    /// The district the sender acts for.
    ///
    /// # Errors
    /// [`Code::RoleNotAllowed`] when it acts for none.
    pub fn district(&self) -> Result<DistrictId, Refusal> {
        Ok(self.sender.district.ok_or(Code::RoleNotAllowed)?)
    }

    /// Refuses a batch larger than the parameter allows.
    ///
    /// # Errors
    /// [`Code::BatchTooLarge`].
    pub fn check_batch(&self, entries: usize) -> Result<(), Refusal> {
        Ok(ensure(entries as u64 <= u64::from(self.facts.params.max_batch_entries), Code::BatchTooLarge)?)
    }
}

/// Why a transaction has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Rejected: its writes are rolled back, its sequence is consumed.
    Rejected {
        /// Why.
        code: Code,
        /// Position of the first bad entry of a batch.
        entry: Option<u32>,
    },
    /// Rejected, with what cannot be met for the receipt; writes nothing either.
    Explained {
        /// Why.
        code: Code,
        /// What the receipt adds in numbers.
        event: Box<Event>,
    },
    /// The store failed: nothing about the transaction is known.
    Broken(StoreError),
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::Rejected { code, entry: None }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Broken(error)
    }
}

impl Refusal {
    /// Names the entry of a batch that is at fault.
    pub fn at(self, position: usize) -> Self {
        match self {
            Self::Rejected { code, .. } => Self::Rejected { code, entry: u32::try_from(position).ok() },
            other @ (Self::Explained { .. } | Self::Broken(_)) => other,
        }
    }
}

/// A transaction's rules and effect.
pub trait Handler {
    /// Rules that need no state: ranges, order, lengths.
    ///
    /// # Errors
    /// The code the submitter is told; a block that holds such a transaction is invalid.
    fn check(&self) -> Result<(), Code>;

    /// The effect on the state.
    ///
    /// # Errors
    /// [`Refusal::Rejected`] with the code for the receipt, or [`Refusal::Broken`].
    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal>;
}

/// `Err(code)` unless `holds`.
///
/// # Errors
/// The code given.
pub(crate) fn ensure(holds: bool, code: Code) -> Result<(), Code> {
    if holds { Ok(()) } else { Err(code) }
}

/// [`Code::InvalidPayload`] unless `holds`.
///
/// # Errors
/// [`Code::InvalidPayload`].
pub(crate) fn require(holds: bool) -> Result<(), Code> {
    ensure(holds, Code::InvalidPayload)
}

/// True when `keys` strictly ascend.
pub(crate) fn ascends<'a, K: Ord + 'a>(keys: impl Iterator<Item = &'a K> + Clone) -> bool {
    keys.clone().zip(keys.skip(1)).all(|(a, b)| a < b)
}

/// True when `items` are all different.
pub(crate) fn differ<T: Ord>(items: &[T]) -> bool {
    let set: std::collections::BTreeSet<&T> = items.iter().collect();
    set.len() == items.len()
}
