//! Members of the consortium: who may send what.

use std::sync::Arc;

use aula_ledger::state::schema::{self, Standing};
use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::shell::{self, column, exports};
use crate::api::Node;

pub(super) async fn list(State(node): State<Arc<Node>>) -> Shown {
    let members = schema::members(&*node.view())?;
    let content = html! {
        h1 { "Members" }
        p { "Who belongs to the consortium, and in which roles. More than two thirds of those with the role consortium decide on changes." }
        div .scroll tabindex="0" role="region" aria-label="Members" { table .sortable {
            caption { (members.len()) " members" }
            thead { tr { (column("Name", false)) (column("Roles", false)) (column("District", true)) (column("Standing", false))
                (column("Since height", true)) (column("Account", false)) } }
            tbody { @for one in &members { tr id=(one.account) {
                td { (one.name) }
                td { (one.roles.roles().map(|role| format!("{role:?}").to_lowercase()).collect::<Vec<_>>().join(", ")) }
                td .n { @if let Some(id) = one.district { a href={ "/districts/" (id) } { (id) } } }
                td { @match one.standing { Standing::Candidate => { "candidate" } Standing::Admitted => { "admitted" } Standing::Removed => { "removed" } } }
                td .n { (one.since) }
                td { code { (one.account) } }
            } } }
        } }
        (exports("members", members.len()))
    };
    Ok(shell::page(&node, "/members", "Members", content))
}
