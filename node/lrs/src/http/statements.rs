//! The resource `statements`.

use aula_foreign::form::encoded;
use axum::http::{Method, StatusCode};
use bytes::Bytes;

use super::Here;
use super::answer::{Answer, Fault};
use super::asked::Asked;
use crate::attachments;
use crate::clients::{Leave, Need};
use crate::desk::{Incoming, Page, Sender, now_us};
use crate::json::{self, Json};
use crate::limits::{MAX_BATCH, MAX_STATEMENT_BYTES};
use crate::statements::{FROM, Format, Given, Languages, Query, Which, id_of, shown};
use crate::time::Stamp;
use crate::validate;

pub(super) fn serve(at: &Here<'_>, asked: &Asked) -> Result<Answer, Fault> {
    match asked.method {
        Method::PUT => put(at, asked),
        Method::POST => post(at, asked),
        Method::GET | Method::HEAD => {
            // Taken before the store is asked: what is stored from here on may be missing. On refusals too.
            let through = Stamp::from_micros(now_us()).to_utc();
            let mut answer = get(at, asked).unwrap_or_else(Answer::from);
            answer.set("x-experience-api-consistent-through", through);
            Ok(answer)
        }
        _ => Err(Fault::Method("GET, HEAD, POST, PUT")),
    }
}

fn put(at: &Here<'_>, asked: &Asked) -> Result<Answer, Fault> {
    at.may(Need::WriteStatements)?;
    let given = Given::new(&asked.query, &["statementId"])?;
    let id = given.uuid("statementId")?.ok_or(Fault::bad("the parameter statementId is missing"))?;
    let (bytes, parts) = body(asked)?;
    let mut body = json::read(&bytes)?;
    let object = body.as_object_mut().ok_or(Fault::bad("PUT takes one statement"))?;
    match object.get("id").map(|own| own.as_text().map(id_of)) {
        None => object.set("id", Json::text(&id)),
        Some(own) if own.as_deref() == Some(id.as_str()) => {}
        Some(_) => return Err(Fault::bad("the statement's id is not the parameter statementId")),
    }
    take(at, vec![Sent { statement: body, bytes: bytes.len(), raw: None }], parts)?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn post(at: &Here<'_>, asked: &Asked) -> Result<Answer, Fault> {
    at.may(Need::WriteStatements)?;
    Given::new(&asked.query, &[])?;
    let (bytes, parts) = body(asked)?;
    let items = json::read_items(&bytes)?;
    if items.len() > MAX_BATCH {
        return Err(Fault::Bad(format!("more than {MAX_BATCH} statements: send less at once")));
    }
    let mut statements = Vec::with_capacity(items.len());
    for (statement, range) in items {
        statements.push(Sent { statement, bytes: range.len(), raw: Some(bytes.slice(range)) });
    }
    let ids = take(at, statements, parts)?;
    Ok(Answer::json(&Json::Array(ids.into_iter().map(Json::Text).collect())))
}

/// The bytes of a body's statements, and the parts after them.
fn body(asked: &Asked) -> Result<(Bytes, Vec<attachments::Attachment>), Fault> {
    let content_type = asked.header("content-type").unwrap_or_default();
    match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => Ok((asked.body.clone(), Vec::new())),
        "multipart/mixed" => {
            let boundary = attachments::boundary_of(content_type)?;
            let (statements, parts) = attachments::read(&asked.body, &boundary)?;
            Ok((asked.body.slice_ref(statements), parts))
        }
        _ => Err(Fault::bad("send statements as application/json, or multipart/mixed with attachments")),
    }
}

/// A statement as it was sent.
struct Sent {
    statement: Json,
    /// How long its text is.
    bytes: usize,
    /// Its text, where it stands in the request as it is.
    raw: Option<Bytes>,
}

