//! Acknowledgements that are overdue, found at a look; and seconds from each cause to its note at a server of mail and at a receiver of
//! webhooks: `scripts/delivery/alerts.sh` starts both, in a network of its own where the receiver has a public address, since no other is
//! asked.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aula_district::alert_book::{Alert, Book};
use aula_home::Home;
use aula_home::clock::now_ms;
use aula_kit::round::{ROUND, accept, decided, revert};
use aula_kit::{Made, Tested, failed, told};
use aula_ledger::tx::{Acknowledge, Arrival};
use aula_ledger::types::PoolId;
use aula_server::feed_health::{Health, TOLD_EVERY};

use super::super::duties::Duty;
use super::super::metrics::Metrics;
use super::super::office::Office;
use super::super::repeat;
use super::super::told::Told;
use crate::api_tests::served_chain;
use crate::command::Context;
use crate::command::rpc::RpcArgs;
use crate::command::vault::Place;
use crate::command::vault::record::LedgerArgs;
use crate::terminal::OutputFormat;

/// What the field's own promise is measured against: from the cause to the note.
const BAR: Duration = Duration::from_secs(60);
const FEED: &str = "[[feed]]\nname = 'tablets'\nkind = 'files'\nfolder = '/in'\n";

/// The address that a cause's notes name, by which they are known at the places.
fn link(cause: &str) -> String {
    format!("https://{cause}.example/")
}

/// The settings of a home that tells of one kind, at the usual intervals.
fn configure(home: &Home, cause: &str, kind: &str, more: &str) -> Tested {
    let text = format!(
        "[reports]\nlink = '{}'\n[alerts]\nkinds = ['{kind}']\ndeliver = ['board', 'program']\n{more}\
         [[delivery]]\nname = 'board'\nkind = 'mail'\nfrom = 'a@district.example'\nto = ['board@district.example']\nserver = 'localhost'\n\
         port = {}\nuser = 'aula'\npassword_file = '{}'\nca = '{ca}'\n\
         [[delivery]]\nname = 'program'\nkind = 'webhook'\nurl = '{}'\nsecret_file = '{}'\nca = '{ca}'\n",
        link(cause),
        told("AULA_SMTP_PORT")?,
        told("AULA_SMTP_PASSWORD")?,
        told("AULA_HOOK_URL")?,
        told("AULA_HOOK_SECRET")?,
        ca = told("AULA_SMTP_CA")?,
    );
    std::fs::create_dir_all(home.path())?;
    Ok(std::fs::write(home.config_file(), text)?)
}

fn office(home: &Home, rpc: Option<String>) -> Result<Arc<Office>, Box<dyn std::error::Error>> {
    let context = Context { home: home.clone(), output: OutputFormat::Json, log: None };
    let ledger = LedgerArgs::of(&RpcArgs { rpc, ca: None });
    Ok(Arc::new(Office::of(context, Place { vault: None, keystore: None }, ledger).map_err(failed)?))
}

/// How feeds get on, as a node tells it: until `gone_ms`, with events that wait since `waits_ms`.
async fn node_of_feeds(home: Home, waits_ms: Option<u64>, gone_ms: Option<u64>) {
    loop {
        let now = now_ms();
        if gone_ms.is_some_and(|gone| gone <= now) {
            return;
        }
        let lag_ms = waits_ms.map_or(0, |since| now.saturating_sub(since));
        let health =
            Health { at_ms: now, lag_ms, last_ms: [("tablets".to_owned(), now)].into(), ..Health::default() };
        if health.write(&home).is_err() {
            return;
        }
        tokio::time::sleep(TOLD_EVERY).await;
    }
}

