//! The endpoint over a real socket, with sensors that are not to be trusted.

use aula_district::live::events_of;
use aula_ingest::event::Reason;
use aula_ingest::event::caliper::Rules;
use serde_json::Value;

use super::*;
use crate::clients::read_clients;
use crate::letters;
use crate::pipeline::Pipeline;
use crate::testkit::{Tested, World, plain_settings, write_clients};

const C: &str = "http://purl.imsglobal.org/ctx/caliper/v1p1";

/// A session of a student that ended.
fn session(number: u32, student: &str) -> Value {
    json!({
        "@context": C, "id": format!("urn:uuid:2f1b6f0e-6a5d-4a7c-9d4b-{number:012}"), "type": "SessionEvent",
        "actor": { "id": format!("https://lms.example.org/users/{student}"), "type": "Person" }, "action": "LoggedOut",
        "object": "https://lms.example.org", "eventTime": "2025-10-02T09:30:00.000Z",
        "session": { "id": "https://lms.example.org/sessions/5", "type": "Session", "duration": "PT45M" },
    })
}

fn enveloped(data: &[Value]) -> String {
    json!({
        "sensor": "https://lms.example.org/sensor", "sendTime": "2025-10-02T09:31:00.000Z", "dataVersion": C, "data": data,
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envelopes_are_events_once_and_the_wrong_ones_are_told_why() -> Tested {
    let world = World::new()?;
    let mut feed = Feed::plain("lms-events")?;
    feed.home_page = "https://lms.example.org/users/".into();
    feed.caliper = Rules::built_in()?;
    let feed = Arc::new(feed);
    let settings = plain_settings(vec![feed.clone()]);
    let pipeline = Arc::new(Pipeline::start(Arc::new(world.vault.clone()), settings)?);
    let path = world.root.path().join("clients.toml");
    write_clients(&path, "lms", b"secret")?;
    let endpoint = Arc::new(Intake::new(feed.clone(), pipeline.clone(), read_clients(&path)?));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/caliper", socket.local_addr()?);
    tokio::spawn(axum::serve(socket, router(endpoint.clone())).into_future());
    let client = reqwest::Client::builder().no_proxy().build()?;
    let post = |authorization: &'static str, kind: &'static str, body: String| {
        let request = client.post(&url).header("authorization", authorization).header("content-type", kind);
        async move {
            let response = request.body(body).send().await?;
            Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
        }
    };
    let (good, json_type) = ("Bearer secret", "application/json; charset=utf-8");
    let general = json!({
        "@context": C, "id": "urn:uuid:2f1b6f0e-6a5d-4a7c-9d4b-00000000aaaa", "type": "Event", "action": "Created",
        "actor": "https://lms.example.org/users/S-0", "object": "https://lms.example.org/notes/1",
        "eventTime": "2025-10-02T09:30:00.000Z",
    });
    let first = enveloped(&[session(1, "S-0"), session(2, "S-1"), session(3, "S-9"), general]);
    assert_eq!(post(good, json_type, first.clone()).await?, (200, String::new()));
    assert_eq!(events_of(&world.vault, &world.handles[0])?.len(), 1, "on disk before the answer");
    // Again, in another order and beside a new one: once all the same.
    let again = enveloped(&[session(2, "S-1"), session(4, "S-1"), session(1, "S-0")]);
    assert_eq!(post(good, json_type, again).await?.0, 200);
    assert_eq!(events_of(&world.vault, &world.handles[0])?.len(), 1);
    assert_eq!(events_of(&world.vault, &world.handles[1])?.len(), 2);
    let mut reasons: Vec<String> =
        letters::list(&world.vault, feed.source)?.into_iter().map(|(_, letter)| letter.reason).collect();
    reasons.sort();
    assert_eq!(reasons, [Reason::UnknownKind.name(), Reason::UnknownStudent.name()]);
    let mut wrong = session(5, "S-0");
    wrong["action"] = json!("Viewed");
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let one = || enveloped(&[session(5, "S-0")]);
    for (authorization, kind, body, wanted, told) in [
        ("Bearer wrong", json_type, one(), 401, "no client"),
        ("Basic bG1zOnNlY3JldA==", json_type, one(), 401, "no client"),
        (good, "application/ld+json", one(), 415, "application/json"),
        (good, json_type, session(5, "S-0").to_string(), 400, "sensor: is missing"),
        (good, json_type, enveloped(&[session(5, "S-0"), wrong]), 400, "data.1.action"),
        (good, json_type, one().replace("v1p1", "v1p9"), 422, "dataVersion"),
        (good, json_type, one().replace("\"PT45M\"", &deep), 400, "too deep"),
        (good, json_type, one().replace("\"PT45M\"", "1e999"), 400, "out of range"),
        (good, json_type, " ".repeat(MAX_ENVELOPE_BYTES + 1), 413, ""),
    ] {
        let (status, text) = post(authorization, kind, body).await?;
        assert!(status == wanted && text.contains(told), "{wanted} {told}: {status} {text}");
    }
    assert_eq!(
        events_of(&world.vault, &world.handles[0])?.len(),
        1,
        "of a refused envelope nothing is taken"
    );
    tokio::task::block_in_place(|| pipeline.stop());
    assert_eq!(post(good, json_type, one()).await?.0, 503);
    Ok(())
}
