//! Whether a credential has the form of its standard: Open Badges 3.0 (Appendix B), CLR 2.0, VC Data Model 1.1 and 2.0,
//! Bitstring Status List 1.0.
//!
//! `classes` is the standards' data model as a table, written from their text; [`check`] walks a credential along it. A
//! property that the table does not know is left alone here: whether it is signed is [`super::jsonld`]'s question.

mod classes;
mod values;

use serde_json::Value;

use super::contexts::{CREDENTIALS_V1, CREDENTIALS_V2};
use super::json::{has_type, many};

/// What a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An Open Badge.
    Achievement,
    /// What somebody says of an achievement, an issuer or a learner.
    Endorsement,
    /// A Comprehensive Learner Record.
    Clr,
    /// A Bitstring Status List, which others' status entries point into.
    StatusList,
}

/// Most complaints that are told.
const MOST_TOLD: usize = 5;

impl Kind {
    /// By its types.
    pub fn of(credential: &Value) -> Option<Self> {
        let is = |name: &str| has_type(credential, name);
        match () {
            () if !is("VerifiableCredential") => None,
            () if is("OpenBadgeCredential") || is("AchievementCredential") => Some(Self::Achievement),
            () if is("EndorsementCredential") => Some(Self::Endorsement),
            () if is("ClrCredential") => Some(Self::Clr),
            () if is("BitstringStatusListCredential") => Some(Self::StatusList),
            () => None,
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Achievement => "an Open Badges 3.0 credential",
            Self::Endorsement => "an Open Badges 3.0 endorsement",
            Self::Clr => "a CLR 2.0 credential",
            Self::StatusList => "a Bitstring Status List credential",
        }
    }

    /// What its contexts begin with, after the base context of its data model.
    const fn contexts(self) -> &'static [&'static [&'static str]] {
        const OB: &[&str] = &[
            "https://purl.imsglobal.org/spec/ob/v3p0/",
            "https://imsglobal.github.io/openbadges-specification/",
        ];
        const CLR: &[&str] = &["https://purl.imsglobal.org/spec/clr/v2p0/"];
        match self {
            Self::Achievement | Self::Endorsement => &[OB],
            Self::Clr => &[CLR, OB],
            Self::StatusList => &[],
        }
    }
}

/// What is wrong with a credential's form; nothing when it is sound.
pub fn check(credential: &Value) -> Result<Kind, String> {
    let Some(kind) = Kind::of(credential) else {
        let types = credential.get("type").unwrap_or(&Value::Null);
        return Err(format!(
            "its type {types} is neither an Open Badge, an endorsement, a CLR nor a status list"
        ));
    };
    let mut complaints = Vec::new();
    contexts(credential, kind, &mut complaints);
    let class = match kind {
        Kind::Achievement => &classes::ACHIEVEMENT_CREDENTIAL,
        Kind::Endorsement => &classes::ENDORSEMENT_CREDENTIAL,
        Kind::Clr => &classes::CLR_CREDENTIAL,
        Kind::StatusList => &classes::STATUS_LIST_CREDENTIAL,
    };
    values::object(credential, class, "", &mut complaints);
    dates(credential, &mut complaints);
    complaints.truncate(MOST_TOLD);
    if complaints.is_empty() { Ok(kind) } else { Err(complaints.join("; ")) }
}

/// Whether it is of VC Data Model 2.0; 1.1 names its dates otherwise.
pub fn is_v2(credential: &Value) -> bool {
    many(credential.get("@context")).first().is_some_and(|first| first == CREDENTIALS_V2)
}

fn contexts(credential: &Value, kind: Kind, complaints: &mut Vec<String>) {
    let list = match credential.get("@context") {
        Some(Value::Array(list)) => list.as_slice(),
        _ => return complaints.push("@context is not a list".to_owned()),
    };
    match list.first().and_then(Value::as_str) {
        Some(CREDENTIALS_V1 | CREDENTIALS_V2) => {}
        _ => complaints.push(format!("its first context is not {CREDENTIALS_V2}")),
    }
    for (i, starts) in kind.contexts().iter().enumerate() {
        let url = list.get(i + 1).and_then(Value::as_str).unwrap_or_default();
        if !starts.iter().any(|start| url.starts_with(start)) {
            complaints.push(format!("its context {} is not one of {}", i + 2, starts[0]));
        }
    }
}

fn dates(credential: &Value, complaints: &mut Vec<String>) {
    let (own, other) =
        if is_v2(credential) { ("validFrom", "issuanceDate") } else { ("issuanceDate", "validFrom") };
    let open = has_type(credential, "BitstringStatusListCredential");
    if credential.get(own).is_none() && !open {
        complaints.push(format!("{own} is missing"));
    }
    if own == "validFrom" && credential.get(other).is_some() {
        complaints.push(format!("{other} belongs to another version of the data model"));
    }
}

#[cfg(test)]
mod tests;
