//! `aula vault`: the district's private vault. One file a subcommand; what the vault is stands in `aula-vault`.
//!
//! Values and identifiers of students never stand in arguments, which other users of the machine can see: they come
//! from files or standard input. A subcommand opens the vault, does one thing, and closes it.

use std::path::PathBuf;

use aula_home::config::Config;
use aula_ledger::types::Handle;
use aula_vault::turn::PATIENCE;
use aula_vault::{FileError, Folders, KeyStoreError, Vault, VaultError};
use clap::{Args, Subcommand};

use super::{Context, Failure, Outcome, absolute, now_ms};

pub(super) mod beside;
mod bind;
mod consent;
mod credential;
mod disclose;
mod erase;
mod get;
mod handles;
mod init;
mod link;
mod log;
mod put;
pub(super) mod record;
mod roster;
mod rotate;
mod status;
mod sync_consents;

pub(super) use bind::from_node as bind_to_node;
pub(super) use get::credential;
pub(super) use log::anchor as anchor_log;

/// Arguments of `aula vault`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  aula vault init\n  aula vault put students.jsonl          one line \
                        {\"student\":\"S-1001\",\"school_year\":2025,\"fields\":{\"name\":\"Ada\",\"need\":1200}} a student and year\n  \
                        aula vault consent give HANDLE --form signed.pdf\n  aula vault credential --role teacher --reader t-1042 > \
                        reader.txt\n  aula vault get HANDLE --fields name,attendance --credential reader.txt\n  aula vault log anchor\n  \
                        aula vault rotate --if-due\n  aula vault erase HANDLE\n\nThe data lies in HOME/vault, the keys in \
                        HOME/keystore: best on another disk. Copies: aula backup, aula restore.\nExit codes: 0 yes, 1 denied or \
                        checked and no, 2 could not.")]
pub struct VaultArgs {
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// Where the two halves of a vault are.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// The folder of the data [default: config.toml's, else HOME/vault]
    #[arg(long, global = true, env = "AULA_VAULT", value_name = "DIR")]
    pub vault: Option<PathBuf>,
    /// The folder of the keys [default: config.toml's, else HOME/keystore]
    #[arg(long, global = true, env = "AULA_KEYSTORE", value_name = "DIR")]
    pub keystore: Option<PathBuf>,
}

/// What to do with the vault.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Make an empty vault and its keystore
    Init(init::InitArgs),
    /// Bind a vault that was made before its chain was known to the chain and district of a node
    Bind(bind::BindArgs),
    /// Say whose vault it is, what it holds, and when its key is due
    Status,
    /// List students' pseudonyms
    Handles(handles::HandlesArgs),
    /// Write students' fields from a file of JSON lines, and print their handles
    Put(put::PutArgs),
    /// Read fields of a student: decided by the access check, listed in the log
    Get(get::GetArgs),
    /// Say who teaches whom and who counsels where: what teachers and counselors read by
    Roster(roster::RosterArgs),
    /// Sign a reader's credential, good for an hour at most
    Credential(credential::CredentialArgs),
    /// Record that a family gives or withdraws its consent
    Consent(consent::ConsentArgs),
    /// Take families' words from the ledger, after a restore
    SyncConsents(sync_consents::SyncArgs),
    /// Replace the key-encryption key: rewraps keys, not data
    Rotate(rotate::RotateArgs),
    /// Erase a student in every year, and record it on the ledger
    Erase(erase::EraseArgs),
    /// Make a link to a child's page or dashboard: it expires and can be revoked
    Link(link::LinkArgs),
    /// List links of families and dashboards
    Links,
    /// Revoke links of families and dashboards
    Unlink(link::UnlinkArgs),
    /// Write the events of a student whom a round drew, for the auditor
    Disclose(disclose::DiscloseArgs),
    /// The access log: list, anchor, prove, verify
    Log(log::LogArgs),
}

impl Place {
    /// Both folders, absolute.
    ///
    /// # Errors
    /// When the working directory cannot be read.
    pub fn folders(&self, context: &Context) -> Result<Folders, Failure> {
        let of = |given: &Option<PathBuf>, usual| given.as_deref().map_or(Ok(usual), absolute);
        let config = Config::load(&context.home)?;
        Ok(Folders {
            data: of(&self.vault, config.vault.data_dir(&context.home))?,
            keystore: of(&self.keystore, config.vault.keystore_dir(&context.home))?,
        })
    }

