//! The checks, one after another.

use serde_json::Value;

use super::nested;
use super::{Check, Form, Issuer, Options, Report};
use crate::credentials::issuer::{self, Found, NoKey, Trust};
use crate::credentials::json::{id_of, many};
use crate::credentials::jsonld::{self, LdError};
use crate::credentials::keys::Key;
use crate::credentials::limits::MAX_NESTED;
use crate::credentials::proof::{self, ProofError, Suite};
use crate::credentials::schema::{self, Kind};
use crate::credentials::status::{self, Status};
use crate::credentials::time::Moment;

/// Schemas whose rules [`schema`] holds.
const KNOWN_SCHEMAS: [&str; 2] = [
    "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/",
    "https://purl.imsglobal.org/spec/clr/v2p0/schema/json/",
];

/// Judges a credential and those inside it.
pub(super) struct Judge<'a> {
    pub(super) options: &'a Options<'a>,
    /// How many more credentials are judged.
    pub(super) left: usize,
}

/// None: no proof held.
type Signer = Option<(Key, Trust)>;

impl<'a> Judge<'a> {
    pub(super) const fn new(options: &'a Options<'a>) -> Self {
        Self { options, left: MAX_NESTED }
    }

    /// The whole judgment of what the reader gave.
    pub(super) fn report(&mut self, form: &Form) -> Report {
        let (mut checks, signer, issuer) = self.own(form);
        let (status, check) = self.status(form.credential(), issuer.as_deref(), signer.as_ref());
        checks.push(check);
        checks.extend(nested::checks(self, form.credential(), 0));
        let trust = signer.as_ref().map(|(_, trust)| *trust);
        if trust == Some(Trust::SelfAsserted) {
            let detail = "self-asserted: the credential brings its own key, which shows that nobody changed it, not who made it";
            let check = if self.options.require_trusted { Check::no } else { Check::yes };
            checks.insert(0, check("trust", detail));
        }
        let failed = checks.iter().find(|c| !c.ok && !c.unknown).or_else(|| checks.iter().find(|c| !c.ok));
        let valid = failed.is_none();
        let reason = match (failed, trust) {
            (Some(check), _) => format!("{}: {}", check.name, check.detail),
            (None, Some(Trust::SelfAsserted)) => {
                "self-asserted: unchanged since it was signed, by whom is not shown".to_owned()
            }
            (None, _) => format!("signed by {}", issuer.as_deref().unwrap_or_default()),
        };
        let key = signer.map(|(key, _)| key.text());
        Report { valid, reason, issuer: Issuer { id: issuer, key, trust }, status, checks }
    }

    /// Form, context, schema, key, signature and dates.
    pub(super) fn own(&mut self, form: &Form) -> (Vec<Check>, Signer, Option<String>) {
        let credential = form.credential();
        let mut checks = Vec::new();
        match schema::check(credential) {
            Ok(kind) => checks.push(Check::yes("form", kind.name())),
            Err(complaints) => checks.push(Check::no("form", complaints)),
        }
        checks.extend(self.foreign_schemas(credential));
        checks.push(self.context(credential));
        let issuer = credential.get("issuer").and_then(id_of).map(str::to_owned);
        let signer = match &issuer {
            None => {
                checks.push(Check::no("key", "it names no issuer"));
                None
            }
            Some(issuer) => match form {
                Form::Embedded(_) => self.proofs(credential, issuer, &mut checks),
                Form::Token(token, _) => {
                    let found = match token.key_id() {
                        Some(name) if token.own_key().is_none() => {
                            issuer::find(name, issuer, self.options.pins, self.options.sources)
                        }
                        _ => issuer::find_carried(token.own_key(), issuer, self.options.pins),
                    };
                    if let Err(error) = token.form().and_then(|()| token.agrees(credential)) {
                        checks.push(Check::no("token", error.to_string()));
                    }
                    signed(found, &mut checks, |key| match token.check(key) {
                        Ok(()) => Ok("the token's signature is the key's".to_owned()),
                        Err(error) => Err((error.to_string(), false)),
                    })
                }
            },
        };
        checks.push(self.dates(form));
        (checks, signer, issuer)
    }

