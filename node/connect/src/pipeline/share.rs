//! Whether the vault has its share of the disk, looked at every few seconds.

use std::time::{Duration, Instant};

use aula_vault::room::{Over, Room};

/// How often it is looked: between two looks no more than the queue's messages enter.
const EVERY: Duration = Duration::from_secs(2);

/// The last look.
#[derive(Debug, Default)]
pub(super) struct Share {
    room: Option<Room>,
    looked: Option<(Instant, Result<(), Over>)>,
}

impl Share {
    pub fn of(room: Option<Room>) -> Self {
        Self { room: room.filter(|room| room.most().is_some()), looked: None }
    }

    /// Whether anything may enter.
    pub fn check(&mut self, now: Instant) -> Result<(), Over> {
        let Some(room) = &self.room else { return Ok(()) };
        match self.looked {
            Some((at, found)) if now.saturating_duration_since(at) < EVERY => found,
            _ => {
                let found = room.check();
                self.looked = Some((now, found));
                found
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_holds_for_its_time_and_without_a_limit_nobody_looks() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("1.sst");
        std::fs::write(&file, vec![0; 1 << 20])?;
        let mut share = Share::of(Some(Room::new(folder.path(), 1)));
        let now = Instant::now();
        assert!(share.check(now).is_err());
        std::fs::remove_file(&file)?;
        assert!(share.check(now + EVERY / 2).is_err(), "the same look");
        assert!(share.check(now + EVERY).is_ok());
        let mut unlimited = Share::of(Some(Room::new(folder.path(), 0)));
        assert!(unlimited.check(now).is_ok() && unlimited.looked.is_none());
        Ok(())
    }
}
