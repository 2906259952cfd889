//! The resources of documents: `activities/state`, `activities/profile`, `agents/profile`.

use axum::http::{Method, StatusCode};

use super::Here;
use super::answer::{Answer, Fault};
use super::asked::Asked;
use super::statements::http_date;
use crate::clients::Need;
use crate::desk::{Papers, Which};
use crate::documents::{Conditions, Demand, Key, Kind, Shelf};
use crate::json::Json;
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_ID_BYTES};
use crate::statements::{Given, agent_of};
use crate::validate;
use crate::validate::text::is_media_type;
use crate::version::Version;

/// Where a request points: a shelf, and on it a document or all of a registration.
struct Place {
    shelf: Shelf,
    registration: Option<String>,
    id: Option<String>,
    since_us: Option<u64>,
    demand: Demand,
}

pub(super) fn state(at: &Here<'_>, asked: &Asked) -> Result<Answer, Fault> {
    at.may(if reads(asked) { Need::ReadState } else { Need::WriteState })?;
    let given = Given::new(&asked.query, &["activityId", "agent", "registration", "stateId", "since"])?;
    let shelf = Shelf { kind: Kind::State, activity: Some(activity(&given)?), agent: Some(agent(&given)?) };
    // 1.0.3 leaves a state to whoever writes last; 2.0 guards it like a profile.
    let demand = if at.version == Version::Two { Demand::Named } else { Demand::Free };
    let registration = given.uuid("registration")?;
    let place =
        Place { shelf, registration, id: id(&given, "stateId")?, since_us: since(&given, asked)?, demand };
    if asked.method == Method::DELETE && place.id.is_none() {
        at.service.desk.clear(&place.shelf, place.registration.as_deref())?;
        return Ok(Answer::empty(StatusCode::NO_CONTENT));
    }
    serve(at, asked, place, "stateId")
}

pub(super) fn activity_profile(at: &Here<'_>, asked: &Asked) -> Result<Answer, Fault> {
    at.may(if reads(asked) { Need::ReadProfile } else { Need::WriteProfile })?;
    let given = Given::new(&asked.query, &["activityId", "profileId", "since"])?;
    let shelf = Shelf { kind: Kind::ActivityProfile, activity: Some(activity(&given)?), agent: None };
    serve(at, asked, profile(at, shelf, &given, asked)?, "profileId")
}

pub(super) fn agent_profile(at: &Here<'_>, asked: &Asked) -> Result<Answer, Fault> {
    at.may(if reads(asked) { Need::ReadProfile } else { Need::WriteProfile })?;
    let given = Given::new(&asked.query, &["agent", "profileId", "since"])?;
    let shelf = Shelf { kind: Kind::AgentProfile, activity: None, agent: Some(agent(&given)?) };
    serve(at, asked, profile(at, shelf, &given, asked)?, "profileId")
}

fn profile(at: &Here<'_>, shelf: Shelf, given: &Given<'_>, asked: &Asked) -> Result<Place, Fault> {
    let (id, since_us) = (id(given, "profileId")?, since(given, asked)?);
    let demand = if at.version == Version::Two { Demand::Named } else { Demand::Always };
    Ok(Place { shelf, registration: None, id, since_us, demand })
}

fn reads(asked: &Asked) -> bool {
    matches!(asked.method, Method::GET | Method::HEAD)
}

fn activity(given: &Given<'_>) -> Result<String, Fault> {
    given.iri("activityId")?.ok_or(Fault::bad("the parameter activityId is missing"))
}

fn agent(given: &Given<'_>) -> Result<String, Fault> {
    let text = given.get("agent").ok_or(Fault::bad("the parameter agent is missing"))?;
    Ok(agent_of(text, validate::actor)?)
}

fn id(given: &Given<'_>, name: &'static str) -> Result<Option<String>, Fault> {
    match given.get(name) {
        Some(id) if id.is_empty() || id.len() > MAX_ID_BYTES => {
            Err(Fault::Bad(format!("{name} is a string of 1 to {MAX_ID_BYTES} bytes")))
        }
        id => Ok(id.map(str::to_owned)),
    }
}

/// `since` belongs to lists alone.
fn since(given: &Given<'_>, asked: &Asked) -> Result<Option<u64>, Fault> {
    let since_us = given.stamp("since")?;
    match since_us.is_some() && !reads(asked) {
        true => Err(Fault::bad("since goes with lists only")),
        false => Ok(since_us),
    }
}

fn serve(at: &Here<'_>, asked: &Asked, place: Place, name: &str) -> Result<Answer, Fault> {
    let Place { shelf, registration, id, since_us, demand } = place;
    let desk = &at.service.desk;
    let missing = || Fault::Bad(format!("the parameter {name} is missing"));
    let key = |id| Key { shelf: shelf.clone(), registration: registration.clone(), id };
    let conditions = Conditions {
        matches: asked.header("if-match").map(str::to_owned),
        none_matches: asked.header("if-none-match").map(str::to_owned),
    };
    let which = match asked.method {
        Method::GET | Method::HEAD => {
            let Some(id) = id else {
                let (ids, newest) = desk.list(at.reader(), &shelf, registration.as_deref(), since_us)?;
                let mut answer = Answer::json(&Json::Array(ids.into_iter().map(Json::Text).collect()));
                if let Some(newest) = newest {
                    answer.set("last-modified", http_date(newest));
                }
                return Ok(answer);
            };
            let found = desk.document(at.reader(), &key(id))?;
            let found = found.ok_or(Fault::NotFound("no such document".into()))?;
            let (tag, updated_us) = (found.tag(), found.updated_us);
            let mut answer = Answer::bytes(found.content_type, found.bytes);
            answer.set("etag", tag);
            answer.set("last-modified", http_date(updated_us));
            return Ok(answer);
        }
        Method::DELETE => {
            desk.remove(key(id.ok_or_else(missing)?), &conditions)?;
            return Ok(Answer::empty(StatusCode::NO_CONTENT));
        }
        Method::PUT => Which::Put,
        Method::POST => Which::Post,
        _ => return Err(Fault::Method("GET, HEAD, POST, PUT, DELETE")),
    };
    let demand = if which == Which::Put { demand } else { Demand::Free };
    desk.write(key(id.ok_or_else(missing)?), papers(asked)?, which, &conditions, demand)?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn papers(asked: &Asked) -> Result<Papers, Fault> {
    if asked.body.len() > MAX_DOCUMENT_BYTES {
        return Err(Fault::TooLarge(MAX_DOCUMENT_BYTES));
    }
    let content_type = asked.header("content-type").unwrap_or("application/octet-stream").to_owned();
    match is_media_type(&content_type) {
        true => Ok(Papers { content_type, bytes: asked.body.to_vec() }),
        false => Err(Fault::bad("the Content-Type is not a media type")),
    }
}
