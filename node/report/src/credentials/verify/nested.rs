//! Credentials inside a credential: endorsements wherever they stand, and the badges of a CLR. Each is judged for itself, by
//! its own issuer's key; one that does not hold makes the whole not hold, because its reader would take it for good.

use serde_json::Value;

use super::judge::Judge;
use super::{Check, Form};
use crate::credentials::json::many;
use crate::credentials::limits::{MAX_NESTED, MAX_NESTED_DEPTH};

/// Where credentials stand, and the check that tells of them.
const PLACES: [(&str, &str); 3] = [
    ("endorsement", "endorsements"),
    ("endorsementJwt", "endorsements"),
    ("verifiableCredential", "credentials"),
];

/// The checks of what stands inside.
pub(super) fn checks(judge: &mut Judge<'_>, credential: &Value, depth: usize) -> Vec<Check> {
    let mut inside = Vec::new();
    gather(credential, "", &mut inside);
    if inside.is_empty() {
        return Vec::new();
    }
    if depth >= MAX_NESTED_DEPTH {
        return vec![Check::unknown(
            "credentials",
            format!("they stand more than {MAX_NESTED_DEPTH} inside each other"),
        )];
    }
    let mut found = Vec::new();
    for name in ["endorsements", "credentials"] {
        let mut count = 0usize;
        let mut failed: Option<Check> = None;
        for (at, value, _) in inside.iter().filter(|(_, _, check)| *check == name) {
            count += 1;
            let worse = |check: &Check| failed.as_ref().is_none_or(|old| old.unknown && !check.unknown);
            if let Some(check) = one(judge, value, depth).filter(worse) {
                let detail = format!("{at}: {}: {}", check.name, check.detail);
                failed = Some(Check { name, detail, ..check });
            }
        }
        if count > 0 {
            found.push(failed.unwrap_or_else(|| Check::yes(name, format!("{count} inside hold"))));
        }
    }
    found
}

/// The first check of a credential that does not pass; a no before a cannot tell.
fn one(judge: &mut Judge<'_>, value: &Value, depth: usize) -> Option<Check> {
    let Some(left) = judge.left.checked_sub(1) else {
        return Some(Check::unknown("limit", format!("more than {MAX_NESTED} credentials stand inside")));
    };
    judge.left = left;
    let form = match value {
        Value::String(token) => match Form::read(token.as_bytes()) {
            Ok(form @ Form::Token(..)) => form,
            Ok(Form::Embedded(_)) => return Some(Check::no("token", "it is not a token")),
            Err(error) => return Some(Check::no("token", error.to_string())),
        },
        other => Form::Embedded(other.clone()),
    };
    let (mut checks, signer, issuer) = judge.own(&form);
    checks.push(judge.status(form.credential(), issuer.as_deref(), signer.as_ref()).1);
    checks.extend(self::checks(judge, form.credential(), depth + 1));
    let no = checks.iter().position(|check| !check.ok && !check.unknown);
    let at = no.or_else(|| checks.iter().position(|check| !check.ok))?;
    Some(checks.swap_remove(at))
}

/// Credentials below a value with their places, not looking into those found.
fn gather<'v>(value: &'v Value, at: &str, found: &mut Vec<(String, &'v Value, &'static str)>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter().filter(|(key, _)| key.as_str() != "@context") {
                match PLACES.iter().find(|(place, _)| place == key) {
                    Some((_, check)) => {
                        let list = many(Some(inner)).iter().enumerate();
                        found.extend(list.map(|(i, one)| (format!("{at}/{key}/{i}"), one, *check)));
                    }
                    None => gather(inner, &format!("{at}/{key}"), found),
                }
            }
        }
        Value::Array(list) => {
            for (i, inner) in list.iter().enumerate() {
                gather(inner, &format!("{at}/{i}"), found);
            }
        }
        _ => {}
    }
}
