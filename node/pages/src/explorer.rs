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
use aula_web::pages::PAGES;

pub use error::page as error_page;

/// What answers at the address of a page; none for an address that is not a page's.
fn handler(address: &str) -> Option<MethodRouter<Arc<AppState>>> {
    Some(match address {
        "/" => get(overview::show),
        "/blocks" => get(blocks::list),
        "/blocks/{height}" => get(blocks::show),
        "/transactions" => get(transactions::list),
        "/transactions/{id}" => get(transactions::show),
        "/rounds" => get(rounds::list),
        "/rounds/{id}" => get(round::show),
        "/pools" => get(pools::list),
        "/pools/{id}" => get(pools::show),
        "/districts" => get(districts::list),
        "/districts/{id}" => get(districts::show),
        "/schools" => get(schools::list),
        "/schools/{id}" => get(schools::show),
        "/schools/{id}/hours" => get(hours::show),
        "/buildings" => get(buildings::list),
        "/buildings/plan" => get(buildings::plan),
        "/classroom" => get(aula_web::dashboard::classroom),
        "/members" => get(members::list),
        "/consortia" => get(consortia::list),
        "/consortia/{genesis}/{file}" => get(consortia::file),
        "/validators" => get(validators::list),
        "/activity" => get(activity::list),
        "/proposals" => get(proposals::list),
        "/parameters" => get(parameters::list),
        "/budgets" => get(budgets::list),
        "/trail" => get(trail::list),
        "/milestones" => get(milestones::list),
        "/search" => get(search::show),
        "/verify" => get(verify::show),
        "/compare" => get(compare::show),
        "/feed.atom" => get(feed::atom),
        "/feed.json" => get(feed::json_feed),
        "/family" => get(family::show),
        "/family/{token}" => get(family::opened),
        "/family/{token}/{round}" => get(family::bundle),
        "/assets/{name}" => get(assets::asset),
        _ => return None,
    })
}

/// The pages that are served: a test walks each with every kind of credential.
pub fn addresses() -> Vec<&'static str> {
    PAGES.iter().map(|page| page.address).filter(|address| handler(address).is_some()).collect()
}

/// The same as routes.
pub fn routes() -> Router<Arc<AppState>> {
    let served = PAGES.iter().filter_map(|page| Some((page.address, handler(page.address)?)));
    served.fold(Router::new(), |routes, (address, page)| routes.route(address, page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_of_the_registry_is_served() {
        assert_eq!(addresses().len(), PAGES.len());
    }
}
