//! What a node serves but the explorer: the HTTP API, students' dashboards, and the gate that all requests pass.
//!
//! Flow: `aula-pages` puts [`api`], [`dashboard`] and its own pages behind the gate of [`http`]; all read typed rows (`aula-read`) from one
//! view of the database (`aula-store`). [`pages`] is the registry of all pages, which gate and rights go by; what each shows stands above. Nothing here changes the node, and nothing here decides what is valid: what it needs of
//! consensus it asks through [`http::Network`], which the program implements.

pub mod api;
pub mod api_error;
pub mod assets;
pub mod consortia;
pub mod dashboard;
pub mod family_link;
pub mod hours;
pub mod http;
pub mod lang;
pub mod pages;
pub mod qr;
