//! A broker over TLS that wants a client's certificate: `scripts/brokers.sh` makes the certificates, starts mosquitto and runs this.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aula_district::live::events_of;
use aula_home::config;

use super::subscriber::{Subscriber, probe};
use crate::pipeline::Pipeline;
use crate::testkit::{NOW_MS, Tested, World, plain_settings};

/// The feed that asks this broker, with what stands in its file of secrets.
fn feed(broker: &str, secret: &Path, text: &str) -> Result<config::Feed, Box<dyn std::error::Error>> {
    aula_kit::private_file(secret, text)?;
    Ok(toml::from_str(&format!(
        "name = 'sensors'\nkind = 'mqtt'\nbroker = '{broker}'\nsecret = '{}'\n[topics]\n'school/+/marks' = 'events'\n",
        secret.display()
    ))?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs mosquitto: scripts/brokers.sh"]
async fn a_broker_is_believed_by_its_certificate_and_believes_ours() -> Tested {
    let port = std::env::var("AULA_TEST_MOSQUITTO_TLS")?;
    let keys = std::env::var("AULA_TEST_MOSQUITTO_KEYS")?;
    let world = World::new()?;
    let secret = world.root.path().join("secret.toml");
    let with = |ca: &str, own: &str, password: &str| {
        let own = match own {
            "" => String::new(),
            own => format!("certificate = '{keys}/{own}.pem'\nkey = '{keys}/{own}.key'\n"),
        };
        format!("user = 'aula'\npassword = '{password}'\nca = '{keys}/{ca}.pem'\n{own}")
    };
    let right = with("ca", "client", "hush");
    let at = |host: &str| format!("mqtts://{host}:{port}");
    for (case, broker, text) in [
        ("another authority than the broker's", at("localhost"), with("other", "client", "hush")),
        ("a name that is not the certificate's", at("127.0.0.1"), right.clone()),
        ("no certificate of ours", at("localhost"), with("ca", "", "hush")),
        ("a certificate of another authority", at("localhost"), with("ca", "stranger", "hush")),
        ("a wrong password", at("localhost"), with("ca", "client", "guess")),
    ] {
        let tried =
            tokio::time::timeout(Duration::from_secs(15), probe(&feed(&broker, &secret, &text)?)).await;
        assert!(!matches!(tried, Ok(Ok(_))), "{case}");
    }
    let own = feed(&at("localhost"), &secret, &right)?;
    probe(&own).await?;
    let settings = plain_settings(vec![world.feed.clone()]);
    let pipeline = Arc::new(Pipeline::start(Arc::new(world.vault.clone()), settings)?);
    let working = tokio::spawn(Subscriber::new(own, world.feed.clone(), pipeline).run());
    let message = format!(
        r#"{{"id":"tls","at":{NOW_MS},"student":"S-1","event":{{"kind":"attendance","mark":"late"}}}}"#
    );
    let sent = Command::new("mosquitto_pub")
        .args(["-h", "localhost", "-p", &port, "-u", "aula", "-P", "hush", "-q", "1", "-r"])
        .args(["--cafile", &format!("{keys}/ca.pem"), "--cert", &format!("{keys}/client.pem")])
        .args(["--key", &format!("{keys}/client.key"), "-t", "school/3/marks", "-m", &message])
        .output()?;
    assert!(sent.status.success(), "{sent:?}");
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let count: usize = world
            .handles
            .iter()
            .map(|handle| events_of(&world.vault, handle).map_or(0, |found| found.len()))
            .sum();
        if count == 1 {
            break;
        }
        assert!(Instant::now() < end, "{count} events of one");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    working.abort();
    Ok(())
}
