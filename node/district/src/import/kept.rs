//! What the vault has, as imports ask it.

use std::cell::RefCell;

use aula_ingest::plan::{Compared, Kept, KeptStudent, Tie, Ties};
use aula_ledger::access::Relation;
use aula_ledger::names::FieldName;
use aula_ledger::types::{Handle, SchoolYear};
use aula_vault::roster::Comparing;
use aula_vault::{LocalId, Vault};

use super::ImportError;

/// A vault in a school year.
pub struct InVault<'a> {
    vault: &'a Vault,
    comparing: Comparing<'a>,
    year: SchoolYear,
    /// The handle found last: a row asks for its student many times.
    last: RefCell<Option<(String, u16, Option<Handle>)>>,
}

impl std::fmt::Debug for InVault<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InVault").field("year", &self.year).finish_non_exhaustive()
    }
}

impl<'a> InVault<'a> {
    /// The vault in this year.
    pub fn new(vault: &'a Vault, year: SchoolYear) -> Self {
        Self { vault, comparing: vault.comparing(), year, last: RefCell::new(None) }
    }

    fn handle(&self, id: &str, year: u16) -> Result<Option<Handle>, ImportError> {
        if let Some((last, of_year, handle)) = &*self.last.borrow()
            && last == id
            && *of_year == year
        {
            return Ok(*handle);
        }
        let local = LocalId::new(id).ok_or(ImportError::Name)?;
        let found = self.vault.find_in(&local, SchoolYear(year))?;
        // The keystore forgets who is erased before the data does.
        let found = match found {
            Some(handle) if self.vault.is_erased(&handle)? => None,
            other => other,
        };
        *self.last.borrow_mut() = Some((id.to_owned(), year, found));
        Ok(found)
    }
}

impl Kept for InVault<'_> {
    type Error = ImportError;

    fn year(&self) -> u16 {
        self.year.0
    }

    fn student(&self, id: &str) -> Result<Option<KeptStudent>, ImportError> {
        let Some(handle) = self.handle(id, self.year.0)? else { return Ok(None) };
        let entry = self.comparing.roster_entry(&handle)?;
        Ok(entry.map(|entry| KeptStudent {
            school: entry.school,
            local_school: entry.local_school.clone(),
            enrolled: entry.enrolled,
            modified_ms: entry.modified_ms,
        }))
    }

    fn is_known(&self, id: &str) -> Result<bool, ImportError> {
        Ok(self.vault.knows(&LocalId::new(id).ok_or(ImportError::Name)?))
    }

    fn compare(&self, id: &str, year: u16, field: &str, json: &str) -> Result<Compared, ImportError> {
        let Some(handle) = self.handle(id, year)? else { return Ok(Compared::Absent) };
        let field = FieldName::new(field).map_err(|_| ImportError::Name)?;
        Ok(match self.comparing.is_same(&handle, &field, json.as_bytes())? {
            None => Compared::Absent,
            Some(true) => Compared::Same,
            Some(false) => Compared::Other,
        })
    }

    fn ties(&self) -> Result<Ties, ImportError> {
        let mut ties = Ties::new();
        for (handle, reader, relations) in self.vault.all_relations()? {
            let of_year = self.vault.keystore().student(&handle).is_some_and(|(year, _)| year == self.year);
            // Whoever came by another way than an import has no identifier here, and imports leave its ties alone.
            let Some(entry) = (if of_year { self.comparing.roster_entry(&handle)? } else { None }) else {
                continue;
            };
            let tie = |relation: &Relation| match relation {
                Relation::Section(section) => Some(Tie::Section(section.as_str().to_owned())),
                Relation::School(school) => Some(Tie::School(school.0)),
                Relation::Office | Relation::Own | Relation::Family => None,
            };
            let found = relations.iter().filter_map(tie).collect();
            ties.insert((entry.local_id.clone(), reader.as_str().to_owned()), found);
        }
        Ok(ties)
    }

    fn enrolled(&self) -> Result<Vec<String>, ImportError> {
        let roster = self.vault.roster(self.year)?;
        let enrolled = roster.into_iter().filter(|(_, entry)| entry.enrolled);
        Ok(enrolled.map(|(_, entry)| entry.local_id.clone()).collect())
    }
}
