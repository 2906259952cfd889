//! `aula badge issue`: an Open Badge for a milestone that the ledger has, with a proof or as a token, perhaps in a picture.
//!
//! The milestone's bundle is checked by the auditor's own code before anything is signed: a badge for a milestone that the
//! ledger does not have, or that was corrected, is not issued.

use std::path::{Path, PathBuf};

use aula_ledger::audit::bundle::MilestoneEvidence;
use aula_ledger::audit::{Bundle, Options, Standing, Subject, Verdict, verify};
use aula_ledger::codec::Canonical;
use aula_ledger::state::schema::Milestone;
use aula_ledger::tx::MilestoneKind;
use aula_report::credentials::align::Alignment;
use aula_report::credentials::issue::{
    AchievementWords, Badge, IssuerProfile, MilestoneReference, StatusPlace, as_token, with_proof,
};
use aula_report::credentials::keys::multikey_of;
use aula_report::credentials::{baked, json};
use clap::{Args, ValueEnum};
use rand::RngCore;
use rand::rngs::OsRng;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::register::Register;
use super::verify::moment;
use crate::command::{Advise, Context, Failure, Outcome, absolute};

/// Arguments of `aula badge issue`.
#[derive(Debug, Args)]
#[command(
    after_help = "The bundle comes from `aula evidence milestone`. Publish badges/issuer.json at the issuer's id and \
                        badges/revocation.json and suspension.json below the address of the status lists."
)]
pub struct IssueArgs {
    /// The request, JSON: issuer, status_lists, subject, achievement, alignment, valid_until (docs/credentials.md)
    pub request: PathBuf,
    /// The evidence bundle of the milestone, from `aula evidence milestone`
    #[arg(long, value_name = "BUNDLE")]
    pub evidence: PathBuf,
    /// The chain's genesis file
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// A CASE package that has the items named under alignment
    #[arg(long, value_name = "FILE")]
    pub case: Option<PathBuf>,
    /// ESCO's table of skill groups, CSV or CSV.gz, that has the groups named under alignment
    #[arg(long, value_name = "FILE")]
    pub esco: Option<PathBuf>,
    /// How it is signed: json with an eddsa-rdfc-2022 proof, jwt as a token
    #[arg(long, value_enum, default_value_t = Form::Json)]
    pub form: Form,
    /// A PNG or SVG to put the badge into; -o is then that picture with the badge in it
    #[arg(long, value_name = "FILE")]
    pub picture: Option<PathBuf>,
    /// Where the badge is written
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
}

/// How a badge is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// JSON with a proof.
    Json,
    /// A token (VC-JWT).
    Jwt,
}

/// What the district wants to say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    issuer: IssuerProfile,
    status_lists: String,
    subject: String,
    achievement: AchievementWords,
    #[serde(default)]
    alignment: Vec<Target>,
    valid_until: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Target {
    /// An item of the CASE package.
    Case(String),
    /// A group of ESCO's table.
    Esco(String),
}

/// Issues a badge.
///
/// # Errors
/// When a file is refused, the evidence does not hold, or the milestone has its badge already.
pub fn run(context: &Context, args: &IssueArgs) -> Result<Outcome, Failure> {
    let out = absolute(&args.out)?;
    let request: Request = serde_json::from_slice(&super::read(&args.request)?).advise(
        format!("{} is not a request", args.request.display()),
        "docs/credentials.md shows its members",
    )?;
    let milestone = checked(&args.evidence, &args.genesis)?;
    let picture = args.picture.as_deref().map(super::read).transpose()?;
    let mut badge = Badge {
        id: format!("urn:uuid:{}", uuid()),
        alignments: alignments(&request.alignment, args)?,
        subject: request.subject,
        achievement: request.achievement,
        valid_from: moment(None)?,
        valid_until: request.valid_until.as_deref().map(|text| moment(Some(text))).transpose()?,
        milestone: Some(milestone),
        status: Some(StatusPlace { base: request.status_lists, index: 0 }),
        issuer: request.issuer,
    };
    let hint = "correct the request; docs/credentials.md has the rules";
    // Before anything is entered: what would not have the standard's form takes no place in the lists.
    badge.credential().advise("nothing was issued", hint)?;
    let now = badge.valid_from;
    let lists = badge.status.as_ref().map(|status| status.base.clone()).unwrap_or_default();
    let mut register = Register::open(context, Some((&badge.issuer.id, &lists)))?;
    let name = badge.milestone.as_ref().map(MilestoneReference::urn).unwrap_or_default();
    let milestone_sha256 = hex::encode(Sha256::digest(name.as_bytes()));
    if let Some(there) = register.standing_for(&milestone_sha256) {
        let message = format!("the milestone has a badge already: {}", there.id);
        return Err(Failure::new(
            "issued_already",
            message,
            format!("revoke it first: aula badge revoke {}", there.id),
        ));
    }
    let index = register.enter(&badge.id, &milestone_sha256)?;
    badge.status = Some(StatusPlace { base: lists, index });
    let credential = badge.credential().advise("nothing was issued", hint)?;
    let key = register.key().signing_key();
    let text = match args.form {
        Form::Json => with_proof(credential, key, now).advise("nothing was issued", hint)?,
        Form::Jwt => as_token(&credential, key),
    };
    let bytes = match &picture {
        Some(picture) => baked::put_in(picture, &text)
            .advise("the picture cannot take it", "give a PNG, or an SVG with something in it")?,
        None => text.into_bytes(),
    };
    let published = register.publish(now)?;
    std::fs::write(&out, bytes).advise(format!("cannot write {}", out.display()), "choose another -o")?;
    let key = multikey_of(&key.verifying_key());
    let words = format!(
        "{}\n{} for {name}\nissuer {} with key {key}, place {index} of the status lists\npublish: {}",
        out.display(),
        badge.id,
        badge.issuer.id,
        published.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    );
    let json = serde_json::json!({"id": badge.id, "file": out, "milestone": name, "issuer": badge.issuer.id, "key": key,
        "index": index, "publish": published});
    Ok(Outcome::yes(json, words))
}

