//! `aula vault disclose`: the events of a student whom a round's seed drew, for the auditor.
//!
//! The read is the access check's as any other, and listed in the log as what it is: a disclosure to an auditor whom the
//! consortium admitted, for the evaluation of its programme (34 CFR 99.31(a)(3)), for which no family is asked. What is disclosed is the
//! version that the student's request spoke of, whatever was anchored since; nobody is disclosed who was not drawn.

use std::path::PathBuf;

use aula_api::paths;
use aula_api::registers::Members;
use aula_client::Client;
use aula_district::disclosure::Disclosure;
use aula_district::twin_record::AnchoredState;
use aula_files::Access;
use aula_ledger::codec::Canonical;
use aula_ledger::names::Name;
use aula_ledger::proof::bulk_tree::row_hash;
use aula_ledger::roles::Role;
use aula_ledger::state::schema::{Standing, StudentLeaf};
use aula_ledger::types::{Hash, Height, RoundId};
use aula_vault::versions::KeptVersion;
use clap::Args;
use serde_json::json;

use super::super::evidence::act::Act;
use super::super::evidence::disclose::Own;
use super::super::evidence::rows::Rows;
use super::super::rpc::RpcArgs;
use super::super::twin_parameters::Voted;
use super::super::{Advise, Context, DEFECT, Failure, Outcome, absolute};
use super::record::LedgerArgs;
use super::{Place, handle, refused};

/// Arguments of `aula vault disclose`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula evidence sample 7                                  who is drawn\n  aula vault disclose 7 HANDLE -o \
                        drawn.json      for the auditor alone: it holds the student's events\n  aula evidence audit 7 HANDLE \
                        --disclosure drawn.json -o report.json --home D/auditor"
)]
pub struct DiscloseArgs {
    /// The decided round's number
    pub round: u32,
    /// The drawn student's pseudonym, 64 hex digits
    pub handle: String,
    /// Where the disclosure is written
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// For which auditor: a member's name [default: the consortium's only auditor]
    #[arg(long, value_name = "NAME")]
    pub auditor: Option<String>,
    /// A file with the reader's credential, or - for standard input [default: the district's own key, for that auditor]
    #[arg(long, env = "AULA_VAULT_CREDENTIAL_FILE", value_name = "FILE")]
    pub credential: Option<PathBuf>,
    /// The node to ask who is drawn
    #[command(flatten)]
    pub rpc: RpcArgs,
}

/// Writes it.
///
/// # Errors
/// A student who is not drawn, a vault that cannot be read, a file that cannot be written.
pub async fn run(context: &Context, place: &Place, args: &DiscloseArgs) -> Result<Outcome, Failure> {
    let (handle, round) = (handle(&args.handle)?, RoundId(args.round));
    let rows = Rows::of_home(context, &LedgerArgs::of(&args.rpc)).await?;
    let own = rows.own_rows(round).await?;
    let drawn = own.rows.iter().find(|row| row.handle == handle && row.drawn).ok_or_else(|| {
        let message = format!("round {round} did not draw {handle} among this district's students");
        Failure::new("not_drawn", message, "see `aula evidence sample`")
    })?;
    let voted = Voted::of(&rows.own(), &context.home).await?;
    let auditor = auditor(&rows.own(), args.auditor.as_deref()).await?;
    let reader =
        Own { context, place, reader: args.credential.as_deref(), act: Act::audit(&auditor) }.reader()?;
    let versions = reader.vault.versions(&handle).map_err(refused)?;
    let leaf = match drawn.finding {
        // What the finding was about is on record; from then on there is only the newest state to disclose.
        Some(_) => newest(&versions)?,
        None => spoken_of(&versions, &drawn.request.state_row, own.opened),
    };
    let year = reader.vault.keystore().student(&handle).map(|(year, _)| year);
    let year = year.ok_or_else(|| refused(aula_vault::VaultError::UnknownHandle(handle)))?;
    let version = leaf.as_ref().map(|leaf| leaf.version);
    let twin = match reader.twin_at(handle, version) {
        Ok(twin) => twin,
        Err(undisclosed) => return undisclosed.outcome(),
    };
    let of = version.unwrap_or(twin.version);
    // Without the leaf, the version in force for the round's year is the one that was most likely folded with.
    let in_force = match &leaf {
        Some(leaf) => voted.version(leaf.parameters)?,
        None => voted.in_force(year)?,
    };
    let mut disclosure = Disclosure::of(&twin.secret, of, &in_force.params, &twin.events)?;
    disclosure.leaf = leaf.map(|leaf| hex::encode(leaf.to_canonical()));
    let path = absolute(&args.out)?;
    let written = aula_files::create(&path, Access::Private, &serde_json::to_vec(&disclosure).hint(DEFECT)?);
    written.advise(format!("cannot write {}", path.display()), "name a new file")?;
    let text = format!(
        "{}\n{} events of version {of}, for {auditor} alone: aula evidence audit {round} {handle} --disclosure {}",
        path.display(),
        twin.events.len(),
        path.display()
    );
    let json = json!({ "file": path, "events": twin.events.len(), "version": of, "auditor": auditor });
    Ok(Outcome::yes(json, text))
}

/// The leaf that a request speaks of: the version whose bytes have that hash. Where the vault does not know in which block a
/// version was anchored, the blocks before the round's opening are tried; none when no version fits, as of a state that was
/// anchored before versions were noted.
fn spoken_of(versions: &[KeptVersion], state_row: &Hash, opened: Height) -> Option<StudentLeaf> {
    let is_it = |leaf: &StudentLeaf| row_hash(&leaf.to_canonical()) == *state_row;
    let at = |kept: &KeptVersion, height: Height| {
        let anchored = AnchoredState::from_canonical(&kept.anchored).ok()?;
        Some(anchored.leaf(height)).filter(is_it)
    };
    let known = versions.iter().filter_map(|kept| at(kept, kept.height?));
    let searched = versions
        .iter()
        .filter(|kept| kept.height.is_none())
        .flat_map(|kept| (0..opened.0).rev().filter_map(move |height| at(kept, Height(height))));
    known.chain(searched).next()
}

/// The newest version, where the vault knows in which block it was anchored.
fn newest(versions: &[KeptVersion]) -> Result<Option<StudentLeaf>, Failure> {
    let Some((kept, height)) = versions.last().and_then(|kept| Some((kept, kept.height?))) else {
        return Ok(None);
    };
    let anchored = AnchoredState::from_canonical(&kept.anchored).advise(
        "the vault's note of a version is damaged",
        "restore the newest copies with `aula restore`",
    )?;
    Ok(Some(anchored.leaf(height)))
}

/// The auditor to whom it goes: one whom the consortium admitted.
async fn auditor(client: &Client, asked: Option<&str>) -> Result<Name, Failure> {
    let told: Members = client.get(paths::MEMBERS).await?;
    let auditors = told.members.into_iter().filter(|one| {
        let named = asked.is_none_or(|asked| one.name.as_str() == asked);
        named && one.standing == Standing::Admitted && one.roles.has(Role::Auditor)
    });
    let mut auditors: Vec<Name> = auditors.map(|one| one.name).collect();
    match (auditors.pop(), auditors.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(Failure::new(
            "which_auditor",
            "the consortium has several auditors",
            "name one with --auditor",
        )),
        (None, _) => {
            let message = format!("the consortium has no auditor {}", asked.unwrap_or("at all"));
            Err(Failure::new("no_auditor", message, "auditors are listed by `aula query members`"))
        }
    }
}
