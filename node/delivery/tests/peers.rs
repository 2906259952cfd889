//! Against real servers, which `scripts/delivery-peers.sh` starts on loopback: OpenSSH's sshd, Python's aiosmtpd and moto.

use std::path::PathBuf;

use aula_delivery::bucket;
use aula_delivery::mail::{Envelope, Note, Server, send};
use aula_delivery::sftp::{Place, Upload};
use aula_delivery::{DeliveryError, Local};

type Tested = Result<(), Box<dyn std::error::Error>>;

fn told(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: run scripts/delivery-peers.sh"))
}

fn place(folder: &str) -> Result<(Place, PathBuf), String> {
    let place = Place {
        address: told("AULA_SFTP")?,
        user: told("AULA_SFTP_USER")?,
        host_key: told("AULA_SFTP_HOST_KEY")?,
        folder: folder.to_owned(),
    };
    Ok((place, PathBuf::from(told("AULA_SFTP_KEY")?)))
}

/// A file of this machine with these bytes.
fn local(folder: &std::path::Path, bytes: &[u8]) -> Result<Local, Box<dyn std::error::Error>> {
    let path = folder.join(".local");
    std::fs::write(&path, bytes)?;
    Ok(Local::of(&path)?)
}

/// Bytes that do not repeat within a chunk.
fn bytes(length: u32) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at.wrapping_mul(2_654_435_761) >> 11) % 251).unwrap_or(0)).collect()
}

#[tokio::test]
#[ignore = "asks for servers: scripts/delivery-peers.sh"]
async fn sshd_gets_files_whole_and_once_however_they_were_cut() -> Tested {
    let folder = tempfile::tempdir()?;
    let root = folder.path().to_str().ok_or("a path that is not text")?;
    let (place, key) = place(root)?;
    let upload = Upload::connect(&place, &key).await?;
    let own = tempfile::tempdir()?;
    let text = bytes(3_000_001);
    upload.put("nothing", &local(own.path(), &[])?).await?;
    let file = local(own.path(), &text)?;
    upload.put("whole", &file).await?;
    assert_eq!(std::fs::read(folder.path().join("whole"))?, text);
    assert_eq!(std::fs::read(folder.path().join("nothing"))?, Vec::<u8>::new());
    // Again: nothing changes.
    let before = std::fs::metadata(folder.path().join("whole"))?.modified()?;
    upload.put("whole", &file).await?;
    assert_eq!(std::fs::metadata(folder.path().join("whole"))?.modified()?, before);
    // Cut anywhere, or something else, or more than it should be.
    for (name, part) in [
        ("cut", text[..1_234_567].to_vec()),
        ("cut-at-once", Vec::new()),
        ("cut-at-the-end", text.clone()),
        ("other", vec![9; 500_000]),
        ("longer", [text.clone(), vec![1]].concat()),
    ] {
        std::fs::write(folder.path().join(format!("{name}.part")), part)?;
        upload.put(name, &file).await?;
        assert_eq!(std::fs::read(folder.path().join(name))?, text, "{name}");
        assert!(!folder.path().join(format!("{name}.part")).exists());
    }
    // A file of that name with other bytes is not replaced.
    std::fs::write(folder.path().join("theirs"), "theirs")?;
    assert!(matches!(upload.put("theirs", &file).await, Err(DeliveryError::Differs { .. })));
    assert_eq!(std::fs::read(folder.path().join("theirs"))?, b"theirs");
    // A folder that is not there.
    assert!(upload.put("no/such/folder", &file).await.is_err());
    Ok(())
}

#[tokio::test]
#[ignore = "asks for servers: scripts/delivery-peers.sh"]
async fn another_host_key_or_account_gets_nothing() -> Tested {
    let (place, key) = place("")?;
    let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    let strange = Place { host_key: other.to_owned(), ..place.clone() };
    let refused = Upload::connect(&strange, &key).await.map(|_| ()).map_err(|error| error.to_string());
    assert!(refused.as_ref().is_err_and(|told| told.contains("another host key")), "{refused:?}");
    let nobody = Place { user: "nobody-here".into(), ..place.clone() };
    assert!(Upload::connect(&nobody, &key).await.is_err());
    let down = Place { address: "127.0.0.1:1".into(), ..place };
    assert!(Upload::connect(&down, &key).await.is_err());
    Ok(())
}

#[tokio::test]
#[ignore = "asks for servers: scripts/delivery-peers.sh"]
async fn aiosmtpd_gets_a_note_over_starttls_alone() -> Tested {
    let server = Server {
        host: "localhost".into(),
        port: told("AULA_SMTP_PORT")?.parse()?,
        login: Some(("aula".into(), "a password".into())),
        authority: Some(std::fs::read(told("AULA_SMTP_CA")?)?),
    };
    let envelope =
        Envelope { from: "aula@district.example".into(), to: vec!["board@district.example".into()] };
    let note = Note { subject: "Report nightly".into(), text: "It is ready.\n".into(), id: "00ff".into() };
    send(&server, &envelope, &note).await?;
    let strange = Server { authority: None, ..server.clone() };
    assert!(send(&strange, &envelope, &note).await.is_err(), "a certificate that nobody trusts");
    let wrong = Server { login: Some(("aula".into(), "another".into())), ..server };
    assert!(send(&wrong, &envelope, &note).await.is_err());
    Ok(())
}