/// Due within a millisecond of block time after the decision: the school may still answer in that millisecond, and not after it.
#[tokio::test]
async fn an_overdue_acknowledgement_is_found_for_as_long_as_its_decision_stands() -> Tested {
    let mut served = served_chain(decided()?).await?;
    let home = served.chain.home.clone();
    std::fs::write(home.config_file(), "[alerts]\nkinds = ['acknowledgements']\n")?;
    let office = office(&home, Some(served.client.origin().to_string()))?;
    let standing = async || -> Made<Vec<String>> {
        super::look(&office).await.map_err(failed)?;
        let book = Book::load(&home).map_err(failed)?;
        Ok(book.alerts.into_iter().filter(Alert::stands).map(|alert| alert.about).collect())
    };
    served.chain.block(&[]).map_err(failed)?;
    assert_eq!(standing().await?, [""; 0], "in time");
    served.chain.block(&[]).map_err(failed)?;
    let both = ["round 0, pool 1", "round 0, pool 2"];
    assert_eq!(standing().await?, both);
    // Recorded as missed it is still missing.
    let missed = Acknowledge { round: ROUND, pool: PoolId(1), arrival: Arrival::Missed };
    accept(&mut served.chain, vec![missed.into()])?;
    assert_eq!(standing().await?, both);
    revert(&mut served.chain)?;
    assert_eq!(standing().await?, [""; 0], "nobody owes what does not stand");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute and asks for servers: scripts/delivery-peers.sh"]
async fn each_cause_is_told_by_mail_and_webhook_within_the_minute() -> Tested {
    let folder = tempfile::tempdir()?;
    let home = |cause: &str| Home::at(folder.path().join(cause));
    let served = served_chain(decided()?).await?;
    let chain_home = served.chain.home.clone();
    let mut working = tokio::task::JoinSet::new();
    // A moment after the first look: nearly a whole pause passes until the next one.
    let cause_ms = now_ms().saturating_add(3_000);
    let causes = [
        ("divergence", "divergence", home("divergence"), ""),
        ("risk", "at_risk", home("risk"), ""),
        ("events-wait", "feeds", home("events-wait"), FEED),
        ("node-gone", "feeds", home("node-gone"), FEED),
        ("acknowledgements", "acknowledgements", chain_home, ""),
    ];
    for (cause, kind, home, more) in &causes {
        configure(home, cause, kind, more)?;
        match *cause {
            // Whose intervention is due then by time alone, as the fold noted it.
            "risk" => {
                std::fs::create_dir_all(home.service_dir())?;
                let register =
                    serde_json::json!({ "rows": {}, "due_ms": { (hex::encode([7; 32])): cause_ms } });
                std::fs::write(home.service_dir().join("interventions.json"), register.to_string())?;
            }
            "events-wait" => drop(working.spawn(node_of_feeds(home.clone(), Some(cause_ms), None))),
            "node-gone" => drop(working.spawn(node_of_feeds(home.clone(), None, Some(cause_ms)))),
            _ => {}
        }
        let office = office(home, Some(served.client.origin().to_string()))?;
        working.spawn(repeat(office, Arc::from(vec![Duty::Alerts]), Arc::new(Metrics::default())));
    }
    tokio::time::sleep(Duration::from_millis(cause_ms.saturating_sub(now_ms()))).await;
    let began = Instant::now();
    let damage = causes[0].2.damage_file();
    std::fs::create_dir_all(damage.parent().ok_or("a folder")?)?;
    std::fs::write(damage, "block 7: the state root differs")?;
    // The window of a school's answer is a millisecond of block time, its last moment included.
    served.chain.block_after(2, &[], |_| {}).map_err(failed)?;
    let places =
        [("mail", PathBuf::from(told("AULA_MAILS")?)), ("webhook", PathBuf::from(told("AULA_HOOKS")?))];
    let mut seconds = std::collections::BTreeMap::new();
    while began.elapsed() < BAR && seconds.len() < places.len() * causes.len() {
        for (place, file) in &places {
            let arrived = std::fs::read_to_string(file).unwrap_or_default();
            for (cause, ..) in &causes {
                if arrived.contains(&link(cause)) {
                    seconds.entry((*cause, *place)).or_insert_with(|| began.elapsed().as_secs_f64());
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for ((cause, place), seconds) in &seconds {
        writeln!(std::io::stdout(), "measured: {cause} to {place} in {seconds:.1} s")?;
    }
    let missing: Vec<_> = causes
        .iter()
        .flat_map(|(cause, ..)| places.iter().map(move |(place, _)| (*cause, *place)))
        .filter(|one| !seconds.contains_key(one))
        .collect();
    let said: Vec<_> = causes.iter().map(|(cause, _, home, _)| (*cause, Told::load(home).duties)).collect();
    assert!(missing.is_empty(), "not told within {} s: {missing:?}; {said:?}", BAR.as_secs());
    Ok(())
}
