//! Documents: state, activity profiles and agent profiles. Keys, merging, tags and preconditions.

use ring::digest;

use crate::json::{self, Json};

#[cfg(test)]
mod tests;

/// Which kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// State of an activity for an agent.
    State,
    /// Of an activity, for whoever does it.
    ActivityProfile,
    /// Of an agent, whatever it does.
    AgentProfile,
}

/// Where documents lie together: what a list lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shelf {
    /// Which of activity and agent are there follows from it.
    pub kind: Kind,
    /// The activity, of state and activity profiles.
    pub activity: Option<String>,
    /// The agent's identifier, of state and agent profiles.
    pub agent: Option<String>,
}

/// A document's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Where it lies.
    pub shelf: Shelf,
    /// The registration, of state that has one.
    pub registration: Option<String>,
    /// Its identifier: of the state, or of the profile.
    pub id: String,
}

/// What one key holds, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Media type as it was sent.
    pub content_type: String,
    /// As they were sent, or as merging JSON gave them.
    pub bytes: Vec<u8>,
    /// When it was written, in microseconds since 1970.
    pub updated_us: u64,
}

impl Document {
    /// The entity tag: SHA-1 of the bytes in hexadecimal, in quotes, as xAPI 1.0.3 asks (Communication 3.1).
    pub fn tag(&self) -> String {
        format!("\"{}\"", hex::encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.bytes)))
    }

    /// The moment after it was written, in microseconds since 1970.
    pub const fn after(&self) -> u64 {
        self.updated_us.saturating_add(1)
    }

    fn is_json(&self) -> bool {
        self.content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .eq_ignore_ascii_case("application/json")
    }
}

/// The conditions of a request (RFC 9110, 13.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `If-Match`.
    pub matches: Option<String>,
    /// `If-None-Match`.
    pub none_matches: Option<String>,
}

/// Why a document is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// A condition does not hold.
    #[error(
        "the document is not the one that the condition names: read it again, and send its ETag as If-Match"
    )]
    Failed,
    /// There is a document, and the request does not say that it knows it.
    #[error(
        "there is a document: read it, and send its ETag as If-Match, or If-None-Match: * to write only a new one"
    )]
    Unconditional,
    /// There is none, and the request does not say that it knows that.
    #[error("send If-None-Match: * to write a new document, or If-Match with the ETag of the one to replace")]
    Silent,
}

/// Whether a write must say what it replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Every write says what it expects (profiles of 1.0.3).
    Always,
    /// A document is replaced only by who names it.
    Named,
    /// Conditions count when they are given.
    Free,
}

/// Checks the conditions of a write against what is there.
///
/// # Errors
/// [`Unmet`].
pub fn permitted(conditions: &Conditions, found: Option<&Document>, demand: Demand) -> Result<(), Unmet> {
    let tag = found.map(Document::tag);
    let named = |list: &str| {
        let own = |part: &str| Some(part.trim().trim_start_matches("W/")) == tag.as_deref();
        list.trim() == "*" && tag.is_some() || list.split(',').any(own)
    };
    if conditions.matches.as_deref().is_some_and(|list| !named(list)) {
        return Err(Unmet::Failed);
    }
    if conditions.none_matches.as_deref().is_some_and(named) {
        return Err(Unmet::Failed);
    }
    let silent = conditions.matches.is_none() && conditions.none_matches.is_none();
    match (demand, found) {
        (Demand::Always | Demand::Named, Some(_)) if silent => Err(Unmet::Unconditional),
        (Demand::Always, None) if silent => Err(Unmet::Silent),
        _ => Ok(()),
    }
}

/// Why documents are not merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmergeable {
    /// What is there is not a JSON object.
    #[error(
        "the document there is not a JSON object, so that nothing can be merged into it: PUT replaces it"
    )]
    There,
    /// What is sent is not a JSON object.
    #[error("only a JSON object sent as application/json is merged into a document: PUT replaces it")]
    Sent,
    /// What is sent is not JSON.
    #[error("the document: {0}")]
    Malformed(#[from] json::ReadError),
}

/// The document that a POST makes: what is sent, its members set in what is there.
///
/// # Errors
/// [`Unmergeable`].
pub fn merged(found: Option<Document>, sent: Document) -> Result<Document, Unmergeable> {
    let Some(found) = found else {
        // What says that it is JSON must be it, so that later ones can be merged.
        if sent.is_json() {
            json::read(&sent.bytes)?;
        }
        return Ok(sent);
    };
    let object = |document: &Document| match document.is_json() {
        true => json::read(&document.bytes).map(|json| json.as_object().cloned()),
        false => Ok(None),
    };
    let Some(mut whole) = object(&found)? else { return Err(Unmergeable::There) };
    let Some(new) = object(&sent)? else { return Err(Unmergeable::Sent) };
    for (key, value) in new.iter() {
        whole.set(key, value.clone());
    }
    Ok(Document { bytes: Json::Object(whole).to_string().into_bytes(), ..sent })
}
