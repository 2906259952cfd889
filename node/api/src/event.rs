//! What a transaction did, as anybody may see it.
//!
//! An event is a map and not the ledger's own type: that one is written and never read back, has no word for a field that is
//! withheld, and grows by kinds, which a program of an earlier version shows although it does not know them. What is read of
//! one kind is typed, as its [`EventFields`].

use aula_ledger::tx::Finding;
use aula_ledger::types::{Cents, DistrictId, Hash, Height, ProposalId, RoundId, TimeMs};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::records;

/// An event of the ledger without handles; counts that are withheld are `null`. `event` is its name, `words` a sentence where
/// there is one, the others are its own fields.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = records::Event)]
pub struct PublicEvent(Map<String, Value>);

/// What one kind of event says, of which a program reads fields: the ledger's names, those that somebody here asks for.
pub trait EventFields: DeserializeOwned {
    /// The event's name.
    const EVENT: &'static str;
}

macro_rules! fields {
    ($($(#[$about:meta])* $name:ident of $event:literal { $($(#[$of:meta])* $field:ident: $kind:ty,)* })*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        pub struct $name {
            $($(#[$of])* pub $field: $kind,)*
        }

        impl EventFields for $name {
            const EVENT: &'static str = $event;
        }
    )*};
}

fields! {
    /// A round takes requests.
    RoundOpened of "round_opened" {
        /// The number by which routes and files name the round.
        round: RoundId,
        /// Through this height at least.
        requests_until: Height,
        /// And before this time.
        requests_until_ms: TimeMs,
    }
    /// A log's head was recorded.
    AccessRecorded of "access_recorded" {
        /// Whose log.
        district: DistrictId,
        /// Entries of the log up to this head.
        log_size: u64,
        /// Root of the log's tree over those entries.
        root: Hash,
    }
    /// A change may be voted on.
    ChangeProposed of "change_proposed" {
        /// The proposal's number.
        proposal: ProposalId,
    }
    /// A vote was counted.
    ChangeVoted of "change_voted" {
        /// Members for it so far.
        approvals: u32,
        /// Members who may vote.
        members: u32,
    }
    /// The last vote that was needed came: the change is made.
    ChangeApplied of "change_applied" {
        /// First height that it governs.
        in_force: Height,
    }
    /// So many voted against it that it can no longer be applied.
    ChangeRefused of "change_refused" {}
    /// A validator has another key.
    ValidatorRotated of "validator_rotated" {
        /// First height that the new key votes on.
        in_force: Height,
    }
    /// A year's budget grew.
    BudgetFunded of "budget_funded" {
        /// Everything funded for the year so far, in cents of the consortium's currency.
        funded_cents: Cents,
    }
    /// A steward may charge a budget.
    BudgetGranted of "budget_granted" {
        /// What this steward may charge to the year in all, in cents.
        granted_cents: Cents,
        /// What of it pools were charged already, in cents.
        spent_cents: Cents,
    }
    /// A pool's places can be given from now on.
    PoolDefined of "pool_defined" {
        /// What its places cost, charged to its budget, in cents.
        charged_cents: Cents,
    }
}

impl PublicEvent {
    /// Of the fields that are shown.
    pub const fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// The ledger's word for what happened, for example `round_opened`; empty where the object has none.
    pub fn name(&self) -> &str {
        self.0.get("event").and_then(Value::as_str).unwrap_or_default()
    }

    /// What happened, in a sentence; none for kinds that have none.
    pub fn words(&self) -> Option<&str> {
        self.0.get("words").and_then(Value::as_str)
    }

    /// Its fields, when it is of this kind.
    pub fn fields<T: EventFields>(&self) -> Option<T> {
        let fields = (self.name() == T::EVENT).then(|| Value::Object(self.0.clone()))?;
        serde_json::from_value(fields).ok()
    }

    /// What an audit found; none of another event.
    ///
    /// # Errors
    /// When it is a finding that this program does not know.
    pub fn finding(&self) -> Option<serde_json::Result<Finding>> {
        self.0.get("finding").cloned().map(serde_json::from_value)
    }
}

impl std::fmt::Display for PublicEvent {
    /// In a sentence, else as JSON.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.words() {
            Some(words) => f.write_str(words),
            None => f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?),
        }
    }
}
