use std::collections::BTreeSet;
use std::path::PathBuf;

use aula_ledger::types::Height;
use aula_report::paper::Language;

use super::district::{self, Against, Wanted};
use super::folder::{self, FileLine, Filling, Made, Out};
use super::outbox::Outbox;
use super::past::Chain;
use super::{schedule, state, transparency, verify, ways};
use aula_home::config::{Config, ReportEvery, ReportKind, ScheduledReport};
use aula_home::{Failure, Home};
use aula_kit::round::{decided, handle};
use aula_kit::{DevChain, Tested, failed, private_file};
use aula_twin_runtime::clock::DAY_MS;

fn chain_of(dev: &DevChain) -> Chain {
    Chain::of_view(dev.db.latest())
}

fn wanted(height: Height) -> Wanted<'static> {
    Wanted {
        height,
        district: Some(1),
        languages: &Language::ALL,
        link: "http://127.0.0.1:8480",
        against: Against::NOTHING,
    }
}

/// Files that are held, for what looks into them.
struct Held(Vec<Made>);

impl Out for Held {
    fn file(&mut self, name: &str, fill: Filling<'_>) -> Result<FileLine, Failure> {
        let mut bytes = Vec::new();
        fill(&mut bytes)?;
        self.0.push(Made::new(name, bytes));
        Ok(self.0.last().map(Made::line).unwrap_or_else(|| Made::new(name, "").line()))
    }
}

fn export(chain: &Chain, height: Height) -> Result<Vec<Made>, Box<dyn std::error::Error>> {
    let mut held = Held(Vec::new());
    state::whole(chain, height, &mut held).map_err(failed)?;
    Ok(held.0)
}

/// Every file of every report.
fn all(chain: &Chain, height: Height) -> Result<Vec<Made>, Box<dyn std::error::Error>> {
    let mut files = district::make(chain, &wanted(height)).map_err(failed)?.files;
    files.extend(export(chain, height)?);
    files.extend(transparency::make(chain, height, &Language::ALL, "").map_err(failed)?.files);
    Ok(files)
}

#[test]
fn a_height_gives_the_same_bytes_as_the_newest_and_as_a_past_one() -> Tested {
    let dev = decided()?;
    let height = dev.db.latest().tip().height;
    let newest = all(&chain_of(&dev), height)?;
    for _ in 0..3 {
        dev.block(&[]).map_err(failed)?;
    }
    let past = all(&chain_of(&dev), height)?;
    let names = |files: &[Made]| files.iter().map(|file| file.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&newest), names(&past));
    for (one, other) in newest.iter().zip(&past) {
        assert!(one.bytes == other.bytes, "{} differs between the stored and the executed state", one.name);
    }
    assert!(newest.iter().any(|file| file.name == "AllocationByAgency.parquet"));
    Ok(())
}

#[test]
fn no_file_holds_a_handle_or_a_small_count() -> Tested {
    let dev = decided()?;
    let files = all(&chain_of(&dev), dev.db.latest().tip().height)?;
    // The ninth student's handle is the model's digest here, which is public.
    let handles: BTreeSet<_> = (1..=24).filter(|number| *number != 9).map(handle).collect();
    for file in &files {
        let text = String::from_utf8_lossy(&file.bytes);
        for handle in &handles {
            assert!(!text.contains(&handle.to_string()), "{} names a student", file.name);
            let raw = file.bytes.windows(32).any(|window| window == handle.0);
            // A font or a compressed stream has no run of 32 equal bytes but zeros, which no handle of these is.
            assert!(!raw, "{} holds a handle's bytes", file.name);
        }
    }
    // 24 asked, 15 have a place, 9 wait: the counts are withheld, and so are the shares.
    let page = files.iter().find(|file| file.name == "district-01.en.html").ok_or("no page")?;
    let page = String::from_utf8_lossy(&page.bytes);
    assert!(page.contains("0\u{2013}24"), "a range of what is published");
    assert!(!page.contains(">9 ") && !page.contains("62.5%"), "nine wait, fifteen of 24 are placed");
    Ok(())
}

