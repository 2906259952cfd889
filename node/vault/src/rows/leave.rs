//! Rows that somebody leaves: erased students, and what nobody was matched with in time.

use std::collections::BTreeSet;

use aula_ledger::types::Handle;
use rocksdb::{Direction, IteratorMode, WriteBatch};

use super::{Custody, Row, RowTerm};
use crate::error::VaultError;
use crate::tables::{Table, family};
use crate::vault::Vault;

impl Vault {
    /// Takes students out of every row: rows of theirs alone go, others lose their parts. Done again after a crash, it
    /// finds what is left to do.
    pub(crate) fn leave_rows(&self, gone: &BTreeSet<Handle>) -> Result<(), VaultError> {
        let mut batch = WriteBatch::default();
        let (mut touched, mut terms) = (BTreeSet::new(), BTreeSet::new());
        for handle in gone {
            for key in self.rows_of(handle)? {
                if touched.insert(key.clone())
                    && let Some(row) = self.row(&key)?
                {
                    self.leave_row(&mut batch, &key, row, gone, &mut terms)?;
                }
            }
        }
        for term in &terms {
            touched.extend(self.forget_term(&mut batch, term)?);
        }
        self.write(batch)?;
        self.rewrite_files(&touched, &terms)
    }

    fn rows_of(&self, handle: &Handle) -> Result<Vec<Vec<u8>>, VaultError> {
        self.keys_under(Table::RowsOf, &handle.0)
    }

    /// What stands behind this prefix in the keys of a table.
    fn keys_under(&self, table: Table, prefix: &[u8]) -> Result<Vec<Vec<u8>>, VaultError> {
        let mut found = Vec::new();
        let from = IteratorMode::From(prefix, Direction::Forward);
        for row in self.db.iterator_cf(family(&self.db, table)?, from) {
            let (key, _) = row?;
            let Some(key) = key.strip_prefix(prefix) else { break };
            found.push(key.to_vec());
        }
        Ok(found)
    }

    fn leave_row(
        &self,
        batch: &mut WriteBatch,
        key: &[u8],
        mut row: Row,
        gone: &BTreeSet<Handle>,
        terms: &mut BTreeSet<RowTerm>,
    ) -> Result<(), VaultError> {
        for (_, own) in row.terms_of.iter().filter(|(handle, _)| gone.contains(handle)) {
            terms.extend(own);
        }
        if row.wraps.iter().all(|(handle, _)| gone.contains(handle)) {
            return self.drop_row(batch, key);
        }
        row.wraps.retain(|(handle, _)| !gone.contains(handle));
        row.own.retain(|(handle, _)| !gone.contains(handle));
        row.terms.retain(|term| !terms.contains(term));
        row.terms_of.retain(|(handle, _)| !gone.contains(handle));
        row.whole = None;
        row.redacted = true;
        batch.put_cf(family(&self.db, Table::Rows)?, key, super::encode(&row)?);
        Ok(())
    }

    /// Removes a term that named an erased student from the index, and whatever nobody was matched with that it finds.
    fn forget_term(&self, batch: &mut WriteBatch, term: &RowTerm) -> Result<Vec<Vec<u8>>, VaultError> {
        let mut dropped = Vec::new();
        for key in self.keys_under(Table::RowIndex, term)? {
            if let Some(row) = self.row(&key)?
                && matches!(row.custody, Custody::Unassigned(_))
                && row.terms.contains(term)
            {
                self.drop_row(batch, &key)?;
                dropped.push(key.clone());
            }
            batch.delete_cf(family(&self.db, Table::RowIndex)?, [&term[..], &key].concat());
        }
        Ok(dropped)
    }

    /// Rewrites the files that held these rows and terms.
    fn rewrite_files(&self, keys: &BTreeSet<Vec<u8>>, terms: &BTreeSet<RowTerm>) -> Result<(), VaultError> {
        if keys.is_empty() && terms.is_empty() {
            return Ok(());
        }
        let rows = family(&self.db, Table::Rows)?;
        self.db.flush_cf(rows)?;
        for key in keys {
            self.db.compact_range_cf(rows, Some(key.as_slice()), Some([key.as_slice(), &[0]].concat()));
        }
        let index = family(&self.db, Table::RowIndex)?;
        self.db.flush_cf(index)?;
        for term in terms {
            self.db.compact_range_cf(
                index,
                Some(term.as_slice()),
                Some([&term[..], &[u8::MAX; 65]].concat()),
            );
        }
        Ok(())
    }

    /// Removes the rows that the district held until a time that is over. Gives how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn drop_unassigned(&self, now_ms: u64) -> Result<usize, VaultError> {
        let mut batch = WriteBatch::default();
        let mut due = BTreeSet::new();
        for key in self.keys_under(Table::Rows, &[])? {
            let over = self.row(&key)?.is_some_and(|row| match row.custody {
                Custody::Unassigned(until_ms) => until_ms <= now_ms,
                Custody::Students | Custody::District => false,
            });
            if over {
                self.drop_row(&mut batch, &key)?;
                due.insert(key);
            }
        }
        self.write(batch)?;
        self.rewrite_files(&due, &BTreeSet::new())?;
        Ok(due.len())
    }
}
