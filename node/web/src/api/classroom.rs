//! A teacher's heatmap: units by students of a section, each student as the access check grants.
//!
//! Flow: the teacher's credential → the roster names the section's students → each is checked and listed like any other read,
//! every time → levels as they were computed last, at most five minutes ago. Invariants: a student whom the check denies is
//! counted and not shown; no cache but the reader's own keeps an answer (`no-store`; a known tag is answered 304 after the same
//! checks). Absent: aggregates of a school.

use std::collections::BTreeSet;
use std::sync::Arc;

use aula_api::classroom::{ClassroomHeatmap, ClassroomStudent};
use aula_api::paths;
use aula_district::levels::{DAYS, Levels, by_day, window};
use aula_district::live::events_of;
use aula_home::clock::now_ms;
use aula_ledger::access::Purpose;
use aula_ledger::credential::Scope;
use aula_ledger::names::{FieldName, Term};
use aula_ledger::state::schema;
use aula_ledger::types::Handle;
use aula_read::utc;
use aula_store::sha256;
use aula_twin_runtime::clock::DAY_MS;
use aula_twin_runtime::params::Params;
use aula_vault::Vault;
use aula_vault::access::{DataClass, ReadError, ReadRequest, ReaderRole, role_of};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::vault::refused;
use crate::api_error::{ApiError, ErrorBody};
use crate::dashboard::Hub;
use crate::http::access::Caller;
use crate::http::kept_vault::unreadable;
use crate::http::lent_vault::{bind, with_vault};
use crate::http::{AppState, FromPath, FromQuery};

/// Most students of a section.
const MAX_STUDENTS: usize = 500;

/// In which form, and of which day.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct HeatmapQuery {
    /// `json` or `csv`.
    #[serde(default)]
    pub format: Option<String>,
    /// CSV: how many days back, 0 to 29.
    #[serde(default)]
    pub back: Option<usize>,
}

/// Mastery of a section's students by unit over the last 30 days, for their teacher
///
/// Computed every five minutes. Each student is decided by the access check and listed in the log, every time; `format=csv` gives one
/// day as a table. Levels are in ten-thousandths, CSV in per cent.
#[utoipa::path(get, path = paths::HEATMAP, tag = "vault",
    params(("section" = String, Path), HeatmapQuery, ("aula-credential" = String, Header)),
    responses((status = 200, body = ClassroomHeatmap), (status = 304, description = "what you have is current"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub async fn heatmap(
    State(node): State<Arc<AppState>>,
    Extension(hub): Extension<Arc<Hub>>,
    caller: Caller,
    FromPath(section): FromPath<String>,
    FromQuery(query): FromQuery<HeatmapQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let section =
        Term::new(&section).map_err(|error| ApiError::bad_request(error, "name it as the roster does"))?;
    let csv = match query.format.as_deref() {
        None | Some("json") => None,
        Some("csv") => Some(query.back.unwrap_or(0)),
        Some(_) => return Err(ApiError::bad_request("format is json or csv", "leave it out for json")),
    };
    if csv.is_some_and(|back| back >= DAYS) {
        return Err(ApiError::bad_request("back is 0 to 29", "0 is today"));
    }
    let params = hub.params().map_err(|why| {
        tracing::warn!(why, "a heatmap has no parameters to fold by");
        let hint = "see /v1/twin-parameters";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "no_parameters", "no twins are followed here", hint)
    })?;
    let map = with_vault(node, move |node, vault| {
        bind(node, vault)?;
        in_vault(node, vault, (&caller, &section), (&hub, &params))
    });
    Ok(answer(&map.await?, csv, &headers))
}

fn answer(map: &ClassroomHeatmap, csv: Option<usize>, headers: &HeaderMap) -> Response {
    let (kind, body) = match csv {
        Some(back) => ("text/csv; charset=utf-8", table(map, back).into_bytes()),
        None => ("application/json", serde_json::to_vec(map).unwrap_or_default()),
    };
    let tag = format!("\"{}\"", sha256(&body));
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| value.as_bytes() == tag.as_bytes());
    let private = [
        (header::CACHE_CONTROL, "no-store, private".to_owned()),
        (header::ETAG, tag),
        (header::VARY, "Aula-Credential".to_owned()),
    ];
    match known {
        true => (StatusCode::NOT_MODIFIED, private).into_response(),
        false => (private, [(header::CONTENT_TYPE, kind)], body).into_response(),
    }
}