    /// The open vault, which belongs to no other chain than the home's. A node that keeps it open for its readers is asked to give it up.
    ///
    /// # Errors
    /// With a sentence and what to do.
    pub fn open(&self, context: &Context) -> Result<Vault, Failure> {
        let vault = Vault::open_in_turn(&self.folders(context)?, PATIENCE).map_err(refused)?;
        bind::from_genesis(context, &vault)?;
        Ok(vault)
    }
}

/// Runs `aula vault`.
///
/// # Errors
/// When the vault cannot be opened, written or read, or the ledger cannot be reached.
pub async fn run(context: &Context, args: &VaultArgs) -> Result<Outcome, Failure> {
    let place = &args.place;
    match &args.action {
        Action::Init(args) => init::run(context, place, args),
        Action::Bind(args) => bind::run(context, place, args).await,
        Action::Status => status::run(context, place),
        Action::Handles(args) => handles::run(context, place, args),
        Action::Put(args) => put::run(context, place, args),
        Action::Get(args) => get::run(context, place, args),
        Action::Roster(args) => roster::run(context, place, args),
        Action::Credential(args) => credential::run(context, place, args),
        Action::Consent(args) => consent::run(context, place, args).await,
        Action::SyncConsents(args) => sync_consents::run(context, place, args).await,
        Action::Rotate(args) => rotate::run(context, place, args),
        Action::Erase(args) => erase::run(context, place, args).await,
        Action::Link(args) => link::make(context, place, args),
        Action::Links => link::list(context),
        Action::Unlink(args) => link::revoke(context, place, args),
        Action::Disclose(args) => disclose::run(context, place, args).await,
        Action::Log(args) => log::run(context, place, args).await,
    }
}

/// A handle from its 64 hex digits.
pub(super) fn handle(text: &str) -> Result<Handle, Failure> {
    text.parse().map_err(|_| {
        let message = format!("{text:?} is not a handle of 64 lower-case hex digits");
        Failure::new("bad_handle", message, "give one that `aula vault put` printed")
    })
}

/// What the vault says, with what to do next.
pub(super) fn refused(error: VaultError) -> Failure {
    let (code, hint) = match &error {
        VaultError::Absent(_) => ("no_vault", "make one with `aula vault init`, or name it with --vault"),
        VaultError::Present(_) => {
            ("vault_exists", "use it, or name another folder with --vault and --keystore")
        }
        VaultError::Unbound => (
            "no_chain",
            "join a chain with `aula join`, start the node, and run `aula vault bind` once a vote has admitted the district",
        ),
        VaultError::OtherChain { .. } => {
            ("other_chain", "give the home, or the node, of the chain that the vault belongs to")
        }
        VaultError::Busy => ("vault_busy", "wait until the other command has ended"),
        VaultError::NotActing(_) => (
            "not_acting",
            "run it in the home that acts (aula district status tells which), or wait until one does; docs/failover.md",
        ),
        VaultError::Damaged(_) | VaultError::Sealed(..) => {
            ("vault_damaged", "keep the folder as it is, and restore the newest copies with `aula restore`")
        }
        VaultError::Unwritable(_) => (
            "vault_unwritable",
            "free space on the disk and run again; everything acknowledged before is kept",
        ),
        VaultError::KeyStore(KeyStoreError::Absent(_)) => {
            ("no_keystore", "mount the keystore's disk, or name its folder with --keystore")
        }
        VaultError::KeyStore(_) | VaultError::KeysMissing { .. } => {
            ("keystore_refused", "put back the keystore that belongs to this vault, with mode 0700")
        }
        VaultError::Together(_) => ("together", "choose a folder of its own for each"),
        VaultError::File(FileError::Exists { .. }) => ("file_refused", "name a new folder for each copy"),
        VaultError::File(_) => {
            ("file_refused", "correct the file or folder that is named, or bring it back from its copy")
        }
        VaultError::UnknownHandle(_) => {
            ("unknown_handle", "write the student's record with `aula vault put` first")
        }
        VaultError::Erased(_) => {
            ("erased", "an erased student does not come back; enrol again under a new handle")
        }
        VaultError::Reserved(_) => ("reserved_field", "give the field another name, such as local:NAME"),
        VaultError::TooLarge { .. } => ("too_large", "split the value"),
    };
    Failure::telling(&error, hint).named(code)
}
