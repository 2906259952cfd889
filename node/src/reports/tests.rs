use std::collections::BTreeSet;
use std::path::PathBuf;

use aula_ledger::types::Height;
use aula_report::paper::Language;

use super::district::{self, Against, Wanted};
use super::folder::{self, Made};
use super::past::Chain;
use super::{schedule, state, transparency, verify};
use crate::config::{Config, ReportKind, ScheduledReport};
use crate::home::Home;
use crate::testkit::DevChain;
use crate::testkit::round::{decided, handle};

type Tested = Result<(), Box<dyn std::error::Error>>;

fn failed(failure: impl Into<crate::terminal::Failure>) -> Box<dyn std::error::Error> {
    let failure = failure.into();
    format!("{}: {}", failure.code, failure.message).into()
}

fn chain_of(dev: &DevChain) -> Chain {
    Chain::of_view(dev.db.latest())
}

fn wanted(height: Height) -> Wanted<'static> {
    Wanted {
        height,
        district: Some(1),
        languages: &Language::ALL,
        link: "http://127.0.0.1:8480",
        against: Against::ANYTHING,
    }
}

/// Every file of every report.
fn all(chain: &Chain, height: Height) -> Result<Vec<Made>, Box<dyn std::error::Error>> {
    let mut files = district::make(chain, &wanted(height)).map_err(failed)?.files;
    files.extend(state::whole(chain, height).map_err(failed)?);
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
    folder::fill(&folder, &state::whole(&chain, dev.db.latest().tip().height).map_err(failed)?)
        .map_err(failed)?;
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
        Some("nothing.csv is no file of such an export")
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

const DAY_MS: u64 = 86_400_000;

fn scheduled(outbox: PathBuf) -> Config {
    let mut config = Config::default();
    config.reports.outbox = Some(outbox);
    config.reports.time_zone = "America/Chicago".into();
    let nightly = |name: &str, kind| ScheduledReport {
        name: name.to_owned(),
        kind,
        every: Some(crate::config::ReportEvery::Day),
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
    let look = || schedule::look(&dev.home, &config, &chain_of(&dev)).map_err(failed);
    assert!(look()?.reports.is_empty(), "a schedule counts from when it is first seen");
    // Three days pass while nobody looks.
    for _ in 0..3 {
        dev.block_after(DAY_MS, &[], |_| {}).map_err(failed)?;
    }
    let looked = look()?;
    let dates: Vec<&str> = looked.reports.iter().map(|one| one.date.as_str()).collect();
    assert_eq!(dates, ["1970-01-01", "1970-01-02", "1970-01-03"]);
    assert!(looked.reports.iter().all(|one| one.delivered));
    let heights: BTreeSet<u64> = looked.reports.iter().map(|one| one.height).collect();
    assert_eq!(heights.len(), 3, "each of the last block before its moment");
    assert!(look()?.reports.is_empty(), "once");
    // Another node with the same outbox, and this one with an outbox of its own: the same bytes.
    let other = Home::at(above.path().join("other"));
    assert!(schedule::look(&other, &config, &chain_of(&dev)).map_err(failed)?.reports.is_empty());
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
    crate::storage::snapshots::create(&dev.db.latest(), &snapshots)?;
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

#[test]
fn a_nightly_report_compares_with_the_figures_that_were_kept_a_week_before() -> Tested {
    let dev = decided()?;
    let above = tempfile::tempdir()?;
    let mut config = scheduled(above.path().join("outbox"));
    config.report[0].kind = ReportKind::District;
    config.report[0].district = Some(1);
    let report =
        |date: &str| std::fs::read(above.path().join("outbox/state").join(date).join("district-01.en.html"));
    assert!(schedule::look(&dev.home, &config, &chain_of(&dev)).map_err(failed)?.reports.is_empty());
    for _ in 0..9 {
        dev.block_after(DAY_MS, &[], |_| {}).map_err(failed)?;
        schedule::look(&dev.home, &config, &chain_of(&dev)).map_err(failed)?;
    }
    let kept = || -> Result<Vec<PathBuf>, Box<dyn std::error::Error>> {
        let mut all = std::fs::read_dir(dev.home.figures_dir())?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>, std::io::Error>>()?;
        // Names of one length: milliseconds of one decade.
        all.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
        Ok(all)
    };
    assert_eq!(kept()?.len(), 9, "a moment a night");
    let text = |date: &str| Ok::<_, std::io::Error>(String::from_utf8_lossy(&report(date)?).into_owned());
    assert!(text("1970-01-03")?.contains("No week before to compare with"));
    assert!(!text("1970-01-09")?.contains("No week before to compare with"));
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
