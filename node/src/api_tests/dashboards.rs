//! Dashboards over HTTP: a link exchanged for a session, the page, the socket, what is wrong, and every way it ends.

use aula_home::clock::now_ms;
use aula_ledger::access::{ConsentChoice, Purpose, Relation, Verdict};
use aula_ledger::names::{FieldName, Name, Term};
use aula_ledger::types::{DistrictId, Handle, SchoolYear};
use aula_twin_runtime::clock::{DAY_MS, Skew, Stamp};
use aula_twin_runtime::event::{
    Attendance, Correctness, Event, EventBody, EventKey, ItemId, ResourceId, SkillId, SkillSet, SourceId,
};
use aula_twin_runtime::merge::History;
use aula_vault::access::{ReaderRole, RosterLine};
use aula_vault::corrections::{Answered, Asking};
use aula_vault::turn::PATIENCE;
use aula_vault::vault::EventIn;
use aula_vault::{Folders, LocalId, Vault};
use aula_web::dashboard::Grant;
use aula_web::family_link::{self, FamilyLink, LinkReader, LinkRole};
use futures::SinkExt;
use reqwest::header::{self, HeaderMap};
use reqwest::redirect::Policy;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error as WsError, Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::*;

const YEAR: SchoolYear = SchoolYear(2026);
const UNITS: u64 = 40;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A node with a vault of district 1 and one student who did a lot.
struct Office {
    served: Served,
    folders: Folders,
    links: std::path::PathBuf,
    handle: Handle,
    events: Vec<Event>,
}

fn event(sequence: u64, body: EventBody) -> Result<Event, Box<dyn std::error::Error>> {
    let stamp = Stamp::new(1_790_000_000_000 + sequence * 3_600_000, 0)?;
    Ok(Event { key: EventKey { stamp, source: SourceId(1), sequence }, skew: Skew::Within, body })
}

fn answer(unit: u16, right: bool) -> Result<EventBody, Box<dyn std::error::Error>> {
    let correctness = if right { Correctness::Correct } else { Correctness::Incorrect };
    let skills = SkillSet::new(vec![SkillId(unit)])?;
    Ok(EventBody::Response { item: ItemId(u32::from(unit)), skills, correctness, duration_ms: 9_000 })
}

async fn office() -> Result<Office, Box<dyn std::error::Error>> {
    office_looking(SOON).await
}

/// One whose open pages are looked at again so often.
async fn office_looking(every: Duration) -> Result<Office, Box<dyn std::error::Error>> {
    let (served, folders, links) = serve_office(|config| config.api.reads_per_second = 0, every).await?;
    let vault = Vault::create(&folders, &served.district_1(), now_ms())?;
    let handle = vault.enrol(&[(LocalId::new("S-1").ok_or("an id")?, YEAR)])?.remove(0);
    vault.put_records(&[(handle, FieldName::new("name")?, b"\"Ada\"")])?;
    let relation = Relation::Section(Term::new("4-b")?);
    vault.replace_roster(&[RosterLine { reader: Name::new("t-1042")?, handle, relation }])?;
    vault.keep_consent(&[handle], Purpose::EducationalNecessity, ConsentChoice::Given)?;
    let mut events = Vec::new();
    for n in 1..=UNITS * 4 {
        events.push(event(n, answer((n % UNITS) as u16, n % 3 != 0)?)?);
    }
    events.push(event(UNITS * 4 + 1, EventBody::Attendance(Attendance::Present))?);
    let used = EventBody::ResourceUse { resource: ResourceId(77), used_minutes: 20, available_minutes: 40 };
    events.push(event(UNITS * 4 + 2, used)?);
    let office = Office { served, folders, links, handle, events };
    office.put(&vault, &office.events)?;
    Ok(office)
}

