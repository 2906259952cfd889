//! Reports of the outbox on their way to the places that config.toml names for them.
//!
//! Flow: every date in the outbox that a place did not get yet → sent → a mark beside the date. One thread of one process at a time delivers
//! a report to a place, by a lock in the outbox. Invariants: a file is at its place once, since an upload of what is there changes nothing; a
//! note may come twice when a process dies between it and its mark, under one id. A place that fails is told and tried at every look. What is
//! sealed lies in the outbox until it is sent, so that an upload that was cut goes on with the same bytes. Absent: which places go beside
//! which others (`ways`).

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use aula_delivery::mail::{Envelope, Note, Server, message, send};
use aula_delivery::seal::Recipients;
use aula_delivery::sftp::{Place, Upload};
use aula_delivery::webhook::{self, Receiver};
use aula_files::Access;
use aula_home::clock::now_ms;
use aula_home::config::{Config, Delivery, DeliveryBy, Mail, ScheduledReport, Sftp};
use aula_home::{Advise, Failure, Home, own_file};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::archive;
use super::folder::unwritable;
use super::outbox::{Outbox, date_in};
use super::outgoing::{Outgoing, authority, files, run};

/// What became of a report at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// The schedule's name.
    pub name: String,
    /// The local date.
    pub date: String,
    /// The name of its `[[delivery]]`.
    pub to: String,
    /// Why it is not there; none when it is.
    pub error: Option<String>,
}

/// The places of a report, in the settings' order.
pub(super) fn places<'a>(config: &'a Config, report: &ScheduledReport) -> Vec<&'a Delivery> {
    config.delivery.iter().filter(|place| report.deliver.contains(&place.name)).collect()
}

/// Deletes at a place the reports of the date `until` and earlier ones, then delivers to it what waits of a report. Nothing while another
/// thread or process is at it.
///
/// # Errors
/// Its outbox cannot be read; what the place refuses stands in the answer.
pub(super) fn to_place(
    home: &Home,
    config: &Config,
    (report, place): (&ScheduledReport, &Delivery),
    until: Option<&str>,
) -> Result<Vec<Sent>, Failure> {
    let folder = Outbox::open(&config.reports.outbox_dir(home), &report.name)?.folder().to_owned();
    let lock = folder.join(format!(".deliver-{}", place.name));
    let lock = File::create(&lock).map_err(|error| unwritable(&lock, &error))?;
    match lock.try_lock() {
        Ok(()) => {}
        // Another is at it.
        Err(TryLockError::WouldBlock) => return Ok(Vec::new()),
        Err(TryLockError::Error(error)) => return Err(unwritable(&folder, &error)),
    }
    let said = |date: &str, error| Sent {
        name: report.name.clone(),
        date: date.to_owned(),
        to: place.name.clone(),
        error,
    };
    let mut sent = Vec::new();
    if let Some(until) = until
        && let DeliveryBy::Bucket(to) = &place.by
        && let Err(failure) = archive::forget(to, (&folder, &place.name), &report.name, until)
    {
        let error = format!("what is over its years was not deleted: {}", failure.message);
        sent.push(said(until, Some(error)));
    }
    for date in dates(&folder)? {
        let mark = folder.join(format!("{date}.to-{}", place.name));
        if mark.exists() {
            continue;
        }
        let error = one(config, (&folder, &report.name, &date), place).and_then(|()| {
            let written = aula_files::replace(&mark, Access::Private, b"sent\n");
            written.map_err(|error| unwritable(&mark, &error))
        });
        sent.push(said(&date, error.err().map(|failure| failure.message)));
    }
    Ok(sent)
}

/// What waits of a report, to one place after the other.
#[cfg(test)]
pub(super) fn pending(home: &Home, config: &Config, report: &ScheduledReport) -> Result<Vec<Sent>, Failure> {
    let mut all = Vec::new();
    for place in places(config, report) {
        all.extend(to_place(home, config, (report, place), None)?);
    }
    Ok(all)
}

/// The dates whose files are in a schedule's folder, ascending.
fn dates(folder: &Path) -> Result<Vec<String>, Failure> {
    let read = || std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>();
    let entries = read().advise(format!("cannot read {}", folder.display()), "check its owner")?;
    let name = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut dates: Vec<String> =
        entries.into_iter().filter(|entry| entry.path().is_dir()).map(name).collect();
    dates.retain(|name| date_in(name) == Some(name));
    dates.sort();
    Ok(dates)
}

