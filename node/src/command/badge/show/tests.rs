//! A badge shown in each form: what the pictures hold is the badge, and what it says is text.

use aula_report::credentials::baked;
use serde_json::json;

use super::*;

type Tested = Result<(), Box<dyn std::error::Error>>;

fn badge() -> String {
    json!({
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": { "id": "did:web:d.example", "type": ["Profile"], "name": "District <12>" },
        "validFrom": "2026-11-29T10:00:00Z",
        "validUntil": "2036-07-01T00:00:00Z",
        "credentialSubject": { "achievement": { "name": "Ratios & more", "description": "Reasons", "criteria": { "narrative": "Mastery" } } },
        "evidence": [{ "id": "urn:aula:00:milestone:12:ff:0", "type": ["Evidence"] }],
    })
    .to_string()
}

fn shown(
    file: &std::path::Path,
    text: &str,
    ending: &str,
) -> Result<(Vec<u8>, Value), Box<dyn std::error::Error>> {
    let source = file.join("badge.json");
    std::fs::write(&source, text)?;
    let out = file.join(format!("shown.{ending}"));
    let args = ShowArgs { file: source, verify_at: "https://node.d.example/".into(), out: out.clone() };
    let outcome = run(&args).map_err(|failure| failure.message)?;
    Ok((std::fs::read(out)?, outcome.answer.ok_or("an answer")?.json))
}

#[test]
fn each_form_opens_the_verify_page_and_pictures_hold_the_badge() -> Tested {
    let folder = tempfile::tempdir()?;
    let (html, told) = shown(folder.path(), &badge(), "html")?;
    let html = String::from_utf8(html)?;
    assert_eq!(told["opens"], "https://node.d.example/verify#credential");
    for said in [
        "Ratios &amp; more",
        "District &lt;12&gt;",
        "2036-07-01",
        "lang=\"es\"",
        "urn:aula:00:milestone:12:ff:0",
        "<svg",
    ] {
        assert!(html.contains(said), "{said}");
    }
    assert!(
        !html.contains("http://")
            || html.matches("http://").count() == html.matches("http://www.w3.org").count()
    );
    for ending in ["svg", "png"] {
        let (picture, _) = shown(folder.path(), &badge(), ending)?;
        assert_eq!(baked::take_out(&picture)?.ok_or("a badge")?, badge().into_bytes(), "{ending}");
    }
    assert!(shown(folder.path(), &badge(), "gif").is_err() && shown(folder.path(), "[]", "html").is_err());
    Ok(())
}

#[test]
fn attack_an_address_that_begins_like_this_machine_is_no_nodes() -> Tested {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("badge.json");
    std::fs::write(&file, badge())?;
    for (verify_at, good) in [
        ("https://node.d.example", true),
        ("http://127.0.0.1:8480/", true),
        ("http://localhost:8480", true),
        ("http://127.0.0.1.evil.example", false),
        ("http://localhost.evil.example", false),
        ("http://127.0.0.1:80@evil.example", false),
        ("http://node.d.example", false),
        ("ftp://node.d.example", false),
    ] {
        let out = folder.path().join("shown.html");
        let args = ShowArgs { file: file.clone(), verify_at: verify_at.into(), out };
        let told = run(&args).map(|_| ()).map_err(|failure| failure.code.to_string());
        assert_eq!(told, if good { Ok(()) } else { Err("bad_address".to_owned()) }, "{verify_at}");
    }
    Ok(())
}
