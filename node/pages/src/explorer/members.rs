//! Members of the consortium: who may send what.

use std::sync::Arc;

use aula_ledger::state::schema;
use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::shell::{self, register, whole};
use super::table::{head, number, text};
use super::verify;
use aula_web::http::AppState;
use aula_web::pages;

pub(super) async fn list(State(node): State<Arc<AppState>>) -> Shown {
    let members = schema::members(&*node.view())?;
    let columns @ [name, in_roles, district, stands, since, account] = [
        text("Name"),
        text("Roles"),
        number("District"),
        text("Standing"),
        number("Since height"),
        text("Account"),
    ];
    let content = html! {
        h1 { "Members" }
        p .lead { "Who belongs to the consortium, and in which roles. More than two thirds of those with the role consortium decide on changes." }
        (verify::panel(&pages::MEMBERS, ""))
        div .scroll tabindex="0" role="region" aria-label="Members" { table .sortable .cards {
            caption { (members.len()) " members" }
            (head(columns))
            tbody { @for one in &members { tr id=(one.account) {
                td .wide data-label=(name) data-proof={ "member-" (one.account) ".name" } data-value=(one.name) { (one.name) }
                td data-label=(in_roles) data-proof={ "member-" (one.account) ".roles" } data-value=(one.roles.names(", ")) { (one.roles.names(", ")) }
                td .n data-label=(district) data-proof={ "member-" (one.account) ".district" } data-value=[one.district] { @if let Some(id) = one.district { a href={ "/districts/" (id) } { (id) } } }
                td data-label=(stands) data-proof={ "member-" (one.account) ".standing" } data-value=(one.standing.name()) { (one.standing.name()) }
                td .n data-label=(since) data-proof={ "member-" (one.account) ".since" } data-value=(one.since) { (one.since) }
                td .wide data-label=(account) { (whole(&one.account)) }
            } } }
        } }
        (register(&pages::MEMBERS, members.len()))
    };
    Ok(shell::page(&node, &pages::MEMBERS, content))
}
