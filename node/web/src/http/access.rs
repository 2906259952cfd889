//! The one rule who may ask what: each route is of a class, and a credential names the one class that it opens.
//!
//! Flow: a request is matched to a route → its class stands in [`ROUTES`] → what is public passes, whatever is shown with
//! it; of anything else the credential is checked against the state (`admit`) and goes to the route as the [`Caller`],
//! which narrows it to the caller's own district, round or money. Invariants: a route that is in no line of the table is
//! refused to everybody, so that none is opened by being forgotten; a request without a credential that its class asks for
//! never reaches a route, and so no vault; rows of a round go to an auditor whom the ledger lists and to the district whose
//! they are. Absent: families' links, which their routes check ([`Node::family`]); which reads a vault grants.

use std::sync::Arc;

use aula_ledger::credential::Scope;
use aula_ledger::roles::Role;
use aula_ledger::state::schema::{self, Member};
use aula_ledger::types::{DistrictId, RoundId};
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::counter;

use super::credential::{Credential, CredentialError, HEADER};
use super::node::Node;
use crate::api_error::ApiError;
use crate::clock::now_ms;
use crate::storage::ChainView;

/// What a route gives, and so which credentials open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteClass {
    /// What anybody may see. A credential shown there opens nothing more.
    Public,
    /// What a family's link opens; the route checks it.
    Family,
    /// Records of the district's vault: scope `vault-ROLE-READER`.
    Vault,
    /// Rows of a district's own: scope `district`.
    District,
    /// All rows of a round: scope `round-N`.
    Round,
    /// Rows of one student: scope `district` for its own, `round-N` for an auditor of the round that has them.
    Student,
    /// Statements about a funder's money: scope `money`.
    Money,
}

use RouteClass::{District, Family, Money, Public, Round, Student, Vault};

/// Every route of the API and the explorer with its class.
pub const ROUTES: &[(&str, RouteClass)] = &[
    ("/v1/vault/{handle}", Vault),
    ("/v1/consents/{district}/{school_year}", District),
    ("/v1/districts/{district}/rounds/{round}", District),
    ("/v1/evidence/round/{round}", Round),
    ("/v1/evidence/allocation/{round}/{handle}", Student),
    ("/v1/evidence/student/{district}/{school_year}/{handle}", Student),
    ("/v1/evidence/budget/{funder}/{school_year}", Money),
    ("/v1/family/reads", Family),
    ("/family/{token}", Family),
    ("/family/{token}/{round}", Family),
    ("/v1/access-logs", Public),
    ("/v1/accounts/{id}", Public),
    ("/v1/blocks", Public),
    ("/v1/blocks/{height}", Public),
    ("/v1/budgets", Public),
    ("/v1/classes", Public),
    ("/v1/districts", Public),
    ("/v1/districts/{id}", Public),
    ("/v1/evidence/access/{district}", Public),
    ("/v1/evidence/figures", Public),
    ("/v1/evidence/figures/{register}", Public),
    ("/v1/evidence/figures/{what}/{id}", Public),
    ("/v1/export/{file}", Public),
    ("/v1/genesis", Public),
    ("/v1/members", Public),
    ("/v1/milestones", Public),
    ("/v1/parameters", Public),
    ("/v1/params", Public),
    ("/v1/pools", Public),
    ("/v1/pools/{id}", Public),
    ("/v1/proposals", Public),
    ("/v1/rounds", Public),
    ("/v1/rounds/{id}", Public),
    ("/v1/rounds/{id}/audits", Public),
    ("/v1/rounds/{id}/figures", Public),
    ("/v1/rounds/{id}/report", Public),
    ("/v1/schools", Public),
    ("/v1/schools/{id}", Public),
    ("/v1/search", Public),
    ("/v1/status", Public),
    ("/v1/stream", Public),
    ("/v1/trail", Public),
    ("/v1/transactions", Public),
    ("/v1/transactions/{id}", Public),
    ("/v1/validators", Public),
    ("/healthz", Public),
    ("/readyz", Public),
    ("/metrics", Public),
    ("/openapi.json", Public),
    ("/", Public),
    ("/assets/{name}", Public),
    ("/blocks", Public),
    ("/blocks/{height}", Public),
    ("/budgets", Public),
    ("/districts", Public),
    ("/districts/{id}", Public),
    ("/family", Public),
    ("/members", Public),
    ("/milestones", Public),
    ("/parameters", Public),
    ("/pools", Public),
    ("/pools/{id}", Public),
    ("/proposals", Public),
    ("/rounds", Public),
    ("/rounds/{id}", Public),
    ("/schools", Public),
    ("/schools/{id}", Public),
    ("/search", Public),
    ("/trail", Public),
    ("/transactions", Public),
    ("/transactions/{id}", Public),
    ("/validators", Public),
    ("/verify", Public),
];

/// The class of a route; none of one that nobody put into the table.
pub fn class_of(route: &str) -> Option<RouteClass> {
    ROUTES.iter().find(|(path, _)| *path == route).map(|(_, class)| *class)
}

impl RouteClass {
    /// True when a credential of this scope may open a route of this class.
    pub const fn takes(self, scope: &Scope) -> bool {
        match self {
            Self::Public | Self::Family => false,
            Self::Vault => matches!(scope, Scope::Vault { .. }),
            Self::District => matches!(scope, Scope::District),
            Self::Round => matches!(scope, Scope::Round(_)),
            Self::Student => matches!(scope, Scope::District | Scope::Round(_)),
            Self::Money => matches!(scope, Scope::Money),
        }
    }

    /// Which credential to show, in words.
    const fn wanted(self) -> &'static str {
        match self {
            Self::Public | Self::Family => "none",
            Self::Vault => "a reader's, which the district makes with `aula vault credential`",
            Self::District => "the district's own, of scope district",
            Self::Round => "an auditor's for this round, of scope round-N",
            Self::Student => "the district's own, of scope district, or an auditor's of scope round-N",
            Self::Money => "the funder's own, of scope money",
        }
    }
}

/// Who asks, with a credential that its route takes.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The member whose key signed.
    pub member: Member,
    /// The credential.
    pub credential: Credential,
}

/// Lets a request through to a route that its credential opens.
pub(crate) async fn admit(State(node): State<Arc<Node>>, mut request: Request, next: Next) -> Response {
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
    if matches!(class, Public | Family) {
        return next.run(request).await;
    }
    match Caller::check(&node, request.headers(), class) {
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

fn forbidden(code: &str, message: impl ToString, hint: impl ToString) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, code, message, hint)
}

impl Caller {
    /// Who asks a route of this class.
    fn check(node: &Node, headers: &HeaderMap, class: RouteClass) -> Result<Self, ApiError> {
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

    /// Refuses another district's rows.
    ///
    /// # Errors
    /// 403.
    pub fn own(&self, district: DistrictId) -> Result<(), ApiError> {
        if self.district() == Some(district) {
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
    /// 403.
    pub fn of_round(&self, round: RoundId) -> Result<(), ApiError> {
        if self.round() == Some(round) {
            return Ok(());
        }
        let message = format!("the credential is for the rows of another round than {round}");
        Err(forbidden("other_round", message, "sign one of scope round-N"))
    }
}

impl FromRequestParts<Arc<Node>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Node>) -> Result<Self, ApiError> {
        // A route of a public class that asks for a caller has none: that is a fault of the table.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            forbidden("unlisted_route", "this route is open to nobody", "report it: its class is public")
        })
    }
}
