//! The home and the disk below it: there, ours, with room, fast enough, and as many files as connections want.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use aula_home::Home;
use aula_web::http::connections::open_files as open_files_limit;

use super::Check;

/// Fewer free inodes than this end in "no space" while there is some.
const LEAST_INODES: u64 = 1_000;
/// Synced writes that are timed.
const WRITES: usize = 15;

/// What a node needs of its machine.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// Below this much room a node is soon full.
    pub low_bytes: u64,
    /// Below this the database cannot work.
    pub least_bytes: u64,
    /// The middle write of a disk that just keeps up.
    pub slow: Duration,
    /// A disk on which consensus will not keep its time.
    pub too_slow: Duration,
    /// Files that a node has open beside its connections.
    pub own_files: u64,
}

impl Needs {
    /// A day of the demo's rate takes less than 5 GiB, a compaction of RocksDB less than 512 MiB; a block a second is synced a few times.
    pub const OF_A_NODE: Self = Self {
        low_bytes: 5 << 30,
        least_bytes: 512 << 20,
        slow: Duration::from_millis(30),
        too_slow: Duration::from_millis(250),
        own_files: 512,
    };
}

/// How long a disk may take for a few bytes: one that hangs would hold up every other check for ever.
const ANSWERS: Duration = Duration::from_secs(30);

/// The folder is there, answers, belongs to us, and can be written.
pub fn home(home: &Home) -> Check {
    let path = home.path().to_owned();
    answered(home.path(), ANSWERS, move || look(&path))
}

/// What is found at a folder, unless that takes too long.
pub fn answered(path: &Path, patience: Duration, look: impl FnOnce() -> Check + Send + 'static) -> Check {
    let (tell, found) = mpsc::channel();
    // Left to itself when it hangs.
    thread::spawn(move || tell.send(look()));
    found.recv_timeout(patience).unwrap_or_else(|_| {
        Check::fail(
            "home",
            format!("{} has not answered for {} s", path.display(), patience.as_secs()),
            "see what the system says of that disk (dmesg); nothing else is looked at before it answers",
        )
    })
}

fn look(path: &Path) -> Check {
    let failed = |why: String, next: &str| Check::fail("home", why, next);
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return failed(
                format!("there is no folder {}", path.display()),
                "make it with `aula init`, or name another with --home",
            );
        }
        Err(error) => {
            return failed(
                format!("cannot look at {}: {error}", path.display()),
                "check the owner of the folders above it",
            );
        }
    };
    if !found.is_dir() {
        return failed(format!("{} is not a folder", path.display()), "name the node's folder with --home");
    }
    if let Err(error) = probe(path, b"aula doctor") {
        return failed(
            format!("cannot write in {}: {error}", path.display()),
            "mount the disk writable, free space, and give the folder to the user who runs the node",
        );
    }
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Check::warn(
            "home",
            format!("{} may be written by others (mode {mode:o})", path.display()),
            format!("chmod go-w {}", path.display()),
        );
    }
    Check::ok("home", format!("{}, owner {}", path.display(), found.uid()))
}

/// A configuration that can be used: what the file says, or where it is gone what nobody chose.
pub fn config(path: &Path) -> Check {
    if path.exists() {
        return Check::ok("config", format!("{} is read", path.display()));
    }
    Check::warn(
        "config",
        format!("there is no {}: every setting has its default", path.display()),
        "put it back from a copy (`aula node backup` and `aula backup` keep one), or have `aula init` write a commented one",
    )
}

/// Writes a file, syncs it, removes it.
fn probe(folder: &Path, bytes: &[u8]) -> io::Result<Duration> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    let started = Instant::now();
    let written =
        File::create_new(&path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    let took = started.elapsed();
    let removed = fs::remove_file(&path);
    written.and(removed).map(|()| took)
}

/// Room on the disk of the database.
pub fn space(home: &Home, needs: &Needs) -> Check {
    let (name, path) = ("disk_space", home.path());
    match aula_files::room(path) {
        Ok(room) => judge_space(room.free_bytes, room.free_files, needs),
        Err(error) => Check::fail(
            name,
            format!("cannot ask for the room at {}: {error}", path.display()),
            "check the disk",
        ),
    }
}

/// What so many free bytes and inodes mean; a file system without inodes has none to count.
pub fn judge_space(bytes: u64, inodes: Option<u64>, needs: &Needs) -> Check {
    let (name, free) = ("disk_space", format!("{} MiB free", bytes >> 20));
    let next = "free space or move the home to a larger disk; everything final is kept, and a full disk stops the node";
    match inodes {
        Some(inodes) if inodes < LEAST_INODES => Check::fail(
            name,
            format!("{free}, but only {inodes} more files can be made"),
            "remove small files on this disk",
        ),
        _ if bytes < needs.least_bytes => Check::fail(name, free, next),
        _ if bytes < needs.low_bytes => Check::warn(name, free, next),
        _ => Check::ok(name, free),
    }
}

/// The middle one of some synced writes.
pub fn speed(home: &Home, needs: &Needs) -> Check {
    let timed: io::Result<Vec<Duration>> = (0..WRITES).map(|_| probe(home.path(), &[0x5a; 4_096])).collect();
    match timed {
        Ok(mut times) => {
            times.sort();
            judge_speed(times.get(WRITES / 2).copied().unwrap_or_default(), needs)
        }
        Err(error) => Check::fail(
            "disk_speed",
            format!("a synced write fails: {error}"),
            "free space or replace the disk",
        ),
    }
}

/// What the middle synced write says.
pub fn judge_speed(middle: Duration, needs: &Needs) -> Check {
    let detail = format!("a synced write of 4 KiB takes {:.1} ms", middle.as_secs_f64() * 1_000.0);
    let next = "put the home on a local SSD: every block is synced before it counts";
    match middle {
        slow if slow >= needs.too_slow => Check::fail("disk_speed", detail, next),
        slow if slow >= needs.slow => Check::warn("disk_speed", detail, next),
        _ => Check::ok("disk_speed", detail),
    }
}

/// How many files this process may open.
pub fn open_files(connections: usize, needs: &Needs) -> Check {
    judge_open_files(open_files_limit(), connections as u64, needs)
}

/// Whether so many open files serve so many connections.
pub fn judge_open_files(files: u64, connections: u64, needs: &Needs) -> Check {
    let wanted = connections.saturating_add(needs.own_files);
    let detail = format!("{files} files may be open, {connections} connections are allowed");
    let next = "raise the limit (LimitNOFILE= of the service, or ulimit -n), or lower api.max_connections";
    if files < needs.own_files {
        Check::fail("open_files", detail, next)
    } else if files < wanted {
        Check::warn("open_files", detail, next)
    } else {
        Check::ok("open_files", detail)
    }
}
