//! SCIM 2.0 (RFC 7643, RFC 7644), the parts that keep a list of staff: users, one by one.
//!
//! | module | is |
//! |---|---|
//! | [`user`] | the attributes that are kept of a user, read from and written as a resource |
//! | [`patch`] | operations that change a user |
//! | [`filter`] | which users are meant |
//! | [`told`] | what the service says of itself, and its form of error |
//!
//! Of a member of staff is kept what names the reader and gives the role. Names, addresses and whatever else the standard has are not
//! kept: they are taken and dropped. Absent: groups, bulk requests, sorting, versions of resources; HTTP, and what a user may do.

pub mod filter;
pub mod patch;
pub mod told;
pub mod user;

/// The schema of users.
pub const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of what organisations add to users.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Most characters of a value.
pub const MAX_TEXT: usize = 256;
/// Most values of an attribute, and most operations of a request.
pub const MAX_VALUES: usize = 100;

/// Why a request is refused, as RFC 7644, 3.12 has it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// The status of HTTP.
    pub status: u16,
    /// The standard's word, where it has one.
    pub kind: Option<&'static str>,
    /// Why, in a sentence.
    pub detail: String,
}

impl Fault {
    /// Of 400, with the standard's word.
    pub fn bad(kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status: 400, kind: Some(kind), detail: detail.into() }
    }

    /// Of any status, without a word.
    pub fn of(status: u16, detail: impl Into<String>) -> Self {
        Self { status, kind: None, detail: detail.into() }
    }
}
