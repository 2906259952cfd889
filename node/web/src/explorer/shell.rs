//! What all pages share: head, navigation, footer, tables' small parts, and the headers of the answer.

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::assets::{self, VERIFIER_SHA256};
use super::labels;
use crate::http::Node;
use crate::pages::{Group, PAGES, Page};
use crate::read::ranges::Span;
use crate::read::utc;
use crate::read::words::grouped;

/// What a page may load and run: this origin only, and the verifier's WebAssembly.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A page of this node.
pub(super) fn page(node: &Node, path: &str, title: &str, content: Markup) -> Response {
    let tip = node.view().tip();
    let chain = node.genesis.chain_id.to_string();
    let body = html! {
        body data-next=(tip.height.0 + 1) data-path=(path) {
            a .skip href="#content" { "To the content" }
            header {
                p .brand { a href="/" { "Aula" } }
                p .chain { "Chain " strong { (chain) } " " span #live .badge role="status" { "as of height " (tip.height) } }
                (search_form(""))
            }
            (navigation(path))
            main #content { (content) }
            (footer(&node.genesis.sha256.to_string()))
        }
    };
    answer(document(&format!("{title} · Aula {chain}"), body))
}

/// A page without a node's figures: for errors.
pub(super) fn bare(title: &str, content: Markup) -> Response {
    answer(document(
        title,
        html! { body {
            header { p .brand { a href="/" { "Aula" } } (search_form("")) }
            (navigation(""))
            main #content { (content) }
        } },
    ))
}

fn document(title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href=(assets::address("explorer.css"));
                link rel="icon" href="data:,";
                script src=(assets::address("explorer.js")) defer {}
            }
            (body)
        }
    }
}

fn answer(markup: Markup) -> Response {
    let policy = (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    (
        [policy, (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))],
        Html(labels::labelled(&markup.into_string())),
    )
        .into_response()
}

/// The search field.
pub(super) fn search_form(text: &str) -> Markup {
    html! {
        form role="search" action="/search" method="get" {
            label .hidden for="q" { "Search" }
            input #q name="q" type="search" value=(text) maxlength="200" placeholder="height, hash, district, school 11, round 3";
            button type="submit" { "Search" }
        }
    }
}

fn navigation(path: &str) -> Markup {
    let here = |address: &str| match address {
        "/" => path == "/",
        other => path == other || path.strip_prefix(other).is_some_and(|rest| rest.starts_with('/')),
    };
    let of = |group| {
        PAGES.iter().filter_map(move |page| {
            page.listed.filter(|(of, _)| *of == group).map(|(_, name)| (page.address, name))
        })
    };
    html! {
        nav .pages aria-label="Pages" { @for group in Group::ALL { div {
            p { (group.name()) }
            ul { @for (address, name) in of(group) { li {
                @if here(address) { a href=(address) aria-current="page" { (name) } } @else { a href=(address) { (name) } }
            } } }
        } } }
    }
}

fn footer(genesis: &str) -> Markup {
    html! {
        footer {
            p {
                "For programs: " a href="/openapi.json" { "API description" } ", " a href="/v1/status" { "status" } ", "
                a href="/metrics" { "metrics" } ". Whole registers: the links \"CSV\" and \"JSON\" on their pages."
            }
            p {
                "These pages are one node's word; " a href="/verify" { "verify" } " checks them in your own browser. SHA-256 of the "
                a href="/v1/genesis" { "genesis" } ": " code #genesis-sha256 { (genesis) } "; of the verifier: "
                code #verifier-sha256 { (*VERIFIER_SHA256) } ". Compare both with the published ones: a lying node would serve its own."
            }
        }
    }
}

/// Links to the exports of a page's register, with its rows counted.
pub(super) fn register(page: &Page, rows: usize) -> Markup {
    html! { @if let Some(register) = page.export { (exports(register, rows)) } }
}

/// Links to a register's exports, with its rows counted.
pub(super) fn exports(register: &str, rows: usize) -> Markup {
    html! {
        p .exports {
            (grouped(rows as u64)) " rows in all: "
            a href={ "/v1/export/" (register) ".csv" } { "CSV" } ", " a href={ "/v1/export/" (register) ".json" } { "JSON" }
        }
    }
}

/// A withheld count as the numbers between which it lies; a dash where not even those are published.
pub(super) fn span(span: Option<Span>) -> String {
    match span {
        None => "–".into(),
        Some(Span { low, high }) if low == high => grouped(low.into()),
        Some(Span { low, high }) => format!("{}–{}", grouped(low.into()), grouped(high.into())),
    }
}

/// A price in points, thousands apart; none is that of a floor which cannot be raised.
pub(super) fn price(points: Option<i64>) -> String {
    let sign = |points: i64| if points < 0 { "−" } else { "" };
    points.map_or_else(
        || "unbounded".into(),
        |points| format!("{}{}", sign(points), grouped(points.unsigned_abs())),
    )
}

/// A count, or a dash where it is withheld.
pub(super) fn count(n: Option<impl Into<u64>>) -> Markup {
    match n {
        Some(n) => html! { (grouped(n.into())) },
        None => html! { span .withheld title="withheld: it could point at a student" { "–" } },
    }
}

/// A head cell of a column that the script makes sortable.
pub(super) fn column(title: &str, numbers: bool) -> Markup {
    html! { th scope="col" .n[numbers] { (title) } }
}

/// The first digits of a hash; the whole one is what is copied.
pub(super) fn short(hash: &str) -> Markup {
    html! { code title=(hash) { (hash.get(..12).unwrap_or(hash)) } }
}

/// A hash or address in full, which may break where it must.
pub(super) fn whole(hash: &impl std::fmt::Display) -> Markup {
    html! { code .whole { (hash) } }
}

/// A moment, kept on one line.
pub(super) fn moment(time_ms: u64) -> Markup {
    html! { time { (utc(time_ms)) } }
}

/// Parts per million as a share with three decimals.
pub(super) fn share(ppm: u64) -> String {
    format!("{}.{:03}", ppm / 1_000_000, ppm % 1_000_000 / 1_000)
}

/// Parts per million as per cent with one decimal.
pub(super) fn percent(ppm: u64) -> String {
    format!("{}.{} %", ppm / 10_000, ppm % 10_000 / 1_000)
}

/// Links to the newest and the next page of a list.
pub(super) fn pager(newest: &str, next: Option<String>) -> Markup {
    html! {
        nav .pager aria-label="Older and newer" {
            a href=(newest) { "Newest" }
            @match next {
                Some(next) => { a rel="next" href=(next) { "Older" } }
                None => { span { "This is the first." } }
            }
        }
    }
}
