//! The consumer against a provider of this file: one that pages by links, one that only counts, busy, forgetful and hostile ones.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode as Status};
use axum::routing::{get, post};
use serde_json::json;

use super::*;

type Tested = Result<(), Box<dyn std::error::Error>>;
type Answer = (Status, HeaderMap, String);

#[derive(Default)]
struct Sis {
    asked: Mutex<Vec<String>>,
    tokens: AtomicU32,
    busy: AtomicU32,
}

fn answer(status: u16, headers: &[(&'static str, String)], body: impl ToString) -> Answer {
    let pairs = headers.iter().filter_map(|(name, value)| Some((*name, HeaderValue::from_str(value).ok()?)));
    let headers = pairs.map(|(name, value)| (axum::http::HeaderName::from_static(name), value)).collect();
    (Status::from_u16(status).unwrap_or_default(), headers, body.to_string())
}

/// Five objects of every collection, two a page.
async fn listed(
    State(sis): State<Arc<Sis>>,
    Path((kind, name)): Path<(String, String)>,
    Query(asked): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    let token =
        headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let offset: usize = asked.get("offset").and_then(|text| text.parse().ok()).unwrap_or(0);
    let filter = asked.get("filter").cloned().unwrap_or_default();
    sis.asked.lock().unwrap_or_else(|bad| bad.into_inner()).push(format!("{name} {offset} {filter}"));
    let object = |at: usize| json!({ "sourcedId": format!("{name}-{at}"), "status": "active", "dateLastModified": format!("2026-03-0{}T09:30:00Z", at + 1) });
    let objects: Vec<_> = (offset..5.min(offset + 2)).map(object).collect();
    let body = json!({ name.as_str(): objects });
    let link = |to: &str| ("link", format!("<{to}>; rel=\"next\", </x>; rel=\"last\""));
    let total = |count: usize| ("x-total-count", count.to_string());
    match kind.as_str() {
        "links" if offset + 2 < 5 => {
            answer(200, &[link(&format!("/links/{name}?offset={}", offset + 2)), total(5)], body)
        }
        "links" | "counts" => answer(200, &[total(5)], body),
        "busy" if sis.busy.fetch_add(1, Ordering::SeqCst) < 2 => {
            answer(429, &[("retry-after", "0".into())], "")
        }
        "busy" => answer(200, &[total(5)], body),
        "forgets" if token.ends_with("token-1") => answer(401, &[], ""),
        "forgets" => answer(200, &[total(5)], body),
        "short" => answer(200, &[total(9)], body),
        "elsewhere" => answer(200, &[link("http://127.0.0.1:1/orgs")], body),
        "circle" => answer(200, &[link(&format!("/circle/{name}?offset={offset}"))], body),
        // Another page each time, always with something on it.
        "endless" => {
            let body = json!({ name.as_str(): [object(offset)] });
            answer(200, &[link(&format!("/endless/{name}?offset={}", offset + 1))], body)
        }
        "refuses" => {
            answer(403, &[], json!({ "imsx_codeMajor": "failure", "imsx_description": "no\u{7} such scope" }))
        }
        _ => answer(200, &[], "<html>"),
    }
}

async fn token(State(sis): State<Arc<Sis>>, body: String) -> Answer {
    let count = sis.tokens.fetch_add(1, Ordering::SeqCst) + 1;
    match body.contains("grant_type=client_credentials") {
        true => answer(200, &[], json!({ "access_token": format!("token-{count}") })),
        false => answer(400, &[], ""),
    }
}

async fn served() -> Result<(String, Arc<Sis>), std::io::Error> {
    let sis = Arc::new(Sis::default());
    let routes = Router::new()
        .route("/{kind}/{name}", get(listed))
        .route("/token", post(token))
        .with_state(sis.clone());
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", socket.local_addr()?);
    tokio::spawn(axum::serve(socket, routes).into_future());
    Ok((url, sis))
}

fn of(url: &str, kind: &str, results: bool) -> Result<Provider, ConsumerError> {
    let results = if results { format!("results_url = '{url}/{kind}'\n") } else { String::new() };
    provider(&format!(
        "url = '{url}/{kind}'\n{results}token_url = '{url}/token'\nclient_id = 'c'\nclient_secret = 'very secret'\n"
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_roster_comes_whole_however_it_is_paged_and_a_delta_asks_for_changes() -> Tested {
    let (url, sis) = served().await?;
    for kind in ["links", "counts", "busy", "forgets"] {
        let fetched = fetch(&of(&url, kind, true)?, None).await?;
        let counts: Vec<usize> = fetched.collections.iter().map(|(_, objects)| objects.len()).collect();
        assert_eq!(counts, [5; 5], "{kind}");
        assert_eq!(fetched.newest.as_deref(), Some("2026-03-05T09:30:00Z"));
        assert_eq!(fetched.collections[0].1[4]["sourcedId"], "orgs-4", "in order, none twice");
    }
    sis.asked.lock().unwrap_or_else(|bad| bad.into_inner()).clear();
    fetch(&of(&url, "counts", false)?, Some("2026-03-02T09:30:00Z")).await?;
    let asked = sis.asked.lock().unwrap_or_else(|bad| bad.into_inner()).clone();
    assert_eq!(asked.len(), 9, "no results without their address");
    assert!(asked.iter().all(|line| line.ends_with("dateLastModified>='2026-03-02T09:30:00Z'")), "{asked:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_a_provider_that_pages_for_ever_is_left() -> Tested {
    let (url, sis) = served().await?;
    let endless = of(&url, "endless", false)?;
    for (provider, told, asked) in [
        (Provider { max_pages: 7, ..endless.clone() }, "more than 7 pages", 8),
        (Provider { max_bytes: 1_000, ..endless.clone() }, "more than 1000 bytes", 1_000),
    ] {
        sis.asked.lock().unwrap_or_else(|bad| bad.into_inner()).clear();
        let error = fetch(&provider, None).await.err().ok_or(told)?.to_string();
        assert!(error.contains(told) && error.contains("in the provider's file"), "{error}");
        assert!(sis.asked.lock().unwrap_or_else(|bad| bad.into_inner()).len() <= asked);
    }
    // What is whole within the bound is had.
    let links = Provider { max_pages: 9, ..of(&url, "links", false)? };
    assert_eq!(fetch(&links, None).await?.collections.len(), 3);
    assert!(fetch(&Provider { max_pages: 8, ..links }, None).await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_whole_or_not_the_providers_own_is_not_used() -> Tested {
    let (url, _) = served().await?;
    for (kind, told) in [
        ("short", "5 of 9"),
        ("elsewhere", "not its own"),
        ("circle", "not its own"),
        ("refuses", "no such scope"),
        ("html", "is not a page of orgs"),
    ] {
        let error = fetch(&of(&url, kind, false)?, None).await.err().ok_or(kind)?.to_string();
        assert!(error.contains(told) && !error.contains("secret"), "{kind}: {error}");
    }
    for (from, to) in [("http://127", "http://sis.example.org:127"), ("client_id", "id"), ("'c'", "7")] {
        let text = format!(
            "url = '{url}/x'\ntoken_url = '{url}/token'\nclient_id = 'c'\nclient_secret = 'very secret'\n"
        );
        let refused = provider(&text.replace(from, to)).err().ok_or(to)?.to_string();
        assert!(!refused.contains("very secret"), "{refused}");
    }
    assert!(!format!("{:?}", of(&url, "links", false)?).contains("very secret"));
    Ok(())
}
