//! `aula query why` as a program: exit code and answer for a decided round's bundle, with no node.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use aula_ledger::audit::{Bundle, Subject};
use aula_ledger::codec::Canonical;
use aula_tests::{aula, line};

fn evidence(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ledger/vectors/evidence").join(name)
}

/// The handles of the pinned round's requests.
fn handles() -> Result<Vec<String>> {
    let bundle = Bundle::from_canonical(&std::fs::read(evidence("round.bundle"))?)?;
    let Subject::Round(round) = bundle.subject else { anyhow::bail!("the pinned bundle is a round's") };
    round.rows.iter().map(|row| Ok(row.request_row()?.handle.to_string())).collect()
}

/// `aula query why` about a bundle of the pinned evidence.
fn why(bundle: &str, handle: &str, more: &[&str]) -> Result<std::process::Output> {
    let (bundle, genesis) = (evidence(bundle), evidence("genesis.json"));
    let path = |path: &Path| path.to_str().map(str::to_owned).context("a path in UTF-8");
    let (bundle, genesis) = (path(&bundle)?, path(&genesis)?);
    let asked = ["query", "why", "--bundle", &bundle, "--genesis", &genesis, "--handle", handle];
    aula(&[&asked[..], more].concat())
}

#[test]
fn every_student_of_a_decided_round_gets_a_proved_answer_on_one_line() -> Result<()> {
    for handle in handles()? {
        let told = line(&why("round.bundle", &handle, &["--output", "json"])?, 0)?;
        ensure!(told["verified"] == true && told["certificates_checked"] == true, "{told}");
        ensure!(told["gap_ppm"] == 0 && told["handle"] == handle.as_str(), "{told}");
        // A better place with a higher band, solved and proved, or none: nothing in between.
        let found = !told["least_band"].is_null();
        ensure!(found == (told["what_if"]["gap_ppm"] == 0), "{told}");
        ensure!(!found || told["what_if"]["same_place"] == false, "{told}");
    }
    Ok(())
}

#[test]
fn the_answer_in_words_says_what_was_decided_why_and_what_if() -> Result<()> {
    let handle = handles()?.into_iter().next().context("a row")?;
    let out = why("round.bundle", &handle, &["--band", "9", "--mandated"])?;
    let text = String::from_utf8(out.stdout)?;
    ensure!(out.status.code() == Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    for part in
        [&handle, "Decided: ", "at these prices", "With need band 9 and a mandate: ", "proved optimal"]
    {
        ensure!(text.contains(part), "no {part:?} in {text}");
    }
    Ok(())
}

#[test]
fn no_is_one_and_could_not_is_two() -> Result<()> {
    let handle = handles()?.into_iter().next().context("a row")?;
    let stranger = "ff".repeat(32);
    let told = line(&why("round.bundle", &stranger, &["--output", "json"])?, 1)?;
    ensure!(told["found"] == false, "{told}");
    // Not a round's evidence; a kind that the class does not have; no bundle at all.
    for (bundle, more) in
        [("student.bundle", &[][..]), ("round.bundle", &["--kinds", "31"][..]), ("small.srap", &[][..])]
    {
        let told = line(&why(bundle, &handle, &[more, &["--output", "json"]].concat())?, 2)?;
        ensure!(told["error"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{told}");
    }
    // A changed byte: with the genesis at hand nothing is explained.
    let folder = tempfile::tempdir()?;
    let mut bytes = std::fs::read(evidence("round.bundle"))?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("a byte")? ^= 1;
    let changed = folder.path().join("changed.bundle");
    std::fs::write(&changed, bytes)?;
    let told = line(&why(changed.to_str().context("a path")?, &handle, &["--output", "json"])?, 1)?;
    ensure!(told["verified"] == false, "{told}");
    Ok(())
}
