//! `aula bench replicas`: a school's replica and its district level over HTTP on loopback, after being apart.
//!
//! Two measurements. Difference: both hold many events; the school hears some more, and what a levelling costs is told beside how many
//! that were. An hour: a district and two replicas of a school, 40 students, an event a second heard by each for an hour, every
//! fiftieth a correction; then the replicas level, one after the other and the first again, until all three have one root. Times are of
//! whole levellings: comparing, sending, sealed and synced writes on both sides; folding the states, which both sides then compare, is
//! counted apart. Bytes are of bodies. Absent: the network's own delays.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use aula_connect::door::Door;
use aula_connect::replica::asking::{Levelled, Replica, make};
use aula_connect::replica::clients;
use aula_connect::replica::district::District;
use aula_connect::replica::entering::Entering;
use aula_connect::replica::served::{Served, router};
use aula_district::enter::{Entering as Message, Entry, enter, source_of};
use aula_district::origin;
use aula_home::clock::now_ms;
use aula_home::{Advise, Failure};
use aula_ledger::types::{AccountId, DistrictId, Handle, Hash, SchoolYear, TimeMs};
use aula_twin_runtime::clock::Stamp;
use aula_twin_runtime::event::{Correctness, EventBody, ItemId, SkillId, SkillSet};
use aula_twin_runtime::model::Model;
use aula_twin_runtime::params::Params;
use aula_vault::imports::{ImportNote, StudentWrite};
use aula_vault::roster::RosterEntry;
use aula_vault::{Folders, Identity, LocalId, Vault};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::{Figures, Folder};

const HINT: &str = "run it again; see the space of TMPDIR";
const GENESIS: [u8; 32] = [7; 32];
const SCHOOL: u32 = 11;
/// Students, and seconds, of the hour apart.
const HOUR: (u32, u64) = (40, 3_600);
/// How many events a school hears between two levellings.
const DIFFERENCES: [u64; 5] = [0, 1, 10, 100, 1_000];
/// Events that enter in one synced batch.
const BATCH: usize = 4_000;

/// Arguments of `aula bench replicas`.
#[derive(Debug, Args)]
pub struct ReplicasArgs {
    /// Events that both hold before they differ
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub events: u64,
    /// Students of the school
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub students: u32,
}

/// Measures.
///
/// # Errors
/// A vault that cannot be written, a side that does not answer, sides that stay apart.
pub async fn run(args: &ReplicasArgs, tell: &impl Fn(String)) -> Result<Figures, Failure> {
    tell(format!("{} events of {} students on both sides", args.events, args.students));
    let differences = differences(args).await?;
    tell("three replicas apart for an hour".into());
    let hour = hour().await?;
    let mut text: Vec<String> = differences
        .iter()
        .map(|row| {
            format!(
                "{:>6} events apart: {:>8} bytes, {:>2} questions, {:>7.1} ms",
                row.events, row.bytes, row.requests, row.ms
            )
        })
        .collect();
    text.push(format!(
        "an hour apart, three replicas, {} events: level in {:.1} ms, {} bytes",
        hour.events, hour.ms, hour.bytes
    ));
    let json =
        json!({ "events": args.events, "students": args.students, "differences": differences, "hour": hour });
    Ok(Figures { json, text: text.join("\n"), within: true })
}

/// A levelling of two sides that differ.
#[derive(Debug, Serialize)]
struct Difference {
    /// Events that one of them lacked.
    events: u64,
    sent: u64,
    /// Of bodies, in both directions.
    bytes: u64,
    requests: u64,
    ms: f64,
}

/// Three replicas that were apart.
#[derive(Debug, Serialize)]
struct Hour {
    /// All that each has in the end.
    events: u64,
    /// Of bodies, in both directions, over all levellings.
    bytes: u64,
    /// From the first question until all three are level.
    ms: f64,
    same_states: Option<bool>,
    /// One levelling more, in which both sides fold all states and compare them.
    states_ms: f64,
}

/// One vault.
struct Side {
    vault: Arc<Vault>,
    handles: Vec<Handle>,
}

impl Side {
    fn entering(&self) -> Entering {
        let door: Arc<dyn Door> = Arc::new(self.vault.clone());
        Entering::new(door, None)
    }

