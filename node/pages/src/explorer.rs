//! The explorer: a page for each thing of the ledger, served by every node beside the API.
//!
//! Flow: a route reads the same typed data as the API's ([`aula_read`], `aula_web::api`) → maud renders it → the gate
//! keeps the page until the next block. Pages read without JavaScript; small scripts of our own then follow
//! `/v1/stream`, sort tables and verify. Everything comes from this origin (the content policy says so to the browser),
//! assets are part of the program.
//!
//! Invariants: no count that [`aula_read`] withholds is shown; every page has a lasting address; texts of the ledger
//! are escaped by maud. Absent: anything about one student but the page that a family's link opens.

mod activity;
mod audits;
mod bars;
mod blocks;
mod budgets;
mod buildings;
mod charts;
mod compare;
mod consortia;
mod districts;
mod equity;
mod error;
mod family;
mod fared;
mod feed;
mod heatmap;
mod hours;
mod map;
mod members;
mod milestones;
mod misbehaviour;
mod overview;
mod parameters;
mod pools;
mod proposals;
mod round;
mod rounds;
mod schools;
mod search;
mod shell;
mod shown;
mod spoken;
mod standing;
mod table;
mod trail;
mod transactions;
mod validators;
mod verify;
mod who;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, get};

use aula_web::assets;
use aula_web::http::AppState;
use aula_web::pages::{self, Page};

pub use error::page as error_page;

/// Every page with what answers at its address.
fn served() -> Vec<(Page, MethodRouter<Arc<AppState>>)> {
    vec![
        (pages::OVERVIEW, get(overview::show)),
        (pages::BLOCKS, get(blocks::list)),
        (pages::BLOCK, get(blocks::show)),
        (pages::TRANSACTIONS, get(transactions::list)),
        (pages::TRANSACTION, get(transactions::show)),
        (pages::ROUNDS, get(rounds::list)),
        (pages::ROUND, get(round::show)),
        (pages::POOLS, get(pools::list)),
        (pages::POOL, get(pools::show)),
        (pages::DISTRICTS, get(districts::list)),
        (pages::DISTRICT, get(districts::show)),
        (pages::SCHOOLS, get(schools::list)),
        (pages::SCHOOL, get(schools::show)),
        (pages::SCHOOL_HOURS, get(hours::show)),
        (pages::BUILDINGS, get(buildings::list)),
        (pages::BUILDINGS_PLAN, get(buildings::plan)),
        (pages::CLASSROOM, get(aula_web::dashboard::classroom)),
        (pages::MEMBERS, get(members::list)),
        (pages::CONSORTIA, get(consortia::list)),
        (pages::CONSORTIUM_FILE, get(consortia::file)),
        (pages::VALIDATORS, get(validators::list)),
        (pages::ACTIVITY, get(activity::list)),
        (pages::PROPOSALS, get(proposals::list)),
        (pages::PARAMETERS, get(parameters::list)),
        (pages::BUDGETS, get(budgets::list)),
        (pages::TRAIL, get(trail::list)),
        (pages::MILESTONES, get(milestones::list)),
        (pages::SEARCH, get(search::show)),
        (pages::VERIFY, get(verify::show)),
        (pages::COMPARE, get(compare::show)),
        (pages::FEED_ATOM, get(feed::atom)),
        (pages::FEED_JSON, get(feed::json_feed)),
        (pages::FAMILY, get(family::show)),
        (pages::DECISIONS, get(family::opened)),
        (pages::DECISION, get(family::bundle)),
        (pages::ASSET, get(assets::asset)),
    ]
}

/// The pages that are served: a test walks each with every kind of credential.
pub fn addresses() -> Vec<&'static str> {
    served().into_iter().map(|(page, _)| page.address).collect()
}

/// The same as routes.
pub fn routes() -> Router<Arc<AppState>> {
    served().into_iter().fold(Router::new(), |routes, (page, handler)| routes.route(page.address, handler))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_page_of_the_registry_is_served_once() {
        let found = addresses();
        let registry: BTreeSet<_> = pages::PAGES.iter().map(|page| page.address).collect();
        assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), registry);
        assert_eq!(found.len(), pages::PAGES.len());
    }
}
