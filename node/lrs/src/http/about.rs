//! The resources `about`, `activities` and `agents`.

use axum::http::Method;

use super::Here;
use super::answer::{Answer, Fault};
use super::asked::Asked;
use crate::clients::Need;
use crate::json::{self, Json};
use crate::statements::{Given, agent_of};
use crate::validate::{self, IDENTIFIERS};

/// Every version that is spoken.
const VERSIONS: [&str; 5] = ["1.0.0", "1.0.1", "1.0.2", "1.0.3", "2.0.0"];

pub(super) fn about(asked: &Asked) -> Result<Answer, Fault> {
    read_only(asked)?;
    Given::new(&asked.query, &[])?;
    let versions = VERSIONS.map(Json::text).to_vec();
    Ok(Answer::json(&Json::object([("version", Json::Array(versions))])))
}

pub(super) fn activity(at: &Here<'_>, asked: &Asked) -> Result<Answer, Fault> {
    read_only(asked)?;
    at.may(Need::ReadProfile)?;
    let given = Given::new(&asked.query, &["activityId"])?;
    let id = given.iri("activityId")?.ok_or(Fault::bad("the parameter activityId is missing"))?;
    let known = at.service.desk.store().activity(&id)?;
    let mut found = Json::object([("objectType", Json::text("Activity")), ("id", Json::Text(id))]);
    if let (Some(known), Some(object)) = (known, found.as_object_mut()) {
        object.set("definition", known);
    }
    Ok(Answer::json(&found))
}

/// A person as far as this store may say: the agent that was asked for. It does not put identifiers together.
pub(super) fn agent(at: &Here<'_>, asked: &Asked) -> Result<Answer, Fault> {
    read_only(asked)?;
    at.may(Need::ReadProfile)?;
    let given = Given::new(&asked.query, &["agent"])?;
    let text = given.get("agent").ok_or(Fault::bad("the parameter agent is missing"))?;
    agent_of(text, validate::agent)?;
    let agent = json::read(text.as_bytes())?;
    let mut person = Json::object([("objectType", Json::text("Person"))]);
    for key in ["name"].iter().chain(&IDENTIFIERS) {
        if let (Some(value), Some(object)) = (agent.get(key), person.as_object_mut()) {
            object.set(key, Json::Array(vec![value.clone()]));
        }
    }
    Ok(Answer::json(&person))
}

fn read_only(asked: &Asked) -> Result<(), Fault> {
    match asked.method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Fault::Method("GET, HEAD")),
    }
}
