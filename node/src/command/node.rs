//! `aula node`: a copy of the running node's database, and a node from such a copy.

use std::path::PathBuf;

use aula_server::upkeep::{backup, control};
use clap::{Args, Subcommand};

use super::{Context, Failure, Outcome, absolute};

/// Arguments of `aula node`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula node backup -o /mnt/backup/2026-11-29\n  aula node restore /mnt/backup/2026-11-29 --home \
                  /srv/district-07\n\nThe copy holds the database, config.toml, genesis.json and operator.json. It holds no key and no \
                  sign guard: copy keys/ by hand once. A vault has its own: aula backup."
)]
pub struct NodeArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What is done.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Copy the node's database into a new folder, also while the node runs
    Backup {
        /// The new folder
        #[arg(short = 'o', long = "into", value_name = "DIR")]
        into: PathBuf,
    },
    /// Put a copy into this home, after every file and the whole state were checked
    Restore {
        /// A folder that `aula node backup` made
        #[arg(value_name = "DIR")]
        from: PathBuf,
    },
}

/// Copies, or puts a copy back.
///
/// # Errors
/// When the copy cannot be made, or is not whole.
pub fn run(context: &Context, args: &NodeArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::Backup { into } => {
            let into = absolute(into)?;
            let told = control::backup(&context.home, into)?;
            let text = format!(
                "copied height {} into {}: {} files, {} bytes\nIt has neither a key nor a sign guard.",
                told.height,
                told.folder.display(),
                told.files,
                told.bytes
            );
            Ok(Outcome::yes(told, text))
        }
        Action::Restore { from } => {
            let told = backup::restore(&absolute(from)?, &context.home)?;
            let guard = match told.sign_guard {
                true => {
                    "This home has a sign guard of its own. If it is a copy too, the node follows until it knows what its key may have \
                         signed."
                }
                false => {
                    "This home has no sign guard: with its old key the node follows and signs nothing until it is started with \
                          --confirmed-height, a height above everything that the key may have signed."
                }
            };
            let text = format!(
                "restored height {}: {} files, {} bytes, every one as it was copied, and the state is the certified one\n{guard}\n\
                 next: aula start --home {}",
                told.height,
                told.files,
                told.bytes,
                context.home.path().display()
            );
            Ok(Outcome::yes(told, text))
        }
    }
}
