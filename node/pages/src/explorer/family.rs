//! The families' pages: one for everybody, where a file that the district handed over is checked in the reader's own
//! browser, and one that a district's link opens, about one student and nobody else.
//!
//! A file never leaves the browser: there is no upload. Nothing is looked up by a handle, so that nobody learns here
//! whether a student has one. A link is checked on every request ([`AppState::family`]); its token is in no log (routes are
//! counted by their pattern), no cache keeps its answers, and no page it opens sends it on (`Referrer-Policy`).

use std::sync::Arc;

use aula_ledger::access::{AccessEntry, Verdict};
use aula_ledger::names::FieldName;
use aula_ledger::types::RoundId;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::error::Shown;
use super::shell;
use super::spoken::{self, Say};
use super::table::{head, number, text};
use super::verify;
use super::words::{explained_in, word};
use aula_read::family::{OwnDecision, OwnParts, OwnPlace, Reason, decisions};
use aula_read::utc;
use aula_web::api::allocation_bundle;
use aula_web::api::vault::Reads;
use aula_web::api_error::ApiError;
use aula_web::http::places::blocking;
use aula_web::http::{AppState, FromPath, FromQuery};
use aula_web::lang::{Lang, LangQuery};
use aula_web::pages;

/// Places beside the one given that are told in a sentence each.
const IN_SENTENCES: usize = 4;
/// Reads shown on a family's page.
const MAX_READS: usize = 100;
/// What no cache may keep.
const PRIVATE: HeaderValue = HeaderValue::from_static("no-store, private");

/// The page of a link: the decisions on its student.
pub(super) async fn opened(
    State(node): State<Arc<AppState>>,
    FromPath(token): FromPath<String>,
    FromQuery(asked): FromQuery<LangQuery>,
    headers: HeaderMap,
) -> Shown {
    let lang = asked.lang(&headers);
    let said = |say: Say| say.said(lang);
    let link = node.family(&token)?;
    let Ok(permit) = node.exports.clone().try_acquire_owned() else { return Err(busy().into()) };
    let reader = node.clone();
    let (year, student) = (link.school_year, (link.district, link.handle));
    let found = blocking(move || {
        let _permit = permit;
        decisions(&reader.view(), year, student)
    });
    let found = found.await;
    let found = found.map_err(|_| busy())??;
    // The vault may be in use, or another node's: then the page says so, and the decisions stand all the same.
    let reads = aula_web::api::vault::reads(node.clone(), link.clone()).await;
    let (year, district) = (link.school_year.to_string(), link.district.to_string());
    let content = html! {
        h1 { (said(Say::ChildsDecisions)) }
        p .lead { (Say::ChildsLead.with(lang, &[&year, &district, &utc(link.expires_ms)])) }
        @if found.is_empty() { p { (said(Say::NoDecision)) } }
        @for one in &found { (decision(&token, one, lang)) }
        (looked(reads, lang))
        p { (said(Say::WhatElse)) }
        (explained_in(lang, &["round", "price", "optimal", "mandate", "final"]))
    };
    let mut page = shell::spoken(&node, &pages::DECISIONS, (lang, said(Say::ChildsDecisions)), content);
    page.headers_mut().insert(header::CACHE_CONTROL, PRIVATE);
    Ok(page)
}

/// Who looked at the child's record, for what and on which basis, newest first.
fn looked(reads: Result<Reads, ApiError>, lang: Lang) -> Markup {
    let said = |say: Say| say.said(lang);
    html! {
        section #reads {
            h2 { (said(Say::Looked)) }
            p { (said(Say::LookedLead)) }
            @match reads {
                Err(_) => p { (said(Say::NotNow)) },
                Ok(reads) => {
                    @if reads.entries.is_empty() { p { (said(Say::Nobody)) } }
                    ul { @for entry in reads.entries.iter().rev().take(MAX_READS) { li {
                        (read_by(entry, lang))
                        @if entry.number < reads.anchored { "." } @else { (said(Say::NotYet)) }
                    } } }
                    @if reads.entries.len() > MAX_READS {
                        p { (Say::Older.with(lang, &[&(reads.entries.len() - MAX_READS).to_string()])) }
                    }
                }
            }
        }
    }
}

