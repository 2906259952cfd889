//! SCIM 2.0 below `/identity/scim/v2`: the identity system of the district keeps the list of staff, with a token of the scope `scim`.
//!
//! | route | is |
//! |---|---|
//! | GET, POST `/Users` | users, by a filter and in pages; a new one |
//! | GET, PUT, PATCH, DELETE `/Users/{id}` | one |
//! | GET `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas`, each of the last two with a number behind it | what is supported |
//! | `/Me` | 501: a token is nobody's |
//!
//! The token is asked for before a body is read, and again when it has come. Whom a change makes no staff has no session and no token
//! when it is answered; where that was cut short the tokens end later, and before that reader is staff again. Bodies are
//! `application/scim+json`, errors too.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::header::WWW_AUTHENTICATE;

use super::*;
use crate::directory::{Employed, Entry, Touched};
use crate::scim::filter::Filter;
use crate::scim::told::{self, MAX_RESULTS, Meta, RESULTS, Shown};
use crate::scim::user::User;
use crate::scim::{Fault, patch};

/// Most bytes of a request.
const MAX_USER: usize = 64 << 10;
/// Where the routes are.
const AT: &str = "/identity/scim/v2";
const KIND: &str = "application/scim+json";

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = answer(self.status, &told::error(&self));
        if self.status == 401 {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"scim\""));
        }
        if self.status == 503 {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

fn answer(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, KIND)], body.to_string()).into_response()
}

/// What may stand behind the question mark.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Wanted {
    filter: Option<String>,
    start_index: Option<String>,
    count: Option<String>,
    attributes: Option<String>,
    excluded_attributes: Option<String>,
}

impl Wanted {
    fn shown(&self) -> Shown {
        Shown::of(self.attributes.as_deref(), self.excluded_attributes.as_deref())
    }

    /// A number as the standard reads it: what is below the least is the least.
    fn number(text: Option<&str>, name: &str, (least, usual): (usize, usize)) -> Result<usize, Fault> {
        let Some(text) = text else { return Ok(usual) };
        let number: i64 =
            text.parse().map_err(|_| Fault::bad("invalidValue", format!("{name} is not a whole number")))?;
        Ok(usize::try_from(number).unwrap_or(least).max(least))
    }
}

impl Desk {
    /// Whether who asks may keep the directory.
    fn scim(&self, headers: &HeaderMap) -> Result<(), Fault> {
        let text = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        // The scheme's capitals count for nothing (RFC 7235).
        let text = text
            .and_then(|text| text.split_once(' '))
            .filter(|(word, _)| word.eq_ignore_ascii_case("bearer"));
        let token = text.and_then(|(_, token)| self.tokens.find(token.trim(), self.now()));
        let token = token
            .ok_or_else(|| Fault::of(401, "send Authorization: Bearer with a token of the scope scim"))?;
        if !token.scopes.contains(&Scope::Scim) {
            return Err(Fault::of(403, "this token's scopes do not open this"));
        }
        match self.directory.is_kept() {
            true => Ok(()),
            false => {
                Err(Fault::of(404, "no directory is kept here: the file of providers has no [directory]"))
            }
        }
    }

    fn scim_at(&self) -> String {
        format!("{}{AT}", self.url)
    }

    fn resource(&self, entry: &Entry, shown: &Shown) -> Value {
        let date = |ms: u64| {
            let at = i64::try_from(ms).ok().and_then(chrono::DateTime::from_timestamp_millis);
            at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)).unwrap_or_default()
        };
        let (made, changed, at) = (date(entry.made_ms), date(entry.changed_ms), self.scim_at());
        let meta = Meta { id: &entry.id, made: &made, changed: &changed, at: &at };
        told::user(&entry.user, meta, shown)
    }

    /// Ends what readers have who are no longer staff: sessions, and tokens for good. Others go on in the role that they have now.
    pub(super) fn follow(&self, touched: &Touched) -> Result<(), Fault> {
        let mut kept = Ok(());
        for reader in touched {
            match self.directory.of(reader) {
                Employed::Unsaid => {}
                Employed::As(role) => self.sessions.set_role(reader, &role),
                Employed::Not => {
                    let sessions = self.sessions.revoke_reader(reader);
                    match self.tokens.revoke_of(reader) {
                        Ok(tokens) => tracing::info!(
                            reader,
                            sessions,
                            tokens,
                            "no longer staff: its sessions and tokens ended"
                        ),
                        // They open nothing all the same; the other reader's end now.
                        Err(error) => {
                            tracing::error!(%error, reader, "tokens of somebody who left the staff stay on disk");
                            kept = Err(Fault::of(
                                503,
                                "tokens cannot be kept now: tell the district's operator",
                            ));
                        }
                    }
                }
            }
        }
        kept
    }

    /// Revokes the tokens of whoever is no staff: a change of the directory is done before the tokens of whom it drops are, and between
    /// the two a disk may refuse or this program end. Blocks.
    pub(super) fn end_left(&self) {
        // Who stands by has read neither file.
        if self.ready().is_err() {
            return;
        }
        match self.tokens.revoke_gone(|reader| self.directory.of(reader) == Employed::Not) {
            Ok(0) => {}
            Ok(tokens) => tracing::info!(tokens, "tokens ended of readers who are no longer staff"),
            Err(error) => tracing::warn!(%error, "tokens of readers who left the staff stay on disk"),
        }
    }

    /// Whoever becomes staff comes without tokens of before: those that the end of an earlier time left go first.
    fn hire(&self, user: &User) -> Result<(), Fault> {
        let Some(reader) = self.directory.hires(user) else { return Ok(()) };
        self.tokens.revoke_of(&reader).map(|_| ()).map_err(|error| {
            tracing::error!(%error, reader, "old tokens of somebody who comes back cannot be revoked");
            Fault::of(503, "nothing was changed: old tokens of this reader cannot be revoked now")
        })
    }
}

