//! What an import leaves beside the vault: rejected rows, every row's fate, and what changes. Only their owner may read them.

use std::path::PathBuf;

use aula_files::{Access, private_folder, replace};
use aula_ingest::plan::Plan;
use aula_ingest::{Reading, report};

use super::ImportArgs;
use crate::command::{Advise, Context, Failure, absolute};

/// Where the files are.
pub(super) struct Reports {
    /// `file,line,field,rule,value` of rejected rows.
    pub rejected: PathBuf,
    /// The same of every row.
    pub rows: PathBuf,
    /// `student,school_year,field,value` of everything that is written.
    pub changes: PathBuf,
}

impl Reports {
    pub fn write(
        context: &Context,
        args: &ImportArgs,
        now_ms: u64,
        reading: &Reading,
        plan: &Plan,
    ) -> Result<Self, Failure> {
        let next = "free space on the home's disk, or give --report in another folder";
        let folder = context.home.path().join("imports");
        private_folder(&folder).advise(format!("cannot make {}", folder.display()), next)?;
        let own = |what: &str| folder.join(format!("{now_ms}{what}.csv"));
        let rejected = args.report.as_deref().map_or_else(|| Ok(own("")), absolute)?;
        let reports = Self { rejected, rows: own("-rows"), changes: own("-changes") };
        for (path, text) in [
            (&reports.rejected, report::refused(reading, plan)),
            (&reports.rows, report::all(reading, plan)),
            (&reports.changes, report::changes(plan)),
        ] {
            let written = replace(path, Access::Private, text.as_bytes());
            written.advise(format!("cannot write {}", path.display()), next)?;
        }
        Ok(reports)
    }
}
