//! All that a node serves, the API and the explorer's pages, behind one gate and under one rule who may ask what.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;

use crate::http::access::admit;
use crate::http::{Node, gate};
use crate::{api, explorer};

/// Every route and page, guarded.
pub fn router(node: Arc<Node>) -> Router {
    let routes = api::routes().merge(explorer::routes()).route_layer(from_fn_with_state(node.clone(), admit));
    gate::guard(routes, node.clone()).with_state(node)
}
