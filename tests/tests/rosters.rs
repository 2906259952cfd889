//! Rosters kept current by the district's service: a system of this file that speaks OneRoster is asked for the whole, for changes, and
//! for the whole again; who leaves in numbers stays until somebody confirms; a system that fails is told and asked again later.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use aula_tests::{line, program};
use serde_json::{Value, json};

/// What the system has, and what it was asked.
#[derive(Default)]
struct Sis {
    /// Students: number, day of the last change, grade.
    students: Vec<(u32, u32, &'static str)>,
    fails: bool,
    asked: Vec<String>,
}

type Shared = Arc<Mutex<Sis>>;

fn held(sis: &Shared) -> std::sync::MutexGuard<'_, Sis> {
    sis.lock().unwrap_or_else(PoisonError::into_inner)
}

fn served(sis: Shared) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is its own business.
            let _ = answer(&sis, stream);
        }
    });
    Ok(url)
}

fn answer(sis: &Shared, stream: TcpStream) -> Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if header.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, body) = told(sis, &path);
    let stream = reader.get_mut();
    write!(
        stream,
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    Ok(())
}

fn told(sis: &Shared, path: &str) -> (u16, String) {
    let mut sis = held(sis);
    if path == "/token" {
        return (200, json!({ "access_token": "t" }).to_string());
    }
    sis.asked.push(path.to_owned());
    if sis.fails {
        return (403, json!({ "imsx_description": "closed for the holidays" }).to_string());
    }
    let day = |day: u32| format!("2026-03-{day:02}T09:30:00.000Z");
    let since = path.split("dateLastModified").nth(1).and_then(|rest| rest.split("2026-03-").nth(1));
    let since: u32 = since.and_then(|rest| rest.get(..2)).and_then(|text| text.parse().ok()).unwrap_or(0);
    let org = json!({ "sourcedId": "o-1", "status": "active", "dateLastModified": day(1), "name": "North", "type": "school", "identifier": "31" });
    let users = sis.students.iter().filter(|(_, changed, _)| *changed >= since).map(|(number, changed, grade)| {
        json!({
            "sourcedId": format!("S-{number}"), "status": "active", "dateLastModified": day(*changed), "givenName": "A",
            "familyName": format!("B{number}"), "grades": [grade], "roles": [{ "roleType": "primary", "role": "student", "org": { "sourcedId": "o-1" } }],
        })
    });
    let body = match path.split('?').next() {
        Some("/orgs") => json!({ "orgs": if since <= 1 { vec![org] } else { Vec::new() } }),
        Some("/users") => json!({ "users": users.collect::<Vec<_>>() }),
        _ => json!({ "enrollments": [] }),
    };
    (200, body.to_string())
}

struct District {
    folder: tempfile::TempDir,
}

impl District {
    fn told(&self, args: &[&str], exit: i32) -> Result<Value> {
        let mut command = Command::new(program("aula")?);
        command.args(args).args(["--output", "json", "--home"]).arg(self.home());
        let output = command.env_remove("AULA_RPC").stdin(Stdio::null()).output()?;
        line(&output, exit).with_context(|| format!("aula {}", args.join(" ")))
    }

    fn home(&self) -> std::path::PathBuf {
        self.folder.path().join("home")
    }

    /// What the service said of rosters. No node runs, so that other duties fail.
    fn asked(&self) -> Result<Value> {
        let told = self.told(&["district", "run", "--once"], 1)?;
        let duties = told["homes"][0]["duties"].as_array().context("duties")?;
        Ok(duties.iter().find(|one| one["duty"] == "rosters").context("no duty of rosters")?.clone())
    }

    fn standing(&self) -> Result<Value> {
        let text = fs::read_to_string(self.home().join("service/rosters.json"))?;
        Ok(serde_json::from_str::<Value>(&text)?["sis"].clone())
    }

