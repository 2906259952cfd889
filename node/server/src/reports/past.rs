//! The state after a past height.
//!
//! The database keeps the newest state alone, so an older one is made again: every block from the genesis is executed, and
//! every header compared. One walk gives all the heights that a report wants.

use std::collections::BTreeSet;

use aula_ledger::chain::Header;
use aula_ledger::execute::{BlockInput, VerifyAll, execute_block};
use aula_ledger::genesis::Genesis;
use aula_ledger::state::{MemoryState, StateReader, schema};
use aula_ledger::types::Height;
use aula_report::district::figures::Source;

use crate::bootstrap::{db_options, storage_failure};
use aula_home::config::Config;
use aula_home::home::Home;
use aula_store::{ChainDb, ChainView, origin};
use aula_home::{Advise, DEFECT, Failure};

/// A chain to report on: a home's, whose node is stopped, or a running node's own view.
pub struct Chain {
    view: std::sync::Arc<ChainView>,
    // Keeps a database open that was opened for this.
    _db: Option<ChainDb>,
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
        Ok(Self { view: db.latest(), _db: Some(db) })
    }

    /// A running node's chain.
    pub const fn of_view(view: std::sync::Arc<ChainView>) -> Self {
        Self { view, _db: None }
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
        header
            .ok_or_else(|| Failure::because(format!("the database has no header for height {height}"), hint))
    }

    /// The last block at or before a moment; none when the chain is younger.
    ///
    /// # Errors
    /// When the database fails.
    pub fn at_time(&self, time_ms: u64) -> Result<Option<Height>, Failure> {
        let (mut low, mut high) = (0u64, self.view.tip().height.0);
        // Times ascend: `low` is 0 or at or before the moment, everything above `high` after it.
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.header(middle)?.time_ms.0 <= time_ms { low = middle } else { high = middle - 1 }
        }
        Ok((low > 0).then_some(Height(low)))
    }

    /// Shows the state after each of these heights, ascending, with its header.
    ///
    /// # Errors
    /// When the chain does not execute to its own headers, or `see` fails.
    pub fn states(
        &self,
        heights: &BTreeSet<Height>,
        mut see: impl FnMut(&dyn StateReader, &Header) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Some(last) = heights.last().copied() else { return Ok(()) };
        let tip = self.view.tip().height;
        let past: BTreeSet<Height> = heights.iter().copied().filter(|height| *height != tip).collect();
        if let Some(until) = past.last().copied() {
            self.walk(until, &past, &mut see)?;
        }
        if last == tip { see(&*self.view, &self.header(tip.0)?) } else { Ok(()) }
    }

    fn walk(
        &self,
        until: Height,
        wanted: &BTreeSet<Height>,
        see: &mut impl FnMut(&dyn StateReader, &Header) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let bytes = self.view.genesis().map_err(storage_failure)?;
        let parsed = Genesis::parse(&bytes).advise("the stored genesis cannot be read", DEFECT)?;
        let mut state = MemoryState::new();
        state.apply(origin(&bytes, &parsed).map_err(storage_failure)?.writes);
        let hint = "run `aula replay`, which names the first difference";
        for height in (1..=until.0).map(Height) {
            let block = self.view.block(height).map_err(storage_failure)?;
            let missing = || Failure::because(format!("the database has no block of height {height}"), hint);
            let block = block.ok_or_else(missing)?;
            let executed = execute_block(&state, &BlockInput::of(&block), &VerifyAll);
            let executed = executed.advise(format!("height {height} does not execute"), hint)?;
            if executed.header != block.header {
                let message = format!("height {height} executes to another state than its header says");
                return Err(Failure::new("differs", message, hint));
            }
            state.apply(executed.writes);
            if wanted.contains(&height) {
                see(&state, &block.header)?;
            }
        }
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
