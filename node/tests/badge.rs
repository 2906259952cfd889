//! `aula badge` as a person runs it: from a milestone's pinned evidence to a badge that holds, and to its revocation; exit codes
//! and fields that others rely upon.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

type Wrong = Box<dyn std::error::Error>;

const ISSUER: &str = "did:web:district.example";

fn evidence(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ledger/vectors/evidence").join(name).display().to_string()
}

fn vector(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("report/vectors/ob30").join(name).display().to_string()
}

/// A district's office: a folder with a home and a request in it.
struct Office(tempfile::TempDir);

impl Office {
    fn new() -> Result<Self, Wrong> {
        let office = Self(tempfile::tempdir()?);
        std::fs::write(office.path("request.json"), request().to_string())?;
        Ok(office)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Runs `aula badge`: its exit code and the line that it prints.
    fn badge(&self, args: &[&str]) -> Result<(i32, Value), Wrong> {
        let output = Command::new(env!("CARGO_BIN_EXE_aula"))
            .args(["--output", "json", "--home", &self.text("home"), "badge"])
            .args(args)
            .output()?;
        let line = String::from_utf8(output.stdout)?;
        assert_eq!(line.lines().count(), 1, "{args:?}: {line}");
        Ok((output.status.code().unwrap_or(-1), serde_json::from_str(&line)?))
    }

    fn issue(&self, out: &str, more: &[&str]) -> Result<(i32, Value), Wrong> {
        let (request, out) = (self.text("request.json"), self.text(out));
        let (bundle, genesis) = (evidence("milestone.bundle"), evidence("genesis.json"));
        let mut args = vec!["issue", &request, "--genesis", &genesis, "-o", &out];
        if !more.contains(&"--evidence") {
            args.extend(["--evidence", &bundle]);
        }
        args.extend(more);
        self.badge(&args)
    }

    /// As a reader who has what the district publishes.
    fn verify(&self, name: &str) -> Result<(i32, Value), Wrong> {
        let (file, published) = (self.text(name), self.text("home/badges"));
        self.badge(&["verify", &file, "--status", &published, "--did", &published, "--require-trusted"])
    }
}

fn request() -> Value {
    json!({
        "issuer": {"id": ISSUER, "name": "A district"},
        "status_lists": "https://district.example/status",
        "subject": "did:example:learner",
        "achievement": {"id": "https://district.example/achievements/grade-3", "name": "Grade 3",
            "description": "Completed grade 3", "criteria": "Both tests at its end", "type": "Course"},
        "valid_until": "2099-01-01",
    })
}

#[test]
fn a_foreign_badge_is_judged_with_its_exit_code() -> Result<(), Wrong> {
    let office = Office::new()?;
    let (code, told) = office.badge(&["verify", &vector("simple.json")])?;
    assert_eq!((code, &told["valid"], &told["status"]), (0, &json!(true), &json!("good")));
    assert_eq!(told["issuer"]["id"], "https://example.com/issuers/876543");
    assert_eq!(told["issuer"]["trust"], "self-asserted");
    assert!(told["reason"].as_str().is_some_and(|reason| reason.starts_with("self-asserted")));
    assert!(told["checks"].as_array().is_some_and(|checks| {
        checks
            .iter()
            .all(|check| check["name"].is_string() && check["ok"].is_boolean() && check["detail"].is_string())
    }));
    let pin = "https://example.com/issuers/876543=z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi";
    let wrong = "https://example.com/issuers/876543=z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2";
    let simple = vector("simple.json");
    for (args, wanted) in [
        (vec!["verify", &simple, "--require-trusted"], 1),
        (vec!["verify", &simple, "--issuer", pin, "--require-trusted"], 0),
        (vec!["verify", &simple, "--issuer", wrong], 1),
        (vec!["verify", &simple, "--at", "2009-12-31"], 1),
        (vec!["verify", &simple, "--at", "yesterday"], 2),
        (vec!["verify", &simple, "--issuer", "nonsense"], 2),
        (vec!["verify", &simple, "--status", "/nowhere"], 2),
        (vec!["verify", "/nowhere"], 2),
        (vec!["verify", "/dev/null"], 2),
    ] {
        assert_eq!(office.badge(&args)?.0, wanted, "{args:?}");
    }
    for nothing in ["/nowhere", "/dev/null"] {
        let (_, told) = office.badge(&["verify", nothing])?;
        assert_eq!(
            (&told["valid"], &told["status"], &told["checks"]),
            (&json!(false), &json!("unknown"), &json!([]))
        );
        assert_eq!(told["reason"], told["error"]["message"], "{told}");
        assert!(told["issuer"]["id"].is_null() && told["error"]["code"].is_string(), "{told}");
    }
    for name in ["simple-err-expired.json", "simple-err-proof-value.json", "complete.json", "simple.jwt"] {
        let (code, told) = office.badge(&["verify", &vector(name)])?;
        assert_eq!((code, &told["valid"]), (1, &json!(false)), "{name}");
    }
    Ok(())
}

#[test]
fn a_badge_is_issued_holds_and_is_revoked() -> Result<(), Wrong> {
    let office = Office::new()?;
    let (code, told) = office.issue("badge.json", &[])?;
    assert_eq!(code, 0, "{told}");
    let (code, report) = office.verify("badge.json")?;
    assert_eq!(
        (code, &report["issuer"]["trust"], &report["status"]),
        (0, &json!("resolved"), &json!("good")),
        "{report}"
    );
    let alone = office.badge(&["verify", &office.text("badge.json")])?;
    assert_eq!((alone.0, &alone.1["status"]), (2, &json!("unknown")), "no list is to be had");
    let id = told["id"].as_str().ok_or("an id")?;
    for (flag, code, status) in
        [(Some("--suspend"), 1, "suspended"), (Some("--lift"), 0, "good"), (None, 1, "revoked")]
    {
        let mut args = vec!["revoke", id];
        args.extend(flag);
        assert_eq!(office.badge(&args)?.0, 0);
        let report = office.verify("badge.json")?;
        assert_eq!((report.0, &report.1["status"]), (code, &json!(status)));
    }
    let (code, refused) = office.badge(&["revoke", id, "--lift"])?;
    assert_eq!((code, &refused["error"]["code"]), (2, &json!("revoked")), "for good");
    Ok(())
}

#[test]
fn a_milestone_has_one_badge_until_it_is_revoked() -> Result<(), Wrong> {
    let office = Office::new()?;
    let first = office.issue("badge.json", &[])?.1;
    assert_eq!(office.issue("again.json", &[])?.1["error"]["code"], "issued_already");
    assert_eq!(office.badge(&["revoke", &office.text("badge.json")])?.0, 0);
    let (code, second) = office.issue("second.json", &[])?;
    assert_eq!(code, 0, "{second}");
    assert_ne!(first["index"], second["index"]);
    assert_eq!(office.verify("badge.json")?.1["status"], "revoked");
    assert_eq!(office.verify("second.json")?.0, 0);
    Ok(())
}

#[test]
fn a_token_in_a_picture_holds() -> Result<(), Wrong> {
    let office = Office::new()?;
    let picture = office.text("plain.svg");
    std::fs::write(&picture, "<svg xmlns=\"http://www.w3.org/2000/svg\"><circle r=\"9\"/></svg>")?;
    let (code, told) = office.issue("badge.svg", &["--form", "jwt", "--picture", &picture])?;
    assert_eq!(code, 0, "{told}");
    let (code, report) = office.verify("badge.svg")?;
    assert_eq!(code, 0, "{report}");
    assert_eq!(office.badge(&["revoke", &office.text("badge.svg")])?.1["status"], "revoked");
    Ok(())
}

#[test]
fn what_the_ledger_does_not_prove_is_not_issued() -> Result<(), Wrong> {
    let office = Office::new()?;
    let changed = office.text("changed.bundle");
    let mut bytes = std::fs::read(evidence("milestone.bundle"))?;
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&changed, bytes)?;
    for bundle in [evidence("student.bundle"), evidence("reverted.bundle"), changed] {
        let (code, refused) = office.issue("badge.json", &["--evidence", &bundle])?;
        assert_eq!((code, &refused["error"]["code"]), (2, &json!("evidence")), "{bundle}");
    }
    assert!(!office.path("home/badges/register.json").exists(), "nothing was entered");
    Ok(())
}

