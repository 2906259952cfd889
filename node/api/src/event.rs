//! What a transaction did, as anybody may see it.

use aula_ledger::tx::Finding;
use aula_ledger::types::{DistrictId, Hash, ProposalId, RoundId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// An event of the ledger without handles; counts that are withheld are `null`. `event` is its name, `words` a sentence where
/// there is one, the others are its own fields.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct PublicEvent(Map<String, Value>);

/// The fields of `round_opened` that name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct RoundOpened {
    /// Its number.
    pub round: RoundId,
}

/// The fields of `access_recorded`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct AccessRecorded {
    /// Whose log.
    pub district: DistrictId,
    /// Its entries.
    pub log_size: u64,
    /// Its root.
    pub root: Hash,
}

/// The fields of `change_proposed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ChangeProposed {
    /// The proposal's number.
    pub proposal: ProposalId,
}

impl PublicEvent {
    /// Of the fields that are shown.
    pub const fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.get("event").and_then(Value::as_str).unwrap_or_default()
    }

    /// It in a sentence.
    pub fn words(&self) -> Option<&str> {
        self.0.get("words").and_then(Value::as_str)
    }

    /// A field of it; none where it has no such field, `null` where it is withheld.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// The fields of a round that was opened; none of another event.
    pub fn round_opened(&self) -> Option<RoundOpened> {
        self.of("round_opened")
    }

    /// The fields of a log's head that was recorded; none of another event.
    pub fn access_recorded(&self) -> Option<AccessRecorded> {
        self.of("access_recorded")
    }

    /// The fields of a change that was proposed; none of another event.
    pub fn change_proposed(&self) -> Option<ChangeProposed> {
        self.of("change_proposed")
    }

    /// What an audit found; none of another event.
    ///
    /// # Errors
    /// When it is a finding that this program does not know.
    pub fn finding(&self) -> Option<serde_json::Result<Finding>> {
        self.get("finding").cloned().map(serde_json::from_value)
    }

    fn of<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let fields = (self.name() == name).then(|| Value::Object(self.0.clone()))?;
        serde_json::from_value(fields).ok()
    }
}

impl std::ops::Index<&str> for PublicEvent {
    type Output = Value;

    /// A field of it; `null` where it is withheld or there is none.
    fn index(&self, field: &str) -> &Value {
        self.0.get(field).unwrap_or(&Value::Null)
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
