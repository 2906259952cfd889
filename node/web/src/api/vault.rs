//! Reads of the district's vault over HTTP, and what a family's link shows of them.
//!
//! Flow: the open vault, or open it ([`crate::http::KeptVault`]) → the vault's access check, which lists the read before anything is opened
//! → the granted fields as JSON. The reader's credential is the district's (`aula vault credential`), its key the one
//! that the ledger holds for the district's account. Invariants: no way to a record but [`aula_vault::Vault::read`];
//! nothing of an answer is cached; neither credential nor link is logged. Absent: writing, which is the operator's.
//!
//! A vault is open in one process at a time. The node keeps it open between requests and gives it up within
//! milliseconds when one of the operator's commands asks; a request that comes while a command has it is told 503.

use std::sync::Arc;

use aula_api::paths;
use aula_api::vault::{AccessLogs, Consents, FamilyReads, FamilyWords, VaultRead};
use aula_home::clock::now_ms;
use aula_ledger::access::AccessEntry;
use aula_ledger::names::{FieldName, Term};
use aula_ledger::state::schema::{self, Consent};
use aula_ledger::state::{StateReader, StoreError};
use aula_ledger::types::{DistrictId, Handle, SchoolYear};
use aula_vault::access::{Given, ReadError, ReadRequest};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::IntoParams;

use crate::api_error::{ApiError, ErrorBody};
use crate::family_link::FamilyLink;
use crate::http::access::Caller;
use crate::http::kept_vault::unreadable;
use crate::http::lent_vault::{bind, with_vault};
use crate::http::{AppState, FromPath, FromQuery, Sorted};

/// The header that carries a family's link: never the address, which servers and proxies log.
pub const FAMILY_HEADER: &str = "aula-family-link";

/// What is to be read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ReadQuery {
    /// The fields, joined by commas, 1 to 64; `events` stands for all events.
    pub fields: String,
    /// The class of data: `FERPA_PII` or `resource_allocation`.
    #[serde(default = "personal")]
    pub class: String,
    /// For what: `educational_necessity`, `resource_allocation`, `audit_evaluation`, `institutional_service` or
    /// `evidence_opening`.
    #[serde(default = "necessity")]
    pub purpose: String,
}

fn personal() -> String {
    "FERPA_PII".into()
}

fn necessity() -> String {
    "educational_necessity".into()
}

/// Fields of a student's record in this district's vault
///
/// Decided by the access check and listed in the log before anything leaves; a denial is 403 and listed too. Without a
/// reader's credential nothing reaches the vault.
#[utoipa::path(get, path = paths::VAULT, tag = "vault",
    params(("handle" = String, Path), ReadQuery, ("aula-credential" = String, Header)),
    responses((status = 200, body = VaultRead), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub async fn read(
    State(node): State<Arc<AppState>>,
    caller: Caller,
    FromPath(handle): FromPath<Handle>,
    FromQuery(query): FromQuery<ReadQuery>,
) -> Result<Response, ApiError> {
    let hint = "see /openapi.json";
    let bad = |error: &dyn std::fmt::Display| ApiError::bad_request(error, hint);
    let fields: Result<Vec<FieldName>, _> = query.fields.split(',').map(FieldName::new).collect();
    let request = ReadRequest {
        credential: Some(caller.credential),
        handle,
        class: Term::new(&query.class).map_err(|error| bad(&error))?,
        purpose: Term::new(&query.purpose).map_err(|error| bad(&error))?,
        fields: fields.map_err(|error| bad(&error))?,
    };
    let given = with_vault(node, move |node, vault| {
        bind(node, vault)?;
        let account = schema::account(&*node.view(), &vault.account())?;
        let unknown =
            || ApiError::not_found("the chain has no account of this vault's district", "ask its operator");
        let key = account.ok_or_else(unknown)?.public_key;
        vault.read(&request, &key, now_ms()).map_err(refused)
    });
    Ok(private(granted(&given.await?)))
}

/// Who read, or was refused to read, the records of a family's child
///
/// For the holder of a family's link. Anchored entries are proved by `aula evidence access`.
#[utoipa::path(get, path = paths::FAMILY_READS, tag = "vault",
    params(("aula-family-link" = String, Header)),
    responses((status = 200, body = FamilyReads), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 503, body = ErrorBody)))]
