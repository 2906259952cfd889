//! What a node serves: the HTTP API and the explorer's pages, behind one gate.
//!
//! Flow: [`site`] puts [`api`] and [`explorer`] behind the gate of [`http`]; both read typed rows (`aula-read`) from one view
//! of the database (`aula-store`). Nothing here changes the node, and nothing here decides what is valid: what it needs of
//! consensus it asks through [`http::Network`], which the program implements.

pub mod api;
pub mod api_error;
mod assets;
pub mod dashboard;
pub mod explorer;
pub mod family_link;
pub mod hours;
pub mod http;
mod lang;
pub mod pages;
pub mod qr;
pub mod site;

use aula_home::{clock, config, whole_file};
use aula_read as read;
use aula_store as storage;