    /// Makes the source due.
    fn due(&self, whole: bool) -> Result<()> {
        let path = self.home().join("service/rosters.json");
        let mut all: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        all["sis"]["next_ms"] = json!(0);
        if whole {
            all["sis"]["whole_ms"] = json!(0);
        }
        Ok(fs::write(path, all.to_string())?)
    }
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

#[test]
fn a_source_is_asked_for_the_whole_then_for_changes_and_leavers_wait_for_a_word() -> Result<()> {
    let sis = Shared::default();
    held(&sis).students = (1..=40).map(|number| (number, 2, "05")).collect();
    let url = served(sis.clone())?;
    let district = District { folder: tempfile::tempdir()? };
    district.told(&["keys", "create", "--kind", "account"], 0)?;
    let genesis = "c0".repeat(32);
    let init =
        ["vault", "init", "--district", "7", "--chain-id", "aula-c0c0c0c0", "--genesis-sha256", &genesis];
    district.told(&init, 0)?;
    let from = district.folder.path().join("sis.toml");
    write_private(
        &from,
        &format!("url = '{url}'\ntoken_url = '{url}/token'\nclient_id = 'a'\nclient_secret = 'b'\n"),
    )?;
    fs::write(
        district.home().join("config.toml"),
        format!(
            "[[roster]]\nname = 'sis'\nfrom = {:?}\nevery_minutes = 5\n",
            from.to_str().context("a path")?
        ),
    )?;

    let first = district.asked()?;
    ensure!(first["error"].is_null(), "{first}");
    let standing = district.standing()?;
    ensure!(standing["until"] == "2026-03-02T09:30:00.000Z" && standing["held"] == 0, "{standing}");
    let changed = |standing: &Value| standing["changed"].as_u64().unwrap_or(0);
    let begun = changed(&standing);
    ensure!(begun >= 41, "{standing}");
    // Not due: nothing is asked.
    held(&sis).asked.clear();
    let second = district.asked()?;
    ensure!(second["did"] == "none is due" && held(&sis).asked.is_empty(), "{second}");
    // One of them is in another grade, one is new.
    held(&sis).students[6] = (7, 5, "06");
    held(&sis).students.push((41, 6, "KG"));
    district.due(false)?;
    district.asked()?;
    let standing = district.standing()?;
    ensure!(standing["until"] == "2026-03-06T09:30:00.000Z" && changed(&standing) > begun, "{standing}");
    ensure!(held(&sis).asked.iter().all(|path| path.contains("filter=")), "{:?}", held(&sis).asked);
    // A whole that omits ten of 41: nobody leaves, and the service says so until somebody confirms.
    held(&sis).students.truncate(31);
    district.due(true)?;
    let told = district.asked()?;
    ensure!(
        told["did"]
            .as_str()
            .is_some_and(|did| did.contains("10 are in no row") && did.contains("--confirm-leavers")),
        "{told}"
    );
    ensure!(district.standing()?["held"] == 10);
    let path = from.to_str().context("a path")?;
    let confirmed = district.told(&["district", "import", "--from", path, "--confirm-leavers"], 0)?;
    ensure!(
        confirmed["leavers"]["ended"] == 10 && confirmed["until"] == "2026-03-05T09:30:00.000Z",
        "{confirmed}"
    );
    let undone = district.told(&["district", "undo", &confirmed["import"].to_string()], 0)?;
    ensure!(undone["students"] == 10, "{undone}");
    // One that fails is told, keeps where it stood, and is not asked again at once.
    held(&sis).fails = true;
    let standing = district.standing()?;
    district.due(false)?;
    let failed = district.asked()?;
    ensure!(failed["error"].as_str().is_some_and(|why| why.contains("closed for the holidays")), "{failed}");
    held(&sis).asked.clear();
    let still = district.asked()?;
    ensure!(!still["error"].is_null() && held(&sis).asked.is_empty(), "{still}");
    ensure!(district.standing()?["until"] == standing["until"] && district.standing()?["failures"] == 1);
    held(&sis).fails = false;
    district.due(false)?;
    ensure!(district.asked()?["error"].is_null() && district.standing()?["failures"] == 0);
    Ok(())
}
