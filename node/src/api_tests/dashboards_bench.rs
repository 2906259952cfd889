//! Ten thousand dashboards open while events flow: from an event's own time to the change on the socket.
//!
//! Two processes, so that neither has too many files open: this one is the node, with a vault, the pipeline of its feeds and the
//! routes as `aula start` has them; the other opens the sockets. Run by scripts/bench-dashboards.sh. Absent: browsers, TLS.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use aula_connect::door::Door;
use aula_connect::given::{Feed, Form, Given};
use aula_connect::pipeline::{Observer, Pipeline, Settings};
use aula_home::clock::now_ms;
use aula_ledger::names::Name;
use aula_ledger::types::{DistrictId, SchoolYear};
use aula_server::wiring::dashboards::Told;
use aula_server::wiring::xapi::KeptDoor;
use aula_vault::access::ReaderRole;
use aula_vault::{Folders, LocalId, Vault};
use aula_web::dashboard::{CHECK_EVERY, Grant};
use aula_web::family_link::{self, FamilyLink, LinkReader, LinkRole};
use axum::body::Bytes;
use futures::SinkExt;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::*;

const YEAR: SchoolYear = SchoolYear(2026);

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn resident_mib(pid: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1_024
}

fn answer(feed: &Arc<Feed>, number: u64, student: u64) -> Option<Given> {
    let (at, unit, right) = (now_ms(), number % 20, !number.is_multiple_of(3));
    let text = format!(
        r#"{{"id":"b{number}","at":{at},"student":"S-{student}","event":{{"kind":"response","item":{unit},"skills":[{unit}],"correct":{right},"duration_ms":8000}}}}"#
    );
    Given::read(feed, Form::Line, Bytes::from(text), (&Arc::from("bench"), 1), at)
}