pub async fn family_reads(
    State(node): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let token = headers.get(FAMILY_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let link = node.family(token)?;
    let Reads { entries, anchored } = reads(node, link.clone()).await?;
    let (handle, district) = (link.handle, link.district);
    Ok(private(FamilyReads { anchored_size: anchored, district, entries, handle }))
}

/// Reads of one student, and how many entries of the whole log are anchored.
pub struct Reads {
    /// Each of her reads, the oldest first.
    pub entries: Vec<AccessEntry>,
    /// How many entries of the log, of all students, a block holds.
    pub anchored: u64,
}

/// The reads of the student whom a link is about; the caller has checked it.
///
/// # Errors
/// 404 when this node has no vault of the link's district, 503 while the vault is in use.
pub async fn reads(node: Arc<AppState>, link: FamilyLink) -> Result<Reads, ApiError> {
    let told = with_vault(node, move |_, vault| {
        if vault.identity().map_or(true, |identity| identity.district != link.district) {
            return Err(ApiError::not_found(
                "this node has no vault of that district",
                "ask the district's node",
            ));
        }
        let entries = vault.entries().map_err(|error| refused(error.into()))?;
        let entries = entries.into_iter().filter(|entry| entry.handle == link.handle).collect();
        let anchored = vault.anchored().map_err(|error| refused(error.into()))?;
        Ok(Reads { entries, anchored: anchored.map_or(0, |anchor| anchor.head.leaf_count) })
    });
    told.await
}

/// Heads of districts' access logs: the newest, and the last of each epoch that a restored vault ended
#[utoipa::path(get, path = paths::ACCESS_LOGS, tag = "vault", responses((status = 200, body = AccessLogs)))]
pub async fn access_logs(State(node): State<Arc<AppState>>) -> Result<Sorted<AccessLogs>, ApiError> {
    let view = node.view();
    let (logs, ended) = (schema::access_logs(&*view)?, schema::ended_access_logs(&*view)?);
    Ok(Sorted(AccessLogs { ended, height: view.tip().height, logs }))
}

/// Families' words of a school year, for the district whose students they are
#[utoipa::path(get, path = paths::CONSENTS, tag = "vault",
    params(("district" = u16, Path), ("school_year" = u16, Path), ("aula-credential" = String, Header)),
    responses((status = 200, body = Consents), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn consents(
    State(node): State<Arc<AppState>>,
    caller: Caller,
    FromPath((district, year)): FromPath<(u16, u16)>,
) -> Result<Response, ApiError> {
    let district = DistrictId(district);
    caller.own(&node.view(), district)?;
    let view = node.view();
    let rows = view.rows(&schema::consents_tree(district, SchoolYear(year)))?;
    let word = |(handle, row): (Handle, Vec<u8>)| -> Result<FamilyWords, StoreError> {
        let consent: Consent = schema::decode(&row)?;
        Ok(FamilyWords { handle, words: consent.words })
    };
    let rows = rows.into_iter().map(word).collect::<Result<Vec<FamilyWords>, StoreError>>()?;
    Ok(private(Consents { count: rows.len(), height: view.tip().height, consents: rows }))
}

/// A read that gave nothing, as the reader is told. What is wrong with the vault is the operator's to know.
pub(super) fn refused(error: ReadError) -> ApiError {
    match error {
        ReadError::Denied(denial, entry) => {
            let hint = format!("listed as entry {} of the access log", entry.number);
            let code = serde_json::to_value(denial).ok();
            let code = code.as_ref().and_then(Value::as_str).unwrap_or("denied").to_owned();
            ApiError::new(StatusCode::FORBIDDEN, &code, denial.explain(), hint)
        }
        ReadError::Stranger(denial) => {
            let code = serde_json::to_value(denial).ok();
            let code = code.as_ref().and_then(Value::as_str).unwrap_or("denied").to_owned();
            ApiError::new(StatusCode::FORBIDDEN, &code, denial.explain(), "ask the district for a credential")
        }
        ReadError::Fields => ApiError::bad_request(ReadError::Fields, "join 1 to 64 names by commas"),
        ReadError::Vault(error) | ReadError::LogUnwritable(error) => unreadable(error),
    }
}

fn granted(given: &Given) -> VaultRead {
    let (mut fields, mut absent) = (Map::new(), Vec::new());
    for (field, value) in &given.values {
        match value {
            None => absent.push(field.to_string()),
            Some(bytes) => {
                let value = serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(hex::encode(bytes)));
                fields.insert(field.to_string(), value);
            }
        }
    }
    let events = given.events.iter().map(|event| hex::encode(event.as_slice())).collect();
    let (handle, entry) = (given.entry.handle, given.entry.number);
    VaultRead { absent, entry, events, fields, granted: true, handle, withheld: given.withheld.clone() }
}

/// Answers that no cache keeps.
fn private<T: Serialize>(value: T) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Sorted(value)).into_response()
}
