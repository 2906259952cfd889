//! Members' activity: who sent what, how often, and when last.

use std::sync::Arc;

use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::shell;
use super::table::{head, number, text};
use aula_read::activity;
use aula_read::words::{grouped, kind_by_name};
use aula_web::http::AppState;
use aula_web::pages;

pub(super) async fn list(State(node): State<Arc<AppState>>) -> Shown {
    let activity::Activity { height, lines } = activity::activity(&node.view(), &node.index)?;
    let columns @ [member, of_kind, count, rejected, last] =
        [text("Member"), text("Kind"), number("Transactions"), number("Rejected"), number("Last block")];
    let content = html! {
        h1 { "Activity" }
        p .lead { "What each member sent, by kind of transaction, through block " (grouped(height)) ". Each can be counted in the blocks." }
        div .scroll tabindex="0" role="region" aria-label="Activity" { table .sortable .cards {
            caption { (lines.len()) " lines" }
            (head(columns))
            tbody { @for one in &lines { tr {
                td .wide data-label=(member) { a href={ "/members#" (one.account) } { (one.name) } }
                td data-label=(of_kind) title=(one.kind) { a href={ "/transactions?kind=" (one.kind) } { (kind_by_name(&one.kind)) } }
                td .n data-label=(count) { (grouped(one.count)) }
                td .n data-label=(rejected) { (grouped(one.rejected)) }
                td .n data-label=(last) { a href={ "/blocks/" (one.last) } { (one.last) } }
            } } }
        } }
    };
    Ok(shell::page(&node, &pages::ACTIVITY, content))
}