impl Office {
    fn put(&self, vault: &Vault, events: &[Event]) -> Tested {
        for event in events {
            let key = aula_district::event_place::place(&event.key);
            vault.put_events(&[EventIn { handle: self.handle, key: &key, event: &event.encode() }])?;
        }
        Ok(())
    }

    fn vault(&self) -> Result<Vault, Box<dyn std::error::Error>> {
        Ok(Vault::open_in_turn(&self.folders, PATIENCE)?)
    }

    fn link(
        &self,
        role: LinkRole,
        name: &str,
        days: u64,
    ) -> Result<(String, String), Box<dyn std::error::Error>> {
        let link = FamilyLink {
            version: 1,
            district: DistrictId(1),
            school_year: YEAR,
            handle: self.handle,
            made_ms: now_ms(),
            expires_ms: now_ms() + days * DAY_MS,
            revoked_ms: None,
            reader: Some(LinkReader { name: Name::new(name)?, role }),
        };
        let (id, token) = family_link::make(&self.links, &link)?;
        Ok((id.to_string(), token.expose().to_owned()))
    }

    fn revoke(&self, id: &str) -> Tested {
        family_link::revoke(&self.links, &id.parse().map_err(|_| "an id")?, now_ms())?;
        Ok(())
    }

    /// Asks as a browser does.
    async fn ask(
        &self,
        path: &str,
        cookie: Option<&str>,
    ) -> Result<(u16, HeaderMap, String), Box<dyn std::error::Error>> {
        let http = reqwest::Client::builder().redirect(Policy::none()).build()?;
        let mut asked = http.get(format!("{}{path}", self.served.client.origin()));
        asked = asked.header(header::ACCEPT, "text/html");
        if let Some(cookie) = cookie {
            asked = asked.header(header::COOKIE, cookie);
        }
        let told = asked.send().await?;
        Ok((told.status().as_u16(), told.headers().clone(), told.text().await?))
    }

    /// Opens a link: where it leads, and the cookie.
    async fn open(&self, token: &str) -> Result<(String, String), Box<dyn std::error::Error>> {
        let (status, headers, body) = self.ask(&format!("/s/{token}"), None).await?;
        assert_eq!((status, body.as_str()), (303, ""));
        let cookie = headers[header::SET_COOKIE].to_str()?.to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        assert!(!format!("{headers:?}").contains(token), "the link goes no further");
        Ok((
            headers[header::LOCATION].to_str()?.to_owned(),
            cookie.split(';').next().unwrap_or("").to_owned(),
        ))
    }

    async fn connect(&self, page: &str, cookie: &str, origin: &str) -> Result<Socket, WsError> {
        let at = self.served.client.origin().replace("http://", "ws://");
        let mut request = format!("{at}{page}/live").into_client_request()?;
        for (name, value) in [("cookie", cookie), ("origin", origin)] {
            request.headers_mut().insert(name, value.parse().map_err(WsError::from)?);
        }
        Ok(connect_async(request).await?.0)
    }
}

fn number(page: &str, name: &str) -> Result<u64, Box<dyn std::error::Error>> {
    let after = page.split_once(&format!("data-{name}=\"")).ok_or("no such number")?.1;
    Ok(after.split('"').next().ok_or("a number")?.parse()?)
}

async fn hear(socket: &mut Socket) -> Result<(Value, usize), Box<dyn std::error::Error>> {
    loop {
        let heard = tokio::time::timeout(Duration::from_secs(20), socket.next()).await?;
        if let Message::Text(text) = heard.ok_or("closed")?? {
            return Ok((serde_json::from_str(&text)?, text.len()));
        }
    }
}

/// The next message with changes: while this test has the vault open, the socket says that it is paused.
async fn changed(socket: &mut Socket) -> Result<(Value, usize), Box<dyn std::error::Error>> {
    loop {
        let (told, bytes) = hear(socket).await?;
        if told["put"].is_array() {
            return Ok((told, bytes));
        }
    }
}

