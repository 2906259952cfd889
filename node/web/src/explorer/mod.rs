//! The explorer: a page for each thing of the ledger, served by every node beside the API.
//!
//! Flow: a route reads the same typed data as the API's ([`crate::read`], `crate::api`) → maud renders it → the gate
//! keeps the page until the next block. Pages read without JavaScript; small scripts of our own then follow
//! `/v1/stream`, sort tables and verify. Everything comes from this origin (the content policy says so to the browser),
//! assets are part of the program.
//!
//! Invariants: no count that [`crate::read`] withholds is shown; every page has a lasting address; texts of the ledger
//! are escaped by maud. Absent: anything about one student but the page that a family's link opens.

mod assets;
mod blocks;
mod budgets;
mod charts;
mod districts;
mod equity;
mod error;
mod family;
mod heatmap;
mod labels;
mod members;
mod milestones;
mod overview;
mod parameters;
mod pools;
mod round;
mod rounds;
mod schools;
mod search;
mod shell;
mod trail;
mod transactions;
mod validators;
mod verify;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::http::Node;

pub use error::page as error_page;

/// The pages and their assets.
pub fn routes() -> Router<Arc<Node>> {
    Router::new()
        .route("/", get(overview::show))
        .route("/blocks", get(blocks::list))
        .route("/blocks/{height}", get(blocks::show))
        .route("/transactions", get(transactions::list))
        .route("/transactions/{id}", get(transactions::show))
        .route("/rounds", get(rounds::list))
        .route("/rounds/{id}", get(round::show))
        .route("/pools", get(pools::list))
        .route("/pools/{id}", get(pools::show))
        .route("/districts", get(districts::list))
        .route("/districts/{id}", get(districts::show))
        .route("/schools", get(schools::list))
        .route("/schools/{id}", get(schools::show))
        .route("/members", get(members::list))
        .route("/validators", get(validators::list))
        .route("/parameters", get(parameters::list))
        .route("/budgets", get(budgets::list))
        .route("/trail", get(trail::list))
        .route("/milestones", get(milestones::list))
        .route("/search", get(search::show))
        .route("/verify", get(verify::show))
        .route("/family", get(family::show))
        .route("/family/{token}", get(family::opened))
        .route("/family/{token}/{round}", get(family::bundle))
        .route("/assets/{name}", get(assets::asset))
}