/// Sends one date to one place.
fn one(config: &Config, (folder, name, date): (&Path, &str, &str), place: &Delivery) -> Result<(), Failure> {
    let made = files(&folder.join(date))?;
    match &place.by {
        DeliveryBy::Sftp(to) => {
            let aside = folder.join(format!(".{date}.sealed-{}", place.name));
            let sealed = sealed(&aside, &made, &to.encrypt_to)?;
            let named: Vec<Outgoing> = sealed
                .into_iter()
                .map(|file| Outgoing { name: format!("{name}-{date}-{}", file.name), ..file })
                .collect();
            upload(to, &named)?;
            std::fs::remove_dir_all(&aside).map_err(|error| unwritable(&aside, &error))
        }
        DeliveryBy::Bucket(to) => archive::put(to, (name, date), &made),
        DeliveryBy::Mail(_) | DeliveryBy::Webhook(_) => {
            let body = serde_json::json!({
                "report": name, "date": date, "files": made.len(), "manifest_sha256": manifest(&made)?,
                "link": config.reports.link,
            });
            let said = Said { note: note(config, (name, date, &place.name), &made)?, body };
            say(config, &place.name, &said, &folder.join(format!("{date}.mail-{}.eml", place.name)))
        }
    }
}

/// A note as a mail and as JSON: that something is there, and nothing of it.
#[derive(Debug, Clone)]
pub struct Said {
    /// As a mail.
    pub note: Note,
    /// As a webhook's body.
    pub body: serde_json::Value,
}

/// Says a note to a place of kind mail or webhook. `file` holds the mail of a place without a server.
///
/// # Errors
/// A place that is not there, takes files, or refuses.
pub fn say(config: &Config, place: &str, said: &Said, file: &Path) -> Result<(), Failure> {
    let hint = "correct the [[delivery]] in config.toml";
    match config.delivery.iter().find(|delivery| delivery.name == place).map(|delivery| &delivery.by) {
        Some(DeliveryBy::Mail(mail)) => by_mail(mail, &said.note, file),
        Some(DeliveryBy::Webhook(hook)) => {
            let secret =
                own_file::bytes(&hook.secret_file).hint("correct secret_file, or the file's mode")?;
            let authority = authority(hook.ca.as_deref())?;
            let body = said.body.to_string().into_bytes();
            let to =
                Receiver { url: &hook.url, secret: secret.trim_ascii(), authority: authority.as_deref() };
            run(webhook::post(&to, now_ms() / 1_000, body))
        }
        Some(DeliveryBy::Sftp(_) | DeliveryBy::Bucket(_)) => {
            Err(Failure::new("not_delivered", format!("{place} takes files, not notes"), hint))
        }
        None => Err(Failure::new("not_delivered", format!("there is no place {place}"), hint)),
    }
}

/// The files encrypted, from an earlier try where there is one.
fn sealed(aside: &Path, made: &[Outgoing], to: &[String]) -> Result<Vec<Outgoing>, Failure> {
    if aside.is_dir() {
        return files(aside);
    }
    let recipients = Recipients::new(to).hint("correct encrypt_to in config.toml")?;
    // Beside it, and this place's alone: other places of the report seal at the same moment, to recipients of their own.
    let begun = PathBuf::from(format!("{}.begun", aside.display()));
    // What an earlier process left when it was killed.
    let _ = std::fs::remove_dir_all(&begun);
    super::folder::empty(&begun)?;
    for file in made {
        let path = begun.join(format!("{}.age", file.name));
        let hint = "free space, or check the folder's owner; it is tried again at the next look";
        let written = |error: std::io::Error| unwritable(&path, &error);
        let mut from = File::open(&file.path)
            .advise(format!("cannot read {}", file.path.display()), "check its owner")?;
        // The folder is the owner's alone.
        let mut sealed = std::io::BufWriter::new(File::create_new(&path).map_err(written)?);
        recipients.seal(&mut from, &mut sealed).hint(hint)?;
        let sealed = sealed.into_inner().map_err(|error| written(error.into_error()))?;
        sealed.sync_all().map_err(written)?;
    }
    std::fs::rename(&begun, aside).map_err(|error| unwritable(aside, &error))?;
    files(aside)
}

/// Uploads files to a server.
///
/// # Errors
/// What the server refuses.
fn upload(to: &Sftp, files: &[Outgoing]) -> Result<(), Failure> {
    let place = Place {
        address: to.address.clone(),
        user: to.user.clone(),
        host_key: to.host_key.clone(),
        folder: to.folder.clone(),
    };
    run(async {
        let upload = Upload::connect(&place, &to.key).await?;
        for file in files {
            upload.put(&file.name, &file.local()?).await?;
        }
        Ok(())
    })
}