/// One look in words.
fn read_by(entry: &AccessEntry, lang: Lang) -> String {
    let relation =
        entry.relation.as_ref().map(|one| format!(" {}", spoken::relation(one, lang))).unwrap_or_default();
    let basis = entry.basis.map(|basis| format!(" ({}, {})", basis.name(), spoken::basis(basis, lang)));
    let (role, purpose) = spoken::term(entry, lang);
    let values = [
        &utc(entry.time_ms.0),
        entry.reader.as_str(),
        &role,
        &relation,
        &purpose,
        &basis.unwrap_or_default(),
    ];
    let field = |name: &FieldName| name.to_string().replace('_', " ").replace(':', ": ");
    let fields = entry.fields.iter().map(field).collect::<Vec<_>>().join(", ");
    let told = match entry.verdict {
        Verdict::Granted => Say::Given.with(lang, &[&fields]),
        Verdict::Denied(denial) => Say::Refused.with(lang, &[&fields, spoken::denial(denial, lang)]),
    };
    Say::ReadBy.with(lang, &values) + &told
}

fn decision(token: &str, one: &OwnDecision, lang: Lang) -> Markup {
    let (block, round) = (one.height.to_string(), one.round.to_string());
    html! {
        section {
            h2 { (one.title) }
            p { strong { (decided(&one.parts, lang)) } @if !one.stands { (Say::Fell.said(lang)) } }
            p { (asked(&one.parts, lang)) }
            h3 { (Say::Why.said(lang)) }
            (why(&one.parts, lang))
            p { (Say::DecidedIn.said(lang)) a href={ "/blocks/" (block) } { (Say::InBlock.with(lang, &[&block])) } (Say::InRound.said(lang))
                a href={ "/rounds/" (round) } { (Say::RoundN.with(lang, &[&round])) } "." }
            (verify::panel_in(lang, &pages::DECISIONS, format!("{token}/{round}"), Say::ThisDecision.said(lang)))
        }
    }
}

fn decided(parts: &OwnParts, lang: Lang) -> String {
    match &parts.placed {
        None => Say::Waits.said(lang).to_owned(),
        Some((place, choice)) => {
            Say::Placed.with(lang, &[&place.kind, &place.school.to_string(), &choice.to_string()])
        }
    }
}

fn asked(parts: &OwnParts, lang: Lang) -> String {
    let mandate = if parts.mandated { Say::Mandated.said(lang) } else { "" };
    let wishes = parts.wishes.join(Say::Then.said(lang));
    Say::Asked.with(lang, &[&wishes, &parts.band.to_string(), mandate, &parts.home_school.to_string()])
}

/// Why it is so: what is said of the place given, then of the others that would have been better, the best first: some in sentences, all
/// further ones in a table that opens.
fn why(parts: &OwnParts, lang: Lang) -> Markup {
    let (given, others) = parts.reasons.split_at(parts.reasons.len().min(1));
    let (near, more) = others.split_at(others.len().min(IN_SENTENCES));
    let said = |say: Say| say.said(lang);
    let columns @ [offered, better, dearer, band] = [
        text(said(Say::PlaceHead)),
        number(said(Say::BetterBy)),
        number(said(Say::DearerBy)),
        number(said(Say::BandHead)),
    ];
    html! {
        @for one in given { p { (sentence(one, lang)) } }
        @if !near.is_empty() {
            ul { @for one in near { li { (sentence(one, lang)) } } }
            p .soft { (said(Say::Points)) }
        }
        @if !more.is_empty() { details {
            summary { (Say::MorePlaces.with(lang, &[&more.len().to_string()])) }
            div .scroll tabindex="0" role="region" aria-label=(said(Say::Why)) { table .sortable .cards {
                (head(columns))
                tbody { @for (place, reason) in more { tr {
                    td .wide data-label=(offered) { (name(place.as_ref(), lang)) }
                    @for (column, figure) in [better, dearer, band].into_iter().zip(figures(*reason)) { td .n data-label=(column) { (figure) } }
                } } }
            } }
        } }
    }
}

fn name(place: Option<&OwnPlace>, lang: Lang) -> String {
    match place {
        None => Say::Waiting.said(lang).to_owned(),
        Some(place) => Say::PlaceAt.with(lang, &[&place.kind, &place.school.to_string()]),
    }
}

