//! With programs of another maker: `scripts/brokers.sh` starts mosquitto and runs this.

use std::process::Command;
use std::time::{Duration, Instant};

use aula_district::live::events_of;
use aula_home::config;
use std::sync::Arc;
use tokio::net::TcpListener;

use super::listener::serve;
use super::served::Mqtt;
use super::subscriber::{Subscriber, probe};
use crate::clients::read_clients;
use crate::given::Feed;
use crate::pipeline::Pipeline;
use crate::testkit::{NOW_MS, Tested, World, plain_settings, write_clients};

fn line(name: &str, student: u64) -> String {
    format!(
        r#"{{"id":"{name}","at":{NOW_MS},"student":"S-{student}","event":{{"kind":"attendance","mark":"late"}}}}"#
    )
}

/// One message by mosquitto_pub; whether it was acknowledged.
fn publish(port: &str, login: [&str; 2], topic: &str, message: &str, more: &[&str]) -> std::io::Result<bool> {
    let [user, password] = login;
    let done = Command::new("mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", port, "-u", user, "-P", password, "-t", topic, "-m", message])
        .args(more)
        .output()?;
    Ok(done.status.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs mosquitto: scripts/brokers.sh"]
async fn mosquitto_speaks_with_us_on_both_sides() -> Tested {
    let address = std::env::var("AULA_TEST_MOSQUITTO")?;
    let theirs = address.rsplit(':').next().ok_or("a port")?;
    let mut world = World::new()?;
    world.feed = Arc::new(Feed::plain("sensors")?);
    let settings = plain_settings(vec![world.feed.clone()]);
    let pipeline = Arc::new(Pipeline::start(Arc::new(world.vault.clone()), settings)?);
    let count = || -> Result<usize, Box<dyn std::error::Error>> {
        world.handles.iter().map(|handle| Ok(events_of(&world.vault, handle)?.len())).sum()
    };
    // Their publisher, our listener: both versions and every quality; each is on disk when it returns.
    let clients = world.root.path().join("clients.toml");
    write_clients(&clients, "east", b"secret")?;
    let own: config::Feed = toml::from_str("name = 'sensors'\nkind = 'mqtt'\nlisten = '127.0.0.1:1883'")?;
    let mqtt = Arc::new(Mqtt::new(&own, world.feed.clone(), pipeline.clone(), read_clients(&clients)?));
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let ours = socket.local_addr()?.port().to_string();
    tokio::spawn(serve(socket, mqtt));
    let good = ["east", "secret"];
    let mut wanted = 0;
    for version in ["311", "5"] {
        for quality in ["1", "2"] {
            for more in [&["-q", quality, "-V", version][..], &["-q", quality, "-V", version, "-r"]] {
                wanted += 1;
                let message = line(&format!("a{wanted}"), wanted % 3);
                assert!(publish(&ours, good, "aula/sensors/events", &message, more)?, "{more:?}");
                assert_eq!(count()?, wanted as usize, "{more:?}");
            }
        }
        let refused = line("never", 0);
        assert!(!publish(
            &ours,
            ["east", "wrong"],
            "aula/sensors/events",
            &refused,
            &["-V", version, "-q", "1"]
        )?);
    }
    // Their subscriber hears what is said of the feed, and no event.
    let heard = Command::new("mosquitto_sub")
        .args(["-h", "127.0.0.1", "-p", &ours, "-u", "east", "-P", "secret", "-t", "#", "-C", "1", "-W", "5"])
        .output()?;
    assert!(String::from_utf8_lossy(&heard.stdout).contains("aula/sensors/events"), "{heard:?}");
    // Their broker, our subscriber: what came before, meanwhile and after.
    let secret = world.root.path().join("secret.toml");
    aula_kit::private_file(&secret, "user = 'aula'\npassword = 'hush'\n")?;
    let own: config::Feed = toml::from_str(&format!(
        "name = 'sensors'\nkind = 'mqtt'\nbroker = 'mqtt://{address}'\nsecret = '{}'\n[topics]\n'school/+/marks' = 'events'\n",
        secret.display()
    ))?;
    probe(&own).await?;
    let start = || tokio::spawn(Subscriber::new(own.clone(), world.feed.clone(), pipeline.clone()).run());
    let until = async |wanted: usize| -> Tested {
        let end = Instant::now() + Duration::from_secs(30);
        while count()? != wanted {
            if Instant::now() > end {
                return Err(format!("{} of {wanted} events", count()?).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    };
    let login = ["aula", "hush"];
    let send = |name: &str, more: &[&str]| publish(theirs, login, "school/3/marks", &line(name, 1), more);
    let before = count()?;
    assert!(send("retained", &["-q", "1", "-r"])?);
    let first = start();
    until(before + 1).await?;
    assert!(send("b1", &["-q", "1"])? && send("b2", &["-q", "2", "-V", "5"])?);
    until(before + 3).await?;
    first.abort();
    assert!(first.await.is_err());
    // The session stays at the broker: what comes now is its backlog.
    for n in 0..20 {
        assert!(send(&format!("c{n}"), &["-q", "1"])?);
    }
    assert_eq!(count()?, before + 3);
    let second = start();
    until(before + 23).await?;
    // The retained one came again with the subscription, and is one event.
    second.abort();
    Ok(())
}
