//! Places that do not answer, beside one that does.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use aula_home::Advise;

use super::super::folder::Made;
use super::super::outbox::Outbox;
use super::*;

/// 2026-11-30, noon (UTC).
const NOW_MS: u64 = 1_796_040_000_000;
/// Longer than anything here takes: a wait that ends by it has failed.
const LIMIT: Duration = Duration::from_secs(60);

fn made() -> Vec<Made> {
    vec![Made::new("report.html", "a page"), Made::new("manifest.json", "{}")]
}

/// A schedule whose reports go to a folder as mails, and to a mail server that answers when it is let.
fn world(above: &Path) -> Result<(Home, Config, Outbox, TcpListener), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").hint("a port")?;
    let port = listener.local_addr().hint("a port")?.port();
    let mail = "kind = 'mail'\nfrom = 'a@example.org'\nto = ['b@example.org']\n";
    let text = format!(
        "[reports]\ntime_zone = 'UTC'\n[[report]]\nname = 'nightly'\nkind = 'district'\ndeliver = ['slow', 'board']\n\
         [[delivery]]\nname = 'slow'\n{mail}server = '127.0.0.1'\nport = {port}\n[[delivery]]\nname = 'board'\n{mail}"
    );
    let home = Home::at(above.to_owned());
    let config: Config = toml::from_str(&text).hint("settings of a test")?;
    let nightly = Outbox::open(&config.reports.outbox_dir(&home), "nightly")?;
    Ok((home, config, nightly, listener))
}

/// Whether something becomes so.
fn comes(so: impl Fn() -> bool) -> bool {
    let until = Instant::now() + LIMIT;
    while !so() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Takes connections and says nothing to them; whoever gets one decides when it ends.
fn silent(listener: TcpListener, taken: Sender<TcpStream>) {
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            if taken.send(connection).is_err() {
                return;
            }
        }
    });
}

#[test]
fn a_place_that_does_not_answer_holds_up_no_other() -> Result<(), Failure> {
    let above = tempfile::tempdir().hint("give the tests a TMPDIR")?;
    let (home, config, nightly, listener) = world(above.path())?;
    for date in ["2026-11-28", "2026-11-29"] {
        nightly.deliver(date, &made())?;
    }
    let mark = nightly.folder().join("2026-11-29.to-board");
    let (taken, connections) = channel();
    silent(listener, taken);
    // The server says nothing until the other place has everything, or for longer than anybody waits.
    let heard = std::thread::spawn(move || {
        let other_was_first = |connections: &Receiver<TcpStream>| {
            let connection = connections.recv_timeout(LIMIT);
            connection.is_ok() && comes(|| mark.exists())
        };
        [other_was_first(&connections), other_was_first(&connections)]
    });
    let looked = send(&home, &config, NOW_MS)?;
    let told: Vec<_> =
        looked.sent.iter().map(|one| (one.date.as_str(), one.to.as_str(), one.error.is_some())).collect();
    assert_eq!(
        told,
        [
            ("2026-11-28", "slow", true),
            ("2026-11-28", "board", false),
            ("2026-11-29", "slow", true),
            ("2026-11-29", "board", false)
        ],
        "{looked:?}"
    );
    assert!(heard.join().is_ok_and(|first| first == [true, true]), "the other place waited for it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_of_hours_holds_up_no_later_look_and_is_not_begun_twice() -> Result<(), Failure> {
    let above = tempfile::tempdir().hint("give the tests a TMPDIR")?;
    let (home, config, nightly, listener) = world(above.path())?;
    let (taken, connections) = channel();
    silent(listener, taken);
    let (told, ends) = channel();
    let look = || {
        let told = told.clone();
        begin(&home, &config, NOW_MS, move |looked: &Looked| {
            // Nobody hears it once the test has ended.
            let _ = told.send(looked.clone());
        })
    };
    let at_board = |date: &str| nightly.folder().join(format!("{date}.to-board"));
    nightly.deliver("2026-11-28", &made())?;
    look()?;
    // The server has the first upload, and keeps it.
    let first = connections.recv_timeout(LIMIT).advise("nobody asked the slow place", "see its thread")?;
    let (of_first, board) = (ends.recv_timeout(LIMIT), at_board("2026-11-28"));
    assert!(of_first.is_ok_and(|looked| looked.is_whole() && looked.sent.len() == 1) && board.exists());
    // Made meanwhile: the other place has it at the next look, and the slow one is left alone.
    nightly.deliver("2026-11-29", &made())?;
    look()?;
    let ended: Vec<Looked> = (0..2).filter_map(|_| ends.recv_timeout(LIMIT).ok()).collect();
    let sent: Vec<_> = ended
        .iter()
        .flat_map(|looked| &looked.sent)
        .map(|one| (one.to.as_str(), one.date.as_str()))
        .collect();
    assert_eq!((ended.len(), sent), (2, vec![("board", "2026-11-29")]), "{ended:?}");
    assert!(at_board("2026-11-29").exists() && connections.try_recv().is_err(), "begun twice");
    // It ends, without success: it is told, and tried again at a look.
    drop(first);
    let failed = ends.recv_timeout(LIMIT).advise("the slow way did not end", "see its thread")?;
    assert!(failed.sent.iter().all(|one| one.to == "slow" && one.error.is_some()), "{failed:?}");
    look()?;
    assert!(connections.recv_timeout(LIMIT).is_ok(), "tried again");
    Ok(())
}