fn take(at: &Here<'_>, sent: Vec<Sent>, parts: Vec<attachments::Attachment>) -> Result<Vec<String>, Fault> {
    for (place, one) in sent.iter().enumerate() {
        validate::statement(&one.statement, at.version).map_err(|refused| match sent.len() {
            1 => Fault::Bad(refused.to_string()),
            _ => Fault::Bad(format!("statement {place}: {refused}")),
        })?;
        if one.bytes > MAX_STATEMENT_BYTES {
            return Err(Fault::TooLarge(MAX_STATEMENT_BYTES));
        }
    }
    let (statements, raws): (Vec<Json>, Vec<Option<Bytes>>) =
        sent.into_iter().map(|one| (one.statement, one.raw)).unzip();
    let attached = attachments::matched(&statements, parts)?;
    let all = statements.into_iter().zip(attached).zip(raws);
    let incoming =
        all.map(|((statement, attachments), raw)| Incoming { statement, attachments, raw }).collect();
    let authority = at.authority();
    let sender = Sender { client: &at.client.name, authority: &authority, version: at.version };
    Ok(at.service.desk.take(incoming, sender)?)
}

fn get(at: &Here<'_>, asked: &Asked) -> Result<Answer, Fault> {
    let leave = at.may(Need::ReadStatements)?;
    let only = (leave == Leave::Mine).then_some(at.client.name.as_str());
    let query = Query::parse(&asked.query)?;
    let languages = Languages::parse(asked.header("accept-language").unwrap_or_default());
    let (page, is_one) = match &query.which {
        Which::One(id) => (only_one(at.service.desk.one(at.reader(), id, false, only)?)?, true),
        Which::Voided(id) => (only_one(at.service.desk.one(at.reader(), id, true, only)?)?, true),
        Which::Many(filter) => (at.service.desk.find(at.reader(), filter, only)?, false),
    };
    let body = written(at, asked, &page, is_one, query.format, &languages)?;
    let mut answer = if query.attachments {
        let places = page.statements.iter().map(|(place, _)| *place);
        let attached = at.service.desk.attachments(places)?;
        let (content_type, body) = attachments::write(&body.to_string(), &attached);
        Answer::bytes(content_type, body)
    } else {
        Answer::json(&body)
    };
    if let Some(newest) = page.statements.iter().map(|(place, _)| *place).max() {
        answer.set("last-modified", http_date(newest));
    }
    Ok(answer)
}

fn only_one(found: Option<(u64, Json)>) -> Result<Page, Fault> {
    let found = found.ok_or(Fault::NotFound("no statement of this id".into()))?;
    Ok(Page { statements: vec![found], more: None })
}

fn written(
    at: &Here<'_>,
    asked: &Asked,
    page: &Page,
    is_one: bool,
    format: Format,
    languages: &Languages,
) -> Result<Json, Fault> {
    let mut broken = None;
    let mut definition = |id: &str| {
        at.service.desk.store().activity(id).unwrap_or_else(|error| {
            broken = Some(error);
            None
        })
    };
    let mut list: Vec<Json> =
        page.statements.iter().map(|(_, body)| shown(body, format, languages, &mut definition)).collect();
    if let Some(error) = broken {
        return Err(error.into());
    }
    if is_one {
        return list.pop().ok_or(Fault::NotFound("no statement of this id".into()));
    }
    let more = page.more.map_or(String::new(), |from| {
        let own = asked.query.iter().filter(|(name, _)| name != FROM);
        let query: String =
            own.map(|(name, value)| format!("{}={}&", encoded(name), encoded(value))).collect();
        format!("{}?{query}{FROM}={from}", asked.whole_path)
    });
    Ok(Json::object([("statements", Json::Array(list)), ("more", Json::Text(more))]))
}

/// A date as HTTP writes it (RFC 9110, 5.6.7), of microseconds since 1970.
pub(super) fn http_date(micros: u64) -> String {
    let since = std::time::Duration::from_micros(micros);
    httpdate::fmt_http_date(std::time::UNIX_EPOCH.checked_add(since).unwrap_or(std::time::UNIX_EPOCH))
}
