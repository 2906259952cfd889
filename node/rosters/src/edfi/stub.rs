//! An ODS API in memory, for tests: what its public OpenAPI says of paging, change versions, deletes, key changes, snapshots and
//! refusals, and faults on demand. `scripts/edfi.sh` points a client of other people at it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

/// Most objects a page, as an ODS API has it unless its operator says otherwise.
const MOST: usize = 500;

#[derive(Clone, Default)]
pub struct Data {
    /// By resource and id: the change version and the object.
    pub objects: BTreeMap<String, BTreeMap<String, (u64, Value)>>,
    /// Resource, change version, what `deletes` or `keyChanges` says.
    pub gone: Vec<(String, u64, Value)>,
    pub moved: Vec<(String, u64, Value)>,
    pub newest: u64,
    pub oldest: u64,
}

impl Data {
    /// Writes an object, new or changed.
    pub fn put(&mut self, resource: &str, id: &str, object: Value) {
        self.newest += 1;
        let mut object = object;
        object["id"] = json!(id);
        object["_etag"] = json!(self.newest.to_string());
        self.objects.entry(resource.into()).or_default().insert(id.into(), (self.newest, object));
    }

    /// Deletes one, by what its key was.
    pub fn delete(&mut self, resource: &str, id: &str, keys: Value) {
        self.newest += 1;
        self.objects.entry(resource.into()).or_default().remove(id);
        self.gone.push((
            resource.into(),
            self.newest,
            json!({ "id": id, "changeVersion": self.newest, "keyValues": keys }),
        ));
    }

    /// Says that a key changed; the object is written by itself.
    pub fn rekey(&mut self, resource: &str, id: &str, (old, new): (Value, Value)) {
        self.newest += 1;
        let said =
            json!({ "id": id, "changeVersion": self.newest, "oldKeyValues": old, "newKeyValues": new });
        self.moved.push((resource.into(), self.newest, said));
    }
}

type Change = Box<dyn FnOnce(&mut Data) + Send>;

#[derive(Default)]
pub struct Ods {
    pub data: Mutex<Data>,
    pub snapshot: Mutex<Option<Data>>,
    /// Cursor paging, as of version 7.3.
    pub cursor: bool,
    /// Change queries off.
    pub forgetful: bool,
    /// Objects a page at most; 0: [`MOST`].
    pub most: usize,
    /// Statuses that come before answers.
    pub faults: Mutex<VecDeque<u16>>,
    /// After so many pages, something happens.
    pub meanwhile: Mutex<VecDeque<(usize, Change)>>,
    pub asked: Mutex<Vec<String>>,
    pub tokens: Mutex<u32>,
}

pub fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ods {
    pub fn data(&self) -> MutexGuard<'_, Data> {
        held(&self.data)
    }

    /// Ends the token that is out.
    pub fn end_token(&self) {
        *held(&self.tokens) += 1;
    }

    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/api", get(root))
            .route("/api/", get(root))
            .route("/api/oauth/token", post(token))
            .route("/api/changeQueries/v1/availableChangeVersions", get(versions))
            .route("/api/data/v3/ed-fi/{resource}", get(listed))
            .route("/api/data/v3/ed-fi/{resource}/{below}", get(listed))
            .with_state(self)
    }
}

async fn root(headers: HeaderMap) -> Response {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let base = format!("http://{host}/api");
    json_of(json!({
        "version": "7.3", "informationalVersion": "7.3", "suite": "3", "build": "7.3.0", "apiMode": "Shared Instance",
        "dataModels": [{ "name": "Ed-Fi", "version": "5.2.0" }],
        "urls": {
            "openApiMetadata": format!("{base}/metadata/"), "oauth": format!("{base}/oauth/token"),
            "dataManagementApi": format!("{base}/data/v3/"), "changeQueries": format!("{base}/changeQueries/v1/"),
        },
    }))
}

async fn token(State(ods): State<Arc<Ods>>, headers: HeaderMap, body: String) -> Response {
    // `key:secret`.
    let known = headers.get("authorization").is_some_and(|value| value == "Basic a2V5OnNlY3JldA==");
    match known && body.contains("grant_type=client_credentials") {
        true => json_of(
            json!({ "access_token": format!("t{}", held(&ods.tokens)), "expires_in": 1800, "token_type": "bearer" }),
        ),
        false => problem(401, "Invalid client"),
    }
}

fn json_of(value: Value) -> Response {
    ([("content-type", "application/json")], value.to_string()).into_response()
}

fn problem(status: u16, detail: &str) -> Response {
    let body = json!({ "detail": detail, "type": "urn:ed-fi:api", "status": status }).to_string();
    let status = StatusCode::from_u16(status).unwrap_or_default();
    (status, [("content-type", "application/problem+json")], body).into_response()
}

