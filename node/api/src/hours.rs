//! Use of resources at a school by hour: aggregates that anybody may see, hour by hour as they end.

use aula_ledger::types::SchoolId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The days of the last thirty of which a node publishes a school's hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchoolHours {
    /// The days, oldest first.
    pub days: Vec<DayOfHours>,
    /// The school's number on the ledger.
    #[schema(value_type = u64)]
    pub school: SchoolId,
}

/// A day of a school's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayOfHours {
    /// The local date, as YYYY-MM-DD.
    pub date: String,
    /// How many of its hours are counted; another address once there is one more.
    pub hours: usize,
    /// Where its counts are, for good: what is there never changes.
    pub href: String,
}

/// A day's counts: what happened at a school hour by hour, students counted once an hour and resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoursOfDay {
    /// The local date, as YYYY-MM-DD.
    pub date: String,
    /// Its hours that were counted, ascending.
    pub hours: Vec<Hour>,
    /// Resources of which something may be shown; empty when every count is withheld.
    pub resources: Vec<ResourceHours>,
    /// Counts are rounded down to multiples of this; neither fewer students, nor all but fewer, are shown.
    pub rounded_to: u32,
    /// The school's number on the ledger.
    #[schema(value_type = u64)]
    pub school: SchoolId,
    /// The IANA time zone that date and hours are in, for example `America/New_York`.
    pub time_zone: String,
}

/// One hour that was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hour {
    /// When it begins, in ms since 1970 UTC.
    pub from_ms: u64,
    /// The local time at which it begins, as HH:MM; one that comes twice on a day is two hours.
    pub starts: String,
}

/// A resource's counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceHours {
    /// Its number, as events name it.
    pub resource: u32,
    /// How many students used it, one number for each of `hours`, rounded down; null where that may not be shown.
    pub students: Vec<Option<u32>>,
}
