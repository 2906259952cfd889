//! The state after a past height.
//!
//! The database keeps the newest state alone, so an older one is made again: the blocks from the nearest state that is held are
//! executed, and every header compared. Held are the genesis, where all blocks are kept, the node's own snapshots, and a view of
//! moments ago while a report is due soon. Signatures are not checked again: the blocks are final here, and `aula replay` does.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use aula_ledger::chain::Header;
use aula_ledger::execute::{BlockInput, SignatureMemory, execute_block};
use aula_ledger::genesis::Genesis;
use aula_ledger::state::{MemoryState, StateReader, schema};
use aula_ledger::tx::TransactionId;
use aula_ledger::types::Height;
use aula_report::district::figures::Source;

use super::later::Later;
use crate::bootstrap::{db_options, storage_failure};
use aula_home::config::Config;
use aula_home::{Advise, DEFECT, Failure, Home};
use aula_store::snapshots::{self, Kept};
use aula_store::{ChainDb, ChainView, origin};

/// The code of what this node does not keep any more.
pub const PRUNED: &str = "pruned";

/// A chain to report on: a home's, whose node is stopped, or a running node's own view.
pub struct Chain {
    view: Arc<ChainView>,
    before: Option<Arc<ChainView>>,
    snapshots: Option<PathBuf>,
    // Keeps a database open that was opened for this.
    _db: Option<ChainDb>,
}

/// Blocks of this node's own database were verified before they were decided.
struct Final;

impl SignatureMemory for Final {
    fn is_verified(&self, _: &TransactionId) -> bool {
        true
    }
}

/// A state that is held.
enum Held {
    Genesis,
    Snapshot(Kept),
    Before(Arc<ChainView>),
}

impl Chain {
    /// The chain of a home, opened for reading alone.
    ///
    /// # Errors
    /// Code `no_chain` when the home has none; with the storage's words when it cannot be read.
    pub fn of_home(home: &Home) -> Result<Self, Failure> {
        let config = Config::load(home)?;
        let db =
            ChainDb::open_read_only(&home.data_dir(), db_options(&config)).map_err(|error| match error {
                aula_store::StorageError::Absent(_) => Failure::new(
                    "no_chain",
                    format!("{} has no chain to report on", home.path().display()),
                    "give the --home of a node that follows the chain: a validator's or a follower's",
                ),
                other => storage_failure(other),
            })?;
        Ok(Self { view: db.latest(), before: None, snapshots: Some(home.snapshots_dir()), _db: Some(db) })
    }

    /// A running node's chain.
    pub const fn of_view(view: Arc<ChainView>) -> Self {
        Self { view, before: None, snapshots: None, _db: None }
    }

    /// The same with the node's snapshots, and what the node looked like before, where that is held.
    #[must_use]
    pub fn with(self, snapshots: PathBuf, before: Option<Arc<ChainView>>) -> Self {
        Self { before, snapshots: Some(snapshots), ..self }
    }

    /// The time of what is held from before.
    pub fn before_ms(&self) -> Option<u64> {
        self.before.as_ref().map(|view| view.tip().time_ms.0)
    }

    /// Everything final.
    pub fn view(&self) -> &ChainView {
        &self.view
    }

    /// The header of a height to report on.
    ///
    /// # Errors
    /// Code `unknown_height` for 0, `future_height` above the newest block.
    pub fn header(&self, height: u64) -> Result<Header, Failure> {
        let tip = self.view.tip().height;
        if height == 0 {
            let hint = format!("give --as-of a height from 1 to {tip}");
            return Err(Failure::new("unknown_height", "there is no block of height 0", hint));
        }
        if height > tip.0 {
            let message = format!("height {height} is not decided yet: the newest of this home is {tip}");
            return Err(Failure::new(
                "future_height",
                message,
                format!("give --as-of a height from 1 to {tip}"),
            ));
        }
        let header = self.view.header(Height(height)).map_err(storage_failure)?;
        let hint = "fetch the chain again from a peer";
        let oldest = self.oldest()?;
        if header.is_none() && height < oldest.0 {
            return Err(pruned(oldest));
        }
        header
            .ok_or_else(|| Failure::because(format!("the database has no header for height {height}"), hint))
    }

    fn oldest(&self) -> Result<Height, Failure> {
        self.view.oldest().map_err(storage_failure)
    }