/// Does it on a thread that may block: the disk is waited for.
async fn apart<T: Send + 'static>(
    desk: Shared,
    work: impl FnOnce(&Desk) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(move || work(&desk)).await;
    done.unwrap_or_else(|_| Err(Fault::of(500, "answering failed inside this program")))
}

type Asked = Result<Query<Wanted>, QueryRejection>;

/// The JSON that a request carries, from who showed a token.
async fn body(desk: &Desk, request: Request) -> Result<Value, Fault> {
    let bytes = body_of(desk, request).await.map_err(|Refusal(status, _)| match status {
        StatusCode::REQUEST_TIMEOUT => Fault::of(408, SLOW),
        StatusCode::PAYLOAD_TOO_LARGE => Fault::of(413, format!("a request has at most {MAX_USER} bytes")),
        _ => Fault::of(400, "the request's body did not come"),
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Fault::bad("invalidSyntax", format!("the body is not valid JSON: {error}")))
}

fn query(asked: Asked) -> Result<Wanted, Fault> {
    asked.map(|Query(wanted)| wanted).map_err(|error| Fault::bad("invalidValue", error.body_text()))
}

async fn list(State(desk): State<Shared>, headers: HeaderMap, asked: Asked) -> Result<Response, Fault> {
    desk.scim(&headers)?;
    let wanted = query(asked)?;
    let filter = wanted.filter.as_deref().map(Filter::read).transpose()?;
    let start = Wanted::number(wanted.start_index.as_deref(), "startIndex", (1, 1))?;
    let count = Wanted::number(wanted.count.as_deref(), "count", (0, RESULTS))?.min(MAX_RESULTS);
    let shown = wanted.shown();
    apart(desk, move |desk| {
        let (total, page) = desk.directory.list(filter.as_ref(), (start - 1, count));
        let page = page.iter().map(|entry| desk.resource(entry, &shown)).collect();
        Ok(answer(200, &told::list(page, total, start)))
    })
    .await
}

async fn make(
    State(desk): State<Shared>,
    headers: HeaderMap,
    asked: Asked,
    request: Request,
) -> Result<Response, Fault> {
    desk.scim(&headers)?;
    let shown = query(asked)?.shown();
    let user = User::read(&body(&desk, request).await?)?;
    apart(desk, move |desk| {
        // The token may have been revoked while the body came.
        desk.scim(&headers)?;
        desk.hire(&user)?;
        let (entry, touched) = desk.directory.make(user, desk.now())?;
        desk.follow(&touched)?;
        tracing::info!(user = entry.id, active = entry.user.is_active(), "the directory has a new user");
        let mut response = answer(201, &desk.resource(&entry, &shown));
        if let Ok(at) = HeaderValue::from_str(&format!("{}/Users/{}", desk.scim_at(), entry.id)) {
            response.headers_mut().insert(LOCATION, at);
        }
        Ok(response)
    })
    .await
}

async fn find(
    State(desk): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Fault> {
    desk.scim(&headers)?;
    Ok(answer(200, &desk.resource(&desk.directory.find(&id)?, &query(asked)?.shown())))
}

/// Changes a user, ends what that ends, and gives the user as it is then.
async fn change(
    desk: Shared,
    headers: HeaderMap,
    (id, shown): (String, Shown),
    to: impl FnOnce(&User) -> Result<User, Fault> + Send + 'static,
) -> Result<Response, Fault> {
    apart(desk, move |desk| {
        // The token may have been revoked while the body came.
        desk.scim(&headers)?;
        let (entry, touched) = desk.directory.change(&id, desk.now(), |before| {
            let user = to(before)?;
            desk.hire(&user)?;
            Ok(user)
        })?;
        desk.follow(&touched)?;
        if !touched.is_empty() {
            tracing::info!(
                user = entry.id,
                active = entry.user.is_active(),
                "a user of the directory changed"
            );
        }
        Ok(answer(200, &desk.resource(&entry, &shown)))
    })
    .await
}

async fn replace(
    State(desk): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    asked: Asked,
    request: Request,
) -> Result<Response, Fault> {
    desk.scim(&headers)?;
    let shown = query(asked)?.shown();
    let user = User::read(&body(&desk, request).await?)?;
    change(desk, headers, (id, shown), move |_| Ok(user)).await
}

async fn alter(
    State(desk): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    asked: Asked,
    request: Request,
) -> Result<Response, Fault> {
    desk.scim(&headers)?;
    let shown = query(asked)?.shown();
    let changes = body(&desk, request).await?;
    change(desk, headers, (id, shown), move |user| patch::apply(&changes, user)).await
}

async fn remove(
    State(desk): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    desk.scim(&headers)?;
    apart(desk, move |desk| {
        let touched = desk.directory.remove(&id, desk.now())?;
        desk.follow(&touched)?;
        tracing::info!(user = id, "a user left the directory");
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// What the service says of itself is whole: a filter on it is refused (RFC 7644, 4).
fn of_itself(desk: &Desk, headers: &HeaderMap, asked: Asked) -> Result<String, Fault> {
    desk.scim(headers)?;
    match query(asked)?.filter {
        Some(_) => Err(Fault::of(403, "this is not filtered")),
        None => Ok(desk.scim_at()),
    }
}

async fn config(State(desk): State<Shared>, headers: HeaderMap, asked: Asked) -> Result<Response, Fault> {
    Ok(answer(200, &told::config(&of_itself(&desk, &headers, asked)?)))
}

/// A list of what the service says of itself.
type Told = fn(&str) -> Vec<Value>;

async fn whole(
    of: Told,
    State(desk): State<Shared>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Fault> {
    let all = of(&of_itself(&desk, &headers, asked)?);
    let total = all.len();
    Ok(answer(200, &told::list(all, total, 1)))
}

async fn one_of(
    of: Told,
    State(desk): State<Shared>,
    Path(id): Path<String>,
    (headers, asked): (HeaderMap, Asked),
) -> Result<Response, Fault> {
    let one = of(&of_itself(&desk, &headers, asked)?).into_iter().find(|one| one["id"] == id);
    one.map(|one| answer(200, &one)).ok_or_else(|| Fault::of(404, format!("there is no {id}")))
}

/// The routes of such a list: the whole, and one of it by its number.
fn listed(routes: Router<Shared>, at: &str, of: Told) -> Router<Shared> {
    let all = move |desk: State<Shared>, headers: HeaderMap, asked: Asked| whole(of, desk, headers, asked);
    let one = move |desk: State<Shared>, id: Path<String>, headers: HeaderMap, asked: Asked| {
        one_of(of, desk, id, (headers, asked))
    };
    routes.route(at, get(all).fallback(method)).route(&format!("{at}/{{id}}"), get(one).fallback(method))
}

async fn me(State(desk): State<Shared>, headers: HeaderMap) -> Result<Response, Fault> {
    desk.scim(&headers)?;
    Err(Fault::of(501, "a token is nobody's: ask for /Users"))
}

async fn nothing(State(desk): State<Shared>, headers: HeaderMap) -> Result<Response, Fault> {
    desk.scim(&headers)?;
    Err(Fault::of(404, "there is no such resource: see /ResourceTypes"))
}

async fn method(State(desk): State<Shared>, headers: HeaderMap) -> Result<Response, Fault> {
    desk.scim(&headers)?;
    Err(Fault::of(405, "this resource does not take this method"))
}

/// The routes, to be put below [`AT`].
fn routes() -> Router<Shared> {
    let users = Router::new()
        .route("/Users", get(list).post(make).fallback(method))
        .route("/Users/{id}", get(find).put(replace).patch(alter).delete(remove).fallback(method));
    let types = listed(users, "/ResourceTypes", told::resource_types);
    listed(types, "/Schemas", told::schemas)
        .route("/ServiceProviderConfig", get(config).fallback(method))
        .route("/Me", axum::routing::any(me))
        .fallback(nothing)
        .layer(DefaultBodyLimit::max(MAX_USER))
}

/// The same router, with these routes.
pub(super) fn nested(router: Router<Shared>) -> Router<Shared> {
    router.nest(AT, routes())
}
