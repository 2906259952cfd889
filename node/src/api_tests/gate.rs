//! What stands before every route: permits, bodies, the forms of answers and errors.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use axum::http::{StatusCode, header};
use reqwest::{Method, Response};

use super::*;

async fn asked(
    s: &Served,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> reqwest::Result<Response> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut request = client.request(method, format!("{}{path}", s.client.origin()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await
}

fn told<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_11_half_sent_posts_silence_nobody() -> Tested {
    let mut s = served(|config| config.api.max_requests = 4).await?;
    let address = s.client.origin().trim_start_matches("http://").to_owned();
    let (begun, mut halves) = (Instant::now(), Vec::new());
    for _ in 0..64 {
        let mut socket = TcpStream::connect(&address)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        socket.write_all(b"POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\nx")?;
        halves.push(socket);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    for path in ["/healthz", "/metrics", "/v1/status", "/", "/v1/rounds"] {
        assert_eq!(asked(&s, Method::GET, path, &[]).await?.status(), 200, "{path}");
    }
    s.client.submit(s.chain.proposal(100).to_canonical()).await.map_err(failed)?;
    assert!(begun.elapsed() < Duration::from_secs(4), "while the others were still waited for");
    let mut answer = vec![0; 200];
    let read =
        tokio::task::spawn_blocking(move || halves.remove(0).read(&mut answer).map(|n| answer[..n].to_vec()));
    let answer = String::from_utf8(read.await??)?;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    Ok(())
}

#[tokio::test]
async fn readers_leave_health_and_submissions_their_permits() -> Tested {
    let taken = |node: &mut AppState, _: &DevChain| {
        node.requests.forget_permits(usize::MAX);
    };
    let mut s = served_with(|_| {}, taken).await?;
    assert_eq!(asked(&s, Method::GET, "/v1/status", &[]).await?.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(asked(&s, Method::GET, "/healthz", &[]).await?.status(), StatusCode::OK);
    s.client.submit(s.chain.proposal(100).to_canonical()).await.map_err(failed)?;
    Ok(())
}

#[tokio::test]
async fn submissions_are_limited_by_address() -> Tested {
    let s = served(|config| config.api.submissions_per_second = 1).await?;
    let mut refused = 0;
    for body in 0..8u8 {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let request = client.post(format!("{}/v1/transactions", s.client.origin())).body(vec![body]);
        refused += u32::from(request.send().await?.status() == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!((3..=4).contains(&refused), "{refused} of 8, with four at once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_district_that_is_flooded_is_told_to_wait_and_its_neighbour_answers() -> Tested {
    let flooded = served(|config| config.quotas.requests_per_second = 1).await?;
    let neighbour = served(|config| config.api.reads_per_second = 0).await?;
    let (mut answered, mut refused) = (0, 0);
    for n in 0..40 {
        let told = asked(&flooded, Method::GET, "/v1/status", &[]).await?;
        match told.status() {
            StatusCode::OK => answered += 1,
            StatusCode::TOO_MANY_REQUESTS => {
                assert!(told.headers()["retry-after"].to_str()?.parse::<u64>()? >= 1);
                let body: ErrorBody = told.json().await?;
                assert_eq!(body.error.code, "over_quota");
                refused += 1;
            }
            other => return Err(format!("{other}").into()),
        }
        let theirs = asked(&neighbour, Method::GET, "/v1/status", &[]).await?;
        assert_eq!(theirs.status(), StatusCode::OK, "the neighbour's request {n}");
        // Whether it is well is no request of a caller.
        assert_eq!(asked(&flooded, Method::GET, "/healthz", &[]).await?.status(), StatusCode::OK);
    }
    // Four seconds' worth come at once; a slow machine earns a few more meanwhile.
    assert!(answered >= 4 && refused >= 1, "{answered} answered, {refused} refused");
    // What is submitted counts too, apart: readers do not silence it.
    let post = reqwest::Client::builder().no_proxy().build()?;
    let (mut over, mut first) = (false, true);
    for body in 0..20u8 {
        let to = format!("{}/v1/transactions", flooded.client.origin());
        let told = post.post(to).body(vec![body]).send().await?.status() == StatusCode::TOO_MANY_REQUESTS;
        assert!(!(first && told), "the first submission after a flood of readers");
        (over, first) = (over || told, false);
    }
    assert!(over, "twenty submissions at one a second");
    Ok(())
}

#[tokio::test]
async fn a_district_writes_as_many_exports_at_once_as_its_share_says() -> Tested {
    let taken = |node: &mut AppState, _: &DevChain| {
        assert_eq!(node.exports.available_permits(), 2);
        node.exports.forget_permits(2);
    };
    let s = served_with(|config| config.quotas.long_work = 2, taken).await?;
    let told = asked(&s, Method::GET, "/v1/export/members.csv", &[]).await?;
    assert_eq!(told.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(told.headers().contains_key("retry-after"));
    assert_eq!(asked(&s, Method::GET, "/v1/members", &[]).await?.status(), StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn a_browser_gets_its_errors_as_a_page_and_a_program_as_json() -> Tested {
    let s = served(|_| {}).await?;
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for (path, headers, kind) in [
        ("/nothing", &browser[..], "text/html; charset=utf-8"),
        ("/blocks/99", &browser[..], "text/html; charset=utf-8"),
        ("/blocks/x", &browser[..], "text/html; charset=utf-8"),
        ("/nothing", &[], "application/json"),
        ("/v1/nothing", &browser[..], "application/json"),
    ] {
        let response = asked(&s, Method::GET, path, headers).await?;
        assert!(response.status().is_client_error(), "{path}");
        assert_eq!(told(&response, "content-type"), kind, "{path}");
        assert_eq!(told(&response, "x-content-type-options"), "nosniff", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_head_is_that_of_the_whole_answer() -> Tested {
    let s = served(|_| {}).await?;
    for path in ["/v1/genesis", "/rounds", "/v1/pools"] {
        let head = asked(&s, Method::HEAD, path, &[]).await?;
        let whole = asked(&s, Method::GET, path, &[]).await?;
        for name in [header::ETAG, header::CACHE_CONTROL, header::CONTENT_LENGTH, header::CONTENT_TYPE] {
            assert_eq!(told(&head, name.as_str()), told(&whole, name.as_str()), "{path} {name}");
            assert!(!told(&head, name.as_str()).is_empty(), "{path} {name}");
        }
        let tag = told(&whole, "etag").to_owned();
        assert!(head.bytes().await?.is_empty(), "{path}");
        let known = asked(&s, Method::HEAD, path, &[("if-none-match", &tag)]).await?;
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn text_is_sent_as_gzip_to_who_takes_it() -> Tested {
    let s = served(|_| {}).await?;
    for path in ["/", "/v1/genesis", "/openapi.json"] {
        let plain = asked(&s, Method::GET, path, &[("accept-encoding", "identity")]).await?;
        assert_eq!(told(&plain, "content-encoding"), "", "{path}");
        let plain_tag = told(&plain, "etag").to_owned();
        let plain = plain.bytes().await?;
        let zipped = asked(&s, Method::GET, path, &[("accept-encoding", "gzip")]).await?;
        assert_eq!(told(&zipped, "content-encoding"), "gzip", "{path}");
        assert_eq!(told(&zipped, "vary"), "accept-encoding", "{path}");
        let tag = told(&zipped, "etag").to_owned();
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(zipped.bytes().await?.as_ref()).read_to_end(&mut text)?;
        assert_eq!(text, plain, "{path}");
        if !tag.is_empty() {
            assert_ne!(tag, plain_tag, "other bytes have another tag");
            let asked =
                asked(&s, Method::GET, path, &[("accept-encoding", "gzip"), ("if-none-match", &tag)]).await?;
            assert_eq!(asked.status(), StatusCode::NOT_MODIFIED, "{path}");
        }
    }
    Ok(())
}

/// A node that is not heard: one that signs nothing, whose clock is wrong, or that does not know yet whose chain it follows.
#[derive(Default)]
struct Silent {
    votes_as: Option<aula_ledger::types::ValidatorAddress>,
    ahead_ms: u64,
    fast_clock: Option<String>,
    unproven: Option<String>,
}

impl Network for Silent {
    fn submit(&self, bytes: Vec<u8>) -> Result<TransactionId, Refused> {
        Ok(id_of_bytes(&bytes))
    }
    fn is_pending(&self, _: &TransactionId) -> bool {
        false
    }
    fn waiting(&self) -> (usize, usize) {
        (0, 0)
    }
    fn peers(&self) -> usize {
        0
    }
    fn mode(&self) -> &'static str {
        "follower"
    }
    fn votes_as(&self) -> Option<aula_ledger::types::ValidatorAddress> {
        self.votes_as
    }
    fn attention(&self) -> Option<String> {
        Some("the sign guard is missing".into())
    }
    fn validators_connected(&self) -> Option<usize> {
        Some(2)
    }
    fn told_height(&self) -> Option<aula_ledger::types::Height> {
        Some(aula_ledger::types::Height(259_300))
    }
    fn ahead_of_clock_ms(&self) -> Option<u64> {
        Some(self.ahead_ms)
    }
    fn fast_clock(&self) -> Option<String> {
        self.fast_clock.clone()
    }
    fn unproven(&self) -> Option<String> {
        self.unproven.clone()
    }
}

#[tokio::test]
async fn attack_01_a_node_whose_clock_is_behind_the_chains_time_is_not_ready_and_says_by_how_much() -> Tested
{
    let slow = |node: &mut AppState, _: &DevChain| {
        node.network = Arc::new(Silent { ahead_ms: 501, ..Silent::default() });
    };
    let s = served_with(|_| {}, slow).await?;
    let status = s.client.status().await.map_err(failed)?;
    assert_eq!(status.ahead_of_clock_ms, Some(501));
    assert_eq!(status.validators_connected, Some(2));
    assert_eq!(status.told_height.map(|height| height.0), Some(259_300), "what its peers say they have");
    let refused = s.client.get::<Value>("/readyz").await.err().map(Failure::from).ok_or("it is ready")?;
    assert!(refused.code == "clock_behind" && refused.message.contains("501 ms"), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn what_should_be_set_right_is_said_and_a_chain_that_is_not_proven_is_not_ready() -> Tested {
    let doubts = |node: &mut AppState, _: &DevChain| {
        let (fast_clock, unproven) = (Some("the clock is fast".into()), Some("nothing proves it".into()));
        node.network = Arc::new(Silent { fast_clock, unproven, ..Silent::default() });
    };
    let s = served_with(|_| {}, doubts).await?;
    let status = s.client.status().await.map_err(failed)?;
    assert_eq!(status.attention.as_deref(), Some("nothing proves it; the clock is fast"));
    let refused = s.client.get::<Value>("/readyz").await.err().map(Failure::from).ok_or("it is ready")?;
    assert!(refused.code == "not_proven" && refused.message.contains("nothing proves it"), "{refused:?}");
    let well = served(|_| {}).await?;
    assert_eq!(well.client.status().await.map_err(failed)?.attention, None);
    Ok(())
}

#[tokio::test]
async fn a_validator_that_signs_nothing_is_not_ready_and_says_why() -> Tested {
    let silent = |node: &mut AppState, chain: &DevChain| {
        let own = chain.genesis.validators.validators().first().map(|validator| validator.address);
        node.network = Arc::new(Silent { votes_as: own, ..Silent::default() });
    };
    let s = served_with(|_| {}, silent).await?;
    let status = s.client.status().await.map_err(failed)?;
    assert_eq!((status.signs, status.silent_because.as_deref()), (false, Some("the sign guard is missing")));
    let refused = s.client.get::<Value>("/readyz").await.err().map(Failure::from).ok_or("it is ready")?;
    assert!(
        refused.code == "not_signing" && refused.message.contains("the sign guard is missing"),
        "{refused:?}"
    );
    let honest = served(|_| {}).await?;
    let status = honest.client.status().await.map_err(failed)?;
    assert_eq!((status.signs, status.silent_because), (false, None), "it only follows");
    Ok(())
}
