//! `aula vault get`: one read, decided by the access check and listed in the log before anything is printed.

use std::path::{Path, PathBuf};

use aula_home::keys::{KeyKind, NodeKey};
use aula_ledger::access::{AccessEntry, Denial};
use aula_ledger::credential::Credential;
use aula_ledger::names::{FieldName, Term};
use aula_ledger::types::Handle;
use aula_vault::access::{DataClass, Given, ReadError, ReadRequest};
use clap::Args;
use serde_json::{Map, Value, json};

use super::super::evidence::act::Act;
use super::super::{Advise, Context, Failure, Outcome, given};
use super::{Place, handle, now_ms, refused};

/// Arguments of `aula vault get`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula vault get HANDLE --fields name,attendance --credential reader.txt\n  aula vault get HANDLE \
                        --fields band,placement --class resource_allocation --purpose resource_allocation\n\nPersonal data goes to \
                        teachers, counselors and administrators, for educational_necessity, with the family's consent, and then only \
                        the fields that the role needs; to a teacher of a section or a counselor of a school that the roster has for \
                        the student (aula vault roster). Exit 1 when it is denied; denials are listed in the log too, those of strangers counted. If the log \
                        cannot be written nothing is read (exit 2)."
)]
pub struct GetArgs {
    /// The student's pseudonym, 64 hex digits
    pub handle: String,
    /// The fields, joined by commas, 1 to 64; `events` stands for all events
    #[arg(long, value_delimiter = ',', required = true, value_name = "NAME,…")]
    pub fields: Vec<String>,
    /// A file with the reader's credential, or - for standard input [default for allocation data: the
    /// district's own key, as its operator]
    #[arg(long, env = "AULA_VAULT_CREDENTIAL_FILE", value_name = "FILE")]
    pub credential: Option<PathBuf>,
    /// The class of data: FERPA_PII or resource_allocation
    #[arg(long, default_value = "FERPA_PII", value_name = "CLASS")]
    pub class: String,
    /// For what: educational_necessity, resource_allocation, audit_evaluation, institutional_service or evidence_opening
    #[arg(long, default_value = "educational_necessity", value_name = "PURPOSE")]
    pub purpose: String,
}

/// Asks the access check, which lists the read, and prints what it grants.
///
/// # Errors
/// When the request is not well formed, the log cannot be written, or the vault is damaged.
pub fn run(context: &Context, place: &Place, args: &GetArgs) -> Result<Outcome, Failure> {
    let hint = "see `aula vault get --help`";
    let term = |text: &str| Term::new(text).advise("the class or purpose is not a valid word", hint);
    let fields: Result<Vec<FieldName>, _> = args.fields.iter().map(|text| FieldName::new(text)).collect();
    let mut request = ReadRequest {
        credential: args.credential.as_deref().map(credential).transpose()?,
        handle: handle(&args.handle)?,
        class: term(&args.class)?,
        purpose: term(&args.purpose)?,
        fields: fields.advise("a field's name is not valid", hint)?,
    };
    let vault = place.open(context)?;
    let key = NodeKey::of_home(&context.home, KeyKind::Account)?;
    if request.credential.is_none() && DataClass::parse(&args.class) == Some(DataClass::ResourceAllocation) {
        request.credential = Some(Act::look().credential(&vault, &key)?);
    }
    match vault.read(&request, &key.public(), now_ms()) {
        Ok(given) => Ok(granted(&given)),
        Err(ReadError::Denied(denial, entry)) => Ok(denied(denial, request.handle, Some(&entry))),
        Err(ReadError::Stranger(denial)) => Ok(denied(denial, request.handle, None)),
        Err(ReadError::Vault(error)) => Err(refused(error)),
        Err(ReadError::Fields) => Err(Failure::new("bad_fields", ReadError::Fields, hint)),
        Err(error @ ReadError::LogUnwritable(_)) => {
            let hint = "free space on the vault's disk and ask again; no entry, no read";
            Err(Failure::telling(&error, hint).named("log_unwritable"))
        }
    }
}

/// A reader's credential from a file, or standard input.
///
/// # Errors
/// When it cannot be read or is not valid.
pub fn credential(path: &Path) -> Result<Credential, Failure> {
    let hint = "name the file that `aula vault credential` made, as a user who may read it";
    let text = given::text(path).advise(format!("cannot read {}", path.display()), hint)?;
    text.trim().parse().advise(format!("{} is not a valid credential", path.display()), hint)
}

/// Values as they were written: JSON, else hex.
fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(hex::encode(bytes)))
}

fn granted(given: &Given) -> Outcome {
    let (mut fields, mut absent, mut lines) = (Map::new(), Vec::new(), Vec::new());
    for (field, bytes) in &given.values {
        match bytes {
            None => absent.push(field.as_str()),
            Some(bytes) => {
                let value = value(bytes);
                lines.push(format!("{field}: {value}"));
                fields.insert(field.to_string(), value);
            }
        }
    }
    let events: Vec<String> = given.events.iter().map(|event| hex::encode(event.as_slice())).collect();
    lines.extend(events.iter().map(|event| format!("event {event}")));
    let list = |names: &[&str]| names.join(", ");
    if !absent.is_empty() {
        lines.push(format!("not in the vault: {}", list(&absent)));
    }
    let withheld: Vec<&str> = given.withheld.iter().map(FieldName::as_str).collect();
    if !withheld.is_empty() {
        lines.push(format!("withheld, since the role does not need them: {}", list(&withheld)));
    }
    lines.push(format!("listed as entry {} of the access log", given.entry.number));
    let json = json!({
        "granted": true, "handle": given.entry.handle, "fields": fields, "events": events, "absent": absent,
        "withheld": withheld, "entry": given.entry.number,
    });
    Outcome::yes(json, lines.join("\n"))
}

fn denied(denial: Denial, handle: Handle, entry: Option<&AccessEntry>) -> Outcome {
    let number = entry.map(|entry| entry.number);
    let listed = match number {
        Some(number) => format!("listed as entry {number} of the access log"),
        None => "without a credential of the district's it is counted, and not listed".to_owned(),
    };
    let text = format!("denied: {}\n{listed}", denial.explain());
    let json = json!({
        "granted": false, "handle": handle, "reason": denial, "meaning": denial.explain(), "entry": number,
    });
    Outcome::no(json, text)
}
