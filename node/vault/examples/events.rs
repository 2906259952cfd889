//! Events into the vault, durable, from one thread: prints one line of JSON.
//!
//! `cargo run --release -p aula-vault --example events -- 1000000 4096`
//!
//! Arguments: events in all, events a synced batch. 1,000 students in turn, events of 96 bytes, in a folder under the
//! working directory, since a temporary folder may lie in memory. CPU time is the whole process's, RocksDB's own
//! threads included; `fsyncs_s` is what the disk allows on its own.

use std::io::Write;
use std::time::Instant;

use aula_ledger::types::{AccountId, DistrictId, Handle, SchoolYear};
use aula_vault::vault::EventIn;
use aula_vault::{Folders, Identity, LocalId, Vault};

const STUDENTS: u32 = 1_000;
const EVENT_BYTES: usize = 96;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let events = args.next().transpose()?.unwrap_or(1_000_000);
    let batch = args.next().transpose()?.unwrap_or(4_096).max(1);
    let root = tempfile::tempdir_in(".")?;
    let folders = Folders::below(root.path());
    let identity = Identity {
        district: DistrictId(7),
        chain_id: "bench-00000000".into(),
        genesis: aula_ledger::types::Hash([0; 32]),
        account: AccountId([0; 20]),
    };
    let vault = Vault::create(&folders, &identity, 1_780_000_000_000)?;
    let ids: Option<Vec<LocalId>> = (0..STUDENTS).map(|n| LocalId::new(&format!("S-{n}"))).collect();
    let asked: Vec<_> = ids.ok_or("identifiers")?.into_iter().map(|id| (id, SchoolYear(2025))).collect();
    let handles = vault.enrol(&asked)?;
    let fsync_s = fsync_seconds(root.path())?;
    let (start, cpu) = (Instant::now(), cpu_ms()?);
    let (mut done, mut slowest_ms) = (0usize, 0.0f64);
    let body = [0x5a; EVENT_BYTES];
    while done < events {
        let count = batch.min(events - done);
        let keys: Vec<[u8; 8]> = (done..done + count).map(|n| (n as u64).to_be_bytes()).collect();
        let of =
            |(n, key): (usize, &'_ [u8; 8])| -> Handle { handles[(n + usize::from(key[7])) % handles.len()] };
        let list: Vec<EventIn<'_>> = (done..done + count)
            .zip(&keys)
            .map(|(n, key)| EventIn { handle: of((n, key)), key, event: &body })
            .collect();
        let one = Instant::now();
        vault.put_events(&list)?;
        slowest_ms = slowest_ms.max(one.elapsed().as_secs_f64() * 1_000.0);
        done += count;
    }
    let seconds = start.elapsed().as_secs_f64();
    let cpu_ms = cpu_ms()?.saturating_sub(cpu);
    let line = serde_json::json!({
        "events": done, "batch": batch, "event_bytes": EVENT_BYTES,
        "events_per_s": (done as f64 / seconds) as u64,
        "events_per_cpu_s": (done as f64 * 1_000.0 / cpu_ms.max(1) as f64) as u64,
        "slowest_batch_ms": (slowest_ms * 10.0).round() / 10.0,
        "fsyncs_s": (1.0 / fsync_s) as u64,
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// How long one append of 4 KiB and its sync take, the mean of 50.
fn fsync_seconds(folder: &std::path::Path) -> std::io::Result<f64> {
    let mut file = std::fs::File::create(folder.join("fsync"))?;
    let start = Instant::now();
    for _ in 0..50 {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
    }
    Ok(start.elapsed().as_secs_f64() / 50.0)
}

/// User and system time of the process, in milliseconds (`/proc/self/stat`, 100 ticks a second).
fn cpu_ms() -> Result<u64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit_once(')').ok_or("the process's name")?.1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks =
        fields.get(11).ok_or("user")?.parse::<u64>()? + fields.get(12).ok_or("system")?.parse::<u64>()?;
    Ok(ticks * 10)
}
