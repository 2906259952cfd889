use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aula_ledger::chain::TransactionId;
use aula_ledger::chain::transaction::id_of_bytes;
use aula_ledger::codec::Canonical;
use futures::StreamExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::Value;
use tokio::sync::oneshot;

use super::credential::{Claim, Credential, HEADER};
use super::server::Server;
use super::*;
use crate::client::Client;
use crate::command::Failure;
use crate::config::Config;
use crate::testkit::DevChain;

mod vault;

type Tested = Result<(), Box<dyn std::error::Error>>;

/// Keeps what is submitted, and refuses what is empty.
#[derive(Default)]
struct Pending(Mutex<BTreeSet<TransactionId>>);

impl Network for Pending {
    fn submit(&self, bytes: Vec<u8>) -> Result<TransactionId, Refused> {
        if bytes.is_empty() {
            return Err(Refused { code: 1, message: "malformed".into() });
        }
        let id = id_of_bytes(&bytes);
        self.0.lock().map_err(|_| Refused { code: 1099, message: "lock".into() })?.insert(id);
        Ok(id)
    }
    fn is_pending(&self, id: &TransactionId) -> bool {
        self.0.lock().is_ok_and(|pending| pending.contains(id))
    }
    fn waiting(&self) -> (usize, usize) {
        (self.0.lock().map_or(0, |pending| pending.len()), 0)
    }
    fn peers(&self) -> usize {
        3
    }
    fn mode(&self) -> &'static str {
        "validator"
    }
}

/// A chain with its API on a free port, until dropped.
struct Served {
    chain: DevChain,
    client: Client,
    _stop: oneshot::Sender<()>,
}

fn failed(failure: Failure) -> Box<dyn std::error::Error> {
    format!("{}: {}", failure.code, failure.message).into()
}

async fn served(change: impl FnOnce(&mut Config)) -> Result<Served, Box<dyn std::error::Error>> {
    served_with(change, |_, _| {}).await
}

async fn served_with(
    change: impl FnOnce(&mut Config),
    furnish: impl FnOnce(&mut Node, &DevChain),
) -> Result<Served, Box<dyn std::error::Error>> {
    let chain = DevChain::new().map_err(failed)?;
    let mut config = Config::default();
    config.api.listen.set_port(0);
    change(&mut config);
    let server = Server::bind(&config.api)?;
    let client = Client::new(&server.origin()).map_err(failed)?;
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let network = Arc::new(Pending::default());
    let mut node = Node::new(
        &config,
        chain.db.clone(),
        network,
        chain.genesis.clone(),
        chain.genesis_bytes.clone(),
        metrics,
    );
    furnish(&mut node, &chain);
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(server.serve(router(Arc::new(node)), async move {
        let _ = stopped.await;
    }));
    Ok(Served { chain, client, _stop: stop })
}

#[tokio::test]
async fn a_transaction_is_unknown_then_pending_then_final() -> Tested {
    let mut s = served(|_| {}).await?;
    let transaction = s.chain.proposal(100);
    let path = format!("/v1/transactions/{}", transaction.id());
    let status = |v: &Value| v["status"].as_str().unwrap_or_default().to_owned();
    assert_eq!(status(&s.client.get::<Value>(&path).await.map_err(failed)?), "unknown");
    let id = s.client.submit(transaction.to_canonical()).await.map_err(failed)?;
    assert_eq!(id, transaction.id());
    assert_eq!(status(&s.client.get::<Value>(&path).await.map_err(failed)?), "pending");
    s.chain.block(&[transaction]).map_err(failed)?;
    let state = s.client.wait_final(&id, Duration::from_secs(1)).await.map_err(failed)?;
    assert_eq!((state.status.as_str(), state.code, state.height), ("final", Some(0), Some(1)));
    let block: Value = s.client.get("/v1/blocks/1").await.map_err(failed)?;
    assert_eq!(block["outlines"][0]["kind"], "ProposeChange");
    assert_eq!(block["signers"].as_array().map(Vec::len), Some(1));
    let account: Value =
        s.client.get(&format!("/v1/accounts/{}", s.chain.account())).await.map_err(failed)?;
    assert_eq!(account["sequence"], 1);
    Ok(())
}

#[tokio::test]
async fn every_error_has_the_one_body() -> Tested {
    let s = served(|_| {}).await?;
    for (path, code) in [
        ("/v1/nothing", "not_found"),
        ("/v1/blocks/7", "not_found"),
        ("/v1/blocks/x", "bad_request"),
        ("/v1/blocks?limit=1000", "bad_request"),
        ("/v1/blocks?page=1", "bad_request"),
        ("/v1/transactions/AB", "bad_request"),
        ("/v1/stream", "bad_request"),
        ("/v1/rounds/1", "not_found"),
        ("/v1/rounds/1/report", "not_found"),
    ] {
        let failure = s.client.get::<Value>(path).await.err().ok_or(path)?;
        assert_eq!(failure.code, code, "{path}: {failure:?}");
        assert!(!failure.hint.is_empty(), "{path}");
    }
    let refused = s.client.submit(Vec::new()).await.err().ok_or("an empty transaction")?;
    assert!(refused.code == "refused" && refused.message.contains("(code 1)"), "{refused:?}");
    let large = s.client.submit(vec![0; 3 << 20]).await.err().ok_or("3 MiB")?;
    assert_eq!(large.code, "too_large");
    Ok(())
}

