//! What every process of a home goes by: the epoch it may write in, and until when by the machine's own clock.
//!
//! The keeper of the lease writes it whole with each renewal; who writes to the vault reads it before each write. The clock counts
//! from the machine's start, sleep included, so that no set clock and no copied file gives anything. Absent: who holds what lease.

use std::io;
use std::path::{Path, PathBuf};

use rustix::time::{ClockId, clock_gettime};

/// The permit's file.
#[derive(Debug, Clone)]
pub struct Permit {
    path: PathBuf,
    /// Which start of the machine this is.
    boot: String,
}

/// Milliseconds since the machine's start.
pub fn uptime_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(now.tv_sec).unwrap_or(0), u64::try_from(now.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000)
}

impl Permit {
    /// In this folder.
    pub fn at(folder: &Path) -> Self {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self { path: folder.join("permit"), boot: boot.trim().to_owned() }
    }

    /// Gives it.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn give(&self, epoch: u64, until: u64) -> io::Result<()> {
        let aside = self.path.with_extension("new");
        // No sync: it is good for a second, and for nothing after the machine's next start.
        std::fs::write(&aside, format!("{epoch} {until} {}\n", self.boot))?;
        std::fs::rename(&aside, &self.path)
    }

    /// Whether it could be given now: of a disk that is full, or takes nothing any more, not.
    ///
    /// # Errors
    /// Why not.
    pub fn can_be_given(&self) -> io::Result<()> {
        let aside = self.path.with_extension("try");
        let written = std::fs::write(&aside, format!("0 {} {}\n", u64::MAX, self.boot));
        // What stays of it gives nothing.
        let _ = std::fs::remove_file(&aside);
        written
    }

    /// Takes it back.
    ///
    /// # Errors
    /// When it is still there.
    pub fn revoke(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The epoch that may be written in now.
    ///
    /// # Errors
    /// Why nothing may be written.
    pub fn epoch(&self) -> Result<u64, String> {
        let text = std::fs::read_to_string(&self.path);
        let text = text.map_err(|_| "the other one acts, or nobody does".to_owned())?;
        let mut words = text.split_whitespace();
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
        let (Some(epoch), Some(until)) = (number(), number()) else {
            return Err("the permit is unreadable".into());
        };
        if words.next() != Some(&self.boot) {
            return Err("the machine was started anew since it acted".into());
        }
        if uptime_ms() >= until {
            return Err("its lease is over and was not renewed".into());
        }
        Ok(epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_it_could_be_given_is_tried_and_gives_nothing() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let permit = Permit::at(folder.path());
        permit.can_be_given()?;
        assert!(permit.epoch().is_err() && std::fs::read_dir(folder.path())?.next().is_none());
        permit.give(7, uptime_ms() + 60_000)?;
        permit.can_be_given()?;
        assert_eq!(permit.epoch(), Ok(7));
        assert!(Permit::at(&folder.path().join("none")).can_be_given().is_err());
        Ok(())
    }

    #[test]
    fn it_ends_by_itself_with_the_machine_and_when_it_is_taken_back() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let permit = Permit::at(folder.path());
        assert!(permit.epoch().is_err());
        permit.give(7, uptime_ms() + 60_000)?;
        assert_eq!(permit.epoch(), Ok(7));
        let other = Permit { boot: "another".into(), ..permit.clone() };
        assert!(other.epoch().is_err());
        permit.give(7, uptime_ms())?;
        assert!(permit.epoch().is_err());
        permit.give(7, uptime_ms() + 60_000)?;
        permit.revoke()?;
        permit.revoke()?;
        assert!(permit.epoch().is_err());
        Ok(())
    }
}