#[test]
fn an_export_verifies_until_a_byte_of_it_changes() -> Tested {
    let dev = decided()?;
    let chain = chain_of(&dev);
    let above = tempfile::tempdir()?;
    let folder = above.path().join("out");
    folder::empty(&folder).map_err(failed)?;
    let height = dev.db.latest().tip().height;
    let lines = folder::filling(&folder, |out| state::whole(&chain, height, out)).map_err(failed)?;
    let held = export(&chain, height)?;
    assert_eq!(lines, held.iter().map(Made::line).collect::<Vec<_>>());
    for file in &held {
        assert!(std::fs::read(folder.join(&file.name))? == file.bytes, "{} is as it was made", file.name);
    }
    assert_eq!(std::fs::read_dir(&folder)?.count(), held.len(), "nothing aside is left");
    let judge = |name: &str| verify::judge(&chain, &folder.join(name)).map_err(failed);
    for name in ["", "manifest.json", "Budget.csv", "School.parquet"] {
        let judged = judge(name)?;
        assert!(judged.verified, "{name}: {:?}", judged.differs);
    }
    let budget = folder.join("Budget.csv");
    let text = std::fs::read_to_string(&budget)?;
    assert!(text.contains("100000"));
    std::fs::write(&budget, text.replace("100000", "100001"))?;
    assert_eq!(judge("")?.differs, ["Budget.csv is not what the chain gives"]);
    for other in [format!("{text}\n"), text[..text.len() - 1].to_owned(), String::new()] {
        std::fs::write(&budget, other)?;
        assert_eq!(judge("")?.differs, ["Budget.csv is not what the chain gives"], "longer, shorter, empty");
    }
    assert!(!judge("Budget.csv")?.verified && judge("School.csv")?.verified);
    std::fs::remove_file(&budget)?;
    assert_eq!(judge("manifest.json")?.differs, ["Budget.csv is missing"]);
    let manifest = folder.join("manifest.json");
    let text = std::fs::read_to_string(&manifest)?;
    let root =
        dev.db.latest().header(dev.db.latest().tip().height)?.ok_or("no header")?.state_root.to_string();
    std::fs::write(&manifest, text.replace(&root, &"0".repeat(64)))?;
    assert!(judge("School.csv")?.differs.iter().any(|line| line.contains("state_root")));
    assert_eq!(
        judge("nothing.csv")?.differs.last().map(String::as_str),
        Some("nothing.csv is not a file of such an export")
    );
    std::fs::write(&manifest, "{}")?;
    assert!(judge("").is_err_and(|error| error.to_string().starts_with("no_manifest")));
    Ok(())
}

#[test]
fn heights_homes_and_districts_that_are_not_there_are_said_to_be_so() -> Tested {
    let dev = decided()?;
    let chain = chain_of(&dev);
    let tip = dev.db.latest().tip().height;
    let code = |height: u64| chain.header(height).map(|_| ()).map_err(|failure| failure.code);
    assert_eq!(code(0), Err("unknown_height".to_owned()));
    assert_eq!(code(tip.0 + 1), Err("future_height".to_owned()));
    assert_eq!(code(tip.0), Ok(()));
    let strange = Wanted { district: Some(77), ..wanted(tip) };
    assert_eq!(
        district::make(&chain, &strange).map(|_| ()).map_err(|f| f.code),
        Err("unknown_district".to_owned())
    );
    let empty = tempfile::tempdir()?;
    let home = Home::at(empty.path().to_owned());
    assert_eq!(Chain::of_home(&home).map(|_| ()).map_err(|f| f.code), Err("no_chain".to_owned()));
    Ok(())
}

/// A look at which everything is done.
fn looked(
    home: &Home,
    config: &Config,
    chain: &Chain,
) -> Result<schedule::Looked, Box<dyn std::error::Error>> {
    let looked = ways::look(home, config, chain).map_err(failed)?;
    if looked.is_whole() { Ok(looked) } else { Err(format!("{looked:?}").into()) }
}

fn scheduled(outbox: PathBuf) -> Config {
    let mut config = Config::default();
    config.reports.outbox = Some(outbox);
    config.reports.time_zone = "America/Chicago".into();
    let nightly = |name: &str, kind| ScheduledReport {
        name: name.to_owned(),
        kind,
        every: Some(ReportEvery::Day),
        at: "03:00".into(),
        district: None,
        keep_years: None,
        deliver: Vec::new(),
    };
    config.report = vec![nightly("state", ReportKind::State)];
    config
}

