//! The administrative trail: every act of a member that is not about students' states, requests or seeds.

use std::sync::Arc;

use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::shell::{self, pager};
use super::transactions::table;
use super::verify;
use super::words::explained;
use aula_api::paths;
use aula_read::words::grouped;
use aula_web::api::listings::{TrailQuery, trail_page};
use aula_web::http::{AppState, FromQuery};
use aula_web::pages;

pub(super) async fn list(
    State(node): State<Arc<AppState>>,
    FromQuery(mut query): FromQuery<TrailQuery>,
) -> Shown {
    query.limit = Some(query.limit.unwrap_or(50));
    let page = trail_page(&node, &query)?;
    let shown = match query.before {
        Some(before) => format!("limit=50&before={before}"),
        None => "limit=50".to_owned(),
    };
    let content = html! {
        h1 { "Administrative trail" }
        p .lead { "Votes, keys, roles, money, classes, pools, rounds opened, run and taken back, audits: each act with who, when and what. Nothing is ever removed from it." }
        (verify::panel(&pages::TRAIL, shown))
        p { (grouped(page.count)) " acts, up to height " (page.height) ". An act that names a student or tells a withheld count is shown in part, and its proof is "
            "for members and auditors: it stays without an outline when you verify." }
        (table(&page))
        (pager("/trail", page.next.map(|before| format!("/trail?before={before}"))))
        p .exports { a href=(paths::TRAIL) { "JSON, by pages" } }
        (explained(&["transaction", "block", "final"]))
    };
    Ok(shell::page(&node, &pages::TRAIL, content))
}