async fn greet(socket: &mut Socket, epoch: u64, after: u64) -> Tested {
    let hello = serde_json::json!({ "epoch": epoch, "after": after, "lang": "en" });
    Ok(socket.send(Message::Text(hello.to_string().into())).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_becomes_a_session_and_a_page_that_only_its_reader_sees() -> Tested {
    let office = office().await?;
    let (id, token) = office.link(LinkRole::Family, "f-88", 2)?;
    let (page, cookie) = office.open(&token).await?;
    let (status, headers, body) = office.ask(&page, Some(&cookie)).await?;
    assert_eq!(status, 200, "{body}");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store, private");
    assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
    assert!(headers["x-robots-tag"].to_str()?.contains("noindex"));
    for shown in ["Ada", "id=\"k-39\"", "id=\"r-77\"", "id=\"engagement\"", "This is wrong", "lang=\"en\""] {
        assert!(body.contains(shown), "{shown}");
    }
    let secret = cookie.split_once('=').map_or("", |(_, secret)| secret);
    assert!(!body.contains(&token) && !body.contains(secret) && !body.contains(&office.handle.to_string()));
    let (style, script) = (
        include_str!("../../web/src/assets/dashboard.css"),
        include_str!("../../web/src/assets/dashboard.mjs"),
    );
    let whole = body.len() + style.len() + script.len();
    assert!(whole < 47 * 1024, "{whole} bytes in all");
    let spanish = office.ask(&format!("{page}?lang=es"), Some(&cookie)).await?.2;
    assert!(spanish.contains("lang=\"es\"") && spanish.contains("Dominio por unidad"));
    // Each page is one look of personal fields and one of the allocation's, as who it was.
    let vault = office.vault()?;
    let entries = vault.entries()?;
    assert_eq!(entries.len(), 4);
    for entry in &entries {
        let told = (entry.reader.as_str(), entry.role.as_str(), entry.purpose.as_str(), entry.verdict);
        assert_eq!(told, ("f-88", "family", "record_inspection", Verdict::Granted));
    }
    drop(vault);
    for (path, cookie) in [(page.as_str(), None), ("/s/of/0123456789abcdef", Some(cookie.as_str()))] {
        assert_eq!(office.ask(path, cookie).await?.0, 401);
    }
    assert_eq!(office.ask(&format!("/s/{}", "0".repeat(64)), None).await?.0, 401);
    // One whose day is over says so.
    let (_, over) = office.link(LinkRole::Family, "f-88", 0)?;
    let (status, _, body) = office.ask(&format!("/s/{over}"), None).await?;
    assert!(status == 401 && body.contains("This link has expired") && !body.contains("Ada"), "{body}");
    // A family's page is not opened by it, nor a dashboard by a family's link.
    assert_eq!(office.ask(&format!("/family/{token}"), None).await?.0, 401);
    office.revoke(&id)?;
    let (status, _, body) = office.ask(&page, Some(&cookie)).await?;
    assert!(status == 401 && body.contains("withdrew this link") && !body.contains("Ada"), "{body}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_teacher_sees_what_the_check_grants_until_the_family_or_an_erasure_ends_it() -> Tested {
    let office = office().await?;
    let (_, token) = office.link(LinkRole::Teacher, "t-1042", 2)?;
    let (page, cookie) = office.open(&token).await?;
    let (status, _, body) = office.ask(&page, Some(&cookie)).await?;
    assert_eq!(status, 200);
    assert!(
        body.contains("id=\"k-39\"") && !body.contains("id=\"support\"") && !body.contains("name=\"says\"")
    );
    assert!(!body.contains("use of resource"), "a teacher sees what moved mastery, not every event");
    let (_, stranger) = office.link(LinkRole::Teacher, "t-7", 2)?;
    let (other, others) = office.open(&stranger).await?;
    let (status, _, body) = office.ask(&other, Some(&others)).await?;
    assert!(status == 403 && body.contains("roster") && !body.contains("Ada"), "{body}");
    let (_, family) = office.link(LinkRole::Family, "f-88", 2)?;
    let (own, owns) = office.open(&family).await?;
    office.vault()?.keep_consent(
        &[office.handle],
        Purpose::EducationalNecessity,
        ConsentChoice::Withdrawn,
    )?;
    let (status, _, body) = office.ask(&page, Some(&cookie)).await?;
    assert!(status == 403 && body.contains("withdrew its consent"), "{body}");
    assert_eq!(
        office.ask(&own, Some(&owns)).await?.0,
        200,
        "the family inspects its own record all the same"
    );
    let held = office.vault()?;
    let (status, _, body) = office.ask(&own, Some(&owns)).await?;
    assert!(status == 503 && body.contains("Try again in a minute"), "{body}");
    held.erase(&[office.handle], now_ms())?;
    drop(held);
    let (status, _, body) = office.ask(&own, Some(&owns)).await?;
    assert!(status == 403 && body.contains("was erased") && !body.contains("Ada"), "{body}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_brings_what_changes_and_what_was_missed_and_ends_with_the_link() -> Tested {
    let office = office().await?;
    let (id, token) = office.link(LinkRole::Student, "s-1", 2)?;
    let (page, cookie) = office.open(&token).await?;
    let body = office.ask(&page, Some(&cookie)).await?.2;
    let (epoch, seen) = (number(&body, "epoch")?, number(&body, "seq")?);
    let origin = office.served.client.origin().to_owned();
    let refused = office.connect(&page, &cookie, "https://elsewhere.example").await;
    assert!(matches!(refused, Err(WsError::Http(answer)) if answer.status() == 403));
    let mut socket = office.connect(&page, &cookie, &origin).await?;
    greet(&mut socket, epoch, seen).await?;
    assert_eq!(hear(&mut socket).await?.0["live"], true);
    // What a feed folded, as the pipeline tells it.
    let params = aula_kit::reference();
    let mut history = History::new(&params);
    history.add(office.events.iter().cloned(), &params);
    let new = event(UNITS * 4 + 3, answer(7, true)?)?;
    history.add([new.clone()], &params);
    office.put(&office.vault()?, std::slice::from_ref(&new))?;
    office.served.dashboards.moved(&office.handle, &[&new], true, history.state());
    let (told, bytes) = changed(&mut socket).await?;
    let ids: Vec<&str> =
        told["put"].as_array().ok_or("changes")?.iter().filter_map(|one| one[0].as_str()).collect();
    assert!(ids.contains(&"k-7") && !ids.contains(&"k-8"), "{told}");
    assert!(bytes <= 2_048 && told["seq"].as_u64() > Some(seen), "{bytes}");
    drop(socket);
    // Back after a cut: what was missed, and no more; of another epoch, everything, in messages as short.
    let mut socket = office.connect(&page, &cookie, &origin).await?;
    greet(&mut socket, epoch, seen).await?;
    assert_eq!(changed(&mut socket).await?.0["put"], told["put"]);
    drop(socket);
    let mut socket = office.connect(&page, &cookie, &origin).await?;
    greet(&mut socket, 1, 5).await?;
    let mut units = BTreeSet::new();
    let (mut reset, mut first) = (0, true);
    while units.len() < UNITS as usize {
        let (told, bytes) = changed(&mut socket).await?;
        assert!(bytes <= 2_048, "{bytes}");
        reset += usize::from(told["reset"] == true);
        assert!(reset == 1, "the first message says to forget what was there");
        if first {
            assert_eq!(told["epoch"], epoch);
        }
        first = false;
        let ids = told["put"].as_array().ok_or("changes")?.iter().filter_map(|one| one[0].as_str());
        units.extend(ids.filter(|id| id.starts_with("k-")).map(str::to_owned));
    }
    office.revoke(&id)?;
    let ended = loop {
        let (told, _) = hear(&mut socket).await?;
        if told["end"].is_string() {
            break told;
        }
    };
    assert_eq!(ended["end"], "link_revoked");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_a_socket_ends_with_its_session_and_not_at_the_next_look() -> Tested {
    let office = office_looking(Duration::from_secs(86_400)).await?;
    let grant = Grant {
        district: DistrictId(1),
        school_year: YEAR,
        handle: office.handle,
        reader: Name::new("s-1")?,
        role: ReaderRole::Student,
        link: None,
        framed_by: Vec::new(),
        expires_ms: now_ms() + 3_000,
    };
    let token = office.served.dashboards.sessions.mint(grant, now_ms());
    let cookie = token.cookie(60, false);
    let (page, cookie) = (format!("/s/of/{}", token.name()), cookie.split(';').next().unwrap_or_default());
    let origin = office.served.client.origin().to_owned();
    let mut socket = office.connect(&page, cookie, &origin).await?;
    greet(&mut socket, 1, 0).await?;
    let ended = loop {
        let (told, _) = hear(&mut socket).await?;
        if told["end"].is_string() {
            break told;
        }
    };
    assert_eq!(ended["end"], "no_session");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said_in_a_form_of_this_origin_and_answered() -> Tested {
    let office = office().await?;
    let (_, token) = office.link(LinkRole::Family, "f-88", 2)?;
    let (page, cookie) = office.open(&token).await?;
    let http = reqwest::Client::builder().redirect(Policy::none()).build()?;
    let send = |origin: String, about: &'static str| {
        let asked = http.post(format!("{}{page}/wrong", office.served.client.origin()));
        let asked = asked.header(header::COOKIE, &cookie).header(header::ORIGIN, origin);
        let asked = asked.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        asked.body(format!("about={about}&says=She+was+there+on+Monday+%26+Tuesday")).send()
    };
    let own = office.served.client.origin().to_owned();
    assert_eq!(send("https://elsewhere.example".into(), "attendance").await?.status().as_u16(), 403);
    assert_eq!(send(own.clone(), "nothing").await?.status().as_u16(), 400);
    assert_eq!(send(own, "attendance").await?.status().as_u16(), 303);
    let vault = office.vault()?;
    let all = vault.all_corrections()?;
    let [(handle, asked)] = all.as_slice() else { return Err("one correction".into()) };
    assert_eq!((*handle, asked.says.as_str()), (office.handle, "She was there on Monday & Tuesday"));
    let open = |body: &str| body.contains("Open; to be answered by") && body.contains("Monday &amp; Tuesday");
    drop(vault);
    assert!(open(&office.ask(&page, Some(&cookie)).await?.2));
    office.vault()?.answer_correction(&asked.id, Answered::Amended, "The register was amended.", now_ms())?;
    let body = office.ask(&page, Some(&cookie)).await?.2;
    assert!(
        body.contains("The register was amended.") && !body.contains("Open; to be answered by"),
        "{body}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heatmap_is_a_teachers_own_section_as_each_family_lets_it_be() -> Tested {
    let office = office().await?;
    let claim = |reader: &str| -> Result<String, Box<dyn std::error::Error>> {
        let claim = Claim {
            genesis: office.served.chain.genesis.sha256,
            account: office.served.chain.account(),
            expires_ms: now_ms() + 60_000,
            scope: Scope::vault("teacher", reader).ok_or("a scope")?,
        };
        Ok(Credential::sign(&claim, &office.served.chain.account_key).to_string())
    };
    let (own, other) = (claim("t-1042")?, claim("t-7")?);
    let http = reqwest::Client::new();
    let ask = |query: &str, credential: &str| {
        let address = format!("{}/v1/classrooms/4-b/heatmap{query}", office.served.client.origin());
        http.get(address).header(HEADER, credential).send()
    };
    assert_eq!(ask("", &other).await?.status().as_u16(), 404);
    let told = ask("", &own).await?;
    assert_eq!(
        (told.status().as_u16(), told.headers()["cache-control"].to_str()?),
        (200, "no-store, private")
    );
    let tag = told.headers()[header::ETAG].clone();
    let map: aula_api::classroom::ClassroomHeatmap = told.json().await?;
    assert_eq!((map.students.len(), map.units.len(), map.days.len(), map.withheld), (1, 40, 30, 0));
    let student = &map.students[0];
    assert_eq!(student.name.as_deref(), Some("Ada"));
    assert!(student.levels.len() == 30 && student.levels[29].iter().all(Option::is_some));
    let known = http.get(format!("{}/v1/classrooms/4-b/heatmap", office.served.client.origin()));
    let known = known.header(HEADER, &own).header(header::IF_NONE_MATCH, tag).send().await?;
    assert_eq!(known.status().as_u16(), 304);
    let csv = ask("?format=csv", &own).await?.text().await?;
    assert_eq!((csv.lines().count(), csv.lines().next().map(|line| line.split(',').count())), (2, Some(43)));
    assert_eq!(ask("?format=csv&back=30", &own).await?.status().as_u16(), 400);
    office.vault()?.keep_consent(
        &[office.handle],
        Purpose::EducationalNecessity,
        ConsentChoice::Withdrawn,
    )?;
    let map: aula_api::classroom::ClassroomHeatmap = ask("", &own).await?.json().await?;
    assert_eq!((map.students.len(), map.withheld), (0, 1));
    let looks = office.vault()?.entries()?;
    assert_eq!(looks.len(), 4, "each look is listed, a refused one and one that was current too");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_family_downloads_the_whole_record_with_deadlines_and_a_teacher_does_not() -> Tested {
    let office = office().await?;
    let (_, token) = office.link(LinkRole::Family, "f-88", 2)?;
    let (page, cookie) = office.open(&token).await?;
    let vault = office.vault()?;
    let reader = Name::new("f-88")?;
    let asking = Asking { reader: &reader, role: "family", about: "mastery", says: "unit 3 is wrong" };
    let asked = vault.ask_correction(&office.handle, asking, now_ms())?;
    vault.answer_correction(&asked.id, Answered::Refused, "It stands.", now_ms())?;
    let before = vault.entries()?.len() as u64;
    drop(vault);
    let path = format!("{page}/record");
    let (status, headers, body) = office.ask(&path, Some(&cookie)).await?;
    assert_eq!(status, 200, "{body}");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store, private");
    assert!(headers[header::CONTENT_DISPOSITION].to_str()?.contains("record.json"));
    let file: Value = serde_json::from_str(&body)?;
    let year = &file["years"][0];
    assert_eq!(
        (&year["fields"]["name"], &year["school_year"]),
        (&serde_json::json!("Ada"), &serde_json::json!(YEAR))
    );
    assert_eq!(year["events"].as_array().map(Vec::len), Some(office.events.len()));
    let correction = &year["corrections"][0];
    assert_eq!(correction["due_ms"], asked.due_ms);
    assert_eq!(correction["answer"]["text"], "It stands.");
    assert_eq!(year["readers"][0]["reader"], "t-1042");
    let reads = file["reads"].as_array().ok_or("no reads")?;
    let last = reads.last().ok_or("no read")?;
    assert!(
        last["number"].as_u64() >= Some(before) && last["reader"] == "f-88",
        "this one is among them: {last}"
    );
    assert_eq!(office.ask(&path, None).await?.0, 401);
    let (_, token) = office.link(LinkRole::Teacher, "t-1042", 2)?;
    let (page, cookie) = office.open(&token).await?;
    let (status, _, body) = office.ask(&format!("{page}/record"), Some(&cookie)).await?;
    assert!(status == 403 && !body.contains("Ada"), "{status} {body}");
    Ok(())
}
