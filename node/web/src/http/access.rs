//! The one rule who may ask what: each route is of a class, and a credential names the one class that it opens.
//!
//! A reader's credential holds for as long as the directory of staff, where one decides, gives the reader that role: asked at each read.
//!
//! Flow: a request is matched to a route → its class stands in [`ROUTES`] or, of a page, in [`PAGES`] → what is public passes,
//! whatever is shown with it; of anything else the credential is checked against the state (`admit`) and goes to the route as the
//! [`Caller`], which narrows it to the caller's own district, round or money. Invariants: a route that is in no line of the table
//! is refused to everybody, so that none is opened by being forgotten; a request without a credential that its class asks for never
//! reaches a route, and so no vault; rows of a round go to an auditor whom the ledger lists and to the district whose they are.
//! Absent: links of families and dashboards, which their routes check ([`AppState::family`]); which reads a vault grants.

use std::sync::Arc;

pub use aula_api::routes::RouteClass;
use aula_api::routes::{self, ROUTES};
use aula_home::clock::now_ms;
use aula_ledger::credential::Scope;
use aula_ledger::roles::Role;
use aula_ledger::state::schema::{self, Member};
use aula_ledger::types::{DistrictId, RoundId};
use aula_store::ChainView;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::counter;

use super::credential::{Credential, CredentialError, HEADER};
use super::node::AppState;
use super::places;
use crate::api_error::ApiError;
use crate::pages::{self, DASHBOARDS, PAGES};

/// The class of a route or page; none of one that nobody wrote down.
pub fn class_of(address: &str) -> Option<RouteClass> {
    routes::class_of(address).or_else(|| pages::class_of(address))
}

/// Every address that has a class.
pub fn classed() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|(address, _)| *address).chain(PAGES.iter().chain(DASHBOARDS).map(|page| page.address))
}

/// Who asks, with a credential that its route takes.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The member whose key signed.
    pub member: Member,
    /// Checked: its signature, its time, and that its scope opens the route.
    pub credential: Credential,
}

/// Lets a request through to a route that its credential opens.
pub(super) async fn admit(State(node): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let class = match route.as_deref().map(class_of) {
        // No route at all: its answer is the fallback's.
        None => return next.run(request).await,
        Some(None) => {
            let hint = "report it: the route is missing in the table of classes";
            let message = "this route is open to nobody";
            return ApiError::new(StatusCode::FORBIDDEN, "unlisted_route", message, hint).into_response();
        }
        Some(Some(class)) => class,
    };
    if matches!(class, RouteClass::Public | RouteClass::Family | RouteClass::Dashboard) {
        return next.run(request).await;
    }
    let checked = match Caller::check(&node, request.headers(), class) {
        Ok(caller) => still_staff(&node, caller).await,
        refused => refused,
    };
    match checked {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => {
            counter!("aula_credentials_refused_total", "class" => format!("{class:?}").to_lowercase())
                .increment(1);
            error.into_response()
        }
    }
}

/// The caller, unless the directory says of the credential's reader that it is no staff, or in another role.
async fn still_staff(node: &AppState, caller: Caller) -> Result<Caller, ApiError> {
    let (Some(staff), Scope::Vault { role, reader }) = (node.staff(), caller.credential.scope().clone())
    else {
        return Ok(caller);
    };
    let asked = places::blocking(move || staff.holds(reader.as_str(), role.as_str()));
    // Who cannot be asked about reads nothing.
    if asked.await.unwrap_or(false) {
        return Ok(caller);
    }
    let message = "the district's directory does not give this reader this role now";
    let hint = "log in again; the district's identity system says who is staff, and in which role";
    Err(ApiError::new(StatusCode::UNAUTHORIZED, "bad_credential", message, hint))
}

fn forbidden(code: &str, message: impl ToString, hint: impl ToString) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, code, message, hint)
}

