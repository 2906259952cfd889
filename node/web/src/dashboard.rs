//! A student's dashboard: one student, read by one reader in one role, and kept up to date while it is open.
//!
//! Flow: the district makes a link (`aula vault link --role`) → its first open is exchanged for a session in a cookie
//! (`open`, `session`) → the page (`page`) shows what the vault's access check grants this reader, the read listed as
//! his → a WebSocket (`live`) brings what changes (`channel`) and looks again at link, consent and vault every 30 s
//! → what is wrong is said in a form (`wrong`) and answered by the district. An LMS's launch is answered
//! with [`within`], and [`framed`] serves what that page needs at its own origin.
//!
//! | module | is |
//! |---|---|
//! | `session` | who may see which student's dashboard, until when |
//! | `parts` | what a dashboard consists of, and by which field of the record each part is granted |
//! | `twin` | a student's events and twin as parts: whole, and event by event |
//! | `channel` | the parts of students whose dashboards are open, each change numbered |
//! | `source` | from the vault and the ledger to a channel |
//! | `live` | the WebSocket |
//! | `record` | the whole record as a file, for those whose it is |
//! | `classroom` | the page of a teacher's heatmap, which asks the API |
//! | `render`, `page`, `words` | as people read it, in English and Spanish |
//!
//! Invariants: nothing is shown that the access check did not grant to this reader; the token of a link or a session is in
//! no log, and in no address after the first; no cache keeps an answer and no robot is invited. Absent: other students.

mod channel;
mod classroom;
mod decided;
mod kept_levels;
mod live;
mod open;
mod page;
mod parts;
mod record;
mod refusal;
mod render;
mod session;
mod source;
mod twin;
mod words;
mod wrong;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::routing::{MethodRouter, get, post};

use crate::http::AppState;
use crate::pages::DASHBOARDS;

pub use channel::{CHECK_EVERY, Hub};
pub use classroom::classroom;
pub use open::within;
pub use session::{Grant, Sessions, Token};

/// What answers at an address of a dashboard's.
fn handler(address: &str) -> Option<MethodRouter<Arc<AppState>>> {
    Some(match address {
        "/s/{link}" => get(open::exchange),
        "/s/of/{session}" => get(open::show),
        "/s/of/{session}/live" => get(live::upgrade),
        "/s/of/{session}/record" => get(record::download),
        "/s/of/{session}/wrong" => post(wrong::ask),
        _ => return None,
    })
}

/// The addresses that are served: a test walks each with every kind of credential.
pub fn addresses() -> Vec<&'static str> {
    DASHBOARDS.iter().map(|page| page.address).filter(|address| handler(address).is_some()).collect()
}

/// The same as routes.
pub fn routes() -> Router<Arc<AppState>> {
    let served = DASHBOARDS.iter().filter_map(|page| Some((page.address, handler(page.address)?)));
    served.fold(Router::new(), |routes, (address, page)| routes.route(address, page))
}

/// Most bytes of a form from a page in a frame.
const MAX_FORM_BYTES: usize = 64 << 10;

/// What a page in a learning platform's frame needs of its origin: its socket, its form, its style and script.
pub fn framed(node: Arc<AppState>, hub: Arc<Hub>) -> Router {
    let routes = Router::new()
        .route("/s/of/{session}/live", get(live::upgrade))
        .route("/s/of/{session}/wrong", post(wrong::ask))
        .route("/assets/{name}", get(crate::assets::asset));
    routes.layer(DefaultBodyLimit::max(MAX_FORM_BYTES)).layer(Extension(hub)).with_state(node)
}
