//! The vaults that the demo itself fills: disclosure, audit, links, evidence of a read, and a restore, with the
//! operator's commands on the demo's own folders.

use super::*;

/// A district of the demo with its own vault.
#[derive(Clone)]
struct District {
    number: u16,
    home: String,
    rpc: String,
}

impl District {
    fn run(&self, args: &[&str]) -> Result<Output> {
        let mut command = Command::new(program("aula")?);
        command.args(args).args(["--output", "json", "--home", &self.home]).env("AULA_RPC", &self.rpc);
        Ok(command.stdin(Stdio::null()).output()?)
    }

    fn told(&self, args: &[&str], exit: i32) -> Result<Value> {
        line(&self.run(args)?, exit).with_context(|| format!("aula {}", args.join(" ")))
    }

    fn yes(&self, args: &[&str]) -> Result<Value> {
        self.told(args, 0)
    }
}

/// Districts with the pseudonym of a student whom round 0 drew, `count` of them: it drew at least one of each district.
fn drawn(demo: &Demo, rpc: &str, count: usize) -> Result<Vec<(District, String)>> {
    let folder = demo.folder.path().join("demo");
    let home = |name: &str| folder.join(name).to_str().map(str::to_owned).context("a path");
    let auditor = District { number: 0, home: home("auditor")?, rpc: rpc.to_owned() };
    let sample = auditor.yes(&["evidence", "sample", "0"])?;
    let sample: Vec<&str> =
        sample["drawn"].as_array().context("a sample")?.iter().filter_map(Value::as_str).collect();
    let mut found = Vec::new();
    // District 1 has another vault in this test.
    for number in 2..=42 {
        let district =
            District { number, home: home(&format!("district-{number:02}"))?, rpc: rpc.to_owned() };
        let told = district.yes(&["vault", "handles", "--year", "1985"])?;
        let own = told["handles"].as_array().context("handles")?;
        let one = own.iter().filter_map(|row| row["handle"].as_str()).find(|own| sample.contains(own));
        // A district is told whom of its own students the seed drew.
        let own = district.yes(&["evidence", "sample", "0"])?;
        let own = own["drawn"].as_array().context("a sample")?;
        ensure!(own.iter().all(|own| sample.contains(&own.as_str().unwrap_or_default())), "{own:?}");
        if let Some(handle) = one.map(str::to_owned) {
            ensure!(own.contains(&json!(handle)), "{handle} is not among {own:?}");
            found.push((district, handle));
        }
        if found.len() == count {
            return Ok(found);
        }
    }
    anyhow::bail!("too few were drawn")
}

fn valid(demo: &Demo, bundle: &str) -> Result<Vec<String>> {
    let genesis = demo.told["genesis"].as_str().context("genesis")?;
    let told = line(&audit(&["verify", bundle, "--genesis", genesis, "--output", "json"])?, 0)?;
    let names = told["checks"].as_array().context("checks")?;
    Ok(names.iter().filter_map(|check| check["name"].as_str().map(str::to_owned)).collect())
}

/// A student whose events were disclosed, then grew, were folded, anchored and disclosed again.
pub struct ToldAgain {
    district: District,
    /// The district's folder as it was then.
    home: PathBuf,
    /// Just before the second anchor.
    height: u64,
    first: String,
    second: String,
}

pub fn the_demos_own_vaults_serve_their_operators(demo: &Demo) -> Result<ToldAgain> {
    let rpc = demo.told["explorer"].as_str().context("explorer")?.to_owned();
    let mut others = drawn(demo, &rpc, 3)?;
    let (district, handle) = others.remove(0);
    let file = |name: &str| demo.folder.path().join(name).to_str().map(str::to_owned).context("a path");
    disclosed(demo, &district, &handle)?;
    linked(&district, &handle)?;
    audited(demo, &district, &handle)?;
    no_way_out(demo, &others)?;

    // A family's file: the read is listed, without a node.
    ensure!(district.yes(&["vault", "log", "anchor"])?["epoch"] == 0);
    let (number, listed) = (district.number.to_string(), file("read.bundle")?);
    district.yes(&["evidence", "access", &number, "--entry", "0", "-o", &listed])?;
    assert_eq!(valid(demo, &listed)?.last().map(String::as_str), Some("read listed"));
    let again = anchored_again(demo, &district, &handle)?;
    restored(&district, &handle, &file("own-data")?, &file("own-keys")?)?;
    Ok(again)
}