/// The milestone that a bundle proves.
fn checked(bundle: &Path, genesis: &Path) -> Result<MilestoneReference, Failure> {
    let hint = "fetch it with `aula evidence milestone`, and check it with `aula-audit verify`";
    let refused = |why: String| Failure::new("evidence", format!("{}: {why}", bundle.display()), hint);
    let (bytes, founding) = (super::read(bundle)?, super::read(genesis)?);
    let report = verify(&bytes, &founding, &Options::default());
    if report.verdict != Verdict::Valid || report.standing != Some(Standing::Stands) {
        return Err(refused(report.sentence));
    }
    let parsed = Bundle::from_canonical(&bytes).map_err(|error| refused(error.to_string()))?;
    let Subject::Milestone(MilestoneEvidence { district, handle, number, record, .. }) = &parsed.subject
    else {
        return Err(refused(format!("it is about a {}, not a milestone", parsed.subject.kind())));
    };
    let record = Milestone::from_canonical(&record.value).map_err(|error| refused(error.to_string()))?;
    if matches!(record.kind, MilestoneKind::InterventionBegun | MilestoneKind::InterventionEnded) {
        return Err(refused("an intervention is nothing that a badge is given for".to_owned()));
    }
    Ok(MilestoneReference {
        genesis_sha256: report.genesis_sha256.to_string(),
        district: district.0,
        handle: handle.to_string(),
        number: *number,
        kind: serde_json::json!(record.kind).as_str().unwrap_or_default().to_owned(),
        skill: record.mastered.as_ref().map(|mastered| mastered.skill),
        height: record.recorded.0,
        bundle_sha256: Sha256::digest(&bytes).into(),
    })
}

fn alignments(targets: &[Target], args: &IssueArgs) -> Result<Vec<Alignment>, Failure> {
    let wanted = |flag: &str| {
        let message = format!("the request aligns with what {flag} is to give");
        Failure::new("no_framework", message, format!("give the file with {flag}"))
    };
    let table = args.esco.as_deref().map(table).transpose()?;
    let package = args.case.as_deref().map(package).transpose()?;
    let mut found = Vec::new();
    for target in targets {
        let hint = "name an item or group that the file has";
        found.push(match target {
            Target::Case(name) => Alignment::case(package.as_ref().ok_or_else(|| wanted("--case"))?, name)
                .advise("nothing was issued", hint)?,
            Target::Esco(name) => Alignment::esco(table.as_ref().ok_or_else(|| wanted("--esco"))?, name)
                .advise("nothing was issued", hint)?,
        });
    }
    Ok(found)
}

fn package(path: &Path) -> Result<serde_json::Value, Failure> {
    json::parse(&super::read(path)?)
        .advise(format!("{} is not a CASE package", path.display()), "give a CFPackage as JSON")
}

/// Most bytes that a table may unpack to: ESCO's groups have half a megabyte.
const MAX_TABLE_BYTES: u64 = 64 << 20;

fn table(path: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let bytes = super::read(path)?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    let unpacked =
        flate2::read::MultiGzDecoder::new(&bytes[..]).take(MAX_TABLE_BYTES).read_to_end(&mut plain);
    unpacked.advise(format!("{} cannot be unpacked", path.display()), "unpack it by hand")?;
    Ok(plain)
}

/// A random UUID (RFC 9562, version 4).
fn uuid() -> String {
    let mut bytes = [0u8; 16];
    OsRng.fill_bytes(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_of_version_4() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert!(id.as_bytes()[14] == b'4' && matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
        assert_ne!(id, uuid());
    }
}