#[test]
fn each_date_is_made_once_whatever_a_second_node_does_and_missed_ones_are_caught_up() -> Tested {
    let dev = decided()?;
    let above = tempfile::tempdir()?;
    let config = scheduled(above.path().join("outbox"));
    let look = || looked(&dev.home, &config, &chain_of(&dev));
    assert!(look()?.reports.is_empty(), "a schedule counts from when it is first seen");
    // Three days pass while nobody looks.
    for _ in 0..3 {
        dev.block_after(DAY_MS, &[], |_| {}).map_err(failed)?;
    }
    let late = look()?;
    let dates: Vec<&str> = late.reports.iter().map(|one| one.date.as_str()).collect();
    assert_eq!(dates, ["1970-01-01", "1970-01-02", "1970-01-03"]);
    assert!(late.reports.iter().all(|one| one.delivered));
    let heights: BTreeSet<u64> = late.reports.iter().map(|one| one.height).collect();
    assert_eq!(heights.len(), 3, "each of the last block before its moment");
    assert!(look()?.reports.is_empty(), "once");
    // Another node with the same outbox, and this one with an outbox of its own: the same bytes.
    let other = Home::at(above.path().join("other"));
    assert!(looked(&other, &config, &chain_of(&dev))?.reports.is_empty());
    let manifest = above.path().join("outbox/state/1970-01-02/manifest.json");
    let judged = verify::judge(&chain_of(&dev), &manifest).map_err(failed)?;
    assert!(judged.verified, "{:?}", judged.differs);
    Ok(())
}

#[test]
fn a_past_height_is_executed_from_the_nearest_state_that_is_held() -> Tested {
    let dev = decided()?;
    let above = tempfile::tempdir()?;
    let snapshots = above.path().join("snapshots");
    let early = dev.db.latest().tip().height;
    aula_store::snapshots::create(&dev.db.latest(), &snapshots)?;
    dev.block(&[]).map_err(failed)?;
    dev.block(&[]).map_err(failed)?;
    let held = dev.db.latest();
    dev.block(&[]).map_err(failed)?;
    let height = dev.db.latest().tip().height;
    dev.block(&[]).map_err(failed)?;
    let far = |chain: &Chain| chain.distance(height).map_err(failed);
    let whole = chain_of(&dev);
    let from_snapshot = chain_of(&dev).with(snapshots.clone(), None);
    let from_view = chain_of(&dev).with(snapshots.clone(), Some(held));
    assert_eq!(far(&whole)?, Some(height.0));
    assert_eq!(far(&from_snapshot)?, Some(height.0 - early.0));
    assert_eq!(far(&from_view)?, Some(1));
    let expected = all(&whole, height)?;
    for chain in [&from_snapshot, &from_view] {
        assert!(all(chain, height)? == expected, "another state than the genesis gives");
        assert!(all(chain, early)? == all(&whole, early)?);
    }
    // A damaged snapshot is passed over.
    let chunk = std::fs::read_dir(&snapshots)?.next().ok_or("no snapshot")??.path().join("chunk-000000");
    let mut bytes = std::fs::read(&chunk)?;
    bytes[10] ^= 1;
    std::fs::write(&chunk, bytes)?;
    assert!(all(&from_snapshot, height)? == expected);
    Ok(())
}

/// One report of district 1, each night.
fn nightly(outbox: PathBuf) -> Config {
    let mut config = scheduled(outbox);
    config.report[0].kind = ReportKind::District;
    config.report[0].district = Some(1);
    config
}

/// The same each month.
fn monthly(outbox: PathBuf) -> Config {
    let mut config = nightly(outbox);
    config.report[0].every = Some(ReportEvery::Month);
    config
}

/// With which moment the monthly report of the first of February compares: the 25th of January, on which none is due. 9:00 UTC is 3:00 in
/// Chicago.
const COMPARED_MS: u64 = 24 * DAY_MS + 9 * 3_600_000;

/// A place for notes that is a file beside the report.
const BOARD: &str =
    "[[delivery]]\nname = 'board'\nkind = 'mail'\nfrom = 'a@example.org'\nto = ['b@example.org']\n";

