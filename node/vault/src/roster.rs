//! Who is enrolled where, by the district's own identifiers: one sealed row a student and school year.
//!
//! The keystore knows identifiers by their hashes; the district's operator names students by them, so this is where a handle
//! becomes a name again. Invariants: a row is sealed under its student's key and goes with the student; no other field of a student
//! is in it, and none can be had here: [`Comparing`] says only whether a value is the one that is kept, to whoever has it
//! already. Absent: writing, which is [`crate::imports`]'s.

use std::cell::RefCell;
use std::collections::BTreeMap;

use aula_ledger::names::FieldName;
use aula_ledger::types::{Handle, SchoolYear};
use borsh::{BorshDeserialize, BorshSerialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::VaultError;
use crate::keystore::LocalId;
use crate::seal::Cipher;
use crate::tables::{SCHOOLS_KEY, Table, family, record_key};
use crate::vault::{Vault, record_cipher};

/// The field name of rosters in what a value belongs to; no [`FieldName`] has a space.
pub(crate) const ROSTER_FIELD: &[u8] = b"roster ";

/// A student's place on the roster of a school year.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Zeroize, ZeroizeOnDrop)]
pub struct RosterEntry {
    /// The district's own identifier.
    pub local_id: String,
    /// The school's number on the ledger; none while no school is known.
    pub school: Option<u32>,
    /// The sending system's identifier of it.
    pub local_school: String,
    /// Whether the student is enrolled.
    pub enrolled: bool,
    /// When the sending system changed it last, milliseconds since 1970; 0 when it never said.
    pub modified_ms: u64,
}

/// Shows that there is one, and not whose.
impl std::fmt::Debug for RosterEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RosterEntry").field("enrolled", &self.enrolled).finish_non_exhaustive()
    }
}

impl Vault {
    /// The handle that a student has in a year; none when it was never enrolled in it.
    ///
    /// # Errors
    /// When the keystore cannot be read.
    pub fn find_in(&self, id: &LocalId, year: SchoolYear) -> Result<Option<Handle>, VaultError> {
        Ok(self.keystore().handle_of(id, year)?)
    }

    /// True when the vault has a student of this identifier, in whatever year.
    pub fn knows(&self, id: &LocalId) -> bool {
        self.keystore().knows(id)
    }

    /// A student's place on the roster.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn roster_entry(&self, handle: &Handle) -> Result<Option<RosterEntry>, VaultError> {
        self.comparing().roster_entry(handle)
    }

    /// Everybody on the roster of a year, in the order of their identifiers.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn roster(&self, year: SchoolYear) -> Result<Vec<(Handle, RosterEntry)>, VaultError> {
        let of_year = self.keystore().all_handles().into_iter().filter(|(_, other)| *other == year);
        let (handles, comparing): (Vec<Handle>, _) =
            (of_year.map(|(handle, _)| handle).collect(), self.comparing());
        let mut found = Vec::new();
        for handle in handles {
            if !self.is_erased(&handle)?
                && let Some(entry) = comparing.roster_entry(&handle)?
            {
                found.push((handle, entry));
            }
        }
        found.sort_by(|(_, one), (_, other)| one.local_id.cmp(&other.local_id));
        Ok(found)
    }

    /// The newest school year, no later than `until`, in which the roster enrols somebody; none where none does.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn newest_roster(&self, until: SchoolYear) -> Result<Option<SchoolYear>, VaultError> {
        let mut by_year: BTreeMap<SchoolYear, Vec<Handle>> = BTreeMap::new();
        let all = self.keystore().all_handles();
        for (handle, year) in all.into_iter().filter(|(_, year)| *year <= until) {
            by_year.entry(year).or_default().push(handle);
        }
        let comparing = self.comparing();
        for (year, handles) in by_year.into_iter().rev() {
            for handle in handles {
                if !self.is_erased(&handle)?
                    && comparing.roster_entry(&handle)?.is_some_and(|place| place.enrolled)
                {
                    return Ok(Some(year));
                }
            }
        }
        Ok(None)
    }

    /// Schools by the sending systems' identifiers, as imports found them.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn local_schools(&self) -> Result<BTreeMap<String, u32>, VaultError> {
        match self.db.get_cf(family(&self.db, Table::Meta)?, SCHOOLS_KEY)? {
            None => Ok(BTreeMap::new()),
            Some(json) => serde_json::from_slice(&json)
                .map_err(|_| VaultError::Damaged("its table of schools is unreadable".into())),
        }
    }

    /// Compares many values: the key of the student asked for last stays ready.
    pub fn comparing(&self) -> Comparing<'_> {
        Comparing { vault: self, last: RefCell::new(None) }
    }
}

/// Says whether values are those that are kept.
pub struct Comparing<'a> {
    vault: &'a Vault,
    last: RefCell<Option<(Handle, Cipher)>>,
}

impl std::fmt::Debug for Comparing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Comparing")
    }
}

impl Comparing<'_> {
    /// Whether a field's value is this one; none when no value is kept.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn is_same(
        &self,
        handle: &Handle,
        field: &FieldName,
        value: &[u8],
    ) -> Result<Option<bool>, VaultError> {
        let key = record_key(handle, field);
        let kept = self.open(Table::Records, handle, &key, field.as_str().as_bytes())?;
        Ok(kept.map(|kept| kept.as_slice() == value))
    }

    /// A student's place on the roster.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn roster_entry(&self, handle: &Handle) -> Result<Option<RosterEntry>, VaultError> {
        let Some(bytes) = self.open(Table::Places, handle, &handle.0, ROSTER_FIELD)? else { return Ok(None) };
        let damaged = |_| VaultError::Damaged("a place on the roster is unreadable".into());
        borsh::from_slice(&bytes).map(Some).map_err(damaged)
    }

    fn open(
        &self,
        table: Table,
        handle: &Handle,
        key: &[u8],
        field: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let vault = self.vault;
        let Some(sealed) = vault.db.get_pinned_cf(family(&vault.db, table)?, key)? else { return Ok(None) };
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(other, _)| other != handle) {
            *last = Some((*handle, record_cipher(&vault.student_secret(handle)?)));
        }
        let Some((_, cipher)) = last.as_ref() else { return Ok(None) };
        let opened = cipher.open(&sealed, &vault.bound(handle, field));
        opened.map(Some).map_err(|error| VaultError::Sealed(*handle, error))
    }
}
