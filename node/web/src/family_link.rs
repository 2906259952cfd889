//! A family's link: whoever holds it sees one student's page until it expires or is revoked. A link with a reader opens that
//! student's dashboard instead, as this reader in this role ([`crate::dashboard`]), and nothing else.
//!
//! Flow: the district's operator makes one ([`make`]) and hands it over → the family's page asks [`check`] on every
//! request → [`revoke`] ends it at once, an erasure ends all of a student's ([`revoke_of`]). A link is 32 random bytes;
//! the folder `links/` has one file a link, named by the labelled hash of the token, so that neither the folder nor a
//! copy of it opens anything; one file names all that were revoked, which is what the other one of a pair has before a revocation is
//! told done. Invariants: a token is never printed by `Debug`, logged, or kept; a wrong clock only
//! refuses for as long as it is wrong, since nothing is removed by date. Absent: what the page shows, and records of
//! the vault, which a link never opens.

use std::collections::HashMap;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fmt, fs};

use aula_files::Access;
use aula_home::Home;
use aula_ledger::keys::{Label, hash};
use aula_ledger::names::Name;
use aula_ledger::types::{DistrictId, Handle, Hash, SchoolYear};
use aula_twin_runtime::clock::DAY_MS;
use rand::RngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

#[cfg(test)]
mod tests;

/// What stands before the token in the page's address.
pub const PAGE: &str = "/family/";
/// The same for a dashboard.
pub const DASHBOARD: &str = "/s/";
/// Most days that a link is good for: a school year.
pub const MAX_DAYS: u64 = 366;
/// Most bytes of a link's file.
const MAX_FILE_BYTES: u64 = 1_024;

/// The secret of a link: 64 lower-case hex digits. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct LinkToken(String);

impl LinkToken {
    /// The digits, for the one who hands the link over.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn id(&self) -> Hash {
        hash(Label::FamilyLink, &[self.0.as_bytes()])
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken(secret)")
    }
}

impl FromStr for LinkToken {
    type Err = LinkRefused;

    fn from_str(text: &str) -> Result<Self, LinkRefused> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let whole = text.len() == 64 && text.bytes().all(digit);
        if whole { Ok(Self(text.to_owned())) } else { Err(LinkRefused::Unknown) }
    }
}

/// As whom a dashboard is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkRole {
    /// The student, who reads the own record.
    Student,
    /// The student's family.
    Family,
    /// A teacher, by the roster and the family's consent.
    Teacher,
}

/// The one reader of a dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkReader {
    /// As the district names it: what the access log lists.
    pub name: Name,
    /// Fixed when the link is made.
    pub role: LinkRole,
}

/// Whom a link is about, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyLink {
    /// Always 1; a file of another version opens nothing.
    pub version: u8,
    /// The district that made it.
    pub district: DistrictId,
    /// The school year of the handle.
    pub school_year: SchoolYear,
    /// The student's pseudonym for that school year.
    pub handle: Handle,
    /// When it was made, in milliseconds since 1970.
    pub made_ms: u64,
    /// Until when it is good, in milliseconds since 1970.
    pub expires_ms: u64,
    /// When it was revoked.
    #[serde(default)]
    pub revoked_ms: Option<u64>,
    /// Whose dashboard it opens; none of a link to a family's page.
    #[serde(default)]
    pub reader: Option<LinkReader>,
}

impl FamilyLink {
    /// A link made now to this student's page, good for so many days.
    #[must_use]
    pub fn lasting(
        days: u64,
        made_ms: u64,
        (district, school_year, handle): (DistrictId, SchoolYear, Handle),
    ) -> Self {
        let expires_ms = made_ms.saturating_add(days.saturating_mul(DAY_MS));
        Self {
            version: 1,
            district,
            school_year,
            handle,
            made_ms,
            expires_ms,
            revoked_ms: None,
            reader: None,
        }
    }
}

/// Why a link opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum LinkRefused {
    /// No such link was made here.
    #[error("there is no such link")]
    Unknown,
    /// Its time is over.
    #[error("this link has expired")]
    Expired,
    /// The district took it back, or the student was erased.
    #[error("this link was revoked")]
    Revoked,
    /// The folder or the file cannot be used.
    #[error("the links in {path} cannot be used")]
    Folder {
        /// The folder `links/` or a file in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> LinkRefused + '_ {
    move |source| LinkRefused::Folder { path: path.to_owned(), source }
}

fn file_of(folder: &Path, id: &Hash) -> PathBuf {
    folder.join(format!("{id}.json"))
}

/// Makes a link and gives its name and its token, which is kept nowhere.
///
/// # Errors
/// [`LinkRefused::Folder`] when it cannot be written.
pub fn make(folder: &Path, link: &FamilyLink) -> Result<(Hash, LinkToken), LinkRefused> {
    aula_files::private_folder(folder).map_err(failed(folder))?;
    let mut bytes = [0u8; 32];
    OsRng.fill_bytes(&mut bytes);
    let token = LinkToken(hex::encode(bytes));
    bytes.zeroize();
    write(folder, &token.id(), link)?;
    Ok((token.id(), token))
}

/// Whom the link of a family's page is about, if one of these folders has it and it is good now.
///
/// # Errors
/// [`LinkRefused`] says why not.
pub fn check(folders: &[PathBuf], token: &str, now_ms: u64) -> Result<FamilyLink, LinkRefused> {
    let link = check_id(folders, &token.parse::<LinkToken>()?.id(), now_ms)?;
    if link.reader.is_none() { Ok(link) } else { Err(LinkRefused::Unknown) }
}