/// One field opened and nothing else, only with consent, and listed.
fn disclosed(demo: &Demo, district: &District, handle: &str) -> Result<()> {
    let out = demo.folder.path().join("need.bundle").to_str().context("a path")?.to_owned();
    let form = demo.folder.path().join("own-form.txt").to_str().context("a path")?.to_owned();
    fs::write(&form, "signed")?;
    let number = district.number.to_string();
    let ask = |fields| ["evidence", "student", &number, "1985", handle, "--fields", fields, "-o", &out];
    district.yes(&ask("need"))?;
    assert_eq!(valid(demo, &out)?.iter().filter(|name| *name == "field").count(), 2);
    assert_eq!(district.told(&ask("watermark"), 1)?["reason"], "nothing_needed");
    let lacking = district.told(&ask("skill:777"), 1)?;
    assert_eq!((&lacking["reason"], &lacking["lacks"]), (&json!("no_such_field"), &json!(["skill:777"])));
    ensure!(lacking["has"].as_array().is_some_and(|has| has.contains(&json!("need"))), "{lacking}");
    district.yes(&["vault", "consent", "withdraw", handle, "--form", &form])?;
    assert_eq!(district.told(&ask("need"), 1)?["reason"], "consent_withdrawn");
    district.yes(&["vault", "consent", "give", handle, "--form", &form])?;
    let log = district.yes(&["vault", "log", "list", "--handle", handle])?;
    let verdicts: Vec<&str> = log["entries"]
        .as_array()
        .context("entries")?
        .iter()
        .filter_map(|entry| entry["verdict"].as_str())
        .collect();
    assert_eq!(verdicts, ["granted", "denied", "granted", "denied"]);
    Ok(())
}

fn linked(district: &District, handle: &str) -> Result<()> {
    let link = district.yes(&["vault", "link", handle, "--days", "2"])?;
    let (token, id) = (link["token"].as_str().context("a token")?, link["id"].as_str().context("an id")?);
    let listed = district.run(&["vault", "links"])?;
    ensure!(!String::from_utf8_lossy(&listed.stdout).contains(token), "a list of links opens none");
    assert_eq!(line(&listed, 0)?["links"][0]["standing"], "good");
    district.yes(&["vault", "unlink", id])?;
    assert_eq!(district.yes(&["vault", "links"])?["links"][0]["standing"], "revoked");
    assert_eq!(district.told(&["vault", "link", &"00".repeat(32)], 2)?["error"]["code"], "unknown_handle");
    Ok(())
}

/// Drawn, disclosed, replayed, recorded; once.
fn audited(demo: &Demo, district: &District, handle: &str) -> Result<()> {
    let path = |name: &str| demo.folder.path().join(name).to_str().map(str::to_owned).context("a path");
    let (events, report) = (path("drawn.json")?, path("report.json")?);
    district.yes(&["vault", "disclose", "0", handle, "-o", &events])?;
    let auditor = District { number: 0, home: path("demo/auditor")?, rpc: district.rpc.clone() };
    let replay = ["evidence", "audit", "0", handle, "--disclosure", &events, "-o", &report];
    assert_eq!(auditor.yes(&replay)?["finding"], "replayed");
    let log = district.yes(&["vault", "log", "list", "--handle", handle])?;
    let told = log["entries"].as_array().and_then(|entries| entries.last()).context("an entry")?;
    assert_eq!(
        [&told["reader"], &told["role"], &told["purpose"], &told["basis"]],
        ["auditor", "auditor", "audit_evaluation", "34 CFR 99.31(a)(3)"]
    );
    assert_eq!(auditor.told(&replay, 2)?["error"]["code"], "rejected", "there is one result");
    let other = district.told(&["vault", "disclose", "0", &"00".repeat(32), "-o", &path("no.json")?], 2)?;
    assert_eq!(other["error"]["code"], "not_drawn");
    Ok(())
}