    /// Schemas of others cannot be had.
    fn foreign_schemas(&self, credential: &Value) -> Option<Check> {
        let foreign = many(credential.get("credentialSchema")).iter().filter_map(id_of).find(|id| {
            let known = KNOWN_SCHEMAS.iter().any(|start| id.starts_with(start));
            !known
        })?;
        Some(Check::unknown("schema", format!("the schema {foreign} is not one whose rules are known here")))
    }

    fn context(&self, credential: &Value) -> Check {
        match jsonld::to_rdf(credential, self.options.contexts) {
            Ok(_) => Check::yes("context", "every term is defined by a pinned context"),
            Err(error @ LdError::Invalid(_)) => Check::no("context", error.to_string()),
            Err(error) => Check::unknown("context", error.to_string()),
        }
    }

    fn proofs(&self, credential: &Value, issuer: &str, checks: &mut Vec<Check>) -> Signer {
        let all = proof::proofs(credential);
        let asserts =
            |one: &&Value| one.get("proofPurpose").is_some_and(|purpose| purpose == "assertionMethod");
        let known: Vec<&Value> = all.iter().filter(asserts).filter(|one| Suite::of(one).is_some()).collect();
        if known.is_empty() {
            let asserted = all.iter().any(|one| asserts(&one));
            checks.push(match all.len() {
                0 => Check::no("signature", "it has no proof"),
                _ if !asserted => Check::no("signature", "no proof is for assertionMethod"),
                _ => Check::unknown("signature", "no proof is of a suite that is known here"),
            });
            return None;
        }
        let mut best: Signer = None;
        for one in known {
            let name = Suite::of(one).map(Suite::name).unwrap_or_default();
            if let Some(check) = self.proof_dates(one) {
                checks.push(check);
            }
            let found = match one.get("verificationMethod").and_then(Value::as_str) {
                Some(method) => issuer::find(method, issuer, self.options.pins, self.options.sources),
                None => Err(NoKey::Wrong("the proof names no verification method".to_owned())),
            };
            let signer = signed(found, checks, |key| {
                match proof::check(credential, one, key, self.options.contexts) {
                    Ok(()) => Ok(format!("the {name} proof is the key's")),
                    Err(ProofError::Document(error)) if !matches!(error, LdError::Invalid(_)) => {
                        Err((error.to_string(), true))
                    }
                    Err(error) => Err((format!("{name}: {error}"), false)),
                }
            });
            // Trust declares itself in order: pinned is least, self-asserted greatest.
            let rank = |signer: &Signer| signer.as_ref().map_or(u8::MAX, |(_, trust)| *trust as u8);
            if rank(&signer) < rank(&best) {
                best = signer;
            }
        }
        best
    }

    fn proof_dates(&self, one: &Value) -> Option<Check> {
        for name in ["created", "expires"] {
            let Some(value) = one.get(name) else { continue };
            match value.as_str().and_then(Moment::parse) {
                None => {
                    return Some(Check::no("dates", format!("the proof's {name} is not a date and time")));
                }
                Some(end) if name == "expires" && end < self.options.at => {
                    return Some(Check::no("dates", format!("the proof expired at {}", end.text())));
                }
                Some(_) => {}
            }
        }
        None
    }

    fn dates(&self, form: &Form) -> Check {
        let credential = form.credential();
        let of = |names: [&str; 2]| -> Vec<Moment> {
            let texts = names.iter().filter_map(|name| credential.get(*name).and_then(Value::as_str));
            texts.filter_map(Moment::parse).collect()
        };
        let mut starts = of(["validFrom", "issuanceDate"]);
        let mut ends = of(["validUntil", "expirationDate"]);
        if let Form::Token(token, _) = form
            && let Ok((start, end)) = token.period()
        {
            starts.extend(start);
            ends.extend(end);
        }
        let at = self.options.at;
        let (start, end) = (starts.into_iter().max(), ends.into_iter().min());
        match (start, end) {
            (Some(start), _) if start > at => {
                Check::no("dates", format!("it is valid only from {}", start.text()))
            }
            (_, Some(end)) if end < at => Check::no("dates", format!("it was valid until {}", end.text())),
            (_, Some(end)) => Check::yes("dates", format!("valid until {}", end.text())),
            _ => Check::yes("dates", "valid without an end"),
        }
    }

