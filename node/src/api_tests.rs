use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aula_client::Client;
use aula_home::config::Config;
use aula_kit::round::decided;
use aula_kit::{DevChain, Tested, failed};
use aula_ledger::codec::Canonical;
use aula_ledger::tx::TransactionId;
use aula_ledger::tx::transaction::id_of_bytes;
use aula_ledger::types::DistrictId;
use aula_pages::site::router;
use aula_vault::{Folders, Identity};
use aula_web::api::*;
use aula_web::api_error::ErrorBody;
use aula_web::dashboard::Hub;
use aula_web::http::credential::{Claim, Credential, HEADER, Scope};
use aula_web::http::server::Server;
use aula_web::http::{AppState, Network, Refused};
use futures::StreamExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::terminal::Failure;

mod access;
mod dashboards;
mod dashboards_bench;
mod elsewhere;
mod gate;
mod hostile;
mod rounds;
mod tenants;
mod vault;

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
pub(crate) struct Served {
    pub(crate) chain: DevChain,
    pub(crate) client: Client,
    dashboards: Arc<Hub>,
    _stop: oneshot::Sender<()>,
}

async fn served(change: impl FnOnce(&mut Config)) -> Result<Served, Box<dyn std::error::Error>> {
    served_with(change, |_, _| {}).await
}

async fn served_with(
    change: impl FnOnce(&mut Config),
    furnish: impl FnOnce(&mut AppState, &DevChain),
) -> Result<Served, Box<dyn std::error::Error>> {
    serve(DevChain::new().map_err(failed)?, change, furnish).await
}

/// Serves a chain that has a past.
pub(crate) async fn served_chain(chain: DevChain) -> Result<Served, Box<dyn std::error::Error>> {
    serve(chain, |_| {}, |_, _| {}).await
}

/// How often dashboards look again in tests, so that no test waits for it.
const SOON: Duration = Duration::from_millis(200);

/// Serves a chain whose one member acts for district 1, with a vault to be made at these folders and links in this one.
async fn serve_office(
    change: impl FnOnce(&mut Config),
    look_every: Duration,
) -> Result<(Served, Folders, std::path::PathBuf), Box<dyn std::error::Error>> {
    serve_furnished_office(change, look_every, |_| {}).await
}

/// The same, whose node has something beside.
async fn serve_furnished_office(
    change: impl FnOnce(&mut Config),
    look_every: Duration,
    beside: impl FnOnce(&AppState),
) -> Result<(Served, Folders, std::path::PathBuf), Box<dyn std::error::Error>> {
    let chain = DevChain::of(aula_kit::round::base).map_err(failed)?;
    let mut places = None;
    let furnish = |node: &mut AppState, chain: &DevChain| {
        let folders = Folders { data: chain.home.vault_dir(), keystore: chain.home.keystore_dir() };
        node.vault = Some(folders.clone());
        node.links = vec![chain.home.links_dir()];
        beside(node);
        places = Some((folders, chain.home.links_dir()));
    };
    let served = serve_looking(chain, change, furnish, look_every).await?;
    let (folders, links) = places.ok_or("a node")?;
    Ok((served, folders, links))
}

impl Served {
    /// Who the vault of district 1 is.
    fn district_1(&self) -> Identity {
        let chain = &self.chain.genesis;
        Identity {
            district: DistrictId(1),
            chain_id: chain.chain_id.to_string(),
            genesis: chain.sha256,
            account: self.chain.account(),
        }
    }
}

async fn serve(
    chain: DevChain,
    change: impl FnOnce(&mut Config),
    furnish: impl FnOnce(&mut AppState, &DevChain),
) -> Result<Served, Box<dyn std::error::Error>> {
    serve_looking(chain, change, furnish, SOON).await
}

