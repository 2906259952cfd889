//! Members and their roles.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A member of the consortium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// The account that its transactions name, 40 hex digits; it stays when the key changes.
    pub account: String,
    /// Unique among all that were ever registered.
    pub name: String,
    /// What it may send and vote on, once admitted.
    pub roles: Vec<Role>,
    /// The number of the district it acts for; none where it acts for none.
    pub district: Option<u16>,
    /// The number of the school it acts for; none where it acts for none.
    pub school: Option<u32>,
    /// Whether it is admitted.
    pub standing: MemberStanding,
    /// Since which height it stands so.
    pub since: u64,
}

/// Where a member stands: registered and not admitted, admitted, or removed by vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemberStanding {
    /// Registered, not admitted.
    Candidate,
    /// Admitted: its transactions count.
    Admitted,
    /// Removed by vote.
    Removed,
}

/// What a member is in the consortium. `seed` is no member's: validators' nodes send shares of seeds with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Votes on changes, names classes and their stewards.
    Consortium,
    /// Anchors its students' states and submits their requests.
    District,
    /// Acknowledges what it receives.
    School,
    /// Funds budgets and the pools charged to them.
    Funder,
    /// Takes the rows of rounds, listed on the ledger, and records findings.
    Auditor,
    /// Reads what the public reads, and sends nothing.
    Reader,
    /// Commits to and reveals shares of seeds.
    Seed,
}
