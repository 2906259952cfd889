//! How much disk a vault's data may take: asked before something enters, never of what is read, listed or erased.

use std::io;
use std::path::{Path, PathBuf};

/// A vault's data and the most that they may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    data: PathBuf,
    most: u64,
}

/// Nothing more enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the vault takes {} MiB of the {} MiB that [quotas] vault_mib allows it", .used >> 20, .most >> 20)]
pub struct Over {
    /// Bytes that it takes.
    pub used: u64,
    /// Bytes that it may.
    pub most: u64,
}

impl Room {
    /// At most so many MiB of this folder; 0 is no limit.
    pub fn new(data: &Path, most_mib: u64) -> Self {
        Self { data: data.to_owned(), most: most_mib.saturating_mul(1 << 20) }
    }

    /// Bytes of the files now.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn used(&self) -> io::Result<u64> {
        let mut bytes = 0_u64;
        for entry in std::fs::read_dir(&self.data)? {
            // The database drops files while it works.
            match entry?.metadata() {
                Ok(file) if file.is_file() => bytes = bytes.saturating_add(file.len()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }

    /// The most bytes; none without a limit.
    pub fn most(&self) -> Option<u64> {
        (self.most > 0).then_some(self.most)
    }

    /// Whether something may enter. A folder that cannot be read is the write's to tell.
    ///
    /// # Errors
    /// [`Over`].
    pub fn check(&self) -> Result<(), Over> {
        match (self.most(), self.used()) {
            (Some(most), Ok(used)) if used >= most => Err(Over { used, most }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_its_share_lets_nothing_more_in() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("below"))?;
        std::fs::write(folder.path().join("1.sst"), vec![0; 1 << 20])?;
        let room = |mib| Room::new(folder.path(), mib);
        assert_eq!((room(2).check(), room(0).check()), (Ok(()), Ok(())));
        let over = Over { used: 1 << 20, most: 1 << 20 };
        assert_eq!(room(1).check(), Err(over));
        assert!(over.to_string().contains("takes 1 MiB of the 1 MiB"), "{over}");
        assert!(Room::new(&folder.path().join("gone"), 1).check().is_ok());
        Ok(())
    }
}
