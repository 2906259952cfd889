//! What logins ask of the district: who is on its roster, and a credential that it signs.

use std::collections::BTreeSet;

/// Why the district's records were not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the district's records are in use: try again in a few seconds")]
pub struct Unavailable;

/// How a reader stands to the district's students.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The sections that the roster has of this reader.
    pub sections: Vec<String>,
    /// Whether the roster names the reader at all, for sections or a school.
    pub listed: bool,
}

/// A district that logs its staff in.
pub trait Office: Send + Sync {
    /// How the roster has this reader now.
    ///
    /// # Errors
    /// [`Unavailable`] while another process uses the vault.
    fn standing(&self, reader: &str) -> Result<Standing, Unavailable>;

    /// Which of these readers the roster does not name any more.
    ///
    /// # Errors
    /// As [`Office::standing`].
    fn gone(&self, readers: &BTreeSet<String>) -> Result<BTreeSet<String>, Unavailable> {
        let mut gone = BTreeSet::new();
        for reader in readers {
            if !self.standing(reader)?.listed {
                gone.insert(reader.clone());
            }
        }
        Ok(gone)
    }

    /// A credential for the vault's routes, to this reader in this role, signed by the district, good until then: milliseconds since
    /// 1970 UTC.
    ///
    /// # Errors
    /// [`Unavailable`] when the district's key cannot be had.
    fn credential(&self, role: &str, reader: &str, until_ms: u64) -> Result<String, Unavailable>;
}
