//! What the district lets a launching user see: asked of whoever has the vault.

use std::future::Future;
use std::pin::Pin;

use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;

/// Whose a session is, as the district's roster matched the launching user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The platform's name: the access log lists it as the reader.
    pub platform: String,
    /// A student or a teacher of the district, by its own identifier or name.
    pub who: Who,
    /// The course's roster at the platform, of a teacher.
    pub roster_url: Option<String>,
}

/// A student or a teacher of the district.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The student of this identifier.
    Student(String),
    /// The teacher of this name on the roster.
    Teacher(String),
}

/// What a student sees of oneself: counts, no single event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StudentFacts {
    /// Events by kind.
    pub events: Vec<(String, u64)>,
    /// When the newest happened, milliseconds since 1970.
    pub newest_ms: Option<u64>,
    /// Skills that were practised.
    pub practised: u64,
    /// Skills of these whose mastery is at least 85 of 100.
    pub mastered: u64,
}

/// A teacher's own section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SectionFacts {
    /// Its name on the roster.
    pub section: String,
    /// The identifiers of its students.
    pub students: Vec<String>,
}

/// Why nothing is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTold {
    /// Nobody of the district.
    #[error("nobody of this identifier is on the district's roster")]
    Unknown,
    /// The vault is with somebody else for a moment.
    #[error("the district's vault is busy: try again in a few seconds")]
    Busy,
    /// The vault refuses; why stands in the node's log.
    #[error("the district's vault refuses")]
    Refused,
}

/// Whoever has the vault.
pub trait Records: Send + Sync {
    /// Whether a student of this identifier is on the roster.
    ///
    /// # Errors
    /// [`NotTold`].
    fn is_student(&self, id: &str) -> Result<bool, NotTold>;

    /// Facts of a student, for that student; the read is listed first.
    ///
    /// # Errors
    /// [`NotTold`].
    fn student(&self, platform: &str, id: &str) -> Result<StudentFacts, NotTold>;

    /// The sections that a reader of this name teaches; none of nobody.
    ///
    /// # Errors
    /// [`NotTold`].
    fn sections(&self, reader: &str) -> Result<Vec<SectionFacts>, NotTold>;
}

/// A student who launched, for whoever shows dashboards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The platform's name: the access log lists it as the reader.
    pub platform: String,
    /// The student, by the district's identifier.
    pub student: String,
    /// The platform's origins, which may frame the page.
    pub framed_by: Vec<String>,
    /// Until when the session lasts, milliseconds since 1970.
    pub until_ms: u64,
}

/// A page on its way.
pub type Page = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Whoever shows students' dashboards at the tool's own origin.
pub trait Dashboards: Send + Sync {
    /// The student's dashboard, which holds its session itself; the read is listed first.
    fn open(&self, opening: Opening, headers: HeaderMap) -> Page;
}
