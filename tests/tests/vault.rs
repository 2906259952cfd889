//! The district's vault as its operator uses it, against a running consortium: consent, reads, the anchored log,
//! rotation, erasure with its receipt, copies; and what each command says to bad input.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use aula_ledger::genesis::Genesis;
use aula_tests::{alone, audit, aula, line, program};
use serde_json::{Value, json};

#[path = "vault/own.rs"]
mod own;

/// One grade of the demo, whose districts are members of the chain, kept up until dropped.
struct Demo {
    process: Child,
    told: Value,
    folder: tempfile::TempDir,
}

impl Demo {
    fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut process = Command::new(program("aula")?)
            .args(["demo", "--grades", "1", "--output", "json", "--home"])
            .arg(folder.path().join("demo"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = process.stdout.take().context("the demo has no output")?;
        let mut text = String::new();
        BufReader::new(out).read_line(&mut text)?;
        let told = serde_json::from_str(&text).with_context(|| format!("the demo said {text:?}"))?;
        Ok(Self { process, told, folder })
    }
}

impl Demo {
    /// Ends the processes and keeps the folder.
    fn stop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
            let _ = self.process.wait();
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A district's vault: its home, and its two folders beside the demo's own.
struct Office {
    home: PathBuf,
    root: PathBuf,
    rpc: String,
}

impl Office {
    fn run(&self, args: &[&str]) -> Result<Output> {
        let (home, vault, keys) = (self.home.clone(), self.root.join("vault"), self.root.join("keystore"));
        let out = Command::new(program("aula")?)
            .args(args)
            .args(["--output", "json", "--home"])
            .arg(home)
            .env("AULA_VAULT", vault)
            .env("AULA_KEYSTORE", keys)
            .env("AULA_RPC", &self.rpc)
            .stdin(Stdio::null())
            .output()?;
        Ok(out)
    }

    fn yes(&self, args: &[&str]) -> Result<Value> {
        line(&self.run(args)?, 0).with_context(|| format!("aula {}", args.join(" ")))
    }

    fn code(&self, args: &[&str], exit: i32) -> Result<String> {
        let told = line(&self.run(args)?, exit).with_context(|| format!("aula {}", args.join(" ")))?;
        let code = told["error"]["code"].as_str().or(told["reason"].as_str());
        Ok(code.unwrap_or_default().to_owned())
    }

    fn path(&self, name: &str) -> Result<String> {
        Ok(self.root.join(name).to_str().context("a path that is not text")?.to_owned())
    }

    /// A vault of district 1 with two students of this year, one of them also of the next; gives their handles.
    fn fill(&self, chain: &[&str]) -> Result<[String; 3]> {
        self.yes(&[&["vault", "init", "--district", "1"], chain].concat())?;
        let file = self.path("students.jsonl")?;
        let lines = [
            json!({"student": "S-1", "school_year": 1990, "fields": {"name": "Ada of 1990", "need": 1200, "band": 4}}),
            json!({"student": "S-2", "school_year": 1990, "fields": {"name": "Bo of 1990"}}),
            json!({"student": "S-1", "school_year": 1991, "fields": {"name": "Ada of 1991"}}),
        ];
        fs::write(&file, lines.map(|line| line.to_string()).join("\n"))?;
        let told = self.yes(&["vault", "put", &file])?;
        let handle =
            |place: usize| told["records"][place]["handle"].as_str().map(str::to_owned).context("a handle");
        Ok([handle(0)?, handle(1)?, handle(2)?])
    }

    /// Enters that the tests' reader teaches these students.
    fn roster(&self, students: &[&str]) -> Result<()> {
        let file = self.path("roster.csv")?;
        let lines = students.iter().map(|student| format!("t-1042,4-b,,{student},1990\n"));
        fs::write(
            &file,
            format!("reader,section,school,student,school_year\n{}", lines.collect::<String>()),
        )?;
        assert_eq!(self.yes(&["vault", "roster", &file])?["pairs"], students.len());
        Ok(())
    }