fn in_vault(
    node: &AppState,
    vault: &Vault,
    (caller, section): (&Caller, &Term),
    twins: (&Hub, &Params),
) -> Result<ClassroomHeatmap, ApiError> {
    let Scope::Vault { reader, .. } = caller.credential.scope() else {
        return Err(ApiError::bad_request("the credential names no reader", "show a reader's credential"));
    };
    let account = schema::account(&*node.view(), &vault.account())?;
    let unknown =
        || ApiError::not_found("the chain has no account of this vault's district", "ask its operator");
    let key = account.ok_or_else(unknown)?.public_key;
    let identity = vault.identity().map_err(unreadable)?;
    let forbidden = |code, message, hint| ApiError::new(StatusCode::FORBIDDEN, code, message, hint);
    if caller.credential.verify(&identity.genesis, &identity.account, &key, now_ms()).is_err() {
        let hint = "ask the student's district for one";
        return Err(forbidden("credential_refused", "the credential is not this vault's district's", hint));
    }
    if role_of(&caller.credential) != Some(ReaderRole::Teacher) {
        let message = "only a teacher has sections";
        return Err(forbidden("role_not_allowed", message, "aula vault credential --role teacher"));
    }
    let students = vault.taught_by(reader, Some(section)).map_err(unreadable)?;
    if students.is_empty() || students.len() > MAX_STUDENTS {
        let hint = "the district enters it: aula vault roster, or an import";
        return Err(ApiError::not_found("the roster has no such section of this reader", hint));
    }
    let now_ms = now_ms();
    let word = |text: &str| Term::new(text).map_err(|error| ApiError::bad_request(error, "report it"));
    let fields: Vec<FieldName> =
        ["name", "skill:all"].iter().filter_map(|name| FieldName::new(name).ok()).collect();
    let (mut shown, mut withheld) = (Vec::new(), 0);
    let mut computed_ms = u64::MAX;
    for handle in students {
        let request = ReadRequest {
            credential: Some(caller.credential.clone()),
            handle,
            class: word(DataClass::FerpaPii.name())?,
            purpose: word(Purpose::EducationalNecessity.name())?,
            fields: fields.clone(),
        };
        match vault.read(&request, &key, now_ms) {
            Ok(given) if given.entry.fields.iter().any(|field| field.as_str() == "skill:all") => {
                let name = given.values.iter().find(|(field, _)| field.as_str() == "name");
                let name = name.and_then(|(_, value)| serde_json::from_slice(value.as_ref()?).ok());
                let (at_ms, levels) = levels(vault, handle, twins, now_ms)?;
                computed_ms = computed_ms.min(at_ms);
                shown.push((handle, name, levels));
            }
            Ok(_) | Err(ReadError::Denied(..)) => withheld += 1,
            Err(error) => return Err(refused(error)),
        }
    }
    let units: BTreeSet<u16> = shown.iter().flat_map(|(_, _, levels)| levels.keys().copied()).collect();
    let at = |levels: &Levels, day: usize, unit: &u16| {
        levels.get(unit).and_then(|days| days.get(day).copied()).flatten()
    };
    let students = shown.into_iter().map(|(handle, name, levels)| ClassroomStudent {
        handle,
        name,
        levels: (0..DAYS).map(|day| units.iter().map(|unit| at(&levels, day, unit)).collect()).collect(),
    });
    let students: Vec<_> = students.collect();
    let days = window(now_ms / DAY_MS).map(|day| utc(day * DAY_MS).chars().take(10).collect()).collect();
    let computed_ms = computed_ms.min(now_ms);
    let (section, units) = (section.to_string(), units.into_iter().collect());
    Ok(ClassroomHeatmap { computed_ms, days, section, students, units, withheld })
}

/// A student's levels as they were computed lately, or anew.
fn levels(
    vault: &Vault,
    handle: Handle,
    (hub, params): (&Hub, &Params),
    now_ms: u64,
) -> Result<(u64, Arc<Levels>), ApiError> {
    if let Some(kept) = hub.levels.find(&handle, now_ms) {
        return Ok(kept);
    }
    let events = events_of(vault, &handle).map_err(|error| {
        tracing::error!(%error, "a student's events cannot be folded");
        let (status, hint) = (StatusCode::SERVICE_UNAVAILABLE, "tell the district's operator");
        ApiError::new(status, "vault_unusable", "the vault cannot be read now", hint)
    })?;
    let levels = Arc::new(by_day(events, params, now_ms));
    hub.levels.keep(handle, now_ms, levels.clone());
    Ok((now_ms, levels))
}

/// One day as a table: a line a student, per cent, empty without evidence.
fn table(map: &ClassroomHeatmap, back: usize) -> String {
    let day = DAYS.saturating_sub(1).saturating_sub(back);
    let mut text = String::from("handle,name,day");
    for unit in &map.units {
        text.push_str(&format!(",unit_{unit}"));
    }
    let date = map.days.get(day).cloned().unwrap_or_default();
    for student in &map.students {
        let name = student.name.as_deref().map(quoted).unwrap_or_default();
        text.push_str(&format!("\r\n{},{name},{date}", student.handle));
        for level in student.levels.get(day).into_iter().flatten() {
            let cell = level.map(|e4| format!("{}.{:02}", e4 / 100, e4 % 100)).unwrap_or_default();
            text.push_str(&format!(",{cell}"));
        }
    }
    text.push_str("\r\n");
    text
}

/// A text that a spreadsheet reads as text: quoted, and no formula.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_a_student_and_no_formula() {
        let mut levels = vec![vec![None, Some(50)]; DAYS];
        levels[DAYS - 1] = vec![Some(8_512), None];
        let student = ClassroomStudent { handle: Handle([1; 32]), levels, name: Some("=A \"B\"".into()) };
        let days: Vec<String> = (1..=DAYS).map(|day| format!("2026-11-{day:02}")).collect();
        let map = ClassroomHeatmap {
            computed_ms: 1,
            days,
            section: "4-b".into(),
            students: vec![student],
            units: vec![3, 9],
            withheld: 0,
        };
        let today = table(&map, 0);
        assert!(today.starts_with("handle,name,day,unit_3,unit_9\r\n"));
        assert!(today.ends_with(",\"'=A \"\"B\"\"\",2026-11-30,85.12,\r\n"), "{today}");
        assert!(table(&map, 1).ends_with("2026-11-29,,0.50\r\n"));
    }
}