#[test]
fn alignments_come_from_the_frameworks_that_are_given() -> Result<(), Wrong> {
    let office = Office::new()?;
    let mut asked = request();
    asked["alignment"] = json!([{"case": "6.RP.A"}, {"esco": "S1"}]);
    std::fs::write(office.path("request.json"), asked.to_string())?;
    assert_eq!(office.issue("badge.json", &[])?.1["error"]["code"], "no_framework");
    let (case, esco) = (office.text("case.json"), office.text("esco.csv"));
    let package = json!({"CFDocument": {"title": "Standards"}, "CFItems": [
        {"identifier": "a", "uri": "https://case.example/a", "humanCodingScheme": "6.RP.A", "fullStatement": "Ratios"}]});
    std::fs::write(&case, package.to_string())?;
    std::fs::write(
        &esco,
        "ORIGINURI,ID,CODE,PREFERREDLABEL\nhttp://data.europa.eu/esco/skill/S1,k,S1,communication\n",
    )?;
    let (code, told) = office.issue("badge.json", &["--case", &case, "--esco", &esco])?;
    assert_eq!(code, 0, "{told}");
    let badge: Value = serde_json::from_slice(&std::fs::read(office.path("badge.json"))?)?;
    let targets = &badge["credentialSubject"]["achievement"]["alignment"];
    assert_eq!(
        (&targets[0]["targetCode"], &targets[1]["targetName"]),
        (&json!("6.RP.A"), &json!("communication"))
    );
    assert_eq!(office.verify("badge.json")?.0, 0);
    Ok(())
}

#[test]
fn a_home_issues_for_one_issuer() -> Result<(), Wrong> {
    let office = Office::new()?;
    office.issue("badge.json", &[])?;
    let mut asked = request();
    asked["issuer"]["id"] = json!("did:web:other.example");
    std::fs::write(office.path("request.json"), asked.to_string())?;
    assert_eq!(office.issue("other.json", &[])?.1["error"]["code"], "conflict");
    let elsewhere = Office::new()?;
    assert_eq!(elsewhere.badge(&["revoke", "urn:uuid:1"])?.1["error"]["code"], "not_found");
    Ok(())
}