    pub(super) fn status(
        &mut self,
        credential: &Value,
        issuer: Option<&str>,
        signer: Option<&(Key, Trust)>,
    ) -> (Status, Check) {
        let unknown = |why: String| (Status::Unknown, Check::unknown("status", why));
        let entries = match status::entries(credential) {
            Ok(entries) => entries,
            Err(error) => return unknown(error.to_string()),
        };
        if entries.is_empty() {
            return (
                Status::Good,
                Check::yes("status", "it names no status list: its issuer cannot revoke it"),
            );
        }
        let mut worst = Status::Good;
        for entry in entries {
            match self.list(&entry, issuer, signer) {
                Ok(Status::Revoked) => worst = Status::Revoked,
                Ok(Status::Suspended) if worst == Status::Good => worst = Status::Suspended,
                Ok(_) => {}
                Err(why) => return unknown(why),
            }
        }
        let check = match worst {
            Status::Revoked => Check::no("status", "its issuer revoked it"),
            Status::Suspended => Check::no("status", "its issuer suspended it"),
            _ => Check::yes("status", "its issuer's list says that it stands"),
        };
        (worst, check)
    }

    /// What a list says, once it is judged itself.
    fn list(
        &mut self,
        entry: &status::Entry,
        issuer: Option<&str>,
        signer: Option<&(Key, Trust)>,
    ) -> Result<Status, String> {
        let url = &entry.list;
        let bytes = self.options.sources.status_list(url)?;
        let bytes =
            bytes.ok_or_else(|| format!("the status list {url} cannot be had: give it with --status"))?;
        let form = Form::read(&bytes).map_err(|error| format!("the status list {url}: {error}"))?;
        if Kind::of(form.credential()) != Some(Kind::StatusList) {
            return Err(format!("what was given for {url} is not a status list"));
        }
        let (checks, list_signer, list_issuer) = self.own(&form);
        if let Some(failed) = checks.iter().find(|check| !check.ok) {
            return Err(format!("the status list {url} does not hold: {}: {}", failed.name, failed.detail));
        }
        if list_issuer.as_deref() != issuer {
            return Err(format!("the status list {url} is by another issuer"));
        }
        // Anybody can sign a list with a key that the list brings: it must be the key that signed the credential.
        let same = signer.zip(list_signer.as_ref()).is_some_and(|((own, _), (theirs, _))| own == theirs);
        let trusted = list_signer.is_some_and(|(_, trust)| trust != Trust::SelfAsserted);
        if !same && !trusted {
            return Err(format!("the status list {url} brings a key that is not the credential's"));
        }
        status::look_up(form.credential(), entry).map_err(|error| error.to_string())
    }
}

/// Tells the key and the signature; who signed, if it holds. The closure's error says whether nobody can tell.
fn signed(
    found: Result<Found, NoKey>,
    checks: &mut Vec<Check>,
    verify: impl Fn(&Key) -> Result<String, (String, bool)>,
) -> Signer {
    let found = match found {
        Ok(found) => found,
        Err(NoKey::Wrong(why)) => {
            checks.push(Check::no("key", why));
            return None;
        }
        Err(NoKey::Missing(why)) => {
            checks.push(Check::unknown("key", why));
            return None;
        }
    };
    let how = match found.trust {
        Trust::Pinned => "the reader pinned it",
        Trust::Resolved => "the issuer's document has it",
        Trust::DidKey => "the issuer's id is the key",
        Trust::SelfAsserted => "the credential brings it",
    };
    let note = found.note.map(|note| format!(" ({note})")).unwrap_or_default();
    checks.push(Check::yes("key", format!("{how}{note}")));
    let mut told = Check::unknown("signature", "there is no key to check it with");
    for key in found.keys {
        match verify(&key) {
            Ok(detail) => {
                checks.push(Check::yes("signature", detail));
                return Some((key, found.trust));
            }
            Err((why, true)) => told = Check::unknown("signature", why),
            Err((why, false)) => told = Check::no("signature", why),
        }
    }
    checks.push(told);
    None
}
