//! The listener over a real socket.

use aula_district::live::events_of;
use aula_vault::room::Room;

use super::*;
use crate::clients::read_clients;
use crate::pipeline::{Pipeline, Settings};
use crate::statements::Statements;
use crate::testkit::{Made, NOW_MS, Tested, World, reference, write_clients};

async fn served(world: &World) -> Made<(String, Arc<Intake>, Arc<Pipeline>)> {
    served_within(world, None).await
}

async fn served_within(world: &World, room: Option<Room>) -> Made<(String, Arc<Intake>, Arc<Pipeline>)> {
    let feeds = vec![world.feed.clone()];
    let settings = Settings { params: reference(), spool: None, room, feeds, observer: None };
    let pipeline = Arc::new(Pipeline::start(Arc::new(world.vault.clone()), settings)?);
    let path = world.root.path().join("clients.toml");
    write_clients(&path, "east", b"secret")?;
    let frames = Arc::new(Intake::new(world.feed.clone(), pipeline.clone(), read_clients(&path)?));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/events", socket.local_addr()?);
    tokio::spawn(axum::serve(socket, router(frames.clone())).into_future());
    Ok((url, frames, pipeline))
}

fn lines(count: u64) -> String {
    let line = |n| {
        format!(
            "{{\"id\":\"m{n}\",\"at\":{},\"student\":\"S-{}\",\"event\":{{\"kind\":\"attendance\",\"mark\":\"present\"}}}}\n",
            NOW_MS + n,
            n % 3
        )
    };
    (0..count).map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_with_its_share_of_the_disk_takes_nothing_in_and_its_neighbour_s_does() -> Tested {
    let (full, other) = (World::new()?, World::new()?);
    let data = full.vault.folders().data.clone();
    // As if its records took so much.
    std::fs::write(data.join("filler"), vec![0; 1 << 20])?;
    let (url, _, pipeline) = served_within(&full, Some(Room::new(&data, 1))).await?;
    let (open, _, beside) =
        served_within(&other, Some(Room::new(&other.vault.folders().data, 1_024))).await?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let send = |url: &str| {
        let request = client.post(url).basic_auth("east", Some("secret")).header("content-type", LINES);
        request.body(lines(6)).send()
    };
    let told = send(&url).await?;
    assert_eq!((told.status().as_u16(), &told.headers()["retry-after"]), (507, &"60".parse()?));
    let body: serde_json::Value = serde_json::from_str(&told.text().await?)?;
    assert_eq!(body["error"]["code"], json!("insufficient_storage"));
    assert!(events_of(&full.vault, &full.handles[0])?.is_empty(), "nothing was taken in");
    let state = pipeline.state();
    assert_eq!(state.over, 6);
    assert!(state.attention.is_some_and(|why| why.contains("vault_mib")));
    assert_eq!(send(&open).await?.status().as_u16(), 200, "the neighbour's");
    // The store of statements writes before the pipeline hears: what writes is stopped before it, what reads is not.
    let statements = Arc::new(Statements::new(full.feed.clone(), pipeline.clone()));
    let stored = Router::new().route("/xapi/statements", axum::routing::any(|| async { "stored" }));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let store = format!("http://{}/xapi/statements", socket.local_addr()?);
    tokio::spawn(axum::serve(socket, statements.with_room(stored)).into_future());
    for (request, wanted) in [
        (client.post(&store), 507),
        (client.put(format!("{store}?statementId=1")), 507),
        (client.put(format!("{store}?statementId=method=GET")), 507),
        (client.post(format!("{store}?unmethod=GET")), 507),
        (client.get(&store), 200),
        (client.post(format!("{store}?method=GET")), 200),
    ] {
        assert_eq!(request.send().await?.status().as_u16(), wanted);
    }
    pipeline.stop();
    beside.stop();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_and_frames_are_taken_from_clients_and_refused_from_others() -> Tested {
    let world = World::new()?;
    let (url, frames, pipeline) = served(&world).await?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let post = |kind: &'static str, secret: &'static str, url: &str, body: Vec<u8>| {
        let request =
            client.post(url).basic_auth("east", Some(secret)).header("content-type", kind).body(body);
        async move {
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body: serde_json::Value = serde_json::from_str(&response.text().await?).unwrap_or_default();
            Ok::<_, reqwest::Error>((status, headers, body))
        }
    };
    let body = || lines(6).into_bytes();
    let (status, _, dry) = post(LINES, "secret", &format!("{url}?dry_run=1"), body()).await?;
    assert_eq!((status, &dry["messages"], &dry["refused"]), (200, &json!(6), &json!(0)));
    let (status, _, done) = post(LINES, "secret", &url, body()).await?;
    assert_eq!((status, &done["new"]), (200, &json!(6)));
    assert_eq!(events_of(&world.vault, &world.handles[0])?.len(), 2, "on disk before the answer");
    // The same messages as frames are the same messages.
    let mut bytes = Vec::new();
    for text in lines(6).lines() {
        let message = aula_ingest::event::line::decode(text.as_bytes()).map_err(|refusal| refusal.detail)?;
        frame::encode(&message, &mut bytes);
    }
    let (status, _, done) = post(FRAMES, "secret", &url, bytes.clone()).await?;
    assert_eq!((status, &done["known"]), (200, &json!(6)));
    let huge = vec![b' '; MAX_BODY_BYTES + 1];
    let many = "{}\n".repeat(MAX_SUBMITTED + 1).into_bytes();
    for (kind, secret, body, wanted) in [
        (LINES, "wrong", body(), 401),
        ("text/csv", "secret", body(), 415),
        (FRAMES, "secret", bytes[..bytes.len() - 1].to_vec(), 400),
        (FRAMES, "secret", vec![0xff; 8], 400),
        (LINES, "secret", many, 413),
        (LINES, "secret", huge, 413),
    ] {
        let (status, headers, _) = post(kind, secret, &url, body).await?;
        assert_eq!(status, wanted, "{kind} {secret}");
        assert_eq!(headers.contains_key("www-authenticate"), wanted == 401);
    }
    // Another secret, without a restart.
    let path = world.root.path().join("clients.toml");
    write_clients(&path, "east", b"another")?;
    frames.set_clients(read_clients(&path)?);
    assert_eq!(post(LINES, "secret", &url, body()).await?.0, 401);
    assert_eq!(post(LINES, "another", &url, body()).await?.0, 200);
    // Who is unknown waits after some tries; who is known does not.
    let mut waits = 0;
    for _ in 0..40 {
        waits += usize::from(post(LINES, "secret", &url, body()).await?.0 == 429);
    }
    assert!(waits > 0);
    assert_eq!(post(LINES, "another", &url, body()).await?.0, 200);
    // Deep JSON, numbers out of range, and what is no JSON are letters, not errors: one bad line stops no other.
    let deep = format!("{}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    let wide = r#"{"id":"w","at":1e400,"student":"S-0","event":{"kind":"session","minutes":99999,"active_minutes":1}}"#;
    let (status, _, done) =
        post(LINES, "another", &url, format!("{deep}{wide}\n{}", lines(1)).into_bytes()).await?;
    assert_eq!((status, &done["dead_letters"], &done["known"]), (200, &json!(2), &json!(1)));
    tokio::task::block_in_place(|| pipeline.stop());
    let (status, headers, _) = post(LINES, "another", &url, body()).await?;
    assert_eq!((status, headers.get("retry-after").map(|value| value.as_bytes())), (503, Some(&b"2"[..])));
    Ok(())
}
