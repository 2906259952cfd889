//! The vaults that the demo itself fills: disclosure, audit, links, evidence of a read, and a restore, with the
//! operator's commands on the demo's own folders.

use super::*;

/// A district of the demo with its own vault.
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

/// The district and pseudonym of one of the students whom round 0 drew.
fn drawn(demo: &Demo, rpc: &str) -> Result<(District, String)> {
    let folder = demo.folder.path().join("demo");
    let home = |name: &str| folder.join(name).to_str().map(str::to_owned).context("a path");
    let auditor = District { number: 0, home: home("auditor")?, rpc: rpc.to_owned() };
    let sample = auditor.yes(&["evidence", "sample", "0"])?;
    let sample: Vec<&str> =
        sample["drawn"].as_array().context("a sample")?.iter().filter_map(Value::as_str).collect();
    // District 1 has another vault in this test.
    for number in 2..=42 {
        let district =
            District { number, home: home(&format!("district-{number:02}"))?, rpc: rpc.to_owned() };
        let told = district.yes(&["vault", "handles", "--year", "1985"])?;
        let own = told["handles"].as_array().context("handles")?;
        let found = own.iter().filter_map(|row| row["handle"].as_str()).find(|own| sample.contains(own));
        if let Some(handle) = found {
            let handle = handle.to_owned();
            return Ok((district, handle));
        }
    }
    anyhow::bail!("nobody was drawn")
}

fn valid(demo: &Demo, bundle: &str) -> Result<Vec<String>> {
    let genesis = demo.told["genesis"].as_str().context("genesis")?;
    let told = line(&audit(&["verify", bundle, "--genesis", genesis, "--output", "json"])?, 0)?;
    let names = told["checks"].as_array().context("checks")?;
    Ok(names.iter().filter_map(|check| check["name"].as_str().map(str::to_owned)).collect())
}

pub fn the_demos_own_vaults_serve_their_operators(demo: &Demo) -> Result<()> {
    let rpc = demo.told["explorer"].as_str().context("explorer")?.to_owned();
    let (district, handle) = drawn(demo, &rpc)?;
    let file = |name: &str| demo.folder.path().join(name).to_str().map(str::to_owned).context("a path");
    disclosed(demo, &district, &handle)?;
    linked(&district, &handle)?;
    audited(demo, &district, &handle)?;

    // A family's file: the read is listed, without a node.
    ensure!(district.yes(&["vault", "log", "anchor"])?["epoch"] == 0);
    let (number, listed) = (district.number.to_string(), file("read.bundle")?);
    district.yes(&["evidence", "access", &number, "--entry", "0", "-o", &listed])?;
    assert_eq!(valid(demo, &listed)?.last().map(String::as_str), Some("read listed"));
    restored(&district, &handle, &file("own-data")?, &file("own-keys")?)
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
    assert_eq!(verdicts, ["granted", "denied", "denied"]);
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
    assert_eq!(auditor.yes(&replay)?["finding"], "confirmed");
    assert_eq!(auditor.told(&replay, 2)?["error"]["code"], "rejected", "there is one result");
    let other = district.told(&["vault", "disclose", "0", &"00".repeat(32), "-o", &path("no.json")?], 2)?;
    assert_eq!(other["error"]["code"], "not_drawn");
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
    assert_eq!(district.told(&grade, 1)?["reason"], "insufficient_data", "consents are forgotten");
    let anchored = district.yes(&["vault", "log", "anchor"])?;
    assert_eq!((&anchored["epoch"], &anchored["began_epoch"]), (&json!(1), &json!(true)));
    ensure!(district.yes(&["vault", "sync-consents"])?["given"].as_u64() > Some(0));
    assert_eq!(district.yes(&grade)?["fields"]["grade"], "kindergarten");
    assert_eq!(district.yes(&["vault", "log", "anchor"])?["epoch"], 1);
    Ok(())
}
