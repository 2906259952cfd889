//! What the other side has, into this vault: by the node's pipeline where feeds run, so that twins in memory follow; else at once. Records go
//! into its record store, one write after the other with the desks of the feeds.

use std::sync::{Arc, Mutex, PoisonError};

use aula_lrs::desk::{Desk, Turn};
use aula_lrs::store::{Door as StoreDoor, Roster, SealedStore, StoreError};
use aula_vault::Vault;
use aula_vault::room::Over;

use crate::door::{Door, Lent, lent_in_a_moment};
use crate::pipeline::Pipeline;
use crate::taking::{Levelled, Levelling, Taking};

/// How long a statement stays that voids another one and names no student, days.
const UNASSIGNED_DAYS: u32 = 90;

/// The way in.
pub struct Entering {
    door: Arc<dyn Door>,
    pipeline: Option<Arc<Pipeline>>,
    taking: Mutex<Option<Taking>>,
    turn: Turn,
}

/// The vault as a record store borrows it.
struct Through(Arc<dyn Door>);

impl StoreDoor for Through {
    fn lend(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), StoreError> {
        let lent = lent_in_a_moment(&*self.0, |vault| {
            call(vault);
            Ok(())
        });
        lent.map_err(|why| match why {
            Lent::Closed(closed) => StoreError::Busy(closed.to_string()),
            Lent::Vault(error) => error.into(),
        })
    }
}

impl std::fmt::Debug for Entering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entering").field("pipeline", &self.pipeline).finish_non_exhaustive()
    }
}

impl Entering {
    /// Into the vault behind a door.
    pub fn new(door: Arc<dyn Door>, pipeline: Option<Arc<Pipeline>>) -> Self {
        let turn = pipeline.as_ref().map(|pipeline| pipeline.turn().clone()).unwrap_or_default();
        Self { door, pipeline, taking: Mutex::default(), turn }
    }

    /// What the vault is read and written through.
    pub fn door(&self) -> &dyn Door {
        &*self.door
    }

    /// The record store of this vault, where accounts of a home page are students.
    ///
    /// # Errors
    /// A vault that is not lent, or refuses.
    pub(super) fn desk(&self, home_page: &str) -> Result<Desk, StoreError> {
        let roster = Roster { home_page: home_page.to_owned(), unassigned_days: UNASSIGNED_DAYS };
        let store = SealedStore::new(Box::new(Through(self.door.clone())), roster)?;
        Ok(Desk::new(Arc::new(store))?.in_turn(&self.turn))
    }

    /// Whether the vault has room for records.
    ///
    /// # Errors
    /// [`Over`]: it has its share of the disk.
    pub(super) fn room(&self) -> Result<(), Over> {
        self.pipeline.as_ref().map_or(Ok(()), |pipeline| pipeline.room())
    }

    /// Changes what the other side has otherwise: on disk on return.
    ///
    /// # Errors
    /// [`Lent`]: nothing has changed.
    pub fn level(&self, levelling: Levelling) -> Result<Levelled, Lent> {
        if let Some(pipeline) = &self.pipeline {
            return pipeline.level_and_wait(levelling);
        }
        let mut taking = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        lent_in_a_moment(&*self.door, |vault: &Vault| {
            let mut ready = match taking.take().filter(|taking| taking.is_of(vault)) {
                Some(ready) => ready,
                None => Taking::new(vault)?,
            };
            let levelled = ready.level(vault, &levelling);
            *taking = Some(ready);
            levelled
        })
    }
}