/// What stands before every answer: the token, the faults on demand, and the data that is asked for.
fn opened(ods: &Ods, headers: &HeaderMap) -> Result<Data, Box<Response>> {
    let wanted = format!("Bearer t{}", held(&ods.tokens));
    if headers.get("authorization").is_none_or(|value| *value != *wanted) {
        return Err(Box::new(problem(401, "Unauthorized")));
    }
    if let Some(status) = held(&ods.faults).pop_front() {
        let mut response = problem(status, "later");
        response.headers_mut().insert("retry-after", HeaderValue::from_static("0"));
        return Err(Box::new(response));
    }
    match headers
        .get("use-snapshot")
        .is_some_and(|value| value.to_str().is_ok_and(|text| text.eq_ignore_ascii_case("true")))
    {
        false => Ok(ods.data().clone()),
        true => {
            held(&ods.snapshot).clone().ok_or_else(|| Box::new(problem(404, "Snapshots are not configured")))
        }
    }
}

async fn versions(State(ods): State<Arc<Ods>>, headers: HeaderMap) -> Response {
    if ods.forgetful {
        return problem(404, "Change queries are off");
    }
    match opened(&ods, &headers) {
        Ok(data) => {
            json_of(json!({ "oldestChangeVersion": data.oldest, "newestChangeVersion": data.newest }))
        }
        Err(response) => *response,
    }
}

async fn listed(
    State(ods): State<Arc<Ods>>,
    Path(place): Path<HashMap<String, String>>,
    Query(asked): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let (resource, below) = (place["resource"].clone(), place.get("below").cloned().unwrap_or_default());
    held(&ods.asked)
        .push(format!("{resource}/{below} {}", asked.get("studentUniqueId").cloned().unwrap_or_default()));
    let answer = match opened(&ods, &headers) {
        Ok(data) => page(&ods, &data, (&resource, &below), &asked),
        Err(response) => return *response,
    };
    let mut meanwhile = held(&ods.meanwhile);
    if let Some((left, _)) = meanwhile.front_mut() {
        *left = left.saturating_sub(1);
        if *left == 0
            && let Some((_, change)) = meanwhile.pop_front()
        {
            change(&mut ods.data());
        }
    }
    answer
}

fn page(
    ods: &Ods,
    data: &Data,
    (resource, below): (&str, &str),
    asked: &HashMap<String, String>,
) -> Response {
    let number = |name: &str| asked.get(name).map(|text| text.parse::<usize>());
    if ["limit", "offset", "pageSize", "minChangeVersion", "maxChangeVersion"]
        .iter()
        .any(|name| matches!(number(name), Some(Err(_))))
    {
        return problem(400, "a number is not valid");
    }
    let of = |name: &str| number(name).and_then(Result::ok);
    let most = if ods.most == 0 { MOST } else { ods.most };
    if of("limit").is_some_and(|limit| limit > MOST) || of("pageSize").is_some_and(|size| size > MOST) {
        return problem(400, "limit must be 0 to 500");
    }
    if of("pageSize").is_some() && !asked.contains_key("pageToken") {
        return problem(400, "Page token is required when page size is specified.");
    }
    let (least, highest) = (
        of("minChangeVersion").unwrap_or(0) as u64,
        of("maxChangeVersion").map_or(u64::MAX, |most| most as u64),
    );
    let within = |version: &u64| (least..=highest).contains(version);
    let all: Vec<(String, Value)> = match below {
        "" => {
            let own = data.objects.get(resource).into_iter().flatten();
            let wanted = asked.get("studentUniqueId");
            let is = |object: &Value| {
                let own = object["studentReference"]["studentUniqueId"]
                    .as_str()
                    .or(object["studentUniqueId"].as_str());
                wanted.is_none_or(|wanted| own == Some(wanted))
            };
            own.filter(|(_, (version, object))| within(version) && is(object))
                .map(|(id, (_, object))| (id.clone(), object.clone()))
                .collect()
        }
        "deletes" | "keyChanges" => {
            let list = if below == "deletes" { &data.gone } else { &data.moved };
            let own = list.iter().filter(|(own, version, _)| own == resource && within(version));
            own.map(|(_, version, said)| (format!("{version:08}"), said.clone())).collect()
        }
        _ => return problem(404, "no such resource"),
    };
    let total = all.len();
    let own: Vec<(String, Value)> = match asked.get("pageToken") {
        Some(token) => {
            let size = of("pageSize").unwrap_or(25).min(most);
            all.into_iter().filter(|(id, _)| id > token).take(size).collect()
        }
        None => all
            .into_iter()
            .skip(of("offset").unwrap_or(0))
            .take(of("limit").unwrap_or(25).min(most))
            .collect(),
    };
    let last = own.last().map(|(id, _)| id.clone());
    let mut response = json_of(Value::Array(own.into_iter().map(|(_, object)| object).collect()));
    let headers = response.headers_mut();
    if asked.get("totalCount").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        headers.insert(HeaderName::from_static("total-count"), HeaderValue::from(total));
    }
    if let Some(last) = last.filter(|_| ods.cursor && below.is_empty() && !asked.contains_key("offset"))
        && let Ok(last) = HeaderValue::from_str(&last)
    {
        headers.insert(HeaderName::from_static("next-page-token"), last);
    }
    response
}