fn sentence((place, reason): &(Option<OwnPlace>, Reason), lang: Lang) -> String {
    let place = name(place.as_ref(), lang);
    match reason {
        Reason::Best => Say::Best.with(lang, &[&place]),
        Reason::OffBy(by) => Say::OffBy.with(lang, &[&place, &by.to_string()]),
        Reason::AsGood => Say::AsGood.with(lang, &[&place]),
        Reason::Better(by, dearer, band) => {
            let better = Say::Better.with(lang, &[&place, &by.to_string(), &dearer.to_string()]);
            let band = band.map(|band| Say::BandNeeded.with(lang, &[&band.to_string()]));
            [Some(better), band].into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
    }
}

/// By how much a place was better and dearer, and the band that would be needed; as good is equal in both.
fn figures(reason: Reason) -> [String; 3] {
    let (better, dearer, band) = match reason {
        Reason::Best | Reason::AsGood => ("=".to_owned(), "=".to_owned(), None),
        Reason::OffBy(by) => (format!("−{by}"), "=".to_owned(), None),
        Reason::Better(by, dearer, band) => (by.to_string(), dearer.to_string(), band),
    };
    [better, dearer, band.map_or_else(|| "–".to_owned(), |band| band.to_string())]
}

/// The bundle behind a decision, for the page of a link.
pub(super) async fn bundle(
    State(node): State<Arc<AppState>>,
    FromPath((token, round)): FromPath<(String, u32)>,
) -> Result<Response, ApiError> {
    let link = node.family(&token)?;
    let mut answer = allocation_bundle(&node, RoundId(round), (link.district, link.handle)).await?;
    answer.headers_mut().insert(header::CACHE_CONTROL, PRIVATE);
    Ok(answer.into_response())
}

fn busy() -> ApiError {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    ApiError::new(status, "busy", "as many pages of this kind as may are being made", "try again in a moment")
}

pub(super) async fn show(
    State(node): State<Arc<AppState>>,
    FromQuery(query): FromQuery<LangQuery>,
    headers: HeaderMap,
) -> Shown {
    let lang = query.lang(&headers);
    let said = |say: Say| say.said(lang);
    let content = html! {
        h1 { (said(Say::Families)) }
        p .lead { (said(Say::FamiliesLead)) (word("price", said(Say::Prices))) (said(Say::OfThis)) (word("round", said(Say::Round))) (said(Say::NoOther)) }
        (verify::file_panel(lang, said(Say::DistrictsFile), said(Say::CheckTheFile)))
        h2 { (said(Say::Ask)) }
        ul {
            li { (said(Say::AskFile)) (word("withheld", said(Say::NobodyElse))) (said(Say::NobodyElseAfter)) }
            li { (said(Say::AskWhatIf)) }
            li { (said(Say::AskReads)) }
        }
        h2 { (said(Say::IfWrong)) }
        p { (said(Say::IfWrongHow)) }
        (explained_in(lang, &["round", "price", "withheld", "optimal", "mandate", "final"]))
    };
    Ok(shell::spoken(&node, &pages::FAMILY, (lang, said(Say::Families)), content))
}

#[cfg(test)]
mod tests {
    use aula_ledger::types::SchoolId;

    use super::*;
    use crate::explorer::table::misplaced;

    #[test]
    fn of_many_places_a_few_are_told_in_sentences_and_each_is_named_once() {
        let place = |school| Some(OwnPlace { kind: "reading".into(), school: SchoolId(school) });
        let better = |school: u32| (place(school), Reason::Better(9_000 + i64::from(school), 9_500, None));
        let mut parts = OwnParts {
            wishes: vec!["reading".into()],
            band: 5,
            mandated: false,
            home_school: SchoolId(1),
            placed: None,
            reasons: std::iter::once((None, Reason::Best)).chain((101..=180).map(better)).collect(),
        };
        parts.reasons.push((place(181), Reason::Better(1, 2, Some(8))));
        for (lang, _) in Lang::ALL {
            let told = why(&parts, lang).into_string();
            assert_eq!(told.matches("<li>").count(), IN_SENTENCES, "{told}");
            assert_eq!(told.matches("<tr>").count(), 1 + 81 - IN_SENTENCES);
            assert!((101..=181).all(|school| told.matches(&format!(" {school}")).count() == 1), "{told}");
            assert!(told.contains(">8</td></tr>"), "{told}");
            assert_eq!(misplaced(&told), Vec::<String>::new());
        }
        // A place that is the best needs no other.
        parts.reasons.truncate(1);
        let told = why(&parts, Lang::En).into_string();
        assert_eq!(told, "<p>Waiting is the best place at these prices.</p>");
    }
}
