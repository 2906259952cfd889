//! A feed over a real vault and a real socket, with a command that wants the vault in between.

use std::os::unix::fs::PermissionsExt;

use std::path::Path;

use aula_kit::Tested;
use aula_kit::vault::{create, enrol};
use aula_ledger::types::SchoolYear;
use aula_lrs::clients::Client;

use super::*;
use aula_home::clock::now_ms;

const PATIENCE: Duration = Duration::from_secs(10);

fn write_clients(path: &Path, secret: &[u8], mode: u32) -> std::io::Result<()> {
    let hash = hex::encode(Client::hash(secret));
    let text = format!("[[client]]\nname = \"lms\"\nsecret_sha256 = \"{hash}\"\nscopes = [\"all\"]\n");
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_is_in_the_vault_and_goes_with_its_student() -> Tested {
    let folder = tempfile::tempdir()?;
    let (folders, vault) = create(folder.path(), now_ms())?;
    let handle = enrol(&vault, &["S-17"], SchoolYear(2026))?[0];
    drop(vault);
    let clients = folder.path().join("clients.toml");
    write_clients(&clients, b"secret", 0o600)?;
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let listen = socket.local_addr()?;
    let text =
        format!("name = 'lms'\nkind = 'xapi'\nhome_page = 'https://sis.example.org'\nlisten = '{listen}'");
    let feed: Feed = toml::from_str(&text)?;
    let door = KeptDoor { kept: Arc::default(), folders: folders.clone(), runtime: Handle::current() };
    let running = tokio::spawn(run(feed, clients.clone(), read_clients(&clients)?, socket, door, None));
    let url = format!("http://{}/xapi/statements?statementId=2f1b6f0e-6a5d-4a7c-9d4b-0c6f0a1e2d3c", listen);
    let body = r#"{"actor":{"account":{"homePage":"https://sis.example.org","name":"S-17"}},
        "verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},"object":{"id":"http://example.org/unit/1"}}"#;
    let client = reqwest::Client::new();
    let ask = |request: reqwest::RequestBuilder, secret: &'static str| async move {
        let request = request.basic_auth("lms", Some(secret)).header("x-experience-api-version", "2.0.0");
        let response = request.send().await?;
        Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
    };
    let put = client.put(&url).header("content-type", "application/json").body(body);
    assert_eq!(ask(put, "secret").await?.0, 204);
    let (status, text) = ask(client.get(&url), "secret").await?;
    assert!(status == 200 && text.contains("S-17"), "{status} {text}");
    // Another secret, without a restart.
    tokio::time::sleep(Duration::from_millis(20)).await;
    write_clients(&clients, b"another", 0o600)?;
    let taken = async {
        while ask(client.get(&url), "another").await?.0 != 200 {
            // Rarely: wrong secrets count, and too many of them are answered with 429.
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        Ok::<_, reqwest::Error>(())
    };
    tokio::time::timeout(PATIENCE, taken).await??;
    assert_eq!(ask(client.get(&url), "secret").await?.0, 401);
    // A command gets the vault while the feed runs, and erases the student.
    let reads = tokio::task::spawn_blocking(move || {
        let vault = Vault::open_in_turn(&folders, PATIENCE)?;
        let entries = vault.entries()?;
        vault.erase(&[handle], now_ms())?;
        Ok::<_, aula_vault::VaultError>(entries)
    });
    let reads = reads.await??;
    assert!(
        !reads.is_empty()
            && reads.iter().all(|entry| entry.reader.as_str() == "lms" && entry.handle == handle)
    );
    let gone = async {
        loop {
            // 503 as long as the command has the vault.
            match ask(client.get(&url), "another").await?.0 {
                503 => tokio::time::sleep(Duration::from_millis(50)).await,
                other => break Ok::<_, reqwest::Error>(other),
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, gone).await??, 404);
    running.abort();
    Ok(())
}
