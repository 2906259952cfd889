//! Who sent what, how often, and when last: every member's transactions by kind, counted from the blocks.
//!
//! Counts are of transactions, which anybody can count in the blocks; nothing here counts students.

use aula_ledger::state::schema;
use aula_ledger::types::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::index::Index;
use crate::ReadError;
use aula_store::ChainView;

/// What a member sent of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActivityLine {
    /// The member's account.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// The member's name, as the ledger has it.
    pub name: String,
    /// The kind of transaction, for example `AnchorStates`.
    pub kind: String,
    /// How many, rejected ones included.
    pub count: u64,
    /// How many of those were rejected.
    pub rejected: u64,
    /// The block of the newest.
    pub last: u64,
}

/// Every member's transactions by kind.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Activity {
    /// The height up to which is counted.
    pub height: u64,
    /// By member and kind, members in the order of their names.
    pub lines: Vec<ActivityLine>,
}

/// Counts.
///
/// # Errors
/// When the database fails.
pub fn activity(view: &ChainView, index: &Index) -> Result<Activity, ReadError> {
    let contents = index.follow(view)?;
    let mut members = schema::members(view)?;
    members.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    let mut lines = Vec::new();
    for member in &members {
        lines.extend(contents.sent_by(&member.account).map(|(kind, sent)| ActivityLine {
            account: member.account,
            name: member.name.to_string(),
            kind: kind.name().to_owned(),
            count: sent.count,
            rejected: sent.rejected,
            last: sent.last,
        }));
    }
    Ok(Activity { height: contents.height(), lines })
}
