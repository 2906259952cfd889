//! The explorer's pages, and the site that they make with the API.
//!
//! Flow: [`site`] puts the routes of `aula-web` and of [`explorer`] behind one gate; the program hands it to the node that it starts, so that
//! nothing below has to be compiled when a page changes. Absent: the registry of pages (`aula_web::pages`), which gate and rights go by, and
//! dashboards of students, which the node's feeds drive (`aula_web::dashboard`).

pub mod explorer;
pub mod site;
