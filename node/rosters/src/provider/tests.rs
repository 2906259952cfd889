//! A provider over a small roster: what the standard says of questions and refusals, and our own consumer against it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use aula_ingest::oneroster::rest::{Collection, inputs};
use aula_ingest::oneroster::{StudentId, read};
use aula_ingest::reading::{Enrolment, Link, Said};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::clients::{Clients, SCOPES};
use super::http::{Provider, router};
use super::records::{Given, Key, NotGiven, Records, Roster, School, Score, Staff, Student, What};
use crate::oneroster::{fetch, provider};

type Tested = Result<(), Box<dyn std::error::Error>>;
type Read = (String, What, BTreeSet<Key>);

const CHANGED_MS: u64 = 1_772_443_800_250;

/// Forty students at two schools, one of whom left and one of whom was erased meanwhile.
struct District {
    listed: Mutex<Vec<Read>>,
    /// Whether it is known that student 40 was erased.
    erased: std::sync::atomic::AtomicBool,
    refuses: Mutex<Option<NotGiven>>,
    /// Whether whoever asks for the roster is kept waiting, and how many wait.
    slow: std::sync::atomic::AtomicBool,
    waiting: std::sync::atomic::AtomicUsize,
}

fn key(number: u8) -> Key {
    [number; 32]
}

fn student(number: u8) -> Student {
    Student {
        key: key(number),
        id: format!("S/{number:02}"),
        name: format!("Ana de O'Hara-{number}"),
        grade: number.is_multiple_of(2).then(|| "05".to_owned()),
        school: Some(if number < 30 { "north" } else { "sou th" }.to_owned()),
        enrolled: number != 7,
        changed_ms: CHANGED_MS + u64::from(number) * 1_000,
        sections: [if number < 30 { "5-a" } else { "6-b" }.to_owned()].into(),
    }
}

impl Records for District {
    fn roster(&self) -> Result<Arc<Roster>, NotGiven> {
        if let Some(why) = *self.refuses.lock().map_err(|_| NotGiven::Refused)? {
            return Err(why);
        }
        self.waiting.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        while self.slow.load(std::sync::atomic::Ordering::SeqCst) {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        self.waiting.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
        let school = |id: &str, number, name: &str| School { id: id.into(), number, name: name.into() };
        let staff = |id: &str, section: &str, counsels: &[u32]| Staff {
            id: id.into(),
            sections: if section.is_empty() { BTreeSet::new() } else { [section.to_owned()].into() },
            schools: counsels.iter().copied().collect(),
        };
        Ok(Arc::new(Roster {
            district: 7,
            district_name: "Lake \"County\"".into(),
            year: 2025,
            changed_ms: CHANGED_MS + 60_000,
            schools: vec![school("north", 11, "North"), school("sou th", 12, "South")],
            students: (1..=if self.erased.load(std::sync::atomic::Ordering::SeqCst) { 39 } else { 40 })
                .map(student)
                .collect(),
            staff: vec![staff("c-1", "", &[11]), staff("t-1", "5-a", &[]), staff("t-2", "6-b", &[])],
        }))
    }

    fn scores(&self) -> Result<Arc<Vec<Score>>, NotGiven> {
        let score = |number: u8, title: &str, value: Option<f64>, text: Option<&str>| Score {
            key: key(number),
            student: format!("S/{number:02}"),
            record: format!("assessment:{title}"),
            title: title.to_owned(),
            score: value.and_then(serde_json::Number::from_f64),
            text: text.map(str::to_owned),
            day: "2026-02-01".into(),
            given: None,
            changed_ms: CHANGED_MS + u64::from(number),
        };
        let mut all = vec![
            score(1, "Reading fall", Some(9.5), None),
            score(2, "Reading fall", Some(10.0), None),
            score(2, "Reading level", None, Some("low")),
            score(40, "Reading fall", Some(11.0), None),
        ];
        let of = |number, title, (class, item): (&str, &str), day: &str| Score {
            given: Some(Given {
                class: class.into(),
                item: item.into(),
                assigned: Some("2026-01-05".into()).filter(|_| item == "q/1"),
                due: None,
            }),
            day: day.into(),
            ..score(number, title, Some(f64::from(number)), Some("ok"))
        };
        all.extend([
            of(1, "Quiz 1", ("5-a", "q/1"), "2026-01-09"),
            of(2, "Quiz 1", ("5-a", "q/1"), "2026-01-12"),
            of(2, "Quiz 2", ("5-a", "q2"), "2026-01-20"),
            of(31, "Quiz 1", ("6-b", "q3"), "2026-01-21"),
            // Of a section that is over: a result of no class now.
            of(5, "Old", ("4-z", "q4"), "2025-01-21"),
        ]);
        let erased = self.erased.load(std::sync::atomic::Ordering::SeqCst);
        all.retain(|score| !erased || score.key != key(40));
        Ok(Arc::new(all))
    }

    fn list(&self, client: &str, what: What, students: &BTreeSet<Key>) -> Result<BTreeSet<Key>, NotGiven> {
        let mut listed = self.listed.lock().map_err(|_| NotGiven::Refused)?;
        listed.push((client.to_owned(), what, students.clone()));
        // Student 40 was erased since the roster was read first.
        self.erased.store(
            students.contains(&key(40)) || self.erased.load(std::sync::atomic::Ordering::SeqCst),
            std::sync::atomic::Ordering::SeqCst,
        );
        Ok(students.iter().filter(|own| **own != key(40)).copied().collect())
    }
}

struct Served {
    url: String,
    district: Arc<District>,
    provider: Arc<Provider>,
    client: Client,
}

const SECRET: &str = "a secret of nobody";

fn clients(scopes: &[&str]) -> Result<Clients, Box<dyn std::error::Error>> {
    use sha2::{Digest, Sha256};
    let hash = hex::encode(Sha256::digest(SECRET.as_bytes()));
    let scopes: Vec<String> = scopes.iter().map(|scope| format!("'{scope}'")).collect();
    Ok(Clients::read(&format!(
        "[[client]]\nname = 'lms-east'\nsecret_sha256 = '{hash}'\nscopes = [{}]\n",
        scopes.join(",")
    ))?)
}

const ALL: [&str; 3] = ["roster.readonly", "gradebook.readonly", "assessment.readonly"];

impl Served {
    async fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", socket.local_addr()?);
        let district = Arc::new(District {
            listed: Mutex::default(),
            erased: false.into(),
            refuses: Mutex::default(),
            slow: false.into(),
            waiting: 0.into(),
        });
        let provider = Arc::new(Provider::new(&url, clients(&ALL)?, district.clone(), || CHANGED_MS));
        tokio::spawn(axum::serve(socket, router(provider.clone())).into_future());
        Ok(Self { url, district, provider, client: Client::builder().no_proxy().build()? })
    }