    /// Hears messages of a feed, numbered.
    fn hear(&self, feed: &str, numbers: std::ops::Range<u64>) -> Result<(), Failure> {
        let source = source_of(feed);
        let mut keys = self.vault.feed_keys().advise("the vault refuses", HINT)?;
        let now = now_ms();
        let mut batch = Vec::with_capacity(BATCH);
        let last = numbers.end;
        for number in numbers {
            let name = format!("{feed}-{number}");
            let handle = self
                .handles
                .get((number % self.handles.len() as u64) as usize)
                .copied()
                .unwrap_or(Handle([0; 32]));
            let amended = number.checked_sub(self.handles.len() as u64).filter(|_| number % 50 == 49);
            let what = match amended.filter(|earlier| earlier % 50 != 49) {
                Some(earlier) => {
                    Entry::Amended { of: format!("{feed}-{earlier}"), instead: Some(body(number + 1)?) }
                }
                None => Entry::Happened { handle, body: body(number)? },
            };
            let at = Stamp::new(now.saturating_sub(3_600_000).saturating_add(number % 3_600 * 1_000), 0);
            batch.push(Message {
                source,
                origin: origin::encode(&name, now, feed, "bench", 1),
                name: name.into(),
                at: at.advise("a moment is refused", HINT)?,
                received_ms: now,
                what,
            });
            if batch.len() == BATCH || number + 1 == last {
                let group = std::mem::take(&mut batch);
                enter(&self.vault, &mut keys, group, |_| Vec::new()).advise("the vault refuses", HINT)?;
            }
        }
        Ok(())
    }
}

fn body(number: u64) -> Result<EventBody, Failure> {
    let skills = SkillSet::new(vec![SkillId((number % 847) as u16)]).advise("a skill is refused", HINT)?;
    let correctness = if number.is_multiple_of(3) { Correctness::Incorrect } else { Correctness::Correct };
    Ok(EventBody::Response { item: ItemId((number % 5_000) as u32), skills, correctness, duration_ms: 8_000 })
}

/// A district with these students at one school, served; its address.
async fn district(root: &Path, students: u32) -> Result<(Side, String), Failure> {
    let identity = Identity {
        district: DistrictId(7),
        chain_id: "bench-00000000".into(),
        genesis: Hash(GENESIS),
        account: AccountId([1; 20]),
    };
    let vault = Vault::create(&folders(&root.join("district")), &identity, now_ms())
        .advise("the vault refuses", HINT)?;
    let year = SchoolYear::at(TimeMs(now_ms()));
    let names: Vec<String> = (0..students).map(|n| format!("S-{n}")).collect();
    let asked: Vec<_> = names.iter().filter_map(|name| Some((LocalId::new(name)?, year))).collect();
    let handles = vault.enrol(&asked).advise("the vault refuses", HINT)?;
    let place = |name: &String| RosterEntry {
        local_id: name.clone(),
        school: Some(SCHOOL),
        local_school: SCHOOL.to_string(),
        enrolled: true,
        modified_ms: 0,
    };
    let writes: Vec<StudentWrite> = names
        .iter()
        .zip(&handles)
        .map(|(name, handle)| StudentWrite {
            handle: *handle,
            roster: Some(place(name)),
            fields: Vec::new(),
            ties: Vec::new(),
            events: Vec::new(),
        })
        .collect();
    let note = ImportNote {
        import: 0,
        at_ms: now_ms(),
        school_year: year,
        format: "csv".into(),
        rows: u64::from(students),
        students: u64::from(students),
        undone_ms: None,
    };
    vault.import(&note, &Default::default(), &writes).advise("the vault refuses", HINT)?;
    let side = Side { vault: Arc::new(vault), handles };
    let file = root.join("replicas.toml");
    let hash = hex::encode(aula_lrs::clients::Client::hash(b"bench"));
    let line = |name: &str| {
        format!(
            "[[replica]]\nname = \"{name}\"\nsecret_sha256 = \"{hash}\"\nschools = [{SCHOOL}]\nfeeds = [\"{name}\"]\n"
        )
    };
    std::fs::write(&file, [line("one"), line("two")].concat()).advise("the folder refuses", HINT)?;
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))
        .advise("the folder refuses", HINT)?;
    let known = clients::read(&file).advise("the replicas are refused", HINT)?;
    let parameters: aula_connect::replica::served::Parameters =
        Arc::new(|| Ok(([0; 32], Params::reference(Model::unfitted()))));
    let served = Arc::new(Served::new(side.entering(), known, parameters, now_ms));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.advise("there is no socket", HINT)?;
    let url = format!("http://{}", socket.local_addr().advise("there is no socket", HINT)?);
    tokio::spawn(async move { axum::serve(socket, router(served)).await });
    Ok((side, url))
}

