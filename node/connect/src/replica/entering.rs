//! What the other side has, into this vault: by the node's pipeline where feeds run, so that twins in memory follow; else at once.

use std::sync::{Arc, Mutex, PoisonError};

use aula_vault::Vault;

use crate::door::{Door, Lent, lent_in_a_moment};
use crate::pipeline::Pipeline;
use crate::taking::{Levelled, Levelling, Taking};

/// The way in.
pub struct Entering {
    door: Arc<dyn Door>,
    pipeline: Option<Arc<Pipeline>>,
    taking: Mutex<Option<Taking>>,
}

impl std::fmt::Debug for Entering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entering").field("pipeline", &self.pipeline).finish_non_exhaustive()
    }
}

impl Entering {
    /// Into the vault behind a door.
    pub fn new(door: Arc<dyn Door>, pipeline: Option<Arc<Pipeline>>) -> Self {
        Self { door, pipeline, taking: Mutex::default() }
    }

    /// The door.
    pub fn door(&self) -> &dyn Door {
        &*self.door
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
