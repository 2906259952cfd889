//! What nobody well-meaning asks for: each is answered with a clear error or nothing found, and the node goes on.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;

/// Sends a request's bytes as they are; gives the status and the body.
fn raw(s: &Served, request: &[u8]) -> Result<(u16, String), Box<dyn std::error::Error>> {
    let address = s.client.origin().trim_start_matches("http://").to_owned();
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    // The node may answer and close before it has read everything.
    let _ = socket.write_all(request);
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).ok_or("no answer")?.parse()?;
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    Ok((status, body))
}

fn get(s: &Served, target: &[u8]) -> Result<(u16, String), Box<dyn std::error::Error>> {
    raw(s, &[b"GET ", target, b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"].concat())
}

/// A chain of three blocks, served; the node's threads are not this test's.
async fn three_blocks() -> Result<Served, Box<dyn std::error::Error>> {
    let mut s = served(|_| {}).await?;
    for height in 0..3 {
        let one = s.chain.proposal(100 + height);
        s.chain.block(&[one]).map_err(failed)?;
    }
    Ok(s)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absurd_reads_are_refused_in_one_form() -> Tested {
    let s = three_blocks().await?;
    for (target, status, code) in [
        ("/v1/blocks?limit=1000000000", 400, "bad_request"),
        ("/v1/blocks?limit=0", 400, "bad_request"),
        ("/v1/blocks?limit=99999999999999999999999999", 400, "bad_request"),
        ("/v1/blocks?from=-1", 400, "bad_request"),
        ("/v1/blocks?from=1&from=2", 400, "bad_request"),
        ("/v1/blocks/4", 404, "not_found"),
        ("/v1/blocks/0", 404, "not_found"),
        ("/v1/blocks/18446744073709551615", 404, "not_found"),
        ("/v1/blocks/18446744073709551616", 400, "bad_request"),
        ("/v1/blocks/%FF", 400, "bad_request"),
        ("/v1/blocks/1%00", 400, "bad_request"),
        ("/v1/transactions?limit=1000000000", 400, "bad_request"),
        ("/v1/transactions?before=18446744073709551616", 400, "bad_request"),
        ("/v1/transactions?before=1e3", 400, "bad_request"),
        ("/v1/transactions?before=", 400, "bad_request"),
        ("/v1/transactions?cursor=1", 400, "bad_request"),
        ("/v1/transactions?kind=%00", 400, "bad_request"),
        ("/v1/trail?limit=1000000000", 400, "bad_request"),
        ("/v1/pools?class=70000", 400, "bad_request"),
        ("/v1/rounds/4294967296", 400, "bad_request"),
        ("/v1/rounds/4294967295", 404, "not_found"),
        ("/v1/districts/'%20OR%201=1--", 400, "bad_request"),
        ("/v1/export/..%2F..%2Fetc%2Fpasswd.csv", 404, "not_found"),
        ("/v1/export/schools-of-round-4294967296.csv", 404, "not_found"),
        ("/v1/evidence/figures/round/9999999999", 404, "not_found"),
        ("/v1//blocks", 404, "not_found"),
        ("/assets/..%2F..%2Fconfig.toml", 404, "not_found"),
    ] {
        let (found, body) = get(&s, target.as_bytes())?;
        assert_eq!(found, status, "{target}: {body}");
        let error = serde_json::from_str::<ErrorBody>(&body).map_err(|e| format!("{target}: {e}: {body}"))?;
        assert_eq!(error.error.code, code, "{target}");
        assert!(!error.error.hint.is_empty(), "{target}");
    }
    for (target, rows) in
        [("/v1/transactions?before=18446744073709551615", 3), ("/v1/transactions?before=0", 0)]
    {
        let (status, body) = get(&s, target.as_bytes())?;
        let page: Value = serde_json::from_str(&body)?;
        assert_eq!((status, page["transactions"].as_array().map(Vec::len)), (200, Some(rows)), "{target}");
    }
    let (status, body) = raw(&s, b"BREW /v1/blocks HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    assert!(status == 405 && body.contains("method_not_allowed"), "{status} {body}");
    s.chain.block(&[]).map_err(failed)?;
    assert_eq!(s.client.height().await.map_err(failed)?, 4, "the node goes on");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_texts_find_nothing_and_are_never_markup() -> Tested {
    let s = three_blocks().await?;
    for text in [
        "%FF%FE",
        "%00%01%1b%5b2J",
        "%F0%9F%92%A9",
        "'%20OR%20'1'='1",
        "1;DROP%20TABLE%20blocks",
        "%3Cscript%3Ealert(1)%3C/script%3E",
        "%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "%",
        "%zz",
        "99999999999999999999999999",
    ] {
        let (status, body) = get(&s, format!("/v1/search?q={text}").as_bytes())?;
        let found: Value = serde_json::from_str(&body)?;
        assert!((status == 200 && found["count"] == 0) || status == 400, "{text}: {status} {body}");
        let (status, page) = get(&s, format!("/search?q={text}").as_bytes())?;
        assert!(status == 200 || status == 400, "{text}: {status}");
        assert!(
            page.contains("<h1") && !page.contains("<script>alert") && !page.contains("<img src=x"),
            "{text}"
        );
    }
    // As long as a request's first line may be, and longer: the second is refused before any route.
    let (status, body) = get(&s, format!("/v1/search?q={}", "x".repeat(60_000)).as_bytes())?;
    assert!(status == 400 && body.contains("at most 200 bytes"), "{status}");
    let (status, _) = get(&s, format!("/v1/search?q={}", "x".repeat(1 << 20)).as_bytes())?;
    assert!([400, 414, 431].contains(&status), "{status}");
    // Bytes that no URL may hold.
    let (status, _) = get(&s, b"/v1/search?q=\xff\xfe\x07")?;
    assert!(status == 400 || status == 200, "{status}");
    assert_eq!(s.client.height().await.map_err(failed)?, 3, "the node goes on");
    Ok(())
}

#[tokio::test]
async fn a_node_that_answers_as_many_as_it_may_says_so() -> Tested {
    let full = |node: &mut AppState, _: &DevChain| {
        // As if a request took for ever.
        if let Ok(permit) = node.requests.try_acquire() {
            permit.forget();
        }
    };
    let s = served_with(|config| config.api.max_requests = 1, full).await?;
    let answer = reqwest::get(format!("{}/v1/blocks", s.client.origin())).await?;
    assert_eq!(answer.status().as_u16(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(answer.json::<ErrorBody>().await?.error.code, "busy");
    Ok(())
}
