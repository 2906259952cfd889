//! The home and the disk below it: there, ours, with room, fast enough, and as many files as connections want.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use aula_home::Home;
use aula_web::http::connections::open_files as open_files_limit;

use super::Check;

/// Below this much room a node is soon full: a day of the demo's rate takes less.
const LOW_BYTES: u64 = 5 << 30;
/// Below this RocksDB may not finish a compaction.
const LEAST_BYTES: u64 = 512 << 20;
/// Fewer free inodes than this end in "no space" while there is some.
const LEAST_INODES: u64 = 1_000;
/// Synced writes that are timed.
const WRITES: usize = 15;
/// The middle write of a disk that keeps up with a block a second, each of which is synced a few times.
const SLOW: Duration = Duration::from_millis(30);
/// A disk on which consensus will not keep its time.
const TOO_SLOW: Duration = Duration::from_millis(250);
/// Files that a node has open beside its connections.
const OWN_FILES: u64 = 512;

/// The folder is there, belongs to us, and can be written.
pub fn home(home: &Home) -> Check {
    let path = home.path();
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
pub fn space(home: &Home) -> Check {
    let (name, path) = ("disk_space", home.path());
    match rustix::fs::statvfs(path) {
        Ok(stat) => judge_space(
            stat.f_bavail.saturating_mul(stat.f_frsize),
            (stat.f_files > 0).then_some(stat.f_favail),
        ),
        Err(error) => Check::fail(
            name,
            format!("cannot ask for the room at {}: {error}", path.display()),
            "check the disk",
        ),
    }
}

/// What so many free bytes and inodes mean; a file system without inodes has none to count.
pub fn judge_space(bytes: u64, inodes: Option<u64>) -> Check {
    let (name, free) = ("disk_space", format!("{} MiB free", bytes >> 20));
    let next = "free space or move the home to a larger disk; everything final is kept, and a full disk stops the node";
    match inodes {
        Some(inodes) if inodes < LEAST_INODES => Check::fail(
            name,
            format!("{free}, but only {inodes} more files can be made"),
            "remove small files on this disk",
        ),
        _ if bytes < LEAST_BYTES => Check::fail(name, free, next),
        _ if bytes < LOW_BYTES => Check::warn(name, free, next),
        _ => Check::ok(name, free),
    }
}

/// The middle one of some synced writes.
pub fn speed(home: &Home) -> Check {
    let timed: io::Result<Vec<Duration>> = (0..WRITES).map(|_| probe(home.path(), &[0x5a; 4_096])).collect();
    match timed {
        Ok(mut times) => {
            times.sort();
            judge_speed(times.get(WRITES / 2).copied().unwrap_or_default())
        }
        Err(error) => Check::fail(
            "disk_speed",
            format!("a synced write fails: {error}"),
            "free space or replace the disk",
        ),
    }
}

/// What the middle synced write says.
pub fn judge_speed(middle: Duration) -> Check {
    let detail = format!("a synced write of 4 KiB takes {:.1} ms", middle.as_secs_f64() * 1_000.0);
    let next = "put the home on a local SSD: every block is synced before it counts";
    match middle {
        slow if slow >= TOO_SLOW => Check::fail("disk_speed", detail, next),
        slow if slow >= SLOW => Check::warn("disk_speed", detail, next),
        _ => Check::ok("disk_speed", detail),
    }
}

/// How many files this process may open.
pub fn open_files(connections: usize) -> Check {
    judge_open_files(open_files_limit(), connections as u64)
}

/// Whether so many open files serve so many connections.
pub fn judge_open_files(files: u64, connections: u64) -> Check {
    let wanted = connections.saturating_add(OWN_FILES);
    let detail = format!("{files} files may be open, {connections} connections are allowed");
    let next = "raise the limit (LimitNOFILE= of the service, or ulimit -n), or lower api.max_connections";
    if files < OWN_FILES {
        Check::fail("open_files", detail, next)
    } else if files < wanted {
        Check::warn("open_files", detail, next)
    } else {
        Check::ok("open_files", detail)
    }
}