/// What a note says: that something is ready, and nothing of it.
fn note(config: &Config, (name, date, to): (&str, &str, &str), made: &[Outgoing]) -> Result<Note, Failure> {
    let manifest = manifest(made)?;
    let text = format!(
        "The report {name} of {date} is ready: {} files.\nRead it at {} after your login, or in the district's outbox.\n\nSHA-256 of its \
         manifest: {manifest}\n",
        made.len(),
        config.reports.link
    );
    let id = hex::encode(&Sha256::digest(format!("{name}\n{date}\n{to}\n{manifest}"))[..16]);
    Ok(Note { subject: format!("Report {name} of {date}"), text, id })
}

/// SHA-256 of the manifest, which has those of the other files.
fn manifest(made: &[Outgoing]) -> Result<String, Failure> {
    let Some(file) = made.iter().find(|file| file.name == "manifest.json") else {
        return Ok(hex::encode(Sha256::digest([])));
    };
    let bytes = std::fs::read(&file.path);
    let bytes = bytes.advise(format!("cannot read {}", file.path.display()), "check its owner")?;
    Ok(hex::encode(Sha256::digest(bytes)))
}

fn by_mail(mail: &Mail, note: &Note, file: &Path) -> Result<(), Failure> {
    let envelope = Envelope { from: mail.from.clone(), to: mail.to.clone() };
    let hint = "correct the [[delivery]] in config.toml; it is tried again at the next look";
    let Some(host) = &mail.server else {
        let written = message(&envelope, note).hint(hint)?.formatted();
        return aula_files::replace(file, Access::Private, &written)
            .map_err(|error| unwritable(file, &error));
    };
    let secret = "correct password_file, or the file's mode";
    let password = mail.password_file.as_deref().map(own_file::read).transpose().hint(secret)?;
    let password = password.map(|text| text.trim().to_owned());
    let server = Server {
        host: host.clone(),
        port: mail.port,
        login: mail.user.clone().zip(password),
        authority: authority(mail.ca.as_deref())?,
    };
    run(send(&server, &envelope, note))
}

#[cfg(test)]
mod tests {
    use super::super::folder::Made;
    use super::*;

    fn outbox(deliver: &str) -> Result<(tempfile::TempDir, Home, Config), Failure> {
        let above = tempfile::tempdir().hint("give the tests a TMPDIR")?;
        let home = Home::at(above.path().to_owned());
        let text = format!(
            "[[report]]\nname = 'nightly'\nkind = 'district'\ndeliver = ['board']\n[[delivery]]\nname = 'board'\n{deliver}\n"
        );
        let config: Config = toml::from_str(&text).hint("settings of a test")?;
        let nightly = Outbox::open(&config.reports.outbox_dir(&home), "nightly")?;
        let files = [Made::new("report.html", "student count 7"), Made::new("manifest.json", "{}")];
        nightly.deliver("2026-11-28", &files)?;
        nightly.deliver("2026-11-29", &files)?;
        Ok((above, home, config))
    }

    #[test]
    fn a_note_goes_once_a_date_and_says_nothing_of_the_report() -> Result<(), Failure> {
        let (above, home, config) = outbox("kind = 'mail'\nfrom = 'a@example.org'\nto = ['b@example.org']")?;
        let sent = pending(&home, &config, &config.report[0])?;
        assert_eq!(
            sent.iter().map(|one| one.date.as_str()).collect::<Vec<_>>(),
            ["2026-11-28", "2026-11-29"]
        );
        assert!(sent.iter().all(|one| one.error.is_none()), "{sent:?}");
        assert!(pending(&home, &config, &config.report[0])?.is_empty(), "once");
        let folder = above.path().join("delivered/nightly");
        let mail = std::fs::read_to_string(folder.join("2026-11-29.mail-board.eml")).hint("read")?;
        assert!(mail.contains("Subject: Report nightly of 2026-11-29") && !mail.contains("student count"));
        // A process that died between note and mark: the same note again.
        std::fs::remove_file(folder.join("2026-11-29.to-board")).hint("remove")?;
        assert_eq!(pending(&home, &config, &config.report[0])?.len(), 1);
        let id = |text: &str| text.lines().find(|line| line.starts_with("Message-ID")).map(str::to_owned);
        let again = std::fs::read_to_string(folder.join("2026-11-29.mail-board.eml")).hint("read")?;
        assert!(id(&mail).is_some() && id(&mail) == id(&again));
        // While another process is at this place, this one is not.
        std::fs::remove_file(folder.join("2026-11-29.to-board")).hint("remove")?;
        let lock = File::create(folder.join(".deliver-board")).hint("lock")?;
        lock.lock().hint("lock")?;
        assert!(pending(&home, &config, &config.report[0])?.is_empty());
        Ok(())
    }