/// A dashboard's link with its name and reader, if it is good now.
///
/// # Errors
/// [`LinkRefused`] says why not.
pub fn check_dashboard(
    folders: &[PathBuf],
    token: &str,
    now_ms: u64,
) -> Result<(Hash, FamilyLink, LinkReader), LinkRefused> {
    let id = token.parse::<LinkToken>()?.id();
    let link = check_id(folders, &id, now_ms)?;
    let reader = link.reader.clone().ok_or(LinkRefused::Unknown)?;
    Ok((id, link, reader))
}

/// A link by its name, if it is good now: what an open dashboard asks every so often.
///
/// # Errors
/// [`LinkRefused`] says why not.
pub fn check_id(folders: &[PathBuf], id: &Hash, now_ms: u64) -> Result<FamilyLink, LinkRefused> {
    for folder in folders {
        let Some(link) = read(folder, id)? else { continue };
        let (revoked, name) = (revocations(folder)?, id.to_string());
        let is_named = told(&revoked).any(|(named, _)| named == name);
        return match link {
            _ if is_named => Err(LinkRefused::Revoked),
            FamilyLink { revoked_ms: Some(_), .. } => Err(LinkRefused::Revoked),
            FamilyLink { expires_ms, .. } if expires_ms <= now_ms => Err(LinkRefused::Expired),
            good => Ok(good),
        };
    }
    Err(LinkRefused::Unknown)
}

/// Revokes a link by its name; one that is revoked stays so.
///
/// # Errors
/// [`LinkRefused::Unknown`], [`LinkRefused::Folder`].
pub fn revoke(folder: &Path, id: &Hash, now_ms: u64) -> Result<FamilyLink, LinkRefused> {
    let link = read(folder, id)?.ok_or(LinkRefused::Unknown)?;
    if link.revoked_ms.is_some() {
        return Ok(link);
    }
    name_revoked(folder, id, now_ms)?;
    let link = FamilyLink { revoked_ms: Some(now_ms), ..link };
    write(folder, id, &link)?;
    Ok(link)
}

/// Revokes every link about these students; gives how many were good before.
///
/// # Errors
/// [`LinkRefused::Folder`].
pub fn revoke_of(folder: &Path, handles: &[Handle], now_ms: u64) -> Result<usize, LinkRefused> {
    let mut revoked = 0;
    for (id, link) in list(folder)? {
        if handles.contains(&link.handle) && link.revoked_ms.is_none() {
            revoke(folder, &id, now_ms)?;
            revoked += 1;
        }
    }
    Ok(revoked)
}

/// Every link with its name, by name; none when there is no folder.
///
/// # Errors
/// [`LinkRefused::Folder`] when one cannot be read.
pub fn list(folder: &Path) -> Result<Vec<(Hash, FamilyLink)>, LinkRefused> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed(folder))?,
    };
    let (mut found, named) = (Vec::new(), revocations(folder)?);
    let named: HashMap<&str, u64> = told(&named).collect();
    for entry in entries {
        let name = entry.map_err(failed(folder))?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(|id| id.parse().ok());
        if let Some(id) = id
            && let Some(link) = read(folder, &id)?
        {
            let revoked_ms = link.revoked_ms.or_else(|| named.get(id.to_string().as_str()).copied());
            found.push((id, FamilyLink { revoked_ms, ..link }));
        }
    }
    found.sort_by_key(|(id, _)| *id);
    Ok(found)
}

/// The text that names what was revoked.
fn revocations(folder: &Path) -> Result<String, LinkRefused> {
    let path = folder.join(Home::REVOKED_LINKS);
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text.map_err(failed(&path)),
    }
}

/// Names in it, each with when it was revoked.
fn told(revocations: &str) -> impl Iterator<Item = (&str, u64)> {
    revocations.lines().filter_map(|line| {
        let (id, at) = line.split_once(' ')?;
        Some((id, at.parse().ok()?))
    })
}

/// Names a link there: on disk on return.
fn name_revoked(folder: &Path, id: &Hash, now_ms: u64) -> Result<(), LinkRefused> {
    let path = folder.join(Home::REVOKED_LINKS);
    let append = || {
        let mut file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        // It begins a line: a crash may have cut the one before.
        file.write_all(format!("\n{id} {now_ms}\n").as_bytes())?;
        file.sync_all()
    };
    append().map_err(failed(&path))
}

fn read(folder: &Path, id: &Hash) -> Result<Option<FamilyLink>, LinkRefused> {
    let path = file_of(folder, id);
    let size = match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(failed(&path))?.len(),
    };
    let damaged = || failed(&path)(io::Error::other("it is not a link's file"));
    if size > MAX_FILE_BYTES {
        return Err(damaged());
    }
    let link: FamilyLink =
        serde_json::from_slice(&fs::read(&path).map_err(failed(&path))?).map_err(|_| damaged())?;
    if link.version == 1 { Ok(Some(link)) } else { Err(damaged()) }
}

/// Writes a link's file whole: a crash leaves the old one or the new one.
fn write(folder: &Path, id: &Hash, link: &FamilyLink) -> Result<(), LinkRefused> {
    let path = file_of(folder, id);
    let bytes = serde_json::to_vec(link).map_err(|error| failed(&path)(error.into()))?;
    aula_files::replace(&path, Access::Private, &bytes).map_err(failed(&path))
}
