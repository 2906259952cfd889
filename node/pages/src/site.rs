//! All that a node serves, the API and the explorer's pages, behind one gate and under one rule who may ask what.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request};
use axum::http::header;
use axum::middleware::{Next, from_fn};
use axum::response::Response;

use aula_api::paths;
use aula_web::api;
use aula_web::api_error::ErrorDetail;
use aula_web::dashboard::{self, Hub};
use aula_web::http::{AppState, gated, wants_page};

use crate::explorer;

/// Every route and page, guarded.
pub fn router(node: Arc<AppState>, dashboards: Arc<Hub>) -> Router {
    let routes =
        api::routes().merge(explorer::routes()).merge(dashboard::routes()).layer(Extension(dashboards));
    gated(routes, node.clone()).layer(from_fn(page_for_browsers)).with_state(node)
}

/// Outside the API a browser gets its errors as a page, whoever made them: a route, the gate, or that there is no route.
async fn page_for_browsers(request: Request, next: Next) -> Response {
    let wants_page = !paths::is_for_programs(request.uri().path()) && wants_page(request.headers());
    let response = next.run(request).await;
    match response.extensions().get::<ErrorDetail>() {
        Some(detail) if wants_page => {
            let mut page = explorer::error_page(response.status(), detail);
            for name in [header::RETRY_AFTER, header::X_CONTENT_TYPE_OPTIONS, header::REFERRER_POLICY] {
                if let Some(value) = response.headers().get(&name) {
                    page.headers_mut().insert(name, value.clone());
                }
            }
            page
        }
        _ => response,
    }
}