impl Caller {
    /// Who asks a route of this class.
    fn check(node: &AppState, headers: &HeaderMap, class: RouteClass) -> Result<Self, ApiError> {
        let unauthorized = |code: &str, message: String, hint: String| {
            ApiError::new(StatusCode::UNAUTHORIZED, code, message, hint)
        };
        let value = headers.get(HEADER).ok_or_else(|| {
            let hint = format!("send the header Aula-Credential with {}", class.wanted());
            unauthorized("credential_needed", "this is not public".into(), hint)
        })?;
        let view = node.view();
        let checked = value.to_str().map_err(|_| CredentialError::Form).and_then(|text| {
            let credential: Credential = text.parse()?;
            let member = credential.check(&*view, &node.genesis.sha256, now_ms())?;
            Ok(Self { member, credential })
        });
        let caller = match checked {
            Ok(caller) => caller,
            Err(CredentialError::Broken(error)) => return Err(error.into()),
            Err(error) => {
                let hint =
                    "sign a new one with the account's current key, at most an hour ahead; check the clock";
                return Err(unauthorized("bad_credential", error.to_string(), hint.into()));
            }
        };
        let scope = caller.credential.scope();
        if !class.takes(scope) {
            let message = format!("a credential of scope {scope} does not open this route");
            return Err(forbidden("other_class", message, format!("show {}", class.wanted())));
        }
        caller.fits(&view)?;
        tracing::info!(member = %caller.member.name, %scope, "a member reads what is not public");
        Ok(caller)
    }

    /// Whether the member's roles, and what the ledger lists of it, carry the credential's scope.
    fn fits(&self, view: &ChainView) -> Result<(), ApiError> {
        let has = |role: Role| self.member.roles.has(role);
        match self.credential.scope() {
            Scope::Vault { .. } | Scope::District if has(Role::District) => Ok(()),
            Scope::Money if has(Role::Funder) || has(Role::Auditor) => Ok(()),
            Scope::Round(round) if has(Role::Auditor) => {
                schema::decision(view, *round)?.ok_or_else(|| {
                    ApiError::not_found(format!("round {round} is not decided"), "see /v1/rounds")
                })?;
                let taken = schema::rows_taken(view, *round, &self.member.account)?;
                if taken.is_some_and(|taken| taken.is_open(view.tip().time_ms)) {
                    return Ok(());
                }
                let message = format!(
                    "the ledger does not list {} as having taken the rows of round {round}",
                    self.member.name
                );
                Err(forbidden(
                    "not_listed",
                    message,
                    "send TakeRows, which `aula evidence` does by itself; it holds for a day",
                ))
            }
            scope => {
                let message = format!("{} has no role that reads with scope {scope}", self.member.name);
                Err(forbidden("role_not_allowed", message, "roles are given by a vote of the members"))
            }
        }
    }

    /// The caller's own district, when the credential is for its rows.
    pub fn district(&self) -> Option<DistrictId> {
        self.member.district.filter(|_| *self.credential.scope() == Scope::District)
    }

    /// The round whose rows the caller has taken, when the credential is for those.
    pub fn round(&self) -> Option<RoundId> {
        match self.credential.scope() {
            Scope::Round(round) => Some(*round),
            _ => None,
        }
    }

    /// Refuses rows of a district that is neither the caller's own nor one that was closed and left it its business.
    ///
    /// # Errors
    /// 403 `other_district`.
    pub fn own(&self, view: &ChainView, district: DistrictId) -> Result<(), ApiError> {
        let own = self.district();
        if own.is_some() && (own == Some(district) || own == schema::heir(view, district)?) {
            return Ok(());
        }
        Err(forbidden(
            "other_district",
            "rows are for their own district",
            "ask with that district's credential",
        ))
    }

    /// Refuses another round's rows.
    ///
    /// # Errors
    /// 403 `other_round`.
    pub fn of_round(&self, round: RoundId) -> Result<(), ApiError> {
        if self.round() == Some(round) {
            return Ok(());
        }
        let message = format!("the credential is for the rows of another round than {round}");
        Err(forbidden("other_round", message, "sign one of scope round-N"))
    }
}

impl FromRequestParts<Arc<AppState>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<AppState>) -> Result<Self, ApiError> {
        // A route of a public class that asks for a caller has none: that is a fault of the table.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            forbidden("unlisted_route", "this route is open to nobody", "report it: its class is public")
        })
    }
}