/// Serves, and looks at open dashboards again as often as this.
async fn serve_looking(
    chain: DevChain,
    change: impl FnOnce(&mut Config),
    furnish: impl FnOnce(&mut AppState, &DevChain),
    look_every: Duration,
) -> Result<Served, Box<dyn std::error::Error>> {
    let mut config = Config::default();
    config.api.listen.set_port(0);
    change(&mut config);
    let server = Server::bind(&config.api)?;
    let client = Client::new(&server.origin()).map_err(failed)?;
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let network = Arc::new(Pending::default());
    let mut node = AppState::new(
        &config,
        chain.db.clone(),
        network,
        chain.genesis.clone(),
        chain.genesis_bytes.clone(),
        metrics,
    );
    furnish(&mut node, &chain);
    let dashboards = Arc::new(Hub::checking_every(look_every));
    dashboards.take_params(|| Ok(aula_kit::reference()));
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(server.serve(router(Arc::new(node), dashboards.clone()), async move {
        let _ = stopped.await;
    }));
    Ok(Served { chain, client, dashboards, _stop: stop })
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
        ("/v1/rounds/1/figures", "not_found"),
        ("/v1/districts/1", "not_found"),
        ("/v1/schools/1", "not_found"),
        ("/v1/pools/1", "not_found"),
        ("/v1/transactions?limit=0", "bad_request"),
        ("/v1/transactions?before=-1", "bad_request"),
        ("/v1/transactions?kind=Nonsense", "bad_request"),
        ("/v1/trail?before=x", "bad_request"),
        ("/v1/search", "bad_request"),
    ] {
        let failure = s.client.get::<Value>(path).await.err().map(Failure::from).ok_or(path)?;
        assert_eq!(failure.code, code, "{path}: {failure:?}");
        assert!(!failure.hint.is_empty(), "{path}");
    }
    let refused = s.client.submit(Vec::new()).await.err().map(Failure::from).ok_or("an empty transaction")?;
    assert!(refused.code == "refused" && refused.message.contains("(code 1)"), "{refused:?}");
    let large = s.client.submit(vec![0; 3 << 20]).await.err().map(Failure::from).ok_or("3 MiB")?;
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
async fn every_described_read_answers() -> Tested {
    let s = served(|_| {}).await?;
    s.chain.block(&[]).map_err(failed)?;
    let described: Value = serde_json::from_str(&openapi_json())?;
    let paths = described["paths"].as_object().ok_or("no paths")?;
    let plain = paths.iter().filter(|(path, item)| item.get("get").is_some() && !path.contains('{'));
    let mut count = 0;
    for (path, _) in plain.filter(|(path, _)| {
        !["/v1/stream", "/readyz", "/v1/family/reads", "/v1/search"].contains(&path.as_str())
    }) {
        s.client.get_bytes(path).await.map_err(|error| format!("{path}: {error}"))?;
        count += 1;
    }
    assert!(count >= 15, "{count} routes");
    assert_eq!(s.client.get_bytes("/v1/genesis").await.map_err(failed)?, s.chain.genesis_bytes);
    // The chain of the tests has a genesis of 1970: its tip is not current.
    let ready = s.client.get::<Value>("/readyz").await.map_err(Failure::from);
    assert!(ready.is_err_and(|failure| failure.code == "not_current"));
    Ok(())
}

