//! Whether a database was level with its chain yet. Until it was, it follows whatever its peers say is the chain.
//!
//! Written into the database itself, so that it goes where the database goes (a copy, a restored home) and leaves with it. A
//! database without a word of it, as every one that was made before there was one, is nobody's newcomer.

use super::chain::{ChainDb, synced};
use super::error::{StorageError, damaged};
use super::tables::{Table, meta};
use super::view::family;

/// What is known of the chain in a database that was never level with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newcomer {
    /// Nothing: it began with the genesis alone.
    Unproven,
    /// One of its blocks is known to its operator, or was less than a day old when it came.
    Proven,
}

impl Newcomer {
    pub(super) const fn byte(self) -> u8 {
        match self {
            Self::Unproven => 0,
            Self::Proven => 1,
        }
    }
}

impl ChainDb {
    /// How far this newcomer is; none once it was level.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or the record is damaged.
    pub fn newcomer(&self) -> Result<Option<Newcomer>, StorageError> {
        let stored = self.db().get_cf(family(self.db(), Table::Meta)?, meta::NEWCOMER)?;
        match stored.as_deref() {
            None => Ok(None),
            Some([0]) => Ok(Some(Newcomer::Unproven)),
            Some([1]) => Ok(Some(Newcomer::Proven)),
            Some(_) => Err(damaged("meta", "what is known of a newcomer is malformed")),
        }
    }

    /// Writes how far it is, durably; none: it was level, and is a newcomer no more.
    ///
    /// # Errors
    /// [`StorageError`] when the database cannot be written.
    pub fn set_newcomer(&self, newcomer: Option<Newcomer>) -> Result<(), StorageError> {
        let metadata = family(self.db(), Table::Meta)?;
        match newcomer {
            Some(newcomer) => {
                self.db().put_cf_opt(metadata, meta::NEWCOMER, [newcomer.byte()], &synced())?;
            }
            None => self.db().delete_cf_opt(metadata, meta::NEWCOMER, &synced())?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DbOptions;
    use crate::tests::origin;

    #[test]
    fn a_newcomer_stays_one_over_a_restart_and_in_a_copy_until_it_was_level()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (path, copy) = (folder.path().join("data"), folder.path().join("copy"));
        let db = ChainDb::create(&path, DbOptions::default(), &origin())?;
        assert_eq!(db.newcomer()?, None, "a database that nobody calls a newcomer's is not one");
        for state in [Some(Newcomer::Unproven), Some(Newcomer::Proven), None] {
            db.set_newcomer(state)?;
            assert_eq!(db.newcomer()?, state);
        }
        db.set_newcomer(Some(Newcomer::Unproven))?;
        db.checkpoint(&copy)?;
        drop(db);
        for path in [path, copy] {
            assert_eq!(ChainDb::open(&path, DbOptions::default())?.newcomer()?, Some(Newcomer::Unproven));
        }
        Ok(())
    }
}