    fn credential(&self, role: &str) -> Result<String> {
        let told = self.yes(&["vault", "credential", "--role", role, "--reader", "t-1042"])?;
        let path = self.path(&format!("{role}.txt"))?;
        fs::write(&path, told["credential"].as_str().context("a credential")?)?;
        Ok(path)
    }
}

fn demo_office(demo: &Demo) -> Result<Office> {
    let root = demo.folder.path().join("office");
    fs::create_dir(&root)?;
    let rpc = demo.told["explorer"].as_str().context("explorer")?.to_owned();
    Ok(Office { home: demo.folder.path().join("demo/district-01"), root, rpc })
}

async fn anchor(office: &Office, school: u64, year: u16, handles: &[&str]) -> Result<()> {
    let mut handles = handles.to_vec();
    handles.sort_unstable();
    let states: Vec<Value> = handles
        .iter()
        .map(|handle| {
            json!({"handle": handle, "version": 1, "state_hash": "11".repeat(32), "home_school": school,
                   "inputs": vec!["33".repeat(32); 3], "commitments": [], "event_watermark": 0})
        })
        .collect();
    let versions: Value = reqwest::get(format!("{}/v1/twin-parameters", office.rpc)).await?.json().await?;
    let version = &versions["versions"][0];
    let fields = json!({"school_year": year, "parameters": version["version"], "model_digest": version["digest"], "states": states})
        .to_string();
    let told = office.yes(&["tx", "anchor-states", &fields])?;
    ensure!(told["code"] == 0, "{told}");
    Ok(())
}

/// A school of district 1, from the demo's genesis.
fn school(demo: &Demo) -> Result<u64> {
    let genesis = fs::read(demo.told["genesis"].as_str().context("genesis")?)?;
    let genesis: Value = serde_json::from_slice(&genesis)?;
    let schools = genesis["schools"].as_array().context("schools")?;
    schools
        .iter()
        .find(|school| school["district"] == 1)
        .and_then(|school| school["id"].as_u64())
        .context("a school")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_students_record_is_read_with_consent_listed_proved_and_erased() -> Result<()> {
    let _turn = alone().await;
    let mut demo = Demo::start()?;
    let told_again = own::the_demos_own_vaults_serve_their_operators(&demo)?;
    let office = demo_office(&demo)?;
    let genesis = fs::read(demo.told["genesis"].as_str().context("a genesis file")?)?;
    let genesis = Genesis::parse(&genesis)?;
    let (chain, hash) = (genesis.chain_id.to_string(), genesis.sha256.to_string());
    let [ada, bo, next] = office.fill(&["--chain-id", &chain, "--genesis-sha256", &hash])?;
    let school = school(&demo)?;
    anchor(&office, school, 1990, &[&ada, &bo]).await?;
    anchor(&office, school, 1991, &[&next]).await?;

    // No consent, no read; with it the needed fields, and no other; withdrawn, none again.
    let teacher = office.credential("teacher")?;
    let get = |fields| ["vault", "get", &ada, "--credential", &teacher, "--fields", fields];
    assert_eq!(office.code(&get("name"), 1)?, "no_relation");
    office.roster(&["S-1", "S-2"])?;
    assert_eq!(office.code(&get("name"), 1)?, "insufficient_data");
    let form = office.path("form.txt")?;
    fs::write(&form, "signed")?;
    office.yes(&["vault", "consent", "give", &ada, &bo, "--form", &form])?;
    let given = office.yes(&get("name,need,band"))?;
    assert_eq!(given["fields"], json!({"name": "Ada of 1990"}));
    assert_eq!(given["withheld"], json!(["need", "band"]));
    assert_eq!(office.code(&get("need"), 1)?, "nothing_needed");
    let open = ["vault", "get", &ada, "--class", "resource_allocation", "--purpose", "resource_allocation"];
    assert_eq!(office.yes(&[&open[..], &["--fields", "band"]].concat())?["fields"]["band"], 4);
    office.yes(&["vault", "consent", "withdraw", &ada, "--form", &form])?;
    assert_eq!(office.code(&get("name"), 1)?, "consent_withdrawn");

    // The log: anchored, extended, proved to the family; a changed proof is no proof.
    assert_eq!(office.yes(&["vault", "log", "anchor"])?["log_size"], 6);
    assert_eq!(office.yes(&["vault", "log", "anchor"])?["anchored"], false);
    assert_eq!(office.code(&get("name"), 1)?, "consent_withdrawn");
    assert_eq!(office.yes(&["vault", "log", "anchor"])?["log_size"], 7);
    let proof = office.path("read.proof")?;
    office.yes(&["vault", "log", "prove", "1", "-o", &proof])?;
    let listed =
        line(&aula(&["vault", "log", "verify", &proof, "--rpc", &office.rpc, "--output", "json"])?, 0)?;
    assert_eq!((&listed["listed"], &listed["entry"]["role"]), (&json!(true), &json!("teacher")));
    let mut bytes = fs::read(&proof)?;
    bytes[60] ^= 1;
    fs::write(&proof, &bytes)?;
    let changed = aula(&["vault", "log", "verify", &proof, "--rpc", &office.rpc, "--output", "json"])?;
    assert!(matches!(changed.status.code(), Some(1 | 2)));
    assert_eq!(office.code(&["vault", "log", "prove", "99", "-o", &proof], 2)?, "not_anchored");

    // Copies, rotation, erasure in every year with its receipts; the other student stays.
    let (data, keys) = (office.path("copy-data")?, office.path("copy-keys")?);
    office.yes(&["backup", "--data", &data, "--keys", &keys])?;
    assert_eq!(office.yes(&["vault", "rotate", "--if-due"])?["rotated"], false);
    assert_eq!(office.yes(&["vault", "rotate"])?["generation"], 2);
    let erased = office.yes(&["vault", "erase", &next])?;
    assert_eq!(erased["erased"].as_array().map(Vec::len), Some(2));
    assert!(
        erased["receipts"].as_array().is_some_and(|list| list.iter().all(|one| one["was_anchored"] == true))
    );
    assert_eq!(office.code(&get("name"), 1)?, "erased");
    let status = office.yes(&["vault", "status"])?;
    assert_eq!((&status["students"], &status["erasures_pending"]), (&json!(1), &json!(0)));
    let again = office.run(&[
        "tx",
        "record-erasure",
        &json!({"school_year": 1990, "handles": [ada],
        "destroyed_keystore": "33".repeat(32)})
        .to_string(),
    ])?;
    assert_eq!(line(&again, 1)?["code"], 156);
    office.yes(&["backup", "--keys", &keys])?;

    // A vault from the old data and the newest keys has neither the student nor anybody's consent.
    let restored = Office {
        root: demo.folder.path().join("restored"),
        home: office.home.clone(),
        rpc: office.rpc.clone(),
    };
    fs::create_dir(&restored.root)?;
    let report = restored.yes(&["restore", "--data", &data, "--keys", &keys])?;
    assert_eq!((&report["students"], &report["swept"]), (&json!(1), &json!(2)));
    assert_eq!(restored.code(&get("name"), 1)?, "insufficient_data");
    let of_bo = ["vault", "get", &bo, "--credential", &teacher, "--fields", "name"];
    assert_eq!(restored.code(&of_bo, 1)?, "no_relation", "the roster is entered again after a restore");
    restored.roster(&["S-2"])?;
    assert_eq!(restored.code(&of_bo, 1)?, "insufficient_data");
    restored.yes(&["vault", "consent", "give", &bo, "--form", &form])?;
    assert_eq!(restored.yes(&of_bo)?["fields"]["name"], "Bo of 1990");

    // The old bundle still verifies, and every node's chain still replays.
    let told = |field: &str| demo.told[field].as_str().map(str::to_owned).context("a path");
    let (bundle, genesis) = (told("bundle")?, told("genesis")?);
    line(&audit(&["verify", &bundle, "--genesis", &genesis, "--output", "json"])?, 0)?;
    let folder = demo.folder.path().join("demo/node-01");
    demo.stop();
    line(&aula(&["replay", "--output", "json", "--home", folder.to_str().context("text")?])?, 0)?;
    own::twins_are_forked_from_files_and_from_the_vault(&demo, &told_again)
}

/// The chain of a vault that meets no node.
const CHAIN: [&str; 4] = [
    "--chain-id",
    "test-00c0ffee",
    "--genesis-sha256",
    "00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee",
];

/// A district's vault without any chain: what needs no ledger.
fn lone() -> Result<(tempfile::TempDir, Office)> {
    let folder = tempfile::tempdir()?;
    let home = folder.path().join("home");
    let root = folder.path().join("office");
    fs::create_dir(&root)?;
    let office = Office { home, root, rpc: "http://127.0.0.1:9".into() };
    office.yes(&["keys", "create", "--kind", "account"])?;
    Ok((folder, office))
}

#[test]
fn bad_input_is_answered_in_words_and_loses_nothing() -> Result<()> {
    let (_folder, office) = lone()?;
    assert_eq!(office.code(&["vault", "status"], 2)?, "no_vault");
    let [ada, ..] = office.fill(&CHAIN)?;
    assert_eq!(
        office.code(&[&["vault", "init", "--district", "1"], &CHAIN[..]].concat(), 2)?,
        "vault_exists"
    );
    assert_eq!(office.code(&["vault", "get", "nonsense", "--fields", "name"], 2)?, "bad_handle");
    assert_eq!(office.code(&["vault", "erase", &"00".repeat(32)], 2)?, "unknown_handle");
    assert_eq!(office.code(&["vault", "log", "prove", "0", "-o", "x"], 2)?, "not_anchored");
    let bad = office.path("bad.jsonl")?;
    fs::write(&bad, "{\"student\":\"S-9\",\"school_year\":1990,\"fields\":{\"a secret\":1}}\n")?;
    assert_eq!(office.code(&["vault", "put", &bad], 2)?, "bad_line");
    for reserved in ["state", "events", "STATE"] {
        let line = json!({"student": "S-1", "school_year": 1990, "fields": {"name": "Eve", reserved: 1}});
        fs::write(&bad, line.to_string())?;
        assert_eq!(office.code(&["vault", "put", &bad], 2)?, "reserved_field", "{reserved}");
    }
    fs::write(&bad, "{\"student\":\"Ada Lovelace\" oops")?;
    let out = office.run(&["vault", "put", &bad])?;
    assert!(!String::from_utf8_lossy(&out.stderr).contains("Lovelace"), "values are not quoted in messages");

    // A ledger that does not answer: a withdrawal denies all the same, an erasure stands and says what is missing.
    let form = office.path("form.txt")?;
    fs::write(&form, "signed")?;
    assert_eq!(office.code(&["vault", "consent", "withdraw", &ada, "--form", &form], 2)?, "unreachable");
    let teacher = office.credential("teacher")?;
    let get = ["vault", "get", &ada, "--credential", &teacher, "--fields", "name"];
    assert_eq!(office.code(&get, 1)?, "no_relation");
    for (line, why) in [
        ("t-1042,4-b,11,S-1,1990", "a section and a school"),
        ("t-1042,,,S-1,1990", "neither"),
        ("t-1042,4-b,,S-7,1990", "no such student"),
        ("t-1042,4-b,,S-1,1987", "no such student"),
        ("T 1042,4-b,,S-1,1990", "a reader"),
        ("t-1042,4-b", "not a line"),
    ] {
        fs::write(
            &bad,
            format!("reader,section,school,student,school_year\nt-1042,4-b,,S-1,1990\n{line}\n"),
        )?;
        let told = aula_tests::line(&office.run(&["vault", "roster", &bad])?, 2)?;
        let message = told["error"]["message"].as_str().unwrap_or_default();
        ensure!(message.contains("line 3") && message.contains(why), "{line}: {told}");
    }
    assert_eq!(office.code(&get, 1)?, "no_relation", "a roster is taken whole or not at all");
    office.roster(&["S-1", "S-2"])?;
    assert_eq!(office.code(&get, 1)?, "consent_withdrawn");
    assert_eq!(office.code(&["vault", "erase", &ada], 2)?, "unreachable");
    assert_eq!(office.code(&get, 1)?, "erased");
    assert_eq!(office.yes(&["vault", "status"])?["erasures_pending"], 2);

    // Keys that others can read, are another's, or are gone; data that is cut.
    let keystore = office.root.join("keystore");
    fs::set_permissions(&keystore, fs::Permissions::from_mode(0o755))?;
    assert_eq!(office.code(&["vault", "status"], 2)?, "keystore_refused");
    fs::set_permissions(&keystore, fs::Permissions::from_mode(0o700))?;
    let away = office.root.join("away");
    fs::rename(&keystore, &away)?;
    assert_eq!(office.code(&["vault", "status"], 2)?, "no_keystore");
    fs::rename(&away, &keystore)?;
    let kek = keystore.join("gen-000002/kek.json");
    let right = fs::read_to_string(&kek)?;
    let key = right.split('"').find(|part| part.len() == 64).context("a key")?;
    fs::write(&kek, right.replace(key, &"5a".repeat(32)))?;
    assert_eq!(office.code(&["vault", "status"], 2)?, "keystore_refused");
    fs::write(&kek, &right)?;
    let keys = keystore.join("gen-000002/keys.sealed");
    let whole = fs::read(&keys)?;
    fs::write(&keys, &whole[..whole.len() / 2])?;
    assert_eq!(office.code(&["vault", "status"], 2)?, "keystore_refused");
    fs::write(&keys, &whole)?;
    let manifest = fs::read_dir(office.root.join("vault"))?.filter_map(Result::ok).map(|entry| entry.path());
    let manifest =
        manifest.into_iter().find(|path| path.to_string_lossy().contains("MANIFEST")).context("one")?;
    let whole = fs::read(&manifest)?;
    fs::write(&manifest, &whole[..whole.len() / 2])?;
    assert_eq!(office.code(&["vault", "status"], 2)?, "vault_damaged");
    fs::write(&manifest, &whole)?;
    assert_eq!(office.yes(&["vault", "status"])?["students"], 1);
    let tables = fs::read_dir(office.root.join("vault"))?.filter_map(Result::ok).map(|entry| entry.path());
    let tables: Vec<PathBuf> =
        tables.filter(|path| path.extension().is_some_and(|end| end == "sst")).collect();
    ensure!(!tables.is_empty(), "the vault has a table on disk");
    for table in tables {
        let whole = fs::read(&table)?;
        fs::write(&table, &whole[..whole.len() / 2])?;
        assert_eq!(office.code(&["vault", "status"], 2)?, "vault_damaged");
        fs::write(&table, &whole)?;
    }
    assert_eq!(office.yes(&["vault", "status"])?["students"], 1);
    Ok(())
}

#[test]
fn with_a_full_disk_there_is_no_read_and_with_space_again_nothing_is_lost() -> Result<()> {
    let (folder, office) = lone()?;
    let [ada, ..] = office.fill(&CHAIN)?;
    let band = ["vault", "get", &ada, "--class", "resource_allocation", "--fields", "band"];
    assert_eq!(office.yes(&band)?["entry"], 0);
    let listed = limited(&office, &band)?;
    assert_eq!(office.yes(&band)?["entry"], listed, "what was refused is not an entry, and nothing is lost");
    // A small file system of its own, in a mount namespace where that is allowed; the vault is copied into it.
    let script = format!(
        "set -e; mkdir -p {mount}; mount -t tmpfs -o size=24m,mode=700 none {mount}; cp -a {vault} {mount}/vault; \
         AULA_VAULT={mount}/vault {program} vault status >&2; \
         dd if=/dev/zero of={mount}/filler bs=4k >/dev/null 2>&1 || true; \
         set +e; AULA_VAULT={mount}/vault {program} {read}; echo \"exit $?\"; rm {mount}/filler; \
         AULA_VAULT={mount}/vault {program} {read}; echo \"exit $?\"",
        mount = folder.path().join("small").display(),
        vault = office.root.join("vault").display(),
        program = program("aula")?.display(),
        read = band.join(" "),
    );
    let out = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script])
        .env("AULA_KEYSTORE", office.root.join("keystore"))
        .env("AULA_HOME", &office.home)
        .env("AULA_OUTPUT", "json")
        .output();
    let Some(out) = out.ok().filter(|out| String::from_utf8_lossy(&out.stdout).contains("exit ")) else {
        // The limits on files above are tried everywhere; the library's own test has a writer that fails.
        eprintln!(
            "SKIPPED: no mount namespace is allowed here, so that a file system that fills up was not tried"
        );
        println!(
            "measured: SKIPPED a full file system (no mount namespace here); limits on files were tried"
        );
        return Ok(());
    };
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    ensure!(lines.len() == 4, "{text} {}", String::from_utf8_lossy(&out.stderr));
    assert_eq!((lines[1], lines[3]), ("exit 2", "exit 0"), "{text}");
    assert!(!lines[0].contains("\"band\""), "{text}");
    let after: Value = serde_json::from_str(lines[2])?;
    assert_eq!((&after["fields"]["band"], &after["entry"]), (&json!(4), &json!(listed + 1)));
    Ok(())
}

/// Reads under limits on what a file may hold, from none at all: where a write fails (EFBIG) nothing is read, and what is
/// read is listed. Gives the next entry's number.
fn limited(office: &Office, band: &[&str]) -> Result<u64> {
    let (mut next, mut refused) = (1, 0);
    for blocks in [0, 1, 2, 8, 64, 90, 96, 128, 1_024, 65_536] {
        // The signal would kill; ignored, it is an error that the program sees.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let out = Command::new("sh")
            .args(["-c", &script])
            .arg(program("aula")?)
            .args(band)
            .env("AULA_VAULT", office.root.join("vault"))
            .env("AULA_KEYSTORE", office.root.join("keystore"))
            .env("AULA_HOME", &office.home)
            .env("AULA_OUTPUT", "json")
            .output()?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        match out.status.code() {
            Some(0) => {
                assert_eq!(line(&out, 0)?["entry"], next, "{blocks} blocks: {text}");
                next += 1;
            }
            Some(2) => {
                let code = line(&out, 2)?["error"]["code"].clone();
                let known = [json!("vault_unwritable"), json!("log_unwritable"), json!("vault_damaged")];
                ensure!(known.contains(&code) && !text.contains("\"band\""), "{blocks} blocks: {text}");
                refused += 1;
            }
            other => anyhow::bail!("{blocks} blocks: ended with {other:?}: {text}"),
        }
    }
    ensure!(refused > 0 && next > 1, "{refused} refused, {} read", next - 1);
    println!("measured: under 10 limits on files {refused} reads were refused and {} listed", next - 1);
    Ok(next)
}
