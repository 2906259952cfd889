//! All that a node serves, the API and the explorer's pages, behind one gate.

use std::sync::Arc;

use axum::Router;

use crate::http::{Node, gate};
use crate::{api, explorer};

/// Every route and page, guarded.
pub fn router(node: Arc<Node>) -> Router {
    gate::guard(api::routes().merge(explorer::routes()), node.clone()).with_state(node)
}