/// Neither anchoring again after the draw nor erasing the student dodges the audit.
fn no_way_out(demo: &Demo, others: &[(District, String)]) -> Result<()> {
    let path = |name: &str| demo.folder.path().join(name).to_str().map(str::to_owned).context("a path");
    let [(anchors, first), (erases, second)] = others else { anyhow::bail!("two more districts") };
    let auditor = District { number: 0, home: path("demo/auditor")?, rpc: anchors.rpc.clone() };
    assert_eq!(anchors.yes(&["twin", "anchor", first])?["anchored"][0]["version"], 2);
    let (events, report) = (path("drawn-then.json")?, path("report-then.json")?);
    assert_eq!(anchors.yes(&["vault", "disclose", "0", first, "-o", &events])?["version"], 1);
    let replay = ["evidence", "audit", "0", first, "--disclosure", &events, "--confirmed", "-o", &report];
    assert_eq!(auditor.yes(&replay)?["finding"], "confirmed");
    erases.yes(&["vault", "erase", second])?;
    let withheld = ["evidence", "audit", "0", second, "--withheld", "-o", &report];
    assert_eq!(auditor.told(&withheld, 1)?["finding"], "erased_after_draw");
    let genesis = demo.told["genesis"].as_str().context("genesis")?;
    let whole = path("round-0.bundle")?;
    // Rows are for auditors; a district, the funder and a teacher's credential get none.
    auditor.yes(&["evidence", "round", "0", "-o", &whole])?;
    line(&audit(&["verify", &whole, "--genesis", genesis, "--output", "json"])?, 0)?;
    let funder = District { number: 0, home: path("demo/funder")?, rpc: anchors.rpc.clone() };
    for stranger in [anchors, &funder] {
        let refused = stranger.told(&["evidence", "round", "0", "-o", &path("none.bundle")?], 2)?;
        assert_eq!(refused["error"]["code"], "role_not_allowed", "{refused}");
    }
    Ok(())
}

/// A copy older than the newest anchor: another log begins, openly, and consents come back from the ledger.
fn restored(district: &District, handle: &str, data: &str, keys: &str) -> Result<()> {
    district.yes(&["backup", "--data", data, "--keys", keys])?;
    let get = ["vault", "get", handle, "--class", "resource_allocation", "--fields", "band"];
    district.yes(&get)?;
    district.yes(&["vault", "log", "anchor"])?;
    let home = PathBuf::from(&district.home);
    fs::rename(home.join("vault"), home.join("lost"))?;
    fs::remove_dir_all(home.join("keystore"))?;
    district.yes(&["restore", "--data", data, "--keys", keys])?;
    let credential = district.yes(&["vault", "credential", "--role", "teacher", "--reader", "t-1"])?;
    let reader = home.join("reader.txt");
    fs::write(&reader, credential["credential"].as_str().context("a credential")?)?;
    let reader = reader.to_str().context("a path")?;
    let grade = ["vault", "get", handle, "--fields", "grade", "--credential", reader];
    // An older copy may name who has left since, and consents withdrawn since.
    assert_eq!(district.told(&grade, 1)?["reason"], "no_relation", "the roster is forgotten");
    let roster = home.join("roster.csv");
    fs::write(&roster, format!("reader,section,school,handle\nt-1,k-1,,{handle}\n"))?;
    assert_eq!(district.yes(&["vault", "roster", roster.to_str().context("a path")?])?["pairs"], 1);
    assert_eq!(district.told(&grade, 1)?["reason"], "insufficient_data", "consents are forgotten");
    let anchored = district.yes(&["vault", "log", "anchor"])?;
    assert_eq!((&anchored["epoch"], &anchored["began_epoch"]), (&json!(1), &json!(true)));
    ensure!(district.yes(&["vault", "sync-consents"])?["given"].as_u64() > Some(0));
    assert_eq!(district.yes(&grade)?["fields"]["grade"], 0);
    assert_eq!(district.yes(&["vault", "log", "anchor"])?["epoch"], 1);
    Ok(())
}

/// Written responses enter the vault; folded, they give a new state, which is anchored; what was disclosed before still
/// folds to the hash of then, and what is disclosed now to the hash of now.
fn anchored_again(demo: &Demo, district: &District, handle: &str) -> Result<ToldAgain> {
    let path = |name: &str| demo.folder.path().join(name).to_str().map(str::to_owned).context("a path");
    let (first, lines, second) = (path("drawn.json")?, path("answers.jsonl")?, path("drawn-again.json")?);
    let before = district.anchored(demo, handle)?;
    let replayed = district.yes(&["twin", "replay", "--events", &first, "--anchored", &before])?;
    assert_eq!(replayed["agrees"], true);
    let events = replayed["events"].as_u64().context("a count")? + 2;

    let line = |at_ms: u64, text: &str| json!({ "handle": handle, "at_ms": at_ms, "text": text }).to_string();
    let answers =
        [line(900_000_000_000, "I love fractions"), line(900_000_060_000, "this is awful and boring")];
    fs::write(&lines, answers.join("\n"))?;
    let written = district.yes(&["twin", "written", &lines, "--source", "12"])?;
    assert_eq!((&written["responses"], &written["next"]), (&json!(2), &json!(3)));
    let told = district.yes(&["twin", "anchor", handle])?;
    let state = &told["anchored"][0];
    assert_eq!((&state["version"], &state["events"]), (&json!(2), &json!(events)));
    let after = district.anchored(demo, handle)?;
    assert_eq!(state["state_hash"], after.as_str());
    assert_ne!(before, after);

    district.yes(&["vault", "disclose", "0", handle, "-o", &second])?;
    assert_eq!(
        district.yes(&["twin", "replay", "--events", &second, "--anchored", &after])?["events"],
        events
    );
    let stale = district.told(&["twin", "replay", "--events", &first, "--anchored", &after], 1)?;
    assert_eq!(stale["differs"], json!(["state hash"]));
    let out = path("again.bundle")?;
    let number = district.number.to_string();
    district.yes(&["evidence", "student", &number, "1985", handle, "--fields", "engagement", "-o", &out])?;
    valid(demo, &out)?;
    let height = told["height"].as_u64().context("a height")? - 1;
    let home = PathBuf::from(&district.home);
    Ok(ToldAgain { district: district.clone(), home, height, first, second })
}

