//! 1EdTech's public set of 52 credentials, against the verdicts that its own validator's tests state. The set is not part of
//! this repository: point AULA_OPENBADGES_SET at a checkout of 1EdTech/digital-credentials-public-validator.

use std::path::{Path, PathBuf};

use aula_report::credentials::Options;
use aula_report::credentials::contexts::Contexts;
use aula_report::credentials::sources::Local;
use aula_report::credentials::time::Moment;
use aula_report::credentials::verify::{Verdict, verify};

const OB: &str = "inspector-vc/src/test/resources/ob30";
const CLR: &str = "inspector-clr/src/test/resources/clr20";

/// What the tests accept, with or without a warning.
const ACCEPTED: [&str; 18] = [
    "ob30/simple.json",
    "ob30/simple.1ob",
    "ob30/simple_v1.json",
    "ob30/simple-did-key-method.json",
    "ob30/simple-json.png",
    "ob30/simple-jwt.png",
    "ob30/simple-jwt_v1.png",
    "ob30/simple-json.svg",
    "ob30/simple-jwt.svg",
    "ob30/simple-jwt_v1.svg",
    "ob30/simple-context-alias.json",
    "ob30/simple-context-version.json",
    "ob30/simple-eddsa-2022.json",
    "ob30/endorsement-valid.json",
    "sd/derivedcredential.json",
    "bit-string-list/testlist",
    "clr20/simple.json",
    "clr20/simple_v1.json",
];

/// What no test states: disabled, commented out, or never run.
const UNSTATED: [&str; 7] = [
    "ob30/simple-did-web-method.json",
    "ob30/simple.jwt",
    "ob30/simple-noproof.json",
    "clr20/complex.json",
    "clr20/simple-noproof.json",
    "clr20/simple.jwt",
    "clr20/simple_old_safesigned.json",
];

fn files(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in [OB.to_owned(), format!("{OB}/sd"), format!("{OB}/bit-string-list"), CLR.to_owned()] {
        for entry in std::fs::read_dir(root.join(&folder))? {
            found.push(entry?.path());
        }
    }
    found.retain(|path| path.is_file());
    found.sort();
    Ok(found)
}

#[test]
#[ignore = "needs the public set: AULA_OPENBADGES_SET"]
fn the_public_set_has_its_verdicts() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var_os("AULA_OPENBADGES_SET").ok_or("set AULA_OPENBADGES_SET")?);
    let files = files(&root)?;
    let sources = Local { status: Some(root.join(OB).join("bit-string-list/testlist")), controllers: None };
    let at = Moment::parse("2026-11-29T00:00:00Z").ok_or("a moment")?;
    let options =
        Options { at, pins: &[], require_trusted: false, sources: &sources, contexts: Contexts::pinned() };
    let (mut stated, mut wrong) = (0, Vec::new());
    for path in &files {
        let parent = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let name = format!("{parent}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        let report = verify(&std::fs::read(path)?, &options).map_err(|error| format!("{name}: {error}"))?;
        let word = match report.verdict() {
            Verdict::Valid => "accept",
            Verdict::Invalid => "refuse",
            Verdict::CannotTell => "cannot tell",
        };
        println!("{name}\t{word}\t{}", report.reason);
        if !UNSTATED.contains(&name.as_str()) {
            stated += 1;
            if report.valid != ACCEPTED.contains(&name.as_str()) {
                wrong.push(name);
            }
        }
    }
    println!("{} judged, of {stated} with a stated verdict {} agree", files.len(), stated - wrong.len());
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!((files.len(), stated), (52, 45), "the set is another than in November 2026");
    Ok(())
}