/// Its page of a date.
fn page(config: &Config, date: &str) -> Result<String, Box<dyn std::error::Error>> {
    let outbox = config.reports.outbox.clone().ok_or("no outbox")?;
    Ok(std::fs::read_to_string(outbox.join("state").join(date).join("district-01.en.html"))?)
}

/// Blocks until a moment: none may be later than its parent by more than a day.
fn until(dev: &DevChain, moment_ms: u64) -> Tested {
    loop {
        let left = moment_ms.checked_sub(dev.db.latest().tip().time_ms.0).ok_or("the chain is beyond it")?;
        dev.block_after(left.min(DAY_MS), &[], |_| {}).map_err(failed)?;
        if left <= DAY_MS {
            return Ok(());
        }
    }
}

/// The moments of which figures are kept, ascending.
fn kept(home: &Home) -> Result<Vec<PathBuf>, Box<dyn std::error::Error>> {
    let folder = home.figures_dir();
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut all = entries.collect::<Result<Vec<_>, std::io::Error>>()?;
    // Names of one length: milliseconds of one decade.
    all.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    Ok(all)
}

#[test]
fn a_nightly_report_compares_with_the_figures_that_were_kept_a_week_before() -> Tested {
    let dev = decided()?;
    let above = tempfile::tempdir()?;
    let config = nightly(above.path().join("outbox"));
    let night = || -> Tested {
        dev.block_after(DAY_MS, &[], |_| {}).map_err(failed)?;
        looked(&dev.home, &config, &chain_of(&dev)).map(|_| ())
    };
    assert!(looked(&dev.home, &config, &chain_of(&dev))?.reports.is_empty());
    for _ in 0..9 {
        night()?;
    }
    let held = kept(&dev.home)?;
    assert_eq!(held.len(), 9, "a moment a night");
    assert!(page(&config, "1970-01-03")?.contains("No week before to compare with"));
    assert!(!page(&config, "1970-01-09")?.contains("No week before to compare with"));
    // The tenth compares with the third: with what was kept then, not with what the chain says later.
    let charged = 98_765_432_100u64;
    let mut figures: serde_json::Value = serde_json::from_slice(&std::fs::read(&held[2])?)?;
    let money = figures["money"].as_array_mut().ok_or("no money in the figures")?;
    assert!(!money.is_empty());
    money.iter_mut().for_each(|year| year["charged_cents"] = charged.into());
    std::fs::write(&held[2], figures.to_string())?;
    night()?;
    let shown = aula_report::paper::number::money(charged, Language::En);
    assert!(page(&config, "1970-01-10")?.contains(&shown), "{shown} is not shown");
    assert!(!page(&config, "1970-01-09")?.contains(&shown));
    // A node of the same schedule that kept its own makes the others' bytes, and the chain's figures where these were changed.
    let other = Home::at(above.path().join("other"));
    let again = nightly(above.path().join("again"));
    std::fs::create_dir_all(above.path().join("again/state"))?;
    std::fs::copy(above.path().join("outbox/state/since"), above.path().join("again/state/since"))?;
    looked(&other, &again, &chain_of(&dev))?;
    assert_eq!(page(&config, "1970-01-09")?, page(&again, "1970-01-09")?);
    assert!(!page(&again, "1970-01-10")?.contains(&shown));
    Ok(())
}