#[tokio::test]
async fn every_page_reads_without_scripts_and_loads_nothing_from_elsewhere() -> Tested {
    let mut s = served(|_| {}).await?;
    let transaction = s.chain.proposal(50);
    let id = transaction.id();
    s.chain.block(&[transaction]).map_err(failed)?;
    let hash = s.chain.db.latest().tip().hash.to_string();
    let pages = [
        ("/", "Where the data came from"),
        ("/blocks", hash.get(..12).ok_or("short")?),
        ("/blocks/1", "ProposeChange"),
        ("/transactions", "ProposeChange"),
        (&format!("/transactions/{id}"), "may be voted on"),
        ("/rounds", "No round"),
        ("/pools", "Pools"),
        ("/districts", "Districts"),
        ("/schools", "Schools"),
        ("/members", "only"),
        ("/consortia", "has admitted none"),
        ("/validators", "Missed rounds"),
        ("/parameters", "min_cell_students"),
        ("/budgets", "Budgets"),
        ("/trail", "Proposal 0 may be voted on"),
        ("/milestones", "None yet"),
        ("/verify", "Verify"),
        ("/search?q=1", "/blocks/1"),
    ];
    for (path, words) in pages {
        let page = String::from_utf8(s.client.get_bytes(path).await.map_err(failed)?)?;
        assert!(page.contains(words), "{path} says {words:?}");
        assert!(!page.contains("http://") && !page.contains("https://"), "{path}");
        assert_eq!(page.matches("<h1").count(), 1, "{path}");
    }
    let page = String::from_utf8(s.client.get_bytes("/verify").await.map_err(failed)?)?;
    let assets: Vec<&str> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert!(assets.len() >= 4, "{assets:?}");
    for asset in assets {
        assert!(!s.client.get_bytes(asset).await.map_err(failed)?.is_empty(), "{asset}");
    }
    for (path, status) in
        [("/rounds/9", 404), ("/blocks/9", 404), ("/schools/9", 404), ("/transactions?kind=Nonsense", 400)]
    {
        let answer = reqwest::get(format!("{}{path}", s.client.origin())).await?;
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert!(answer.headers()["content-type"].to_str()?.starts_with("text/html"), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_has_an_etag_and_is_given_again_until_the_next_block() -> Tested {
    let mut s = served(|_| {}).await?;
    let one = s.chain.proposal(50);
    s.chain.block(&[one]).map_err(failed)?;
    let http = reqwest::Client::new();
    let get = |path: &str, tag: &str| {
        http.get(format!("{}{path}", s.client.origin())).header("if-none-match", tag).send()
    };
    let first = get("/v1/trail", "none").await?;
    let tag = first.headers()["etag"].to_str()?.to_owned();
    assert_eq!(first.headers()["cache-control"], "no-cache");
    assert_eq!(get("/v1/trail", &tag).await?.status().as_u16(), 304);
    let block = get("/v1/blocks/1", "none").await?;
    assert_eq!(block.headers()["cache-control"], "public, max-age=31536000, immutable");
    let block_tag = block.headers()["etag"].to_str()?.to_owned();
    let two = s.chain.proposal(60);
    s.chain.block(&[two]).map_err(failed)?;
    assert_eq!(get("/v1/trail", &tag).await?.status().as_u16(), 200, "there is more now");
    assert_eq!(get("/v1/blocks/1", &block_tag).await?.status().as_u16(), 304);
    assert!(!get("/v1/status", "none").await?.headers().contains_key("etag"));
    Ok(())
}

#[tokio::test]
async fn a_caller_that_reads_too_much_is_told_when_to_come_again() -> Tested {
    let s = served(|config| config.api.reads_per_second = 1).await?;
    let status = format!("{}/v1/status", s.client.origin());
    let mut refused = None;
    for _ in 0..12 {
        let answer = reqwest::get(&status).await?;
        if answer.status().as_u16() == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.ok_or("twelve reads in a moment at one a second")?;
    assert!(refused.headers()["retry-after"].to_str()?.parse::<u64>()? >= 1);
    let body: ErrorBody = refused.json().await?;
    assert_eq!(body.error.code, "too_many_requests");
    let id = s.client.submit(vec![1, 2, 3]).await;
    assert!(id.is_ok(), "submissions are not reads: {id:?}");
    Ok(())
}

#[tokio::test]
async fn exports_state_their_rows_and_hold_them_all() -> Tested {
    let mut s = served(|_| {}).await?;
    for height in 0..3 {
        let batch: Vec<_> = (0..200).map(|n| s.chain.proposal(1_000 * height + n + 10)).collect();
        s.chain.block(&batch).map_err(failed)?;
    }
    for name in aula_read::registers::NAMES.iter().filter(|name| !name.ends_with("-N")) {
        let csv = reqwest::get(format!("{}/v1/export/{name}.csv", s.client.origin())).await?;
        let stated: usize = csv.headers()["aula-rows"].to_str()?.parse()?;
        let text = csv.text().await?;
        // A field may hold a line break only inside quotes; none of these does.
        assert_eq!(text.lines().count(), stated + 1, "{name}");
        let json: Value = s.client.get(&format!("/v1/export/{name}.json")).await.map_err(failed)?;
        assert_eq!(
            (json["count"].as_u64(), json["rows"].as_array().map(Vec::len)),
            (Some(stated as u64), Some(stated))
        );
        if *name == "transactions" {
            assert_eq!(stated, 600);
            assert!(
                json["rows"]
                    .as_array()
                    .is_some_and(|rows| (0..).zip(rows).all(|(n, row)| row["ordinal"] == n))
            );
        }
    }
    for wrong in ["nothing.csv", "pools", "pools.xml", "schools-of-round-9.csv", "schools-of-round-x.csv"] {
        let failure = s.client.get::<Value>(&format!("/v1/export/{wrong}")).await.err().ok_or(wrong)?;
        assert!(failure.is_not_found(), "{wrong}: {failure}");
    }
    Ok(())
}

#[tokio::test]
async fn public_figures_are_proved_to_anybody_who_has_the_genesis() -> Tested {
    let s = served_chain(decided()?).await?;
    let tip = s.client.get::<Value>("/v1/status").await.map_err(failed)?["height"].clone();
    let bundle = s.client.get_bytes("/v1/evidence/figures").await.map_err(failed)?;
    let options = aula_ledger::audit::Options::default();
    let report = aula_ledger::audit::verify(&bundle, &s.chain.genesis_bytes, &options);
    assert_eq!(report.verdict, aula_ledger::audit::Verdict::Valid, "{}", report.sentence);
    let said = |report: &aula_ledger::audit::Report, name: &str| {
        report.figures.iter().any(|figure| figure.get(name).is_some())
    };
    assert!(said(&report, "parameters") && said(&report, &format!("block-{tip}")), "{:?}", report.figures);
    let registers = [
        "consortia",
        "members",
        "parameters",
        "places",
        "validators",
        "blocks",
        "milestones",
        "trail",
        "trail?limit=1",
    ];
    for path in registers.into_iter().chain(["round/0", "class/1", "block/1", "district/1", "school/11"]) {
        let bundle = s.client.get_bytes(&format!("/v1/evidence/figures/{path}")).await.map_err(failed)?;
        let report = aula_ledger::audit::verify(&bundle, &s.chain.genesis_bytes, &options);
        assert_eq!(report.verdict, aula_ledger::audit::Verdict::Valid, "{path}: {}", report.sentence);
    }
    for path in ["round/4", "class/x", "block/999", "transaction/00", "school/0", "nothing", "nothing/1"] {
        let none = s.client.get_bytes(&format!("/v1/evidence/figures/{path}")).await.err().ok_or(path)?;
        assert!(none.is_not_found(), "{path}: {none}");
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