    async fn token(&self, scope: &str) -> Result<Response, reqwest::Error> {
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        let request = self.client.post(format!("{}/oauth2/token", self.url));
        request.basic_auth("lms-east", Some(SECRET)).form(&form).send().await
    }

    async fn bearer(&self, scope: &str) -> Result<String, Box<dyn std::error::Error>> {
        let answer: Value = self.token(scope).await?.json().await?;
        Ok(answer["access_token"].as_str().ok_or("no token")?.to_owned())
    }

    async fn get(&self, bearer: &str, path: &str) -> Result<Response, reqwest::Error> {
        let book = ["assessment", "results", "lineItems", "categories", "scoreScales"];
        let service = if book.iter().any(|word| path.contains(word)) { "gradebook" } else { "rostering" };
        let url = format!("{}/ims/oneroster/{service}/v1p2/{path}", self.url);
        self.client.get(url).bearer_auth(bearer).send().await
    }

    fn read(&self) -> Vec<Read> {
        self.district.listed.lock().map(|mut listed| std::mem::take(&mut *listed)).unwrap_or_default()
    }
}

fn minor(body: &Value) -> &str {
    body["imsx_CodeMinor"]["imsx_codeMinorField"][0]["imsx_codeMinorFieldValue"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_has_what_was_asked_for_its_links_and_an_entry_for_each_student() -> Tested {
    let served = Served::new().await?;
    let bearer = served.bearer("").await?;
    let page =
        served.get(&bearer, "students?limit=10&offset=10&filter=primaryOrg.sourcedId%3D'north'").await?;
    let header =
        |name: &str| page.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    assert_eq!(header("x-total-count").as_deref(), Some("29"));
    let link = header("link").ok_or("no link")?;
    assert!(
        link.starts_with(&format!(
            "<{}/ims/oneroster/rostering/v1p2/students?limit=10&offset=20&filter=",
            served.url
        )),
        "{link}"
    );
    let body: Value = page.json().await?;
    let users = body["users"].as_array().ok_or("no users")?;
    assert_eq!((users.len(), users[0]["sourcedId"].as_str()), (10, Some("S/11")));
    // The page, and by its count whoever is at that school.
    let read = served.read();
    assert_eq!(read, [("lms-east".to_owned(), What::Place, (1..=29).map(key).collect())]);
    let one: Value = served.get(&bearer, "users/S%2F07").await?.json().await?;
    assert_eq!(one["user"]["status"], "tobedeleted");
    let north = json!({ "href": format!("{}/ims/oneroster/rostering/v1p2/orgs/north", served.url), "sourcedId": "north", "type": "org" });
    let one: Value = served.get(&bearer, "students/S%2F08").await?.json().await?;
    assert_eq!(
        one["user"],
        json!({
            "sourcedId": "S/08", "status": "active", "dateLastModified": "2026-03-02T09:30:08.250Z", "enabledUser": "true",
            "givenName": "Ana de", "familyName": "O'Hara-8", "identifier": "S/08", "grades": ["05"], "primaryOrg": north.clone(),
            "roles": [{ "roleType": "primary", "role": "student", "org": north }],
        })
    );
    served.read();
    // Whom the log does not grant is not given.
    let page: Value =
        served.get(&bearer, "schools/sou%20th/students?fields=sourcedId&limit=100").await?.json().await?;
    assert_eq!(page["users"].as_array().map(Vec::len), Some(10));
    assert!(page["users"].as_array().is_some_and(|all| {
        all.iter().all(|one| one["sourcedId"] != "S/40" && one.as_object().map(|o| o.len()) == Some(1))
    }));
    // Schools and sections are nobody's record.
    served.read();
    for path in ["orgs", "classes", "courses", "academicSessions", "teachers", "terms/term-2025/classes"] {
        assert_eq!(served.get(&bearer, path).await?.status(), 200, "{path}");
    }
    assert_eq!(served.read(), []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_a_filter_asks_nothing_of_a_record_that_the_log_does_not_list() -> Tested {
    let served = Served::new().await?;
    let bearer = served.bearer("").await?;
    let listed = |numbers: &[u8]| -> Vec<Read> {
        let keys: BTreeSet<Key> = numbers.iter().copied().map(key).collect();
        if keys.is_empty() { Vec::new() } else { vec![("lms-east".to_owned(), What::Place, keys)] }
    };
    // Beyond the end of the list, so that the page is empty and the count is all there is.
    for (path, numbers) in [
        ("students?filter=familyName%3D'O''Hara-3'", &[3][..]),
        ("students?filter=familyName%3D'O''Hara-x'", &[]),
        // Who is asked about by name is asked about, whatever the answer.
        ("students?filter=sourcedId%3D'S/05'%20AND%20grades%3D'05'", &[5]),
        ("users?filter=sourcedId%3D'S/09'%20AND%20familyName!%3D'O''Hara-9'", &[9]),
        ("enrollments?filter=user.sourcedId%3D'S/11'%20AND%20class.sourcedId%3D'5-a'", &[11]),
        // One is on the roster, or in a class.
        ("students?filter=sourcedId%3D'S/12'", &[]),
        ("classes/5-a/students?filter=sourcedId%3D'S/12'", &[12]),
        ("students/S%2F13/classes", &[13]),
        ("students?filter=status%3D'active'", &[]),
    ] {
        let joint = if path.contains('?') { '&' } else { '?' };
        let page = served.get(&bearer, &format!("{path}{joint}offset=1000")).await?;
        assert_eq!(page.status(), 200, "{path}");
        assert_eq!(served.read(), listed(numbers), "{path}");
    }
    // Said once to one client, it is said: the pages of a question are not an entry each.
    served.get(&bearer, "students?filter=familyName%3D'O''Hara-3'&offset=1000").await?;
    assert_eq!(served.read(), []);
    let page = served.get(&bearer, "assessmentResults?filter=score>'9'&offset=1000").await?;
    assert_eq!(page.headers()["x-total-count"], "2");
    let results: Vec<Read> = served.read();
    assert_eq!(results[0].2, [key(1), key(2), key(40)].into());
    // Who is on the page is listed each time.
    served.get(&bearer, "students?filter=familyName%3D'O''Hara-3'").await?;
    assert_eq!(served.read(), listed(&[3]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_address_gives_its_own_objects() -> Tested {
    let served = Served::new().await?;
    let bearer = served.bearer("").await?;
    for (path, list, count) in [
        ("academicSessions", "academicSessions", 2),
        ("terms", "academicSessions", 1),
        ("gradingPeriods", "academicSessions", 0),
        ("orgs", "orgs", 3),
        ("orgs?filter=type%3D'district'", "orgs", 1),
        ("schools", "orgs", 2),
        ("users", "users", 42),
        ("students", "users", 39),
        ("teachers", "users", 2),
        ("classes", "classes", 2),
        ("courses", "courses", 2),
        ("enrollments", "enrollments", 41),
        ("enrollments?filter=role%3D'teacher'", "enrollments", 2),
        ("schools/north/classes", "classes", 1),
        ("schools/north/courses", "courses", 1),
        ("schools/north/students", "users", 29),
        ("schools/north/teachers", "users", 1),
        ("schools/north/enrollments", "enrollments", 30),
        ("schools/north/terms", "academicSessions", 1),
        ("schools/north/classes/5-a/students", "users", 29),
        ("schools/north/classes/5-a/teachers", "users", 1),
        ("schools/north/classes/6-b/enrollments", "enrollments", 0),
        ("classes/6-b/students", "users", 10),
        ("classes/6-b/teachers", "users", 1),
        ("courses/6-b/classes", "classes", 1),
        ("students/S%2F01/classes", "classes", 1),
        ("teachers/t-2/classes", "classes", 1),
        ("users/c-1/classes", "classes", 0),
        ("terms/term-2025/classes", "classes", 2),
        ("terms/term-2025/gradingPeriods", "academicSessions", 0),
        ("users?filter=roles.role%3D'counselor'%20OR%20roles.role%3D'teacher'", "users", 3),
        ("users?filter=status%3D'tobedeleted'", "users", 1),
        (
            "users?filter=dateLastModified>'2026-03-02T09:30:35.250Z'%20AND%20roles.role%3D'student'",
            "users",
            4,
        ),
        ("assessmentLineItems", "assessmentLineItems", 3),
        ("assessmentResults", "assessmentResults", 4),
        ("assessmentResults?filter=score>='10'", "assessmentResults", 1),
        ("lineItems", "lineItems", 3),
        ("results", "results", 4),
        ("categories", "categories", 1),
        ("classes/5-a/categories", "categories", 1),
        ("scoreScales", "scoreScales", 0),
        ("classes/5-a/lineItems", "lineItems", 2),
        ("classes/5-a/results", "results", 3),
        ("classes/6-b/results", "results", 1),
        ("classes/5-a/lineItems/q%2F1/results", "results", 2),
        ("classes/5-a/students/S%2F02/results", "results", 2),
        ("classes/6-b/students/S%2F02/results", "results", 0),
        ("schools/north/lineItems", "lineItems", 2),
        ("schools/sou%20th/lineItems", "lineItems", 1),
        ("lineItems?filter=class.sourcedId%3D'6-b'", "lineItems", 1),
        ("results?filter=score>'1'%20AND%20scoreDate<'2026-01-21'", "results", 2),
    ] {
        let joint = if path.contains('?') { '&' } else { '?' };
        let answer = served.get(&bearer, &format!("{path}{joint}limit=1000")).await?;
        assert_eq!(answer.status(), 200, "{path}");
        let body: Value = answer.json().await?;
        assert_eq!(body[list].as_array().map(Vec::len), Some(count), "{path}");
        for object in body[list].as_array().into_iter().flatten() {
            for name in ["sourcedId", "status", "dateLastModified"] {
                assert!(object[name].is_string(), "{path}: {object}");
            }
        }
    }
    // Every reference leads to its object.
    for (path, list, parts) in [
        ("enrollments?limit=1&offset=2", "enrollments", &["user", "class", "school"][..]),
        ("lineItems?limit=1", "lineItems", &["class", "school", "category", "academicSession"]),
        ("results?limit=1", "results", &["lineItem", "student", "class"]),
        ("assessmentResults?limit=1", "assessmentResults", &["assessmentLineItem", "student"]),
    ] {
        let body: Value = served.get(&bearer, path).await?.json().await?;
        for part in parts {
            let reference = &body[list][0][part];
            let href = reference["href"].as_str().unwrap_or_default();
            let found: Value = served.client.get(href).bearer_auth(&bearer).send().await?.json().await?;
            let word = reference["type"].as_str().unwrap_or_default();
            assert_eq!(found[word]["sourcedId"], reference["sourcedId"], "{path} {part}: {found}");
        }
    }
    // A line item has its days, a result of a class its score and word together; reads of results are listed as such.
    let quiz: Value = served.get(&bearer, "lineItems/q%2F1").await?.json().await?;
    let days = [&quiz["lineItem"]["assignDate"], &quiz["lineItem"]["dueDate"]];
    assert_eq!(days, ["2026-01-05T00:00:00.000Z", "2026-01-12T00:00:00.000Z"]);
    served.read();
    let page: Value = served.get(&bearer, "classes/6-b/results").await?.json().await?;
    let (score, text) = (&page["results"][0]["score"], &page["results"][0]["textScore"]);
    assert_eq!((score, text), (&json!(31.0), &json!("ok")));
    assert_eq!(served.read(), [("lms-east".to_owned(), What::Results, [key(31)].into())]);
    for path in ["classes/6-b/lineItems/q%2F1/results", "lineItems/q4", "schools/west/lineItems"] {
        assert_eq!(served.get(&bearer, path).await?.status(), 404, "{path}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_have_the_standards_codes_and_name_nobody() -> Tested {
    let served = Served::new().await?;
    let bearer = served.bearer("").await?;
    for (path, status, code) in [
        ("users?filter=colour%3D'x'", 400, "invalid_filter_field"),
        ("users?filter=familyName%3DJones", 400, "invalid_filter_field"),
        ("users?fields=colour", 400, "invalid_selection_field"),
        ("users/S%2F01?fields=colour", 400, "invalid_selection_field"),
        ("users?limit=0", 422, "invaliddata"),
        ("users?offset=x", 422, "invaliddata"),
        ("users?orderBy=down", 422, "invaliddata"),
        ("users/nobody", 404, "unknownobject"),
        ("students/t-1", 404, "unknownobject"),
        ("students/S%2F40", 404, "unknownobject"),
        ("schools/west/students", 404, "unknownobject"),
        ("schools/district-7", 404, "unknownobject"),
        ("classes/7-c/students", 404, "unknownobject"),
        ("terms/year-2025/classes", 404, "unknownobject"),
        ("people", 404, "unknownobject"),
        ("demographics", 403, "forbidden"),
        ("demographics/S%2F01", 403, "forbidden"),
    ] {
        let answer = served.get(&bearer, path).await?;
        let kind = answer.headers()["content-type"].clone();
        assert_eq!((answer.status().as_u16(), kind.to_str()?), (status, "application/json"), "{path}");
        let body: Value = answer.json().await?;
        assert_eq!(
            (minor(&body), &body["imsx_codeMajor"], &body["imsx_severity"]),
            (code, &json!("failure"), &json!("error")),
            "{path}"
        );
    }
    // A scope opens no more than the standard says.
    let core = served.bearer(&format!("{SCOPES}roster-core.readonly")).await;
    assert!(core.is_err(), "the client does not have it");
    served.provider.set_clients(clients(&["roster-core.readonly", "gradebook-core.readonly"])?);
    let core = served.bearer(&format!("{SCOPES}roster-core.readonly")).await?;
    for (path, status) in [
        ("users", 200),
        ("users/t-1", 200),
        ("schools/north/students", 403),
        ("assessmentResults", 403),
        ("results", 403),
    ] {
        assert_eq!(served.get(&core, path).await?.status(), status, "{path}");
    }
    assert_eq!(served.get(&bearer, "users").await?.status(), 403, "what the client lost, its tokens lost");
    served.provider.set_clients(Clients::default());
    assert_eq!(served.get(&core, "users").await?.status(), 401);
    // Who shows no token learns nothing but that.
    for path in ["users", "users/S%2F01", "people", "users?filter=x"] {
        let answer = served.get("none", path).await?;
        assert_eq!(answer.status(), 401, "{path}");
        assert_eq!(minor(&answer.json().await?), "unauthorisedrequest");
    }
    served.provider.set_clients(clients(&ALL)?);
    let bearer = served.bearer("").await?;
    let posted = served
        .client
        .post(format!("{}/ims/oneroster/rostering/v1p2/users", served.url))
        .bearer_auth(&bearer)
        .send()
        .await?;
    assert_eq!((posted.status().as_u16(), posted.headers()["allow"].to_str()?), (405, "GET"));
    for (why, status, code) in
        [(NotGiven::Busy, 429, "server_busy"), (NotGiven::Refused, 500, "internal_server_error")]
    {
        served.district.refuses.lock().map_err(|_| "held")?.replace(why);
        let answer = served.get(&bearer, "users").await?;
        assert_eq!(
            (answer.status().as_u16(), answer.headers().contains_key("retry-after")),
            (status, status == 429)
        );
        assert_eq!(minor(&answer.json().await?), code);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_who_goes_away_keeps_the_place_until_the_work_is_done() -> Tested {
    use std::sync::atomic::Ordering::SeqCst;
    let served = Arc::new(Served::new().await?);
    let bearer = served.bearer("").await?;
    served.district.slow.store(true, SeqCst);
    let mut asked = Vec::new();
    for _ in 0..super::http::MAX_REQUESTS {
        let (served, bearer) = (served.clone(), bearer.clone());
        asked.push(tokio::spawn(async move { served.get(&bearer, "users?limit=1").await.map(drop) }));
    }
    while served.district.waiting.load(SeqCst) < super::http::MAX_REQUESTS {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    for one in asked {
        one.abort();
        let _ = one.await;
    }
    // However often others come: those who left are still worked for.
    for _ in 0..50 {
        // One that got a place would wait.
        let asked = served.get(&bearer, "users?limit=1");
        let Ok(answer) = tokio::time::timeout(std::time::Duration::from_secs(30), asked).await else {
            served.district.slow.store(false, SeqCst);
            return Err("a place was free".into());
        };
        assert_eq!(answer?.status(), 429);
        assert_eq!(served.district.waiting.load(SeqCst), super::http::MAX_REQUESTS);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    served.district.slow.store(false, SeqCst);
    while served.get(&bearer, "users?limit=1").await?.status() != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_a_client_that_draws_tokens_ends_its_own_and_nobody_elses() -> Tested {
    let served = Served::new().await?;
    let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let both = format!(
        "[[client]]\nname = 'lms-east'\nsecret_sha256 = '{}'\nscopes = ['roster.readonly']\n\
         [[client]]\nname = 'lms-west'\nsecret_sha256 = '{hash}'\nscopes = ['roster.readonly']\n",
        hex::encode(<sha2::Sha256 as sha2::Digest>::digest(SECRET))
    );
    served.provider.set_clients(Clients::read(&both)?);
    let west =
        served.client.post(format!("{}/oauth2/token", served.url)).basic_auth("lms-west", Some("secret"));
    let west: Value = west.form(&[("grant_type", "client_credentials")]).send().await?.json().await?;
    let west = west["access_token"].as_str().ok_or("no token")?.to_owned();
    let mut own = Vec::new();
    for _ in 0..super::token::MAX_CLIENT_TOKENS + 5 {
        own.push(served.bearer("").await?);
    }
    let mut good = 0;
    for token in &own {
        good += usize::from(served.get(token, "orgs").await?.status() == 200);
    }
    assert_eq!(good, super::token::MAX_CLIENT_TOKENS);
    let last = own.last().ok_or("no token")?;
    assert_eq!(served.get(last, "orgs").await?.status(), 200);
    assert_eq!(served.get(&west, "orgs").await?.status(), 200, "another client's");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_given_as_oauth_says() -> Tested {
    let served = Served::new().await?;
    let given = served.token(&format!("{SCOPES}assessment.readonly roster.readonly")).await?;
    assert_eq!((given.status().as_u16(), given.headers()["cache-control"].to_str()?), (200, "no-store"));
    let given: Value = given.json().await?;
    assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("bearer"), &json!(3_600)));
    assert_eq!(given["scope"], format!("{SCOPES}roster.readonly {SCOPES}assessment.readonly"));
    let url = format!("{}/oauth2/token", served.url);
    let post = |name: &str, secret: &str| served.client.post(&url).basic_auth(name, Some(secret));
    let grant = ("grant_type", "client_credentials");
    let demographics = format!("{SCOPES}roster-demographics.readonly");
    for (request, status, error) in [
        (post("lms-east", "wrong").form(&[grant]), 401, "invalid_client"),
        (post("nobody", SECRET).form(&[grant]), 401, "invalid_client"),
        (served.client.post(&url).form(&[grant]), 401, "invalid_client"),
        (served.client.post(&url).bearer_auth(SECRET).form(&[grant]), 401, "invalid_client"),
        (post("lms-east", SECRET).form(&[("grant_type", "password")]), 400, "unsupported_grant_type"),
        (post("lms-east", SECRET).form(&[("scope", "x")]), 400, "invalid_request"),
        (post("lms-east", SECRET).form(&[grant, grant]), 400, "invalid_request"),
        (post("lms-east", SECRET).body("grant_type=client_credentials"), 400, "invalid_request"),
        (post("lms-east", SECRET).form(&[grant, ("scope", "x")]), 400, "invalid_scope"),
        (post("lms-east", SECRET).form(&[grant, ("scope", demographics.as_str())]), 400, "invalid_scope"),
    ] {
        let answer = request.send().await?;
        assert_eq!(answer.status(), status, "{error}");
        assert_eq!(answer.headers().contains_key("www-authenticate"), status == 401);
        let body: Value = answer.json().await?;
        assert_eq!(body["error"], error);
        assert!(!body.to_string().contains(SECRET));
    }
    let in_form = [grant, ("client_id", "lms-east"), ("client_secret", SECRET)];
    assert_eq!(served.client.post(&url).form(&in_form).send().await?.status(), 200);
    let large =
        served.client.post(&url).basic_auth("lms-east", Some(SECRET)).form(&[("scope", "x".repeat(20_000))]);
    assert_eq!(large.send().await?.status(), 413);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_consumer_has_the_same_roster() -> Tested {
    let served = Served::new().await?;
    let (url, base) = (&served.url, "ims/oneroster");
    let file = format!(
        "url = '{url}/{base}/rostering/v1p2'\nresults_url = '{url}/{base}/gradebook/v1p2'\nassessments = true\n\
         token_url = '{url}/oauth2/token'\nclient_id = 'lms-east'\nclient_secret = '{SECRET}'\n"
    );
    // The consumer asks for the core scopes.
    served.provider.set_clients(clients(&[
        "roster-core.readonly",
        "gradebook-core.readonly",
        "assessment.readonly",
    ])?);
    let fetched = fetch(&provider(&file)?, None).await?;
    assert_eq!(fetched.newest.as_deref(), Some("2026-03-02T09:31:00.250Z"));
    let reading = read(inputs(&fetched.collections, true)?, StudentId::SourcedId)?;
    assert_eq!(reading.refused(), 0, "{:?}", reading.rows);
    let students: Vec<_> = reading
        .rows
        .iter()
        .filter_map(|row| if let Said::Student(one) = &row.said { Some(one) } else { None })
        .collect();
    let at = |school: &str| {
        students.iter().filter(|one| one.enrolment == Some(Enrolment::At(school.into()))).count()
    };
    // One left; one was erased, and is given to nobody.
    assert_eq!((at("north"), at("sou th")), (28, 10));
    assert!(students.iter().any(|one| one.student == "S/07" && one.enrolment == Some(Enrolment::Left)));
    let name = students
        .iter()
        .find(|one| one.student == "S/08")
        .and_then(|one| one.sets.iter().find(|set| set.field == "name"));
    assert_eq!(name.and_then(|set| set.json.as_deref()), Some("\"Ana de O'Hara-8\""));
    let results =
        students.iter().flat_map(|one| &one.sets).filter(|set| set.field.starts_with("assessment:")).count();
    assert_eq!(results, 3 + 5, "of tests, and of classes");
    let teaches = reading.rows.iter().any(|row| match &row.said {
        Said::Links { links, ended: false } => {
            links.contains(&Link::Teaches { reader: "t-2".into(), section: "6-b".into() })
        }
        _ => false,
    });
    let counsels = reading.rows.iter().any(|row| match &row.said {
        Said::Links { links, ended: false } => {
            links.contains(&Link::Counsels { reader: "c-1".into(), school: "north".into() })
        }
        _ => false,
    });
    assert!(teaches && counsels);
    let since = fetch(&provider(&file)?, Some("2026-03-02T09:30:30.000Z")).await?;
    let users = since
        .collections
        .iter()
        .find(|(collection, _)| *collection == Collection::Users)
        .map(|(_, users)| users.len());
    assert_eq!(users, Some(3 + 10), "staff, and who changed since");
    Ok(())
}
