//! What all pages share: head, navigation, footer, tables' small parts, and the headers of the answer.

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::assets::{self, VERIFIER_SHA256};
use super::spoken::Say;
use aula_api::paths;
use aula_read::ranges::Span;
use aula_read::utc;
use aula_read::words::grouped;
use aula_web::http::AppState;
use aula_web::lang::Lang;
use aula_web::pages::{Group, Name, PAGES, Page};

/// What a page may load and run: this origin only, and the verifier's WebAssembly.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A page of this node, as its line of the registry says.
pub(super) fn page(node: &AppState, page: &Page, content: Markup) -> Response {
    titled(node, page, page.title, content)
}

/// A page whose title varies.
pub(super) fn titled(node: &AppState, page: &Page, title: &str, content: Markup) -> Response {
    page_in(node, page, (Lang::En, title), content)
}

/// A page of this node in a reader's language, with the way to the others.
pub(super) fn spoken(node: &AppState, page: &Page, (lang, title): (Lang, &str), content: Markup) -> Response {
    let choice = html! {
        nav .chips aria-label=(Say::Language.said(lang)) { ul { @for (other, name) in Lang::ALL { li {
            @if other == lang { a href={ "?lang=" (other.tag()) } aria-current="true" lang=(other.tag()) { (name) } }
            @else { a href={ "?lang=" (other.tag()) } hreflang=(other.tag()) lang=(other.tag()) { (name) } }
        } } } }
    };
    let mut response = page_in(node, page, (lang, title), html! { (choice) (content) });
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-language, accept-encoding"));
    response
}

fn page_in(node: &AppState, page: &Page, (lang, title): (Lang, &str), content: Markup) -> Response {
    let tip = node.view().tip();
    let chain = node.genesis.chain_id.to_string();
    let said = |say: Say| say.said(lang);
    let body = html! {
        body data-next=(tip.height.0 + 1) {
            a .skip href="#content" { (said(Say::ToContent)) }
            header {
                p .brand { a href="/" { "Aula" } }
                p .chain data-copy=(said(Say::Copy)) data-copied=(said(Say::Copied)) data-refused=(said(Say::NotCopied)) {
                    (said(Say::Chain)) " " strong { (chain) } " "
                    span #live .badge role="status" data-live=(said(Say::Live)) data-newer=(said(Say::Newer)) data-lost=(said(Say::Lost)) {
                        (said(Say::AsOf)) " " (tip.height)
                    }
                }
                (search_in(lang, ""))
            }
            (navigation(page.address, lang))
            main #content { (content) }
            (footer(&node.genesis.sha256.to_string(), lang))
        }
    };
    answer(document(lang, &format!("{title} · Aula {chain}"), body))
}

/// A page without a node's figures: for errors.
pub(super) fn bare(title: &str, content: Markup) -> Response {
    answer(document(
        Lang::En,
        title,
        html! { body {
            header { p .brand { a href="/" { "Aula" } } (search_form("")) }
            (navigation("", Lang::En))
            main #content { (content) }
        } },
    ))
}

fn document(lang: Lang, title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(lang.tag()) dir=(lang.direction()) {
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
    ([policy, (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], Html(markup.into_string()))
        .into_response()
}

/// The search field.
pub(super) fn search_form(text: &str) -> Markup {
    search_in(Lang::En, text)
}

fn search_in(lang: Lang, text: &str) -> Markup {
    html! {
        form role="search" action="/search" method="get" {
            label .hidden for="q" { (Say::Search.said(lang)) }
            input #q name="q" type="search" value=(text) maxlength="200" placeholder=(Say::SearchWhat.said(lang));
            button type="submit" { (Say::Search.said(lang)) }
        }
    }
}

/// The navigation on the page at an address: of a page that others lead to, the list above it is marked.
fn navigation(at: &str, lang: Lang) -> Markup {
    let here = |address: &str| match address {
        "/" => at == "/",
        other => at == other || at.strip_prefix(other).is_some_and(|rest| rest.starts_with('/')),
    };
    let of = |group| {
        PAGES.iter().filter_map(move |page| {
            let named = |(_, name): (Group, Name)| (page.address, name.said(lang));
            page.listed.filter(|(of, _)| *of == group).map(named)
        })
    };
    html! {
        nav .pages aria-label=(Say::Pages.said(lang)) { @for group in Group::ALL { div {
            p { (group.name().said(lang)) }
            ul { @for (address, name) in of(group) { li {
                @if here(address) { a href=(address) aria-current="page" { (name) } } @else { a href=(address) { (name) } }
            } } }
        } } }
    }
}

fn footer(genesis: &str, lang: Lang) -> Markup {
    let said = |say: Say| say.said(lang);
    html! {
        footer {
            p {
                (said(Say::ForPrograms)) a href=(paths::DESCRIPTION) { (said(Say::Description)) } ", " a href=(paths::STATUS) { (said(Say::Status)) } ", "
                a href=(paths::METRICS) { (said(Say::Metrics)) } ". "
                @if lang == Lang::En { "Whole registers: the links \"CSV\" and \"JSON\" on their pages." } @else { (said(Say::English)) }
            }
            p {
                (said(Say::OneWord)) a href="/verify" { (said(Say::VerifyLink)) } (said(Say::ChecksThem))
                a href=(paths::GENESIS) { (said(Say::Genesis)) } ": " code #genesis-sha256 { (genesis) } (said(Say::OfVerifier))
                code #verifier-sha256 { (*VERIFIER_SHA256) } (said(Say::Compare))
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
            a href=(paths::export(format_args!("{register}.csv"))) { "CSV" } ", " a href=(paths::export(format_args!("{register}.json"))) { "JSON" }
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

/// A count of a round that may not be decided: such a round has none, and nothing of it is withheld.
pub(super) fn once_decided(decided: bool, n: Option<impl Into<u64>>) -> Markup {
    if decided {
        count(n)
    } else {
        html! { "–" }
    }
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