impl District {
    /// The hash that is anchored of a student, as the auditor's program prints it.
    fn anchored(&self, demo: &Demo, handle: &str) -> Result<String> {
        let out = demo.folder.path().join("anchored.bundle").to_str().context("a path")?.to_owned();
        self.yes(&["evidence", "student", &self.number.to_string(), "1985", handle, "-o", &out])?;
        let genesis = demo.told["genesis"].as_str().context("genesis")?;
        let told = line(&audit(&["verify", &out, "--genesis", genesis, "--output", "json"])?, 0)?;
        let details =
            told["checks"].as_array().context("checks")?.iter().filter_map(|c| c["detail"].as_str());
        let hash =
            details.filter_map(|detail| detail.split_once("state hash ")).map(|(_, rest)| &rest[..64]).next();
        hash.map(str::to_owned).context("a state hash")
    }
}

/// The chain decided again, with the twins of a folder of disclosures and with those of the district's own vault: an empty
/// change reproduces every hash, at the tip and at the height of then; a method moves needs and nothing that is written.
pub fn twins_are_forked_from_files_and_from_the_vault(demo: &Demo, again: &ToldAgain) -> Result<()> {
    let node = demo.folder.path().join("demo/node-01").to_str().context("a path")?.to_owned();
    let (home, height) = (again.home.to_str().context("a path")?, again.height.to_string());
    let whatif = |more: &[&str], exit| {
        let fixed = ["twin", "whatif", "--output", "json", "--home", node.as_str()];
        line(&aula(&[&fixed, more].concat())?, exit).with_context(|| more.join(" "))
    };
    let folder = |name: &str, file: &str| -> Result<String> {
        let folder = demo.folder.path().join(name);
        fs::create_dir(&folder)?;
        fs::copy(file, folder.join("one.json"))?;
        folder.to_str().map(str::to_owned).context("a path")
    };
    let (then, now) = (folder("then", &again.first)?, folder("now", &again.second)?);
    let counts = |told: &Value| (told["twins"]["folded"].clone(), told["twins"]["reproduced"].clone());
    assert_eq!(counts(&whatif(&["--twins", &now], 0)?), (json!(1), json!(1)));
    assert_eq!(counts(&whatif(&["--twins", &then, "--height", &height], 0)?), (json!(1), json!(1)));
    assert_eq!(counts(&whatif(&["--twins", &then], 1)?), (json!(1), json!(0)), "that state was superseded");

    let listed = || -> Result<usize> {
        let told = again.district.yes(&["vault", "log", "list"])?;
        Ok(told["entries"].as_array().context("entries")?.len())
    };
    let before = listed()?;
    for at in [&["--from-vault", home][..], &["--from-vault", home, "--height", &height]] {
        let own = whatif(at, 0)?;
        let (folded, reproduced) = counts(&own);
        ensure!(folded == reproduced && folded.as_u64() > Some(10), "{own}");
        assert_eq!(own["reproduced"], true);
        ensure!(!own.to_string().contains("handle"), "aggregates only");
    }
    let own = whatif(&["--from-vault", home, "--personas", "1", "--set", "method.0=300%"], 0)?;
    let read = own["twins"]["folded"].as_u64().context("a count")?
        + own["twins"]["denied"].as_u64().context("a count")?;
    assert_eq!(listed()? - before, 3 * read as usize, "every read is an entry");
    let reader = again.district.yes(&["vault", "credential", "--role", "teacher", "--reader", "t-1"])?;
    let file = again.home.join("teacher.txt");
    fs::write(&file, reader["credential"].as_str().context("a credential")?)?;
    let told = whatif(&["--from-vault", home, "--credential", file.to_str().context("a path")?], 1)?;
    assert_eq!(told["reason"], "no_relation", "no roster says whom this teacher teaches");
    Ok(())
}
