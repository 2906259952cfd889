//! Results and scores.

use super::{Checked, Refused, boolean, extensions, is_string, object, optional, texted};
use crate::json::{Json, Number};
use crate::time::is_duration;

pub(super) fn result(value: &Json) -> Checked {
    let found = object(value, &["score", "success", "completion", "response", "duration", "extensions"])?;
    optional(found, "score", score)?;
    optional(found, "success", boolean)?;
    optional(found, "completion", boolean)?;
    optional(found, "response", is_string)?;
    optional(found, "duration", texted("a duration such as PT4H35M59.14S (ISO 8601, 4.4.3.2)", is_duration))?;
    optional(found, "extensions", extensions)
}

fn score(value: &Json) -> Checked {
    let found = object(value, &["scaled", "raw", "min", "max"])?;
    for key in ["scaled", "raw", "min", "max"] {
        optional(found, key, |value| match value {
            Json::Number(_) => Ok(()),
            _ => Err(Refused::new("must be a number")),
        })?;
    }
    let of = |key| match found.get(key) {
        Some(Json::Number(number)) => Some(number.clone()),
        _ => None,
    };
    let (low, high) = (Number::parse("-1"), Number::parse("1"));
    if let Some(scaled) = of("scaled")
        && (low.is_some_and(|low| scaled < low) || high.is_some_and(|high| scaled > high))
    {
        return Err(Refused::new("scaled must be from -1 to 1"));
    }
    let (raw, min, max) = (of("raw"), of("min"), of("max"));
    let above = |one: &Option<Number>, other: &Option<Number>| {
        one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| one > other)
    };
    match (min.is_some() && max.is_some() && !above(&max, &min), above(&min, &raw) || above(&raw, &max)) {
        (true, _) => Err(Refused::new("min must be below max")),
        (_, true) => Err(Refused::new("raw must be from min to max")),
        _ => Ok(()),
    }
}
