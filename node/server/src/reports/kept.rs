//! Figures of moments that later reports compare with, kept when the moment passes: a state of last year is not to be had later but by
//! executing a year of blocks again.
//!
//! `HOME/figures/MOMENT-DISTRICT.json`: aggregates alone, as in the report. They follow from the chain, so a node that lost them loses the
//! comparison and nothing else.

use std::path::{Path, PathBuf};

use aula_files::Access;
use aula_report::district::DistrictFigures;

use super::folder::unwritable;
use aula_home::{Advise, DEFECT, Failure};

/// So long a moment is compared with, and a week more.
const KEPT_MS: u64 = 373 * 24 * 60 * 60 * 1_000;

/// Most bytes of a file that is read.
const MAX_BYTES: u64 = 64 << 20;

/// The folder of kept figures.
#[derive(Debug, Clone)]
pub struct Kept(PathBuf);

impl Kept {
    /// In this folder, which need not be there.
    pub const fn of(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn path(&self, moment_ms: u64, district: u16) -> PathBuf {
        self.0.join(format!("{moment_ms}-{district}.json"))
    }

    /// The figures of a district at a moment, of the chain with this genesis. What cannot be read counts as not kept.
    pub fn get(&self, genesis: &str, moment_ms: u64, district: u16) -> Option<DistrictFigures> {
        let path = self.path(moment_ms, district);
        if std::fs::metadata(&path).ok()?.len() > MAX_BYTES {
            return None;
        }
        let figures: DistrictFigures = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        let right = figures.source.genesis == genesis
            && figures.district == district
            && figures.source.time_ms <= moment_ms;
        right.then_some(figures)
    }

    /// Keeps figures of a moment.
    ///
    /// # Errors
    /// Codes `disk_full`, `unwritable`.
    pub fn keep(&self, moment_ms: u64, figures: &DistrictFigures) -> Result<(), Failure> {
        aula_files::private_folder(&self.0).map_err(|error| unwritable(&self.0, &error))?;
        let path = self.path(moment_ms, figures.district);
        let bytes = serde_json::to_vec(figures).hint(DEFECT)?;
        aula_files::replace(&path, Access::Private, &bytes).map_err(|error| unwritable(&path, &error))
    }

    /// Deletes what no later report compares with.
    pub fn forget(&self, now_ms: u64) {
        for entry in std::fs::read_dir(&self.0).into_iter().flatten().flatten() {
            if moment(&entry.path()).is_some_and(|moment| moment.saturating_add(KEPT_MS) < now_ms) {
                // One that stays is tried again at the next report.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

fn moment(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".json")?.split_once('-')?.0.parse().ok()
}
