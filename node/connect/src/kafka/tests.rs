//! Against a broker of another maker; `scripts/brokers.sh` starts one and runs this. The broker's address is `AULA_TEST_KAFKA`.

use std::sync::atomic::Ordering;

use aula_district::live::events_of;
use krafka::Record;
use krafka::admin::{CreateTopicsOptions, NewTopic};

use super::*;
use crate::letters;
use crate::testkit::{NOW_MS, Shutter, Tested, World, plain_settings};

type Made<T> = Result<T, Box<dyn std::error::Error>>;

/// Messages to partitions in turn; every tenth one is not a message, every eleventh has no value.
async fn produce(kafka: &Kafka, topic: &str, from: u64, to: u64) -> Tested {
    let producer = kafka.producer().build().await?;
    for n in from..to {
        let event = format!(
            r#"{{"id":"m{n}","at":{},"student":"S-{}","event":{{"kind":"attendance","mark":"late"}}}}"#,
            NOW_MS + n,
            n % 3
        );
        drop(producer.send(Record::new(topic, event).key(format!("k{n}"))).await?);
        if n % 10 == 0 {
            drop(producer.send(Record::new(topic, format!("poison {n}")).key(format!("k{n}"))).await?);
        }
        if n % 11 == 0 {
            drop(producer.send(Record::tombstone(topic, format!("k{n}"))).await?);
        }
    }
    Ok(producer.close().await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kafka broker: scripts/brokers.sh"]
async fn records_are_events_once_over_a_shut_vault_a_rebalance_and_a_lost_member() -> Tested {
    let broker = std::env::var("AULA_TEST_KAFKA")?;
    let mut world = World::new()?;
    world.feed = Arc::new(Feed::plain("registers")?);
    let topic = format!("district-7-{}-{}", std::process::id(), now_ms());
    let own: config::Feed = toml::from_str(&format!(
        "name = 'registers'\nkind = 'kafka'\nbroker = '{broker}'\ngroup = '{topic}'\n[topics]\n'{topic}' = 'events'\n"
    ))?;
    let kafka = connect(&own).await?;
    assert!(probe(&own).await.is_err(), "a topic that is not there");
    let (admin, new) = (kafka.admin(), NewTopic::new(topic.as_str(), 3, 1)?);
    let made = admin.create_topics([new], CreateTopicsOptions::default()).await?;
    made.into_values().collect::<Result<Vec<()>, _>>()?;
    assert!(probe(&own).await?.contains("1 topics"));
    let door = Shutter::of(&world.vault, false);
    let settings = plain_settings(vec![world.feed.clone()]);
    let pipeline = Arc::new(Pipeline::start(door.clone(), settings)?);
    let start = || tokio::spawn(Member::new(own.clone(), world.feed.clone(), pipeline.clone()).run());
    let count = || -> Made<usize> {
        world.handles.iter().map(|handle| Ok(events_of(&world.vault, handle)?.len())).sum()
    };
    let until = async |wanted: usize| -> Tested {
        let end = Instant::now() + Duration::from_secs(90);
        while count()? != wanted {
            if Instant::now() > end {
                return Err(format!("{} of {wanted} events", count()?).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    };
    produce(&kafka, &topic, 0, 60).await?;
    let first = start();
    until(60).await?;
    // Another member: partitions move while records come.
    let second = start();
    produce(&kafka, &topic, 60, 120).await?;
    until(120).await?;
    // The vault is shut: nothing is lost, and no offset goes past it.
    door.shut.store(true, Ordering::SeqCst);
    produce(&kafka, &topic, 120, 150).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(count()?, 120);
    // Both are gone without a word, as in a crash; another one begins where offsets were committed.
    first.abort();
    second.abort();
    door.shut.store(false, Ordering::SeqCst);
    let third = start();
    until(150).await?;
    let found = letters::list(&world.vault, world.feed.source)?;
    assert_eq!(found.len(), 15, "each poisoned record once");
    assert!(found.iter().all(|(_, letter)| letter.sender.starts_with(&format!("{topic}/"))));
    tokio::time::sleep(Duration::from_secs(2)).await;
    third.abort();
    // Everything was committed: the group has nothing left to read.
    let consumer = kafka.consumer(topic.as_str()).enable_auto_commit(false).build().await?;
    let committed = consumer.committed(&[0, 1, 2].map(|partition| (topic.as_str(), partition))).await?;
    let sum: i64 = committed.values().map(|found| found.offset).sum();
    assert_eq!(sum, 150 + 15 + 14, "every record, with the poisoned and the empty ones");
    Ok(())
}
