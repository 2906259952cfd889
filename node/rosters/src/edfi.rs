//! A consumer of Ed-Fi's ODS API (data management v3): a roster with attendance and results, whole or what changed.
//!
//! | module | is |
//! |---|---|
//! | `asking` | token, pages by cursor or offset, the addresses of the API |
//! | `changes` | change versions, deletes, key changes |
//!
//! Flow: the root tells the addresses → a token → whole: every resource, then what changed while it was read, until nothing did, or
//! everything of one snapshot → since a change version: key changes, deletes and upserts up to the newest, and for each student whose
//! enrolments moved all of them as they stand → files of JSON lines, as exports of the API are. Invariants: a page that was
//! skipped because others moved is found by the count, and the window is read anew; a history that the provider has dropped is an
//! error, not a gap. Absent: what is done with a roster, writing.

use std::collections::BTreeMap;

use aula_ingest::Input;
use serde::Deserialize;
use serde_json::Value;

use crate::asked::{ConsumerError, address, usual_bytes, usual_pages};

mod asking;
mod changes;
#[cfg(test)]
mod stub;
#[cfg(test)]
mod tests;

use asking::Asking;

/// What a provider's file has.
const WORDS: &str = "kind = \"edfi\", url, client_id, client_secret, and data_url, token_url, changes_url, snapshot, leave_out, max_pages, max_bytes if wanted";

/// A resource that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Resource {
    /// Schools with their identifiers; every enrolment names one.
    #[serde(rename = "schools")]
    Schools,
    /// Students with their names and identifiers.
    #[serde(rename = "students")]
    Students,
    /// Who is enrolled where.
    #[serde(rename = "studentSchoolAssociations")]
    Enrolments,
    /// Results of assessments, with their scores.
    #[serde(rename = "studentAssessments")]
    Assessments,
    /// Days of attendance.
    #[serde(rename = "studentSchoolAttendanceEvents")]
    Attendance,
    /// Who takes part in which programme.
    #[serde(rename = "studentProgramAssociations")]
    Programs,
    /// Who has special education, as a programme of its own.
    #[serde(rename = "studentSpecialEducationProgramAssociations")]
    SpecialEducation,
}

impl Resource {
    /// In the order in which one rests on others.
    pub const ALL: [Self; 7] = [
        Self::Schools,
        Self::Students,
        Self::Enrolments,
        Self::Assessments,
        Self::Attendance,
        Self::Programs,
        Self::SpecialEducation,
    ];

    /// The word in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Schools => "schools",
            Self::Students => "students",
            Self::Enrolments => "studentSchoolAssociations",
            Self::Assessments => "studentAssessments",
            Self::Attendance => "studentSchoolAttendanceEvents",
            Self::Programs => "studentProgramAssociations",
            Self::SpecialEducation => "studentSpecialEducationProgramAssociations",
        }
    }
}

/// Where a provider is, and who asks: a file of the operator's alone.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// `edfi`.
    pub kind: Kind,
    /// The root, which tells the other addresses: `https://ods.example.org/api`.
    pub url: String,
    /// What stands before the resources, where the root's is not the one (a school year's, say): `…/data/v3/2026`.
    #[serde(default)]
    pub data_url: Option<String>,
    /// Where tokens come from, likewise.
    #[serde(default)]
    pub token_url: Option<String>,
    /// What stands before `availableChangeVersions`, likewise.
    #[serde(default)]
    pub changes_url: Option<String>,
    /// Who asks: the key.
    pub client_id: String,
    /// The key's secret; stands in no error and no log.
    pub client_secret: String,
    /// Most answers of one asking: a provider that pages for ever is left there.
    #[serde(default = "usual_pages")]
    pub max_pages: u64,
    /// Most bytes of them.
    #[serde(default = "usual_bytes")]
    pub max_bytes: u64,
    /// Whether the provider's snapshot is read instead of what changes meanwhile.
    #[serde(default)]
    pub snapshot: bool,
    /// Resources that are not asked for; neither schools nor students nor enrolments.
    #[serde(default)]
    pub leave_out: Vec<Resource>,
}

/// The word that tells such a file from OneRoster's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Kind {
    /// An Ed-Fi ODS API; `kind = "edfi"`.
    #[serde(rename = "edfi")]
    EdFi,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Provider {
    fn resources(&self) -> impl Iterator<Item = Resource> {
        Resource::ALL.into_iter().filter(|resource| !self.leave_out.contains(resource))
    }
}

/// Whether a provider's file is of this kind.
pub fn is_kind(text: &str) -> bool {
    let table: Option<toml::Table> = toml::from_str(text).ok();
    table.is_some_and(|table| table.get("kind").and_then(toml::Value::as_str) == Some("edfi"))
}

/// Reads a provider's file.
///
/// # Errors
/// [`ConsumerError::Provider`], [`ConsumerError::Address`].
pub fn provider(text: &str) -> Result<Provider, ConsumerError> {
    // The parser's own words would quote the line.
    let provider: Provider = toml::from_str(text).map_err(|_| ConsumerError::Provider(WORDS))?;
    let given = [
        Some(&provider.url),
        provider.data_url.as_ref(),
        provider.token_url.as_ref(),
        provider.changes_url.as_ref(),
    ];
    for url in given.into_iter().flatten() {
        address(url)?;
    }
    let needed = [Resource::Schools, Resource::Students, Resource::Enrolments];
    match needed.iter().any(|resource| provider.leave_out.contains(resource)) {
        true => Err(ConsumerError::Provider(WORDS)),
        false => Ok(provider),
    }
}

/// What a provider gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fetched {
    /// As exports of the API: `RESOURCE.jsonl`, `RESOURCE.deletes.jsonl`, `RESOURCE.keyChanges.jsonl`.
    pub inputs: Vec<Input>,
    /// Whether it is everybody.
    pub whole: bool,
    /// The change version up to which it is; none of a provider that keeps no changes.
    pub newest: Option<u64>,
    /// How many objects there are by file.
    pub counts: Vec<(String, usize)>,
}

/// Objects by their `id`; of two the newer stays.
type Objects = BTreeMap<String, Value>;

/// Asks for everything, or for what changed after a change version.
///
/// # Errors
/// [`ConsumerError`]: nothing of it is used then.
pub async fn fetch(provider: &Provider, since: Option<u64>) -> Result<Fetched, ConsumerError> {
    let mut asking = Asking::begin(provider).await?;
    match since {
        None => changes::whole(&mut asking, provider).await,
        Some(since) => changes::since(&mut asking, provider, since).await,
    }
}

impl Fetched {
    /// Adds a file of JSON lines; none for no objects.
    fn add(&mut self, name: String, objects: impl IntoIterator<Item = Value>) {
        let (mut bytes, mut count) = (Vec::new(), 0);
        for object in objects {
            bytes.extend_from_slice(object.to_string().as_bytes());
            bytes.push(b'\n');
            count += 1;
        }
        if count > 0 {
            self.counts.push((name.clone(), count));
            self.inputs.push(Input { name: format!("{name}.jsonl"), bytes });
        }
    }
}