    /// The last block at or before a moment; none when the chain is younger.
    ///
    /// # Errors
    /// Code `pruned` when this node keeps no block so old; when the database fails.
    pub fn at_time(&self, time_ms: u64) -> Result<Option<Height>, Failure> {
        let oldest = self.oldest()?;
        let below = oldest.0.saturating_sub(1);
        let (mut low, mut high) = (below, self.view.tip().height.0);
        // Times ascend: `low` is below all that is kept or at or before the moment, everything above `high` after it.
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.header(middle)?.time_ms.0 <= time_ms { low = middle } else { high = middle - 1 }
        }
        if low == below && below > 0 { Err(pruned(oldest)) } else { Ok((low > 0).then_some(Height(low))) }
    }

    /// How many blocks have to be executed for the state after a height; none where it cannot be had.
    ///
    /// # Errors
    /// When the database or the snapshots cannot be read.
    pub fn distance(&self, height: Height) -> Result<Option<u64>, Failure> {
        if height == self.view.tip().height {
            return Ok(Some(0));
        }
        Ok(self.held(height)?.first().map(|(from, _)| height.0.saturating_sub(from.0)))
    }

    /// Shows the state after each of these heights, ascending, with its header.
    ///
    /// # Errors
    /// When the chain does not execute to its own headers, or `see` fails; code `pruned` where it cannot be executed here.
    pub fn states(
        &self,
        heights: &BTreeSet<Height>,
        mut see: impl FnMut(&dyn StateReader, &Header) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut walked: Option<(Height, Later)> = None;
        for height in heights.iter().copied() {
            if height == self.view.tip().height {
                see(&*self.view, &self.header(height.0)?)?;
                continue;
            }
            let held = self.held(height)?;
            let (mut at, mut state) = match walked.take() {
                Some(walked) if held.first().is_none_or(|(from, _)| walked.0 >= *from) => walked,
                _ => self.begin(held)?,
            };
            while at < height {
                at = at.next();
                self.execute(at, &mut state)?;
            }
            see(&state, &self.header(height.0)?)?;
            walked = Some((at, state));
        }
        Ok(())
    }

    /// The states at or below a height from which blocks can be executed here, the highest first.
    fn held(&self, height: Height) -> Result<Vec<(Height, Held)>, Failure> {
        let oldest = self.oldest()?;
        let mut found: Vec<(Height, Held)> = Vec::new();
        if oldest <= Height::GENESIS.next() {
            found.push((Height::GENESIS, Held::Genesis));
        }
        if let Some(root) = &self.snapshots {
            let genesis = self.view.header(self.view.tip().height).map_err(storage_failure)?;
            let genesis = genesis.map(|header| header.genesis);
            let all = snapshots::list(root).map_err(|error| Failure::because(&error, error.hint()))?;
            let own = all.into_iter().filter(|one| Some(one.manifest.genesis) == genesis);
            found.extend(own.map(|one| (one.manifest.height, Held::Snapshot(one))));
        }
        found.extend(self.before.iter().map(|view| (view.tip().height, Held::Before(view.clone()))));
        found.retain(|(from, _)| *from <= height && from.next() >= oldest);
        found.sort_by_key(|(from, _)| std::cmp::Reverse(*from));
        Ok(found)
    }

    /// The first of them that can be read: a damaged snapshot is told and passed over.
    fn begin(&self, held: Vec<(Height, Held)>) -> Result<(Height, Later), Failure> {
        let mut failed = None;
        for (from, held) in held {
            match self.open(held) {
                Ok(state) => return Ok((from, Later::of(state))),
                Err(failure) => {
                    tracing::warn!(height = from.0, hint = failure.hint, "a state that is held: {failure}");
                    failed = Some(failure);
                }
            }
        }
        Err(match failed {
            Some(failure) => failure,
            None => pruned(self.oldest()?),
        })
    }

    fn open(&self, held: Held) -> Result<Arc<dyn StateReader>, Failure> {
        match held {
            Held::Before(view) => Ok(view),
            Held::Snapshot(kept) => {
                let state = snapshots::load(&kept);
                Ok(Arc::new(state.map_err(|error| Failure::because(&error, error.hint()))?))
            }
            Held::Genesis => {
                let bytes = self.view.genesis().map_err(storage_failure)?;
                let parsed = Genesis::parse(&bytes).advise("the stored genesis cannot be read", DEFECT)?;
                let mut state = MemoryState::new();
                state.apply(origin(&bytes, &parsed).map_err(storage_failure)?.writes);
                Ok(Arc::new(state))
            }
        }
    }

    fn execute(&self, height: Height, state: &mut Later) -> Result<(), Failure> {
        let hint = "run `aula replay`, which names the first difference";
        let block = self.view.block(height).map_err(storage_failure)?;
        let missing = || Failure::because(format!("the database has no block of height {height}"), hint);
        let block = block.ok_or_else(missing)?;
        let executed = execute_block(state, &BlockInput::of(&block), &Final);
        let executed = executed.advise(format!("height {height} does not execute"), hint)?;
        if executed.header != block.header {
            let message = format!("height {height} executes to another state than its header says");
            return Err(Failure::new("differs", message, hint));
        }
        state.apply(executed.writes);
        Ok(())
    }

    /// What a report says of where its figures are from.
    ///
    /// # Errors
    /// When the database fails.
    pub fn source(&self, state: &dyn StateReader, header: &Header) -> Result<Source, Failure> {
        let bytes = self.view.genesis().map_err(storage_failure)?;
        let parsed = Genesis::parse(&bytes).advise("the stored genesis cannot be read", DEFECT)?;
        let params = schema::params(state).advise("the state cannot be read", "run `aula replay`")?;
        Ok(Source {
            chain_id: parsed.chain_id.to_string(),
            genesis: header.genesis.to_string(),
            height: header.height.0,
            time_ms: header.time_ms.0,
            state_root: header.state_root.to_string(),
            min_cell: params.min_cell_students,
        })
    }
}

fn pruned(oldest: Height) -> Failure {
    Failure::new(
        PRUNED,
        format!(
            "this node keeps blocks from {oldest} on, and no state from which an older one could be made"
        ),
        "give a height that it keeps, or do it on a node that keeps every block",
    )
}
