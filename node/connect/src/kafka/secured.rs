//! A Kafka broker over TLS that wants a client's certificate and SASL: `scripts/brokers.sh` makes the certificates, starts one and runs
//! this.

use std::path::Path;

use aula_district::live::events_of;
use krafka::Record;
use krafka::admin::{CreateTopicsOptions, NewTopic};

use super::*;
use crate::testkit::{NOW_MS, Tested, World, plain_settings};

/// The feed that asks this broker, with what stands in its file of secrets.
fn feed(
    broker: &str,
    topic: &str,
    secret: &Path,
    text: &str,
) -> Result<config::Feed, Box<dyn std::error::Error>> {
    aula_kit::private_file(secret, text)?;
    Ok(toml::from_str(&format!(
        "name = 'registers'\nkind = 'kafka'\nbroker = '{broker}'\nsecret = '{}'\n[topics]\n'{topic}' = 'events'\n",
        secret.display()
    ))?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kafka broker behind TLS and SASL: scripts/brokers.sh"]
async fn a_broker_is_believed_by_its_certificate_and_we_are_by_each_mechanism() -> Tested {
    let port = std::env::var("AULA_TEST_KAFKA_TLS")?;
    let keys = std::env::var("AULA_TEST_KAFKA_KEYS")?;
    let mut world = World::new()?;
    world.feed = Arc::new(Feed::plain("registers")?);
    let secret = world.root.path().join("secret.toml");
    let with = |mechanism: &str, ca: &str, own: &str, password: &str| {
        let own = match own {
            "" => String::new(),
            own => format!("certificate = '{keys}/{own}.pem'\nkey = '{keys}/{own}.key'\n"),
        };
        format!(
            "user = 'aula'\npassword = '{password}'\nmechanism = '{mechanism}'\nca = '{keys}/{ca}.pem'\n{own}"
        )
    };
    let at = |host: &str| format!("kafkas://{host}:{port}");
    let topic = format!("district-7-{}-{}", std::process::id(), now_ms());
    let right = with("scram-sha-512", "ca", "client", "hush");
    let kafka = connect(&feed(&at("localhost"), &topic, &secret, &right)?).await?;
    let new = NewTopic::new(topic.as_str(), 2, 1)?;
    let made = kafka.admin().create_topics([new], CreateTopicsOptions::default()).await?;
    made.into_values().collect::<Result<Vec<()>, _>>()?;
    for (case, broker, text) in [
        (
            "another authority than the broker's",
            at("localhost"),
            with("scram-sha-512", "other", "client", "hush"),
        ),
        ("a name that is not the certificate's", at("127.0.0.1"), right.clone()),
        ("no certificate of ours", at("localhost"), with("scram-sha-512", "ca", "", "hush")),
        (
            "a certificate of another authority",
            at("localhost"),
            with("scram-sha-512", "ca", "stranger", "hush"),
        ),
        ("a wrong password", at("localhost"), with("scram-sha-512", "ca", "client", "guess")),
        ("a wrong password in clear", at("localhost"), with("plain", "ca", "client", "guess")),
    ] {
        let refused = probe(&feed(&broker, &topic, &secret, &text)?).await.err().ok_or(case)?;
        assert!(!refused.contains("guess") && !refused.contains("hush"), "{case}: {refused}");
    }
    let settings = plain_settings(vec![world.feed.clone()]);
    let pipeline = Arc::new(Pipeline::start(Arc::new(world.vault.clone()), settings)?);
    let mut wanted = 0;
    for mechanism in ["plain", "scram-sha-256", "scram-sha-512"] {
        let own = feed(&at("localhost"), &topic, &secret, &with(mechanism, "ca", "client", "hush"))?;
        assert!(probe(&own).await?.contains("1 topics"), "{mechanism}");
        let producer = connect(&own).await?.producer().build().await?;
        for n in 0..10 {
            let event = format!(
                r#"{{"id":"{mechanism}-{n}","at":{NOW_MS},"student":"S-1","event":{{"kind":"attendance","mark":"late"}}}}"#
            );
            drop(producer.send(Record::new(topic.as_str(), event).key(format!("k{n}"))).await?);
        }
        producer.close().await?;
        wanted += 10;
        let member = tokio::spawn(Member::new(own, world.feed.clone(), pipeline.clone()).run());
        let end = Instant::now() + Duration::from_secs(60);
        while events_of(&world.vault, &world.handles[1])?.len() != wanted {
            assert!(Instant::now() < end, "{mechanism}: not {wanted} events in time");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        member.abort();
    }
    Ok(())
}
