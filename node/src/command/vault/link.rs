//! `aula vault link`, `links` and `unlink`: links to a child's page for its family, and to a student's dashboard for one reader.

use std::path::Path;

use aula_ledger::names::Name;
use aula_ledger::types::Hash;
use aula_vault::VaultError;
use aula_web::family_link::{self, DASHBOARD, FamilyLink, LinkReader, LinkRefused, LinkRole, MAX_DAYS, PAGE};
use clap::Args;
use serde_json::{Value, json};

use super::super::{Context, Failure, Outcome};
use super::{Place, beside, handle, now_ms, refused};

/// Arguments of `aula vault link`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula vault link HANDLE --days 30\n  aula vault link HANDLE --role teacher --reader t-1042      a dashboard, read by the roster and \
                        the family's consent\n  aula vault link HANDLE --role family --reader f-88      a dashboard of the child's whole record\n  aula vault links\n  aula vault unlink ID\n\nPut the path after the \
                        address of the district's node and hand it to the family alone: whoever holds it sees that student's page. It \
                        is shown once and kept nowhere; a lost one is revoked and made anew. Erasing the student revokes it."
)]
pub struct LinkArgs {
    /// The student's pseudonym, 64 hex digits
    pub handle: String,
    /// For how many days it is good, 1 to 366
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=MAX_DAYS))]
    pub days: u64,
    /// A dashboard instead of a family's page, read in this role [possible values: student, family, teacher]
    #[arg(long, value_name = "ROLE", value_parser = role, requires = "reader")]
    pub role: Option<LinkRole>,
    /// Who reads it, as the district names its readers: what the access log lists
    #[arg(long, value_name = "NAME", requires = "role")]
    pub reader: Option<String>,
}

fn role(text: &str) -> Result<LinkRole, String> {
    match text {
        "student" => Ok(LinkRole::Student),
        "family" => Ok(LinkRole::Family),
        "teacher" => Ok(LinkRole::Teacher),
        _ => Err("give student, family or teacher".to_owned()),
    }
}

/// Whose dashboard the link opens, if any.
fn reader(args: &LinkArgs) -> Result<Option<LinkReader>, Failure> {
    let Some((role, name)) = args.role.zip(args.reader.as_deref()) else { return Ok(None) };
    let name = Name::new(name).map_err(|error| {
        Failure::new("bad_reader", error, "name the reader as in `aula vault credential --reader`")
    })?;
    Ok(Some(LinkReader { name, role }))
}

/// Arguments of `aula vault unlink`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula vault unlink ID ID\n  aula vault unlink --handle HANDLE      every link of a student"
)]
pub struct UnlinkArgs {
    /// The links' names, as `aula vault links` prints them
    #[arg(required_unless_present = "handle")]
    pub ids: Vec<String>,
    /// Every link of this student
    #[arg(long, value_name = "HANDLE")]
    pub handle: Option<String>,
}

/// What the folder says, with what to do next.
fn unusable(error: LinkRefused) -> Failure {
    let (code, hint) = match &error {
        LinkRefused::Folder { .. } => {
            ("links_unusable", "check the owner, the mode and the space of HOME/links")
        }
        _ => ("unknown_link", "see `aula vault links`"),
    };
    Failure::telling(&error, hint).named(code)
}

/// Makes a link.
///
/// # Errors
/// An unknown or erased handle; a folder that cannot be written.
pub fn make(context: &Context, place: &Place, args: &LinkArgs) -> Result<Outcome, Failure> {
    let handle = handle(&args.handle)?;
    let vault = place.open(context)?;
    if vault.is_erased(&handle).map_err(refused)? {
        return Err(refused(VaultError::Erased(handle)));
    }
    let student = vault.keystore().student(&handle);
    let (school_year, _) = student.ok_or_else(|| refused(VaultError::UnknownHandle(handle)))?;
    let district = vault.identity().map_err(refused)?.district;
    let reader = reader(args)?;
    let page = if reader.is_some() { DASHBOARD } else { PAGE };
    let link =
        FamilyLink { reader, ..FamilyLink::lasting(args.days, now_ms(), (district, school_year, handle)) };
    let (id, token) = family_link::make(&context.home.links_dir(), &link).map_err(unusable)?;
    let path = format!("{page}{}", token.expose());
    let text = format!("{path}\ngood for {} days; revoke it with: aula vault unlink {id}", args.days);
    Ok(Outcome::yes(
        json!({ "id": id, "token": token.expose(), "path": path, "expires_ms": link.expires_ms }),
        text,
    ))
}

/// Lists the links, which says nothing that opens one.
///
/// # Errors
/// A folder that cannot be read.
pub fn list(context: &Context) -> Result<Outcome, Failure> {
    let now_ms = now_ms();
    let links = family_link::list(&context.home.links_dir()).map_err(unusable)?;
    let standing = |link: &FamilyLink| match link {
        FamilyLink { revoked_ms: Some(_), .. } => "revoked",
        FamilyLink { expires_ms, .. } if *expires_ms <= now_ms => "expired",
        _ => "good",
    };
    let line = |(id, link): &(Hash, FamilyLink)| {
        let reader = link.reader.as_ref().map(|reader| format!("  {:?} {}", reader.role, reader.name));
        let reader = reader.unwrap_or_default().to_lowercase();
        format!("{id}  {:<7}  {}{reader}", standing(link), link.handle)
    };
    let lines: Vec<String> = links.iter().map(line).collect();
    let rows: Vec<Value> = links
        .iter()
        .map(|(id, link)| {
            json!({ "id": id, "handle": link.handle, "school_year": link.school_year, "made_ms": link.made_ms,
                    "expires_ms": link.expires_ms, "standing": standing(link), "reader": link.reader })
        })
        .collect();
    Ok(Outcome::yes(json!({ "links": rows }), lines.join("\n")))
}

/// Revokes links: the page is closed to them from the next request on.
///
/// # Errors
/// An unknown link; a folder that cannot be written; of a pair, the home that does not act.
pub fn revoke(context: &Context, place: &Place, args: &UnlinkArgs) -> Result<Outcome, Failure> {
    let revoked = beside::change(context, place, || closed(&context.home.links_dir(), args))?;
    Ok(Outcome::yes(json!({ "revoked": revoked }), format!("{revoked} links revoked")))
}

fn closed(folder: &Path, args: &UnlinkArgs) -> Result<usize, Failure> {
    let mut revoked = match &args.handle {
        Some(text) => family_link::revoke_of(folder, &[handle(text)?], now_ms()).map_err(unusable)?,
        None => 0,
    };
    for text in &args.ids {
        let id: Hash = text.parse().map_err(|_| unusable(LinkRefused::Unknown))?;
        family_link::revoke(folder, &id, now_ms()).map_err(unusable)?;
        revoked += 1;
    }
    Ok(revoked)
}