#[test]
fn what_a_later_report_compares_with_is_kept_while_its_moment_passes() -> Tested {
    let dev = decided()?;
    let above = tempfile::tempdir()?;
    let config = monthly(above.path().join("outbox"));
    assert!(looked(&dev.home, &config, &chain_of(&dev))?.reports.is_empty());
    until(&dev, COMPARED_MS - 60_000)?;
    assert_eq!(looked(&dev.home, &config, &chain_of(&dev))?.reports.len(), 1, "that of the first of January");
    assert_eq!(kept(&dev.home)?.len(), 1);
    assert!(schedule::is_near(&config, dev.db.latest().tip().time_ms.0).map_err(failed)?);
    assert!(!schedule::is_near(&config, COMPARED_MS).map_err(failed)?);
    let held = dev.db.latest();
    until(&dev, COMPARED_MS + 1_000)?;
    assert!(looked(&dev.home, &config, &chain_of(&dev))?.reports.is_empty());
    assert_eq!(kept(&dev.home)?.len(), 1, "without a view of moments ago nothing is kept");
    let chain = || chain_of(&dev).with(dev.home.snapshots_dir(), Some(held.clone()));
    assert!(looked(&dev.home, &config, &chain())?.reports.is_empty());
    let paths = kept(&dev.home)?;
    assert_eq!(paths[1..], [dev.home.figures_dir().join(format!("{COMPARED_MS}-1.json"))]);
    // They are of the last block before the moment, which is no further away than blocks may be.
    let figures: serde_json::Value = serde_json::from_slice(&std::fs::read(&paths[1])?)?;
    assert_eq!(figures["source"]["height"], held.tip().height.0);
    assert_eq!(figures["source"]["time_ms"], COMPARED_MS - 60_000);
    // The report that is due then finds them, also where nothing else is to be had.
    until(&dev, 31 * DAY_MS + 10 * 3_600_000)?;
    looked(&dev.home, &config, &chain_of(&dev))?;
    assert!(!page(&config, "1970-02-01")?.contains("No week before to compare with"));
    Ok(())
}

#[test]
fn figures_that_cannot_be_kept_are_told_and_hold_up_no_delivery() -> Tested {
    let dev = decided()?;
    let above = tempfile::tempdir()?;
    let mut config = monthly(above.path().join("outbox"));
    config.report[0].deliver = vec!["board".into()];
    config.delivery = toml::from_str::<Config>(BOARD)?.delivery;
    looked(&dev.home, &config, &chain_of(&dev))?;
    until(&dev, COMPARED_MS - 60_000)?;
    assert_eq!(looked(&dev.home, &config, &chain_of(&dev))?.sent.len(), 1, "that of the first of January");
    let held = dev.db.latest();
    until(&dev, COMPARED_MS + 1_000)?;
    // Something waits for its place, and there is no folder for figures.
    let outbox = Outbox::open(&above.path().join("outbox"), "state").map_err(failed)?;
    outbox.deliver("1970-01-02", &[Made::new("manifest.json", "{}")]).map_err(failed)?;
    std::fs::remove_dir_all(dev.home.figures_dir())?;
    std::fs::write(dev.home.figures_dir(), "in the way")?;
    let chain = chain_of(&dev).with(dev.home.snapshots_dir(), Some(held));
    let looked = ways::look(&dev.home, &config, &chain).map_err(failed)?;
    assert!(looked.failed.len() == 1 && looked.failed[0].name == "figures", "{looked:?}");
    assert!(looked.sent.len() == 1 && looked.sent[0].error.is_none(), "{looked:?}");
    assert!(!looked.is_whole());
    Ok(())
}

#[test]
fn one_schedule_that_fails_holds_up_no_other() -> Tested {
    let dev = decided()?;
    let above = tempfile::tempdir()?;
    let mut config = scheduled(above.path().join("outbox"));
    config.delivery = toml::from_str::<Config>(BOARD)?.delivery;
    config.report[0].deliver = vec!["board".into()];
    let blocked = ScheduledReport { name: "blocked".into(), ..config.report[0].clone() };
    config.report.insert(0, blocked);
    looked(&dev.home, &config, &chain_of(&dev))?;
    std::fs::write(above.path().join("outbox/blocked/since"), "no moment")?;
    dev.block_after(DAY_MS, &[], |_| {}).map_err(failed)?;
    let looked = ways::look(&dev.home, &config, &chain_of(&dev)).map_err(failed)?;
    assert!(looked.failed.len() == 1 && looked.failed[0].name == "blocked", "{looked:?}");
    assert!(looked.reports.len() == 1 && looked.reports[0].name == "state", "{looked:?}");
    // Nor does one out of whose outbox nothing can be delivered.
    let lock = above.path().join("outbox/blocked/.deliver-board");
    std::fs::remove_file(&lock)?;
    std::fs::create_dir(&lock)?;
    dev.block_after(DAY_MS, &[], |_| {}).map_err(failed)?;
    let looked = ways::look(&dev.home, &config, &chain_of(&dev)).map_err(failed)?;
    assert_eq!(
        looked.failed.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        ["blocked", "deliveries"]
    );
    assert!(looked.sent.len() == 1 && looked.sent[0].error.is_none(), "{looked:?}");
    assert!(looked.sent[0].name == "state" && looked.sent[0].date == "1970-01-02", "{looked:?}");
    Ok(())
}