/// Ten weeks of a student who can be looked at while it runs.
fn past(feed: &Arc<Feed>) -> Vec<Given> {
    let now = now_ms();
    let event = |n: u64| match n % 4 {
        0 => r#"{"kind":"attendance","mark":"MARK"}"#
            .replace("MARK", if n.is_multiple_of(5) { "absent" } else { "present" }),
        1 => format!(r#"{{"kind":"session","minutes":40,"active_minutes":{}}}"#, 8 + n % 30),
        2 => format!(
            r#"{{"kind":"resource_use","resource":{},"used_minutes":{},"available_minutes":60}}"#,
            7 + n % 3,
            n % 60
        ),
        _ => format!(
            r#"{{"kind":"response","item":{0},"skills":[{0}],"correct":{1},"duration_ms":9000}}"#,
            n % 20,
            !n.is_multiple_of(7)
        ),
    };
    let given = |n: u64| {
        let at = now - (280 - n) * 6 * 3_600_000;
        let text = format!(r#"{{"id":"p{n}","at":{at},"student":"S-0","event":{}}}"#, event(n));
        Given::read(feed, Form::Line, Bytes::from(text), (&Arc::from("bench"), 1), at)
    };
    (0..280).filter_map(given).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, by scripts/bench-dashboards.sh"]
async fn measure_open_dashboards() -> Tested {
    let (open, seconds, rate) =
        (setting("AULA_OPEN", 10_000), setting("AULA_SECONDS", 20), setting("AULA_RATE", 1_000));
    let mut kept = None;
    let served = serve_looking(
        DevChain::of(aula_kit::round::base).map_err(failed)?,
        |config| {
            config.api.reads_per_second = 0;
            config.quotas.requests_per_second = 0;
            config.api.max_requests = 4_096;
            (config.api.max_connections, config.api.max_connections_per_address) = (19_000, 19_000);
        },
        |node, chain| {
            let folders = Folders { data: chain.home.vault_dir(), keystore: chain.home.keystore_dir() };
            node.vault = Some(folders.clone());
            node.links = vec![chain.home.links_dir()];
            kept = KeptDoor::of(node).map(|door| (folders, door));
        },
        // As a node does.
        CHECK_EVERY,
    )
    .await?;
    let (folders, door) = kept.ok_or("a vault")?;
    let vault = Vault::create(&folders, &served.district_1(), now_ms())?;
    let asked: Option<Vec<_>> = (0..open).map(|n| Some((LocalId::new(&format!("S-{n}"))?, YEAR))).collect();
    let handles = vault.enrol(&asked.ok_or("identifiers")?)?;
    drop(vault);
    let feed = Arc::new(Feed::plain("bench")?);
    let told = Told::of(&served.dashboards);
    let observer: Arc<dyn Observer> = told.clone();
    let params = aula_kit::reference();
    let feeds = vec![feed.clone()];
    let settings = Settings { params, spool: None, room: None, feeds, observer: Some(observer) };
    let door: Arc<dyn Door> = Arc::new(door);
    let pipeline = Arc::new(Pipeline::start(door, settings)?);
    told.follow(&pipeline);
    let submit = |given: Vec<Given>| {
        let pipeline = pipeline.clone();
        tokio::task::spawn_blocking(move || pipeline.submit_and_wait(given))
    };
    submit(past(&feed)).await??;
    // What every student did before: ten answers.
    for first in (0..open * 10).step_by(5_000) {
        let given = (first..(first + 5_000).min(open * 10)).filter_map(|n| answer(&feed, n, n % open));
        submit(given.collect()).await??;
    }
    let first = handles.first().copied().ok_or("a student")?;
    let link = FamilyLink {
        version: 1,
        district: DistrictId(1),
        school_year: YEAR,
        handle: first,
        made_ms: now_ms(),
        expires_ms: u64::MAX,
        revoked_ms: None,
        reader: Some(LinkReader { name: Name::new("f-1")?, role: LinkRole::Family }),
    };
    let (_, token) = family_link::make(&served.chain.home.links_dir(), &link)?;
    println!("LOOK {}{}{}", served.client.origin(), family_link::DASHBOARD, token.expose());
    let mut list = tempfile::NamedTempFile::new()?;
    for handle in handles {
        let grant = Grant {
            district: DistrictId(1),
            school_year: YEAR,
            handle,
            reader: Name::new("f-1")?,
            role: ReaderRole::Family,
            link: None,
            framed_by: Vec::new(),
            expires_ms: u64::MAX,
        };
        let token = served.dashboards.sessions.mint(grant, now_ms());
        writeln!(list, "{} {}", token.name(), token.expose())?;
    }
    let before = resident_mib("self");
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--ignored", "--exact", "api_tests::dashboards_bench::open_dashboards", "--nocapture"])
        .env("AULA_AT", served.client.origin())
        .env("AULA_LIST", list.path())
        .env("AULA_SECONDS", (seconds + 3).to_string())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = std::io::BufReader::new(child.stdout.take().ok_or("its words")?);
    let mut heard = move |what: &str| -> Result<String, Box<dyn std::error::Error>> {
        use std::io::BufRead;
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                return Err("the other process ended".into());
            }
            if let Some(rest) = line.trim().strip_prefix(what) {
                return Ok(rest.to_owned());
            }
        }
    };
    let opened = tokio::task::block_in_place(|| heard("OPEN "))?;
    let with = resident_mib("self");
    println!(
        "{opened} open; {before} MiB before, {with} MiB with them, {} followed",
        served.dashboards.followed()
    );
    let (started, mut number) = (Instant::now(), open * 10);
    let first = number;
    let mut answers = Vec::new();
    while started.elapsed().as_secs() < seconds {
        // An open loop: what is due by now is sent, in one submission every ten milliseconds.
        let due = first + u64::try_from(started.elapsed().as_millis())? * rate / 1_000;
        let given: Vec<Given> =
            (number..due).filter_map(|n| answer(&feed, n, n.wrapping_mul(7_919) % open)).collect();
        number = due.max(number);
        answers.push(submit(given));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for answer in answers {
        answer.await??;
    }
    let result = tokio::task::block_in_place(|| heard("HEARD "))?;
    println!("{} events in {seconds} s; {result}; {} MiB at the end", number - first, resident_mib("self"));
    child.wait()?;
    pipeline.stop();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other process of the measurement"]
async fn open_dashboards() -> Tested {
    let (at, list) = (std::env::var("AULA_AT")?, std::fs::read_to_string(std::env::var("AULA_LIST")?)?);
    let seconds = setting("AULA_SECONDS", 20);
    let told: Arc<Mutex<Vec<(u64, u64)>>> = Arc::default();
    let (open, measuring) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = Arc::new(tokio::sync::Semaphore::new(64));
    for line in list.lines() {
        let (name, token) = line.split_once(' ').ok_or("a line")?;
        let permit = gate.clone().acquire_owned().await?;
        let mut request =
            format!("{}/s/of/{name}/live", at.replace("http://", "ws://")).into_client_request()?;
        request.headers_mut().insert("origin", at.parse()?);
        request.headers_mut().insert("cookie", format!("aula_dashboard={token}").parse()?);
        let (told, open, measuring) = (told.clone(), open.clone(), measuring.clone());
        tokio::spawn(async move {
            let Ok((mut socket, _)) = connect_async(request).await else { return };
            let hello = r#"{"epoch":1,"after":0,"lang":"en"}"#;
            if socket.send(Message::Text(hello.into())).await.is_err() {
                return;
            }
            let mut permit = Some(permit);
            while let Some(Ok(message)) = socket.next().await {
                let Message::Text(text) = message else { continue };
                if permit.take().is_some() {
                    open.fetch_add(1, Ordering::Relaxed);
                }
                if measuring.load(Ordering::Relaxed) == 0 {
                    continue;
                }
                // The newest event that the message tells of.
                let times = text.split("data-at=\\\"").skip(1).filter_map(|rest| rest.split('\\').next());
                let newest = times.filter_map(|digits| digits.parse::<u64>().ok()).max();
                if let (Some(at_ms), Ok(mut told)) = (newest, told.lock()) {
                    told.push((now_ms().saturating_sub(at_ms), text.len() as u64));
                }
            }
        });
    }
    while gate.available_permits() < 64 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The rest of the whole states, one message every 250 ms.
    tokio::time::sleep(Duration::from_secs(4)).await;
    measuring.store(1, Ordering::Relaxed);
    println!("OPEN {}", open.load(Ordering::Relaxed));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let mut told = told.lock().map_err(|_| "a lock")?.clone();
    let bytes = told.iter().map(|(_, bytes)| bytes).sum::<u64>() / (told.len() as u64).max(1);
    let most = told.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
    told.sort_unstable();
    let at = |share: f64| {
        told.get(((told.len() as f64 * share) as usize).min(told.len() - 1)).map_or(0, |one| one.0)
    };
    println!(
        "HEARD {} changes, p50 {} ms, p99 {} ms, longest {} ms; {bytes} bytes each, {most} at most",
        told.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    Ok(())
}
