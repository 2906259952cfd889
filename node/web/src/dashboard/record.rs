//! The whole record as a file, for the student and the family whose it is (34 CFR 99.10).
//!
//! Flow: the session → the vault's access check, which lists the read of every school year before it opens it → fields, events,
//! corrections with their deadlines and answers, who reads, who read, and the ledger's decisions in words. Invariant: a teacher has no
//! such file. Absent: other students, and the sealed state, which the events give.

use std::sync::Arc;

use aula_district::portable::said::record;
use aula_home::clock::now_ms;
use aula_read::family::decisions;
use aula_vault::Vault;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::channel::Hub;
use super::open::session;
use super::page;
use super::refusal::Refusal;
use super::session::Grant;
use super::source::refused;
use super::words::Lang;
use crate::family_link;
use crate::http::lent_vault::{bind, with_vault};
use crate::http::{AppState, FromPath, FromQuery, wants_page};
use crate::lang::LangQuery;

/// The version of the file's form.
const VERSION: u8 = 1;

/// A download: never shown in the browser, never kept by a cache.
pub(super) async fn download(
    State(node): State<Arc<AppState>>,
    Extension(hub): Extension<Arc<Hub>>,
    FromPath(name): FromPath<String>,
    FromQuery(asked): FromQuery<LangQuery>,
    headers: HeaderMap,
) -> Response {
    let lang = Lang::of(asked.lang.as_deref(), &headers);
    let made = async {
        let (_, grant) = session(&hub, &headers, &name)?;
        if let Some(link) = &grant.link {
            family_link::check_id(&node.links, link, now_ms()).map_err(Refusal::from)?;
        }
        made(&node, grant).await
    };
    match made.await {
        Err(refusal) => refusal.answer(lang, wants_page(&headers)),
        Ok(text) => {
            let mut answer = text.into_response();
            page::private(answer.headers_mut());
            for (name, value) in [
                (header::CONTENT_TYPE, "application/json"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"record.json\""),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ] {
                answer.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            answer
        }
    }
}

async fn made(node: &Arc<AppState>, grant: Grant) -> Result<String, Refusal> {
    let told = with_vault(node.clone(), move |node, vault| {
        bind(node, vault)?;
        if vault.identity().map_or(true, |identity| identity.district != grant.district) {
            return Ok(Err(Refusal::Elsewhere));
        }
        Ok(whole(node, vault, &grant))
    });
    told.await.map_err(Refusal::from)?
}

fn whole(node: &AppState, vault: &Vault, grant: &Grant) -> Result<String, Refusal> {
    let now_ms = now_ms();
    let handles = {
        let keystore = vault.keystore();
        let student = keystore.student(&grant.handle).map(|(_, student)| student);
        let mut handles = student.map(|student| keystore.handles_of(&student)).unwrap_or_default();
        handles.sort_by_key(|(_, year)| *year);
        handles
    };
    let mut years = Vec::new();
    for (handle, year) in &handles {
        let whole = vault.inspect(&grant.linked(), handle, now_ms).map_err(refused)?;
        let mut line = record(&whole).map_err(|error| {
            tracing::error!(%error, "a student's events cannot be read");
            Refusal::Unusable
        })?;
        let decided = decisions(&node.view(), *year, (grant.district, *handle)).map_err(|error| {
            tracing::error!(%error, "a student's decisions cannot be read");
            Refusal::Unusable
        })?;
        let decided: Vec<Value> = decided
            .iter()
            .map(|one| {
                json!({
                    "round": one.round, "height": one.height, "class": one.title, "asked": one.asked, "decided": one.decided,
                    "why": one.why, "stands": one.stands,
                })
            })
            .collect();
        line["school_year"] = json!(year);
        line["handle"] = json!(handle);
        line["decisions"] = json!(decided);
        years.push(line);
    }
    if years.is_empty() {
        // Nobody has this handle any more: the check says why, and lists it.
        vault.inspect(&grant.linked(), &grant.handle, now_ms).map_err(refused)?;
    }
    // After the reads, so that they are among them.
    let mut reads = vault.entries().map_err(Refusal::vault)?;
    reads.retain(|entry| handles.iter().any(|(handle, _)| *handle == entry.handle));
    let anchored = vault.anchored().map_err(Refusal::vault)?.map_or(0, |anchor| anchor.head.leaf_count);
    let file = json!({
        "version": VERSION, "district": grant.district, "made_ms": now_ms, "reader": grant.reader,
        "years": years, "reads": reads, "reads_anchored": anchored,
    });
    serde_json::to_string_pretty(&file).map_err(|error| {
        tracing::error!(%error, "a record cannot be written");
        Refusal::Unusable
    })
}