fn folders(root: &Path) -> Folders {
    Folders { data: root.join("vault"), keystore: root.join("keystore") }
}

/// A replica, level with its district, and how it speaks to it.
async fn school(root: &Path, url: &str, name: &str) -> Result<(Side, Replica, District), Failure> {
    let speaking =
        District::with(url, (name.into(), "bench".into()), None).advise("there is no client", HINT)?;
    let own = folders(&root.join(name));
    make(&speaking, &own, (GENESIS, now_ms())).await.advise("no replica was made", HINT)?;
    let vault = Arc::new(Vault::open(&own).advise("the vault refuses", HINT)?);
    let mut side = Side { vault, handles: Vec::new() };
    let mut replica = Replica::new(side.entering(), Vec::new());
    level(&mut replica, &speaking).await?;
    let year = SchoolYear::at(TimeMs(now_ms()));
    // In the district's order, which is that of the numbers.
    let mut all = side.vault.roster(year).advise("the vault refuses", HINT)?;
    all.sort_by_key(|(_, place)| place.local_id.get(2..).and_then(|n| n.parse::<u32>().ok()));
    side.handles = all.into_iter().map(|(handle, _)| handle).collect();
    Ok((side, replica, speaking))
}

async fn level(replica: &mut Replica, speaking: &District) -> Result<(Levelled, f64), Failure> {
    let begun = Instant::now();
    let did = replica.level(speaking, (GENESIS, now_ms()), None).await.advise("a levelling was cut", HINT)?;
    let ms = begun.elapsed().as_secs_f64() * 1_000.0;
    match did.level {
        true => Ok((did, ms)),
        false => Err(Failure::because("the sides stay apart", HINT)),
    }
}

async fn differences(args: &ReplicasArgs) -> Result<Vec<Difference>, Failure> {
    let folder = Folder::temporary()?;
    let (own, url) = district(folder.path(), args.students).await?;
    own.hear("central", 0..args.events)?;
    let (side, mut replica, speaking) = school(folder.path(), &url, "one").await?;
    let (mut rows, mut from) = (Vec::new(), 0);
    for events in DIFFERENCES {
        side.hear("one", from..from + events)?;
        from += events;
        let (did, ms) = level(&mut replica, &speaking).await?;
        let bytes = did.bytes_sent + did.bytes_received;
        rows.push(Difference { events, sent: did.sent, bytes, requests: did.requests, ms });
    }
    Ok(rows)
}

async fn hour() -> Result<Hour, Failure> {
    let folder = Folder::temporary()?;
    let (own, url) = district(folder.path(), HOUR.0).await?;
    let (one, mut first, speaks_first) = school(folder.path(), &url, "one").await?;
    let (two, mut second, speaks_second) = school(folder.path(), &url, "two").await?;
    own.hear("central", 0..HOUR.1)?;
    one.hear("one", 0..HOUR.1)?;
    two.hear("two", 0..HOUR.1)?;
    let (a, ms_a) = level(&mut first, &speaks_first).await?;
    let (b, ms_b) = level(&mut second, &speaks_second).await?;
    let (c, ms_c) = level(&mut first, &speaks_first).await?;
    if b.root != c.root {
        return Err(Failure::because("the replicas stay apart", HINT));
    }
    let bytes: u64 = [&a, &b, &c].iter().map(|did| did.bytes_sent + did.bytes_received).sum();
    let begun = Instant::now();
    let check = Some(([0; 32], Params::reference(Model::unfitted())));
    let checked =
        first.level(&speaks_first, (GENESIS, now_ms()), check).await.advise("a levelling was cut", HINT)?;
    Ok(Hour {
        events: c.events,
        bytes,
        ms: ms_a + ms_b + ms_c,
        same_states: checked.same_states,
        states_ms: begun.elapsed().as_secs_f64() * 1_000.0,
    })
}
