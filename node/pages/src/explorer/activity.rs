//! Members' activity: who sent what, how often, and when last.

use std::sync::Arc;

use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::shell::{self, column};
use aula_read::activity;
use aula_read::words::{grouped, kind};
use aula_web::http::Node;

pub(super) async fn list(State(node): State<Arc<Node>>) -> Shown {
    let activity::Activity { height, lines } = activity::activity(&node.view(), &node.index)?;
    let content = html! {
        h1 { "Activity" }
        p .lead { "What each member sent, by kind of transaction, through block " (grouped(height)) ". Each can be counted in the blocks." }
        div .scroll tabindex="0" role="region" aria-label="Activity" { table .sortable .cards {
            caption { (lines.len()) " lines" }
            thead { tr { (column("Member", false)) (column("Kind", false)) (column("Transactions", true)) (column("Rejected", true))
                (column("Last block", true)) } }
            tbody { @for one in &lines { tr {
                td .wide { a href={ "/members#" (one.account) } { (one.name) } }
                td title=(one.kind) { a href={ "/transactions?kind=" (one.kind) } { (kind(&one.kind)) } }
                td .n { (grouped(one.count)) }
                td .n { (grouped(one.rejected)) }
                td .n { a href={ "/blocks/" (one.last) } { (one.last) } }
            } } }
        } }
    };
    Ok(shell::page(&node, "/activity", "Activity", content))
}
