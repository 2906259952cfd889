//! Rows that somebody leaves: erased students, and what nobody was matched with in time.

use std::collections::{BTreeMap, BTreeSet};

use aula_ledger::types::Handle;
use rocksdb::{Direction, IteratorMode, WriteBatch};

use super::{Custody, Row, RowTerm};
use crate::error::VaultError;
use crate::tables::{Table, family};
use crate::vault::Vault;

impl Vault {
    /// Takes students out of every row: rows of theirs alone go, others lose their parts, and no row or index keeps a term
    /// that names one of them. One batch: done again after a crash, it finds all or nothing to do.
    pub(crate) fn leave_rows(&self, gone: &BTreeSet<Handle>) -> Result<(), VaultError> {
        let (mut rows, mut terms) = (BTreeMap::new(), BTreeSet::new());
        for handle in gone {
            for key in self.keys_under(Table::RowsOf, &handle.0)? {
                if let Some(row) = self.row(&key)? {
                    let own = row.terms_of.iter().filter(|(handle, _)| gone.contains(handle));
                    terms.extend(own.flat_map(|(_, own)| own.iter().copied()));
                    rows.insert(key, row);
                }
            }
        }
        let mut batch = WriteBatch::default();
        for term in &terms {
            for key in self.keys_under(Table::RowIndex, term)? {
                batch.delete_cf(family(&self.db, Table::RowIndex)?, [&term[..], &key].concat());
                if !rows.contains_key(&key)
                    && let Some(row) = self.row(&key)?
                {
                    rows.insert(key, row);
                }
            }
        }
        let touched: BTreeSet<Vec<u8>> = rows.keys().cloned().collect();
        for (key, row) in rows {
            self.leave_row(&mut batch, &key, row, gone, &terms)?;
        }
        self.write(batch)?;
        self.rewrite_files(&touched, &terms)
    }

    /// What stands behind this prefix in the keys of a table.
    pub(super) fn keys_under(&self, table: Table, prefix: &[u8]) -> Result<Vec<Vec<u8>>, VaultError> {
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
        mut row: Row<'_>,
        gone: &BTreeSet<Handle>,
        terms: &BTreeSet<RowTerm>,
    ) -> Result<(), VaultError> {
        let theirs = !row.wraps.is_empty() && row.wraps.iter().all(|(handle, _)| gone.contains(handle));
        // Nobody was matched with it, and one of the erased is in it after all.
        let unmatched = matches!(row.custody, Custody::Unassigned(_))
            && row.terms.iter().any(|term| terms.contains(term));
        if theirs || unmatched {
            return self.drop_row(batch, key);
        }
        if row.wraps.iter().any(|(handle, _)| gone.contains(handle)) {
            row.wraps.retain(|(handle, _)| !gone.contains(handle));
            row.own.retain(|(handle, _)| !gone.contains(handle));
            row.terms_of.to_mut().retain(|(handle, _)| !gone.contains(handle));
            row.whole = None;
            row.redacted = true;
        }
        row.terms.to_mut().retain(|term| !terms.contains(term));
        row.keys.retain(|term| !terms.contains(term));
        batch.put_cf(family(&self.db, Table::Rows)?, key, super::encode(&row)?);
        Ok(())
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
        let mut due = BTreeSet::new();
        for key in self.keys_under(Table::Rows, &[])? {
            let over = self.row(&key)?.is_some_and(|row| match row.custody {
                Custody::Unassigned(until_ms) => until_ms <= now_ms,
                Custody::Students | Custody::District => false,
            });
            if over {
                due.insert(key);
            }
        }
        self.purge_rows(&due)?;
        Ok(due.len())
    }

    /// Removes rows, and what the files have of them.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn purge_rows(&self, keys: &BTreeSet<Vec<u8>>) -> Result<(), VaultError> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut batch = WriteBatch::default();
        for key in keys {
            self.drop_row(&mut batch, key)?;
        }
        self.write(batch)?;
        self.rewrite_files(keys, &BTreeSet::new())
    }
}