#[tokio::test]
async fn blocks_are_paged_without_gap_or_repeat() -> Tested {
    let s = served(|_| {}).await?;
    for _ in 0..7 {
        s.chain.block(&[]).map_err(failed)?;
    }
    let mut seen = Vec::new();
    let mut path = "/v1/blocks?limit=3".to_owned();
    loop {
        let page: Value = s.client.get(&path).await.map_err(failed)?;
        let blocks = page["blocks"].as_array().cloned().unwrap_or_default();
        seen.extend(blocks.iter().filter_map(|b| b["height"].as_u64()));
        let Some(next) = page["next"].as_u64() else { break };
        path = format!("/v1/blocks?limit=3&from={next}");
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
    Ok(())
}

#[tokio::test]
async fn the_stream_resumes_from_a_height() -> Tested {
    let s = served(|_| {}).await?;
    for _ in 0..3 {
        s.chain.block(&[]).map_err(failed)?;
    }
    let url = format!("{}/v1/stream?from=2", s.client.origin().replace("http", "ws"));
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
    let mut heights = Vec::new();
    while heights.len() < 3 {
        let message =
            tokio::time::timeout(Duration::from_secs(5), socket.next()).await?.ok_or("closed")??;
        if message.is_text() {
            let block: Value = serde_json::from_str(message.to_text()?)?;
            heights.extend(block["height"].as_u64());
            if heights.len() == 2 {
                s.chain.block(&[]).map_err(failed)?;
            }
        }
    }
    assert_eq!(heights, [2, 3, 4]);
    Ok(())
}

#[tokio::test]
async fn streams_over_the_limit_are_told_so() -> Tested {
    let s = served(|config| config.api.max_streams = 1).await?;
    let url = format!("{}/v1/stream", s.client.origin().replace("http", "ws"));
    let first = tokio_tungstenite::connect_async(&url).await?;
    let second = tokio_tungstenite::connect_async(&url).await.err().ok_or("a second stream")?;
    assert!(second.to_string().contains("503"), "{second}");
    drop(first);
    Ok(())
}

#[tokio::test]
async fn a_credential_must_be_a_members_for_this_chain_and_now() -> Tested {
    let s = served(|_| {}).await?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis();
    let now = u64::try_from(now)?;
    let good = Claim {
        chain_id: s.chain.genesis.chain_id.clone(),
        account: s.chain.account(),
        expires_ms: now + 60_000,
        purpose: "test".into(),
    };
    let other = aula_ledger::types::ChainId::new("other-00000000").ok_or("a chain id")?;
    let cases = [
        (good.clone(), 200),
        (Claim { expires_ms: now - 1, ..good.clone() }, 401),
        (Claim { expires_ms: now + 7_200_000, ..good.clone() }, 401),
        (Claim { chain_id: other, ..good.clone() }, 401),
        (Claim { account: aula_ledger::types::AccountId([1; 20]), ..good }, 401),
    ];
    let http = reqwest::Client::new();
    let url = format!("{}/v1/rounds", s.client.origin());
    for (claim, status) in cases {
        let credential = Credential::sign(&claim, &s.chain.account_key).to_string();
        let answer = http.get(&url).header(HEADER, credential).send().await?;
        assert_eq!(answer.status().as_u16(), status, "{claim:?}");
    }
    let answer = http.get(&url).header(HEADER, "nonsense").send().await?;
    assert_eq!(answer.status().as_u16(), 401);
    Ok(())
}

#[tokio::test]
async fn every_described_read_answers() -> Tested {
    let s = served(|_| {}).await?;
    s.chain.block(&[]).map_err(failed)?;
    let described: Value = serde_json::from_str(&openapi_json())?;
    let paths = described["paths"].as_object().ok_or("no paths")?;
    let plain = paths.iter().filter(|(path, item)| item.get("get").is_some() && !path.contains('{'));
    let mut count = 0;
    for (path, _) in
        plain.filter(|(path, _)| !["/v1/stream", "/readyz", "/v1/family/reads"].contains(&path.as_str()))
    {
        s.client.get_bytes(path).await.map_err(|f| format!("{path}: {}", f.message))?;
        count += 1;
    }
    assert!(count >= 15, "{count} routes");
    assert_eq!(s.client.get_bytes("/v1/genesis").await.map_err(failed)?, s.chain.genesis_bytes);
    // The chain of the tests has a genesis of 1970: its tip is not current.
    assert_eq!(s.client.get::<Value>("/readyz").await.err().map(|f| f.code).as_deref(), Some("not_current"));
    Ok(())
}

#[tokio::test]
async fn the_page_reads_without_scripts_and_loads_nothing_from_elsewhere() -> Tested {
    let mut s = served(|_| {}).await?;
    let transaction = s.chain.proposal(50);
    s.chain.block(&[transaction]).map_err(failed)?;
    let page = String::from_utf8(s.client.get_bytes("/").await.map_err(failed)?)?;
    let hash = s.chain.db.latest().tip().hash.to_string();
    assert!(page.contains(hash.get(..12).ok_or("short")?) && page.contains("Where the data came from"));
    assert!(!page.contains("http://") && !page.contains("https://"));
    for asset in ["/assets/explorer.js", "/assets/explorer.css"] {
        assert!(page.contains(asset));
        assert!(!s.client.get_bytes(asset).await.map_err(failed)?.is_empty());
    }
    Ok(())
}

#[test]
fn the_committed_description_is_the_served_one() -> Tested {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let served = openapi_json();
    if std::env::var_os("AULA_WRITE_OPENAPI").is_some() {
        std::fs::write(&path, &served)?;
    }
    let committed = std::fs::read_to_string(&path)?;
    assert!(committed == served, "run the test with AULA_WRITE_OPENAPI=1 and look at the difference");
    Ok(())
}