    /// Nodes with outboxes of their own: whoever gets both notes knows by their id that they are of one report.
    #[test]
    fn two_nodes_tell_one_report_by_one_id() -> Result<(), Failure> {
        let told = || {
            let (above, home, config) =
                outbox("kind = 'mail'\nfrom = 'a@example.org'\nto = ['b@example.org']")?;
            pending(&home, &config, &config.report[0])?;
            let mut ids = Vec::new();
            for date in ["2026-11-28", "2026-11-29"] {
                let mail = above.path().join(format!("delivered/nightly/{date}.mail-board.eml"));
                let mail = std::fs::read_to_string(mail).hint("read")?;
                ids.extend(mail.lines().find(|line| line.starts_with("Message-ID")).map(str::to_owned));
            }
            Ok::<_, Failure>(ids)
        };
        let (one, other) = (told()?, told()?);
        assert!(one.len() == 2 && one == other, "{one:?} {other:?}");
        assert_ne!(one[0], one[1], "each date has its own");
        Ok(())
    }

    /// What one place is sealing is neither removed nor taken by another that begins meanwhile.
    #[test]
    fn places_of_one_report_seal_it_apart() -> Result<(), Failure> {
        let (above, _, config) = outbox(
            "kind = 'sftp'\naddress = '127.0.0.1:1'\nuser = 'd'\nkey = '/nowhere'\nhost_key = 'x'\n\
             encrypt_to = ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p']\n\
             [[delivery]]\nname = 'state'\nkind = 'sftp'\naddress = '127.0.0.1:1'\nuser = 'd'\nkey = '/nowhere'\n\
             host_key = 'x'\nencrypt_to = ['age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg']",
        )?;
        let folder = above.path().join("delivered/nightly");
        let aside = |place: &str| folder.join(format!(".2026-11-29.sealed-{place}"));
        let recipients = |place: usize| match &config.delivery[place].by {
            DeliveryBy::Sftp(to) => to.encrypt_to.clone(),
            _ => Vec::new(),
        };
        let made = files(&folder.join("2026-11-29"))?;
        // The second file of the first place is a pipe: it is in the midst of its files until somebody writes.
        let pipe = above.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
            .hint("make a pipe")?;
        let slow = [made[0].clone(), Outgoing { path: pipe.clone(), ..made[1].clone() }];
        let (at, to) = (aside("board"), recipients(0));
        let first = std::thread::spawn(move || sealed(&at, &slow, &to));
        let (opened, writer) = std::sync::mpsc::channel();
        // Opened once the other end is.
        std::thread::spawn(move || opened.send(std::fs::OpenOptions::new().write(true).open(pipe)));
        let writer = writer.recv_timeout(std::time::Duration::from_secs(60)).hint("see the first place")?;
        let second = sealed(&aside("state"), &made, &recipients(1))?;
        let bytes = || std::fs::read(&second[1].path).hint("read");
        let before = bytes()?;
        drop(writer.hint("open the pipe")?);
        let first = first.join().unwrap_or_else(|_| Err(Failure::new("failed", "it panicked", "see it")))?;
        let names = |files: &[Outgoing]| files.iter().map(|file| file.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&second), ["manifest.json.age", "report.html.age"]);
        assert_eq!((names(&first), files(&aside("state"))?), (names(&second), second.clone()));
        assert!(before == bytes()? && before != std::fs::read(&first[1].path).hint("read")?);
        Ok(())
    }

    #[test]
    fn a_place_that_is_down_is_told_and_tried_again_with_the_same_bytes() -> Result<(), Failure> {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
        let (above, home, config) = outbox(&format!(
            "kind = 'sftp'\naddress = '127.0.0.1:1'\nuser = 'd'\nkey = '/nowhere'\nhost_key = '{key}'\nencrypt_to = ['{}']",
            "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
        ))?;
        let sealed = above.path().join("delivered/nightly/.2026-11-29.sealed-board/manifest.json.age");
        let mut seen = Vec::new();
        for _ in 0..2 {
            let sent = pending(&home, &config, &config.report[0])?;
            assert!(sent.len() == 2 && sent.iter().all(|one| one.error.is_some()), "{sent:?}");
            seen.push(std::fs::read(&sealed).hint("read")?);
        }
        assert_eq!(seen[0], seen[1]);
        // When its years are over nothing of it is left, what was sealed included.
        Outbox::open(&config.reports.outbox_dir(&home), "nightly")?.forget("2026-11-30")?;
        let left: Vec<_> =
            std::fs::read_dir(above.path().join("delivered/nightly")).hint("read")?.flatten().collect();
        assert_eq!(left.len(), 1, "the lock alone: {left:?}");
        Ok(())
    }
}
