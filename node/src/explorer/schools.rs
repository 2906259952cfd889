//! Schools, and one with its pools and how its students fared.

use std::sync::Arc;

use aula_ledger::state::schema;
use aula_ledger::types::SchoolId;
use axum::extract::State;
use maud::html;

use super::districts::in_rounds;
use super::error::{PageError, Shown};
use super::pools;
use super::shell::{self, column, exports};
use super::words::explained;
use crate::api::{FromPath, Node};
use crate::read::places;

pub(super) async fn list(State(node): State<Arc<Node>>) -> Shown {
    let schools = schema::schools(&*node.view())?;
    let content = html! {
        h1 { "Schools" }
        div .scroll tabindex="0" role="region" aria-label="Schools" { table .sortable {
            caption { (schools.len()) " schools" }
            thead { tr { (column("School", true)) (column("District", true)) (column("Type", false)) } }
            tbody { @for one in &schools { tr {
                td .n { a href={ "/schools/" (one.id) } { (one.id) } }
                td .n { a href={ "/districts/" (one.district) } { (one.district) } }
                td { (one.school_type) }
            } } }
        } }
        (exports("schools", schools.len()))
    };
    Ok(shell::page(&node, "/schools", "Schools", content))
}

pub(super) async fn show(State(node): State<Arc<Node>>, FromPath(id): FromPath<u32>) -> Shown {
    let figures = places::school(&node.view(), SchoolId(id))?
        .ok_or_else(|| PageError::missing(format!("school {id}"), "/schools"))?;
    let content = html! {
        h1 { "School " (id) }
        dl .facts {
            dt { "District" } dd { a href={ "/districts/" (figures.school.district) } { (figures.district_name) } }
            dt { "Type" } dd { (figures.school.school_type) }
        }
        (in_rounds(&figures.rounds, "school", id))
        h2 { "Its pools" }
        (pools::table(&figures.pools))
        p .exports { a href={ "/v1/schools/" (id) } { "JSON" } }
        (explained(&["round", "pool", "withheld"]))
    };
    Ok(shell::page(&node, "/schools", &format!("School {id}"), content))
}