#[test]
fn a_command_compares_with_the_moments_of_the_schedule_over_a_change_of_clocks() -> Tested {
    let dev = decided()?;
    let above = tempfile::tempdir()?;
    let config = nightly(above.path().join("outbox"));
    // Clocks went forward in Chicago on 26 April 1970: 3:00 is 8:00 UTC on the 28th, and was 9:00 UTC on the 21st.
    let hours = |day: u64, hour: u64| day * DAY_MS + hour * 3_600_000;
    until(&dev, hours(117, 7))?;
    let height = dev.db.latest().tip().height;
    until(&dev, hours(117, 9))?;
    let compared = |config: &Config, height| {
        schedule::compared(config, &chain_of(&dev), height, Some(1)).map_err(failed)
    };
    // 365 days before is before 1970.
    assert_eq!(compared(&config, height)?, [Some(hours(110, 9)), None]);
    // Of another district's schedule, or of none, it is the block's own minute.
    let changes: [fn(&mut Config); 2] = [|one| one.report[0].district = Some(2), |one| one.report.clear()];
    for changed in changes {
        let mut config = config.clone();
        changed(&mut config);
        assert_eq!(compared(&config, height)?, [Some(hours(110, 8)), None]);
    }
    assert_eq!(compared(&config, dev.db.latest().tip().height)?, [Some(hours(110, 10)), None]);
    Ok(())
}

#[test]
fn a_report_over_its_years_is_gone_whatever_becomes_of_its_bucket_which_is_told() -> Tested {
    let dev = decided()?;
    let above = tempfile::tempdir()?;
    let mut config = scheduled(above.path().join("outbox"));
    let secret = above.path().join("secret");
    private_file(&secret, "a secret")?;
    // Nobody is there: it cannot be known whether what is put there can be deleted.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let place = format!(
        "[[delivery]]\nname = 'archive'\nkind = 'bucket'\nendpoint = 'http://{closed}'\nbucket = 'reports'\nkey_id = 'a'\n\
         secret_file = '{}'\n",
        secret.display()
    );
    config.delivery = toml::from_str::<Config>(&place)?.delivery;
    config.report[0].deliver = vec!["archive".into()];
    (config.report[0].every, config.report[0].keep_years) = (Some(ReportEvery::Month), Some(1));
    let look = || ways::look(&dev.home, &config, &chain_of(&dev)).map_err(failed);
    look()?;
    until(&dev, 40 * DAY_MS)?;
    let first = look()?;
    assert_eq!(
        first.reports.iter().map(|one| one.date.as_str()).collect::<Vec<_>>(),
        ["1970-01-01", "1970-02-01"]
    );
    let errors = |looked: &schedule::Looked| {
        looked.sent.iter().filter_map(|one| one.error.clone()).collect::<Vec<_>>()
    };
    let told = errors(&first);
    assert!(told.len() == 3 && told.iter().any(|why| why.contains("was not deleted")), "{told:?}");
    let folder = above.path().join("outbox/state");
    assert!(folder.join("1970-02-01/manifest.json").exists());
    until(&dev, 400 * DAY_MS)?;
    let later = look()?;
    assert_eq!(later.deleted, 2, "{later:?}");
    assert!(!folder.join("1970-02-01").exists() && !folder.join("1970-02-01.done").exists());
    assert!(folder.join("1970-03-01").exists() || later.reports.iter().any(|one| one.date == "1970-03-01"));
    // A bucket of which nothing can be known is told at each look, and nothing is said to be deleted there.
    assert!(errors(&later).iter().any(|why| why.contains("was not deleted")), "{later:?}");
    assert!(!folder.join(".purged-archive").exists() && !later.is_whole());
    Ok(())
}

#[test]
fn a_schedule_that_cannot_be_kept_is_refused_with_its_name() {
    let mut config = scheduled("/nowhere".into());
    config.reports.time_zone = "Mars/Olympus".into();
    let refused = schedule::check(&config).map(|_| ()).map_err(|f| (f.code, f.message));
    assert!(
        refused.is_err_and(|(code, message)| code == "bad_schedule" && message.contains("state: \"Mars"))
    );
}
