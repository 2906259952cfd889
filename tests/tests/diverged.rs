//! A node whose state was changed under it gives a final block other records. It stops alone and names them, and so does the
//! command, from the file that the node wrote.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aula_client::sender::submit;
use aula_ledger::codec::Canonical;
use aula_ledger::names::Title;
use aula_ledger::state::schema::{Counters, counters_key};
use aula_ledger::tx::{Change, ProposeChange};
use aula_ledger::types::Height;
use aula_tests::net::Net;
use aula_tests::vote::operator;
use aula_tests::{alone, aula, line, told};

const LONG: Duration = Duration::from_secs(120);
/// Whose disk is damaged.
const DAMAGED: usize = 3;

/// One proposal more than there was, in the records of a stopped node and nowhere else.
fn one_more_proposal(data: &Path) -> Result<()> {
    let options = rocksdb::Options::default();
    let names = rocksdb::DB::list_cf(&options, data)?;
    let db = rocksdb::DB::open_cf(&options, data, &names)?;
    let values = db.cf_handle("values").context("the database has no records")?;
    let bytes = db.get_cf(values, counters_key())?.context("there are no counters")?;
    let counters = Counters::from_canonical(&bytes)?;
    let changed = Counters { next_proposal: counters.next_proposal + 1, ..counters };
    db.put_cf(values, counters_key(), changed.to_canonical())?;
    Ok(db.flush_wal(true)?)
}

/// The file that a node writes when it stops.
fn written(data: &Path) -> Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(data)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("diverged-")) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_damaged_record_stops_and_its_file_names_block_transaction_module_and_key() -> Result<()>
{
    let _turn = alone().await;
    let mut net = Net::start(4)?;
    net.reach(DAMAGED, 3, LONG).await?;
    net.kill(DAMAGED)?;
    let home = net.nodes[DAMAGED].home.clone();
    one_more_proposal(&home.join("data"))?;
    net.restart(DAMAGED)?;
    // Blocks that do not touch the record are what they are for the others.
    let height = net.height(0).await? + 2;
    net.reach(DAMAGED, height, LONG).await?;
    ensure!(written(&home.join("data"))?.is_none(), "it stopped before the record was read");

    let change = Change::Upgrade { note: Title::new("the next version")?, height: Height(90_000) };
    let sent = operator(&net, 0, 0).await?.sign(ProposeChange { change, open_until: Height(80_000) });
    submit(&net.client(0)?, &sent).await.map_err(told)?;
    let began = Instant::now();
    let file = loop {
        if let Some(file) = written(&home.join("data"))? {
            break file;
        }
        ensure!(began.elapsed() < LONG, "the damaged node goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let others = net.height(0).await?;
    net.reach(0, others + 3, LONG).await?;
    while net.height(DAMAGED).await.is_ok() {
        ensure!(began.elapsed() < LONG, "the damaged node still answers");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // Anywhere, without the node's home.
    let moved = net.folder().join("moved");
    std::fs::copy(&file, &moved)?;
    let path = moved.to_str().context("a path that is not text")?;
    let told = line(&aula(&["replay", "--diverged", path, "--output", "json"])?, 1)?;
    let block = told["height"].as_u64().context("no height")?;
    ensure!(told["block"] == net.hash(0, block).await?, "another block than the others': {told}");
    ensure!(told["transaction"]["kind"] == "ProposeChange", "{told}");
    ensure!(told["transaction"]["index"] == 0 && told["facts"] == true, "{told}");
    let records = told["records"].as_array().context("no records")?;
    let module = |name: &str| records.iter().find(|record| record["module"] == name);
    let counters = module("counters").context(told.to_string())?;
    ensure!(counters["transaction"] == 0 && counters["here"] != counters["certified"], "{told}");
    ensure!(module("proposal").is_some(), "{told}");
    let text = String::from_utf8(aula(&["replay", "--diverged", path])?.stdout)?;
    for part in ["transaction 0, ProposeChange", "module counters"] {
        ensure!(text.contains(part), "{part}: {text}");
    }
    ensure!(net.stop()? == Some(0), "a node did not end well");
    Ok(())
}
