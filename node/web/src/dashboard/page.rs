//! The page around the parts, and the headers that keep it from everybody else.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::parts::{Granted, Key, Part};
use super::render::{self, ABOUT};
use super::session::{Grant, Token};
use super::words::{Lang, Word};
use crate::assets;
use aula_vault::access::ReaderRole;

/// What the page may load and do: this origin only; who may frame it is filled in.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors ";

/// What keeps an open dashboard up to date.
pub(super) const SCRIPT: &str = "dashboard.mjs";

/// Everything that the page says.
pub(super) struct Shown<'a> {
    pub grant: &'a Grant,
    pub granted: &'a Granted,
    pub name: Option<&'a str>,
    pub epoch: u64,
    pub seq: u64,
    pub parts: &'a [(Key, Part)],
    pub token: &'a Token,
    /// Whether the page itself holds the session, because it stands in another site's frame, where cookies are not sent.
    pub bearer: bool,
    pub lang: Lang,
}

/// Headers without which nothing about a student leaves.
pub(super) fn private(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, private"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow, noarchive"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Language, Cookie"));
}

/// A whole document with its script. `framed_by` is the one origin that may frame it.
pub(super) fn answer(
    lang: Lang,
    title: &str,
    (script, body): (&str, Markup),
    framed_by: Option<&str>,
) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang=(lang.tag()) dir=(lang.direction()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex, nofollow";
                title { (title) " · Aula" }
                link rel="stylesheet" href=(assets::address("dashboard.css"));
                link rel="icon" href="data:,";
                script type="module" src=(assets::address(script)) {}
            }
            body { (body) }
        }
    };
    let mut response = Html(document.into_string()).into_response();
    let policy = format!("{POLICY}{}", framed_by.unwrap_or("'none'"));
    // An origin was parsed as one: it is a header's value.
    let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    private(response.headers_mut());
    response
}

/// The whole page, as it is before its socket sends anything.
pub(super) fn whole(shown: &Shown<'_>, framed_by: Option<&str>) -> Response {
    let Shown { grant, granted, lang, .. } = *shown;
    let as_whom = match grant.role {
        ReaderRole::Student => Word::AsStudent,
        ReaderRole::Family => Word::AsFamily,
        _ => Word::AsTeacher,
    };
    let title = Word::Title.said(lang);
    let address = format!("/s/of/{}", shown.token.name());
    let said = |word: Word| word.said(lang);
    let body = html! {
        a .skip href="#content" { (said(Word::Skip)) }
        header {
            p .brand { "Aula" }
            p #state role="status" data-live=(said(Word::Live)) data-paused=(said(Word::Paused)) data-ended=(said(Word::Ended)) {}
            @if !shown.bearer { nav aria-label=(said(Word::LanguageLabel)) { @for (other, name) in Lang::ALL {
                @if other == lang { span aria-current="true" { (name) } }
                @else { a href={ (address) "?lang=" (other.tag()) } hreflang=(other.tag()) lang=(other.tag()) { (name) } }
            } } }
        }
        main #content data-live={ (address) "/live" } data-lang=(lang.tag()) data-epoch=(shown.epoch) data-seq=(shown.seq)
            data-bearer=[shown.bearer.then(|| shown.token.expose())] {
            h1 { (title) @if let Some(name) = shown.name { ": " (name) } }
            p .lead { (as_whom.with(lang, &[grant.reader.as_str()])) " " (said(Word::Listed)) }
            (sections(shown))
            @if granted.inspects() { (wrong(shown, &address)) }
            // A frame has no cookie, which alone opens the file.
            @if granted.inspects() && !shown.bearer { section {
                h2 { (said(Word::Record)) }
                p { (said(Word::RecordLead)) }
                p { a href={ (address) "/record" } download="record.json" { (said(Word::RecordFile)) } }
            } }
        }
    };
    answer(lang, title, (SCRIPT, body), framed_by)
}

fn sections(shown: &Shown<'_>) -> Markup {
    let (granted, lang) = (shown.granted, shown.lang);
    let said = |word: Word| word.said(lang);
    let of = |place: &str| -> Vec<Markup> {
        let own = shown
            .parts
            .iter()
            .filter(|(key, part)| render::place(*key) == place && granted.shows(*key, Some(part)));
        let mut own: Vec<&(Key, Part)> = own.collect();
        if place == "moves" {
            let at = |part: &Part| if let Part::Move(one) = part { one.at_ms } else { 0 };
            own.sort_by_key(|(_, part)| std::cmp::Reverse(at(part)));
        }
        own.into_iter().map(|(key, part)| render::part(*key, part, lang)).collect()
    };
    let put = |place: &str| html! { @for one in of(place) { (one) } };
    html! {
        @if granted.has("skill:all") {
            section { h2 { (said(Word::NextSteps)) } div #next-place { (put("next-place")) } }
            section {
                h2 { (said(Word::Mastery)) }
                p { (said(Word::MasteryLead)) }
                div .scroll tabindex="0" role="region" aria-label=(said(Word::Mastery)) { table {
                    thead { tr { @for word in [Word::Unit, Word::Level, Word::Sure, Word::Answers, Word::Stage] { th scope="col" { (said(word)) } } } }
                    tbody #units { (put("units")) }
                } }
                div #more-place { (put("more-place")) }
            }
            section { h2 { (said(Word::Moves)) } ol #moves reversed { (put("moves")) } }
        }
        @if granted.has("engagement") || granted.has("attendance") {
            section { h2 { (said(Word::Trends)) } p { (said(Word::TrendsLead)) } div #trends { (put("trends")) } }
        }
        @if granted.has("resources") {
            section {
                h2 { (said(Word::Resources)) }
                div .scroll tabindex="0" role="region" aria-label=(said(Word::Resources)) { table {
                    thead { tr { @for word in [Word::Resource, Word::Uses, Word::Minutes, Word::UsedShare, Word::LastUsed] { th scope="col" { (said(word)) } } } }
                    tbody #resources { (put("resources")) }
                } }
                // Shown while the table has no row.
                p .none { (said(Word::NoResource)) }
            }
        }
        @if granted.has("intervention:all") {
            section { h2 { (said(Word::Support)) } div #support-place { (put("support-place")) } }
        }
        @if granted.has("placement") {
            section {
                h2 { (said(Word::Decisions)) }
                @if of("decisions").is_empty() { p { (said(Word::NoDecision)) } }
                ul #decisions { (put("decisions")) }
            }
        }
    }
}

/// The form that says what is wrong, and what became of what was said before.
fn wrong(shown: &Shown<'_>, address: &str) -> Markup {
    let lang = shown.lang;
    let said = |word: Word| word.said(lang);
    let own = shown.parts.iter().filter(|(key, _)| matches!(key, Key::Correction(_)));
    html! {
        section {
            h2 { (said(Word::Wrong)) }
            p { (said(Word::WrongLead)) }
            ul #corrections { @for (key, part) in own { (render::part(*key, part, lang)) } }
            form method="post" action={ (address) "/wrong?lang=" (lang.tag()) } {
                @if shown.bearer { input type="hidden" name="token" value=(shown.token.expose()); }
                p { label for="about" { (said(Word::WrongAbout)) } br;
                    select #about name="about" { @for (name, word) in ABOUT { option value=(name) { (said(word)) } } } }
                p { label for="says" { (said(Word::WrongSays)) } br;
                    textarea #says name="says" rows="4" maxlength="2000" required {} }
                p { button type="submit" { (said(Word::Send)) } }
            }
        }
    }
}