/// A server whose folders lie, are full, slow or cut: `scripts/delivery/servers.py`.
#[tokio::test]
#[ignore = "asks for servers: scripts/delivery-peers.sh"]
async fn asyncssh_that_lies_is_full_or_cuts_gets_no_file_and_one_that_is_slow_is_given_up() -> Tested {
    let (above, own) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let text = bytes(1_000_001);
    let file = local(own.path(), &text)?;
    for (fault, word) in [
        ("lying", "other bytes"),
        ("short", "other bytes"),
        ("full", "no space left"),
        ("cut", ""),
        ("slow", ""),
    ] {
        let folder = above.path().join(fault);
        std::fs::create_dir(&folder)?;
        let (place, key) = place(folder.to_str().ok_or("a path that is not text")?)?;
        let place = Place { address: told("AULA_SFTP_FAULTY")?, user: "district".into(), ..place };
        let upload = Upload::connect(&place, &key).await?;
        let began = std::time::Instant::now();
        let told = upload.put("report", &file).await.map_err(|error| error.to_string());
        assert!(told.as_ref().is_err_and(|told| told.contains(word)), "{fault}: {told:?}");
        assert!(began.elapsed().as_secs() < 100, "{fault} holds it up: {:?}", began.elapsed());
        assert!(!folder.join("report").exists(), "{fault}: there is no whole file");
        // The same server's folder without a fault, with what was left of it: it goes on.
        let mended = above.path().join(format!("{fault}-mended"));
        std::fs::rename(&folder, &mended)?;
        let place = Place { folder: mended.to_str().ok_or("a path that is not text")?.to_owned(), ..place };
        Upload::connect(&place, &key).await?.put("report", &file).await?;
        assert_eq!(std::fs::read(mended.join("report"))?, text, "{fault}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "asks for servers: scripts/delivery-peers.sh"]
async fn aiosmtpd_that_is_full_slow_gone_or_knows_nobody_is_told() -> Tested {
    let server = Server {
        host: "localhost".into(),
        port: told("AULA_SMTP_PORT")?.parse()?,
        login: Some(("aula".into(), "a password".into())),
        authority: Some(std::fs::read(told("AULA_SMTP_CA")?)?),
    };
    let note = Note { subject: "Report hourly".into(), text: "It is ready.\n".into(), id: "00fe".into() };
    for (name, word) in [("full", "452"), ("nobody", "550"), ("cut", ""), ("slow", "")] {
        let to = vec![format!("{name}@district.example")];
        let began = std::time::Instant::now();
        let envelope = Envelope { from: "aula@district.example".into(), to };
        let told = send(&server, &envelope, &note).await.map_err(|error| error.to_string());
        assert!(told.as_ref().is_err_and(|told| told.contains(word)), "{name}: {told:?}");
        assert!(began.elapsed().as_secs() < 60, "{name} holds it up: {:?}", began.elapsed());
    }
    let down = Server { port: 1, ..server };
    let envelope =
        Envelope { from: "aula@district.example".into(), to: vec!["board@district.example".into()] };
    assert!(send(&down, &envelope, &note).await.is_err());
    Ok(())
}

/// Services on loopback with the buckets `plain`, `versioned` and `locked`: `AULA_S3` names them, space between.
#[tokio::test]
#[ignore = "asks for servers: scripts/delivery-peers.sh"]
async fn a_bucket_keeps_a_report_once_and_forgets_every_version_of_it() -> Tested {
    let (small, large) = (tempfile::tempdir()?, tempfile::tempdir()?);
    for endpoint in told("AULA_S3")?.split_whitespace() {
        let place = |bucket: &str| bucket::Place {
            endpoint: endpoint.to_owned(),
            region: "us-east-1".to_owned(),
            bucket: bucket.to_owned(),
            key_id: "aula-key".to_owned(),
        };
        let now = || {
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_secs())
        };
        let open = |bucket: &str| bucket::Bucket::new(&place(bucket), "aula-secret", None, now);
        for name in ["plain", "versioned"] {
            let bucket = open(name)?;
            bucket.purgeable("aula/").await.map_err(|error| format!("{endpoint} {name}: {error}"))?;
            assert_eq!(bucket.keys("aula/").await?, [""; 0], "{endpoint} {name}: the trial left something");
            // One that goes whole, one in parts.
            let small = local(small.path(), &bytes(300_001))?;
            let large = local(large.path(), &bytes(20_000_003))?;
            for (key, file) in
                [("aula/nightly/2019-11-28/a b+ü.html", &large), ("aula/nightly/2019-11-29/a", &small)]
            {
                for _ in 0..2 {
                    bucket.put(key, file).await.map_err(|error| format!("{endpoint} {name}: {error}"))?;
                }
                assert_eq!(bucket.same(key, file).await?, Some(true));
            }
            for (key, file) in
                [("aula/nightly/2019-11-28/a b+ü.html", &small), ("aula/nightly/2019-11-29/a", &large)]
            {
                assert!(
                    matches!(bucket.put(key, file).await, Err(DeliveryError::Differs { .. })),
                    "{endpoint} {name}"
                );
            }
            assert_eq!(bucket.purge("aula/nightly/2019-11-28/").await?, 1, "{endpoint} {name}");
            assert_eq!(bucket.keys("aula/").await?, ["aula/nightly/2019-11-29/a"]);
            bucket.purge("aula/").await?;
        }
        assert!(open("nowhere")?.purgeable("aula/").await.is_err());
        // A service that cannot lock has no such bucket.
        if let Err(why) = open("locked")?.purgeable("aula/").await {
            let told = why.to_string();
            assert!(
                told.contains("object lock") || told.contains("not there") || told.contains("NoSuchBucket"),
                "{told}"
            );
        } else {
            return Err(format!("{endpoint} gives a locked bucket and it was taken").into());
        }
    }
    Ok(())
}
