//! The HTTP API: reads of what is final, submission, evidence, a stream, and figures for operators.
//!
//! Flow: [`routes()`] collects the routes and their OpenAPI description in one place; [`crate::http`] is what they share
//! with the explorer's pages, and `aula-pages` puts both behind one gate.
//!
//! Who sees what: public routes give aggregates, and of blocks and transactions only counts and roots; no cell
//! below the ledger's `min_cell_students` ([`aula_read::publish`]). Rows leave only by the one rule of
//! [`crate::http::access`]: a round's to an auditor whom the ledger lists, a district's to itself, a family's to the family;
//! records of the vault only with the district's credential ([`vault`]). A handle appears in no public answer.
//!
//! Absent: anything that changes the node.

pub mod chain;
mod classroom;
mod district;
mod elsewhere;
mod evidence;
mod export;
mod hours;
pub mod listings;
mod models;
mod openapi;
pub mod ops;
mod public_evidence;
pub mod registers;
pub mod report;
mod stream;
pub mod submit;
pub mod vault;
mod why;

use std::sync::Arc;

use aula_api::paths;
use axum::Router;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::AppState;

pub use evidence::allocation_bundle;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Aula",
        description = "What is final on an Aula ledger, submission of transactions, and evidence. Errors have one form: \
                       {\"error\":{\"code\",\"message\",\"hint\"}}. What is not public wants the header Aula-Credential, whose scope names the \
                       class of routes it opens: vault-ROLE-READER, district, round-N (an auditor whom the ledger lists), money; every other route refuses it."
    ),
    tags(
        (name = "chain", description = "Blocks, validators, parameters"),
        (name = "transactions", description = "Submission and outcome"),
        (name = "resources", description = "Rounds, pools, classes, budgets"),
        (name = "consortium", description = "Members, districts, schools, votes"),
        (name = "evidence", description = "Files that an auditor checks offline"),
        (name = "vault", description = "The district's own records: for readers with its credential, and families with a link"),
        (name = "operation", description = "For whoever watches the node")
    )
)]
struct Description;

fn described() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(chain::status))
        .routes(routes!(classroom::heatmap))
        .routes(routes!(chain::blocks))
        .routes(routes!(chain::block))
        .routes(routes!(chain::validators))
        .routes(routes!(chain::genesis))
        .routes(routes!(stream::stream))
        .routes(routes!(submit::submit, listings::transactions))
        .routes(routes!(submit::transaction))
        .routes(routes!(submit::account))
        .routes(routes!(registers::rounds))
        .routes(routes!(registers::round))
        .routes(routes!(report::report))
        .routes(routes!(report::audits))
        .routes(routes!(listings::round))
        .routes(routes!(registers::pools))
        .routes(routes!(registers::classes))
        .routes(routes!(registers::budgets))
        .routes(routes!(registers::districts))
        .routes(routes!(registers::schools))
        .routes(routes!(registers::members))
        .routes(routes!(registers::proposals))
        .routes(routes!(listings::trail))
        .routes(routes!(listings::twin_parameters))
        .routes(routes!(models::model))
        .routes(routes!(listings::parameters))
        .routes(routes!(listings::parameters_by_their_earlier_name))
        .routes(routes!(listings::milestones))
        .routes(routes!(listings::district))
        .routes(routes!(listings::school))
        .routes(routes!(listings::pool))
        .routes(routes!(hours::school))
        .routes(routes!(hours::day))
        .routes(routes!(listings::search))
        .routes(routes!(export::export))
        .routes(routes!(public_evidence::figures))
        .routes(routes!(public_evidence::register))
        .routes(routes!(public_evidence::one))
        .routes(routes!(evidence::round))
        .routes(routes!(evidence::allocation))
        .routes(routes!(evidence::student))
        .routes(routes!(evidence::budget))
        .routes(routes!(vault::read))
        .routes(routes!(vault::family_reads))
        .routes(routes!(vault::access_logs))
        .routes(routes!(vault::consents))
        .routes(routes!(district::rows))
        .routes(routes!(district::students))
        .routes(routes!(why::own))
        .routes(routes!(evidence::access))
        .routes(routes!(evidence::estate))
        .routes(routes!(evidence::milestone))
        .routes(routes!(ops::acting))
        .routes(routes!(ops::healthz))
        .routes(routes!(ops::readyz))
        .routes(routes!(ops::metrics))
}

/// The API's description, as served at /openapi.json: indented, with a newline at the end.
pub fn openapi_json() -> String {
    let (_, api) = described().split_for_parts();
    let mut api = serde_json::to_value(api).unwrap_or_default();
    openapi::open(&mut api);
    for (path, operations) in api["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            openapi::complete(path, method, operation);
        }
    }
    let mut text = serde_json::to_string_pretty(&api).unwrap_or_default();
    text.push('\n');
    text
}

/// The routes, and the description they are served with.
pub fn routes() -> Router<Arc<AppState>> {
    let (routes, _) = described().split_for_parts();
    let description = openapi_json();
    routes.route(
        paths::DESCRIPTION,
        get(move || async move { ([("content-type", "application/json")], description) }),
    )
}
